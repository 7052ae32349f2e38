"""A reference as manifest and arrays, and back."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from otel_mlsec.observation import Model
from otel_mlsec.reference import parts
from otel_mlsec.reference.column import Column
from otel_mlsec.reference.envelope import Raw, read, unsealed, write
from otel_mlsec.reference.fit import MAX_FEATURES
from otel_mlsec.reference.parts import array, raw
from otel_mlsec.reference.plain import ascending, check
from otel_mlsec.sketches.bins import MAX_LEVELS, N_BINS, Bins

if TYPE_CHECKING:
    from otel_mlsec.reference.reference import Reference

OF_BINS = {"edges": "<f8", "levels": "<f8", "level_bins": "|u1"}
OF_COLUMN = {"counts": "<i8", "values": "<f8"}
SIDES = ("inputs", "outputs")
MAX_VALUES = 64
MAX_COUNT = 1 << 40  # rows


def save(reference: Reference, path: Path, key: bytes | None) -> None:
    apart = ("model", *parts.TABLE, *SIDES)
    plain = {f.name: getattr(reference, f.name) for f in fields(reference) if f.name not in apart}
    arrays: dict[str, Raw] = {}
    for side in SIDES:
        columns: tuple[Column, ...] = getattr(reference, side)
        plain[side] = [
            {f.name: getattr(column, f.name) for f in fields(column) if f.name not in ("bins", *OF_COLUMN)} for column in columns
        ]
        for i, column in enumerate(columns):
            arrays |= {f"{side}.{i}.{name}": raw(getattr(column.bins, name), dtype) for name, dtype in OF_BINS.items()}
            arrays |= {f"{side}.{i}.{name}": raw(getattr(column, name), dtype) for name, dtype in OF_COLUMN.items()}
    for name in parts.TABLE:
        part = getattr(reference, name)
        if part is not None:
            plain[name], own = parts.written(name, part)
            arrays |= own
    model = {"name": reference.model.name, "version": reference.model.version}
    write(path, {"model": model, **plain}, arrays, key)


def load(cls: type[Reference], path: Path, key: bytes | None) -> Reference:
    return _made(cls, *read(path, key), str(path))


def parse(cls: type[Reference], whole: bytes, shown: str, key: bytes | None) -> Reference:
    return _made(cls, *unsealed(whole, shown, key), shown)


def _made(cls: type[Reference], manifest: dict[str, Any], raws: dict[str, Raw], path: str) -> Reference:
    try:
        listed = {side: manifest.pop(side) for side in SIDES}
        if any(len(columns) > MAX_FEATURES for columns in listed.values()):
            raise ValueError(f"a reference has at most {MAX_FEATURES} columns of inputs, and of answers")
        sides = {
            side: tuple(_column(plain, raws, f"{side}.{i}.") for i, plain in enumerate(columns))
            for side, columns in listed.items()
        }
        model, classes = manifest.pop("model"), tuple(manifest.pop("classes"))
        if not all(isinstance(text, str) for text in (*model.values(), *classes)):
            raise ValueError("names of the model and of classes must be text")
        own = {name: parts.read(name, manifest.pop(name), raws) for name in parts.TABLE if name in manifest}
        check(cls, manifest)
        if manifest["cycle_rows"] <= 0 or manifest["n_rows"] < 1:
            raise ValueError("a reference has at least one row and one cycle")
        reference = cls(model=Model(**model), classes=classes, **own, **sides, **manifest)
        for name, part in own.items():
            if not part.sound(reference):
                raise ValueError(f"its {name} has arrays that do not fit each other")
        return reference
    except KeyError as error:
        raise ValueError(f"{path} is damaged: {error} is missing") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is damaged: {error}") from error


def _column(plain: dict[str, Any], raws: dict[str, Raw], prefix: str) -> Column:
    check(Column, plain)
    bins = {name: array(raws[prefix + name], dtype) for name, dtype in OF_BINS.items()}
    own = {name: array(raws[prefix + name], dtype) for name, dtype in OF_COLUMN.items()}
    counts = own["counts"]
    sound = (
        len(bins["edges"]) < N_BINS - 2
        and ascending(bins["edges"])
        and ascending(bins["levels"])
        and len(bins["levels"]) == len(bins["level_bins"]) <= MAX_LEVELS
        and bool((bins["level_bins"] < N_BINS).all())
        and counts.shape == (N_BINS,)
        and bool(((counts >= 0) & (counts <= MAX_COUNT)).all())
        and len(own["values"]) <= MAX_VALUES
        and plain["variance_inflation"] >= 1
    )
    if not sound:
        raise ValueError(f"column {plain['name']!r} has arrays that do not fit each other")
    return Column(bins=Bins(**bins), **own, **plain)
