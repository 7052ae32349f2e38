"""A reference as manifest and arrays, and back."""

from __future__ import annotations

import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from otel_mlsec.arrays import Floats
from otel_mlsec.observation import Model
from otel_mlsec.reference.column import Column
from otel_mlsec.reference.envelope import Raw, read, write
from otel_mlsec.reference.forest import DEEPEST, MAX_TREES, Forest
from otel_mlsec.reference.geometry import DIMENSIONS, MAX_COLUMNS, Geometry
from otel_mlsec.sketches.bins import MAX_LEVELS, N_BINS, Bins

if TYPE_CHECKING:
    from otel_mlsec.reference.reference import Reference

OF_BINS = {"edges": "<f8", "levels": "<f8", "level_bins": "|u1"}
OF_COLUMN = {"counts": "<i8", "values": "<f8"}
OF_GEOMETRY = {f.name: "<i8" if str(f.type) == "Ints" else "<f8" for f in fields(Geometry) if str(f.type) in ("Floats", "Ints")}
FINITE = ("center", "scale", "level_places", "mean", "whiten", "class_means", "class_whitens", "core", "tails")
OF_FOREST = {"features": "<i8", "thresholds": "<f8", "lengths": "<f8", "known": "<f8"}
SIDES = ("inputs", "outputs")
PARTS = ("model", "geometry", "forest")
MAX_VALUES = 64
MAX_COUNT = 1 << 40  # rows
# Of every plain field by its annotation; a manifest that says otherwise would fail at the first batch, far from here.
TYPES: dict[str, tuple[type, ...]] = {"str": (str,), "bool": (bool,), "int": (int,), "float": (int, float)}

Array = npt.NDArray[np.generic]


def save(reference: Reference, path: Path, key: bytes | None) -> None:
    plain = {f.name: getattr(reference, f.name) for f in fields(reference) if f.name not in (*PARTS, *SIDES)}
    arrays: dict[str, Raw] = {}
    for side in SIDES:
        columns: tuple[Column, ...] = getattr(reference, side)
        plain[side] = [
            {f.name: getattr(column, f.name) for f in fields(column) if f.name not in ("bins", *OF_COLUMN)} for column in columns
        ]
        for i, column in enumerate(columns):
            arrays |= {f"{side}.{i}.{name}": _raw(getattr(column.bins, name), dtype) for name, dtype in OF_BINS.items()}
            arrays |= {f"{side}.{i}.{name}": _raw(getattr(column, name), dtype) for name, dtype in OF_COLUMN.items()}
    if reference.geometry is not None:
        arrays |= {f"geometry.{name}": _raw(getattr(reference.geometry, name), dtype) for name, dtype in OF_GEOMETRY.items()}
        plain["geometry"] = {name: getattr(reference.geometry, name) for name in ("names", "spacing", "spread", "rare_inflation")}
    if reference.forest is not None:
        arrays |= {f"forest.{name}": _raw(getattr(reference.forest, name), dtype) for name, dtype in OF_FOREST.items()}
        plain["forest"] = {"usual": reference.forest.usual}
    model = {"name": reference.model.name, "version": reference.model.version}
    write(path, {"model": model, **plain}, arrays, key)


def load(cls: type[Reference], path: Path, key: bytes | None) -> Reference:
    manifest, raws = read(path, key)
    try:
        sides = {
            side: tuple(_column(plain, raws, f"{side}.{i}.") for i, plain in enumerate(manifest.pop(side))) for side in SIDES
        }
        model, classes = manifest.pop("model"), tuple(manifest.pop("classes"))
        if not all(isinstance(text, str) for text in (*model.values(), *classes)):
            raise ValueError("names of the model and of classes must be text")
        geometry = _geometry(manifest.pop("geometry"), raws) if "geometry" in manifest else None
        forest = _forest(manifest.pop("forest"), raws, geometry) if "forest" in manifest else None
        _check(cls, manifest)
        if manifest["cycle_rows"] <= 0 or manifest["n_rows"] < 1:
            raise ValueError("a reference has at least one row and one cycle")
        return cls(model=Model(**model), classes=classes, geometry=geometry, forest=forest, **sides, **manifest)
    except KeyError as error:
        raise ValueError(f"{path} is damaged: {error} is missing") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is damaged: {error}") from error


def _check(cls: type, plain: dict[str, Any]) -> None:
    """Every plain field is there, and is of the type that `cls` says."""
    allowed = {f.name: TYPES[str(f.type)] for f in fields(cls) if str(f.type) in TYPES}
    if plain.keys() != allowed.keys():
        raise ValueError(f"fields are wrong: {', '.join(sorted(plain.keys() ^ allowed.keys()))}")
    for name, value in plain.items():
        if not isinstance(value, allowed[name]) or (isinstance(value, bool) and bool not in allowed[name]):
            raise ValueError(f"{name} is {type(value).__name__}, must be {allowed[name][-1].__name__}")
        if isinstance(value, int | float) and not abs(value) <= sys.float_info.max:
            raise ValueError(f"{name} is no number that a reference can hold")


def _column(plain: dict[str, Any], raws: dict[str, Raw], prefix: str) -> Column:
    _check(Column, plain)
    bins = {name: _array(raws[prefix + name], dtype) for name, dtype in OF_BINS.items()}
    own = {name: _array(raws[prefix + name], dtype) for name, dtype in OF_COLUMN.items()}
    counts = own["counts"]
    sound = (
        len(bins["edges"]) < N_BINS - 2
        and _ascending(bins["edges"])
        and _ascending(bins["levels"])
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


def _geometry(plain: dict[str, Any], raws: dict[str, Raw]) -> Geometry:
    names = tuple(plain.pop("names"))
    if not all(isinstance(name, str) for name in names) or len(names) > MAX_COLUMNS:
        raise ValueError("names of columns must be text")
    _check(Geometry, plain)
    own = {name: _array(raws[f"geometry.{name}"], dtype, dimensions=2) for name, dtype in OF_GEOMETRY.items()}
    d, m, k, c = len(names), len(own["mean"]), len(own["class_labels"]), len(own["core_labels"])
    shapes = {
        "center": (d,), "scale": (d,), "low": (d,), "high": (d,), "level_starts": (d + 1,), "mean": (m,), "whiten": (m, m),
        "class_labels": (k,), "class_means": (k, m), "class_whitens": (k * m, m), "core": (c, m), "core_labels": (c,),
        "level_places": own["level_codes"].shape, "tails": (2 * d, 4),
    }  # fmt: skip
    starts = own["level_starts"]
    sound = (
        all(own[name].shape == shape or (not own[name].size and not np.prod(shape)) for name, shape in shapes.items())
        and bool((own["scale"] > 0).all())
        and m == min(d, DIMENSIONS)
        and c > 0
        and len(starts) > 0
        and starts[0] == 0
        and bool((np.diff(starts) >= 0).all())
        and starts[-1] == len(own["level_codes"])
        and all(np.isfinite(own[name]).all() for name in FINITE)
        and not np.isnan(own["low"]).any()
        and not np.isnan(own["high"]).any()
        and all(own[name].ndim == 1 and _ordered(own[name]) for name in OF_GEOMETRY if name.endswith("_known"))
        and own["value_edges"].ndim == 1
        and _ascending(own["value_edges"])
        and plain["spacing"] > 0 < plain["spread"]
        and plain["rare_inflation"] >= 1
    )
    if not sound:
        raise ValueError("its geometry has arrays that do not fit each other")
    return Geometry(names=names, **own, **plain)


def _forest(plain: dict[str, Any], raws: dict[str, Raw], geometry: Geometry | None) -> Forest:
    _check(Forest, plain)
    own = {name: _array(raws[f"forest.{name}"], dtype, dimensions=2) for name, dtype in OF_FOREST.items()}
    features, leaves = own["features"], own["lengths"].shape[-1]
    sound = (
        geometry is not None
        and leaves in (2**level for level in range(1, DEEPEST + 1))
        and 0 < len(features) <= MAX_TREES
        and features.shape == own["thresholds"].shape == (len(features), leaves - 1)
        and own["lengths"].shape == (len(features), leaves)
        and bool(((features >= 0) & (features < len(geometry.names))).all())
        and not np.isnan(own["thresholds"]).any()
        and bool((own["lengths"] >= 0).all())
        and own["known"].ndim == 1
        and plain["usual"] > 0
    )
    if not sound:
        raise ValueError("its forest has arrays that do not fit each other")
    return Forest(**own, **plain)


def _ordered(x: Floats) -> bool:
    return bool((x[1:] >= x[:-1]).all()) and not bool(np.isnan(x).any())


def _ascending(x: Floats) -> bool:
    return bool((x[1:] > x[:-1]).all()) and not bool(np.isnan(x).any())


def _raw(array: Array, dtype: str) -> Raw:
    return Raw(dtype, array.shape, np.ascontiguousarray(array, dtype).tobytes())


def _array(raw: Raw, dtype: str, *, dimensions: int = 1) -> Any:
    if raw.dtype != dtype or len(raw.shape) > dimensions:
        raise ValueError(f"an array of type {raw.dtype} and {len(raw.shape)} dimensions where {dtype} and {dimensions} are due")
    return np.frombuffer(raw.data, dtype).reshape(raw.shape)
