"""A reference as manifest and arrays, and back."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from otel_mlsec.observation import Model
from otel_mlsec.reference.column import Column
from otel_mlsec.reference.envelope import Raw, read, write
from otel_mlsec.sketches.bins import MAX_LEVELS, N_BINS, Bins

if TYPE_CHECKING:
    from otel_mlsec.reference.reference import Reference

DTYPES = ("<f8", "<i8", "|u1")
OF_BINS = ("edges", "levels", "level_bins")
OF_COLUMN = ("counts", "values")
SIDES = ("inputs", "outputs")
MAX_VALUES = 64

Array = npt.NDArray[np.generic]


def save(reference: Reference, path: Path, key: bytes | None) -> None:
    plain = {f.name: getattr(reference, f.name) for f in fields(reference) if f.name not in ("model", *SIDES)}
    arrays: dict[str, Raw] = {}
    for side in SIDES:
        columns: tuple[Column, ...] = getattr(reference, side)
        plain[side] = [
            {f.name: getattr(column, f.name) for f in fields(column) if f.name not in ("bins", *OF_COLUMN)} for column in columns
        ]
        for i, column in enumerate(columns):
            parts: dict[str, Array] = {name: getattr(column.bins, name) for name in OF_BINS}
            parts |= {name: getattr(column, name) for name in OF_COLUMN}
            arrays |= {f"{side}.{i}.{name}": _raw(part) for name, part in parts.items()}
    model = {"name": reference.model.name, "version": reference.model.version}
    write(path, {"model": model, **plain}, arrays, key)


def load(cls: type[Reference], path: Path, key: bytes | None) -> Reference:
    manifest, raws = read(path, key)
    try:
        arrays = {name: _array(raw) for name, raw in raws.items()}
        sides = {
            side: tuple(_column(fields_of, arrays, f"{side}.{i}.") for i, fields_of in enumerate(manifest.pop(side)))
            for side in SIDES
        }
        model = Model(**manifest.pop("model"))
        return cls(model=model, classes=tuple(manifest.pop("classes")), **sides, **manifest)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged: {error}") from error


def _column(plain: dict[str, Any], arrays: dict[str, Array], prefix: str) -> Column:
    bins: dict[str, Any] = {name: arrays[prefix + name] for name in OF_BINS}
    own: dict[str, Any] = {name: arrays[prefix + name] for name in OF_COLUMN}
    sound = (
        len(bins["edges"]) < N_BINS - 2
        and len(bins["levels"]) == len(bins["level_bins"]) <= MAX_LEVELS
        and own["counts"].shape == (N_BINS,)
        and bool((own["counts"] >= 0).all())
        and len(own["values"]) <= MAX_VALUES
        and (not len(bins["level_bins"]) or int(bins["level_bins"].max()) < N_BINS)
    )
    if not sound:
        raise ValueError(f"column {plain.get('name')!r} has arrays that do not fit each other")
    return Column(bins=Bins(**bins), **own, **plain)


def _raw(array: Array) -> Raw:
    kind = {"f": "<f8", "i": "<i8", "u": "|u1"}[array.dtype.kind]
    return Raw(kind, array.shape, np.ascontiguousarray(array, kind).tobytes())


def _array(raw: Raw) -> Array:
    if raw.dtype not in DTYPES:
        raise ValueError(f"array of type {raw.dtype!r}, allowed are {', '.join(DTYPES)}")
    return np.frombuffer(raw.data, raw.dtype).reshape(raw.shape)
