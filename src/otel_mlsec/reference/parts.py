"""What a reference may hold beside its columns: parts that a file keeps as plain values and arrays, each by its fields' types.

A part is a frozen dataclass of `str`, `bool`, `int`, `float`, `tuple[str, ...]`, `Floats` and `Ints`, whose `sound` says whether
a file's values fit each other; one row in `TABLE` and one field of `Reference` of the same name, None where there is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np

from otel_mlsec.reference.calibration import Calibration
from otel_mlsec.reference.embedding import Embedding
from otel_mlsec.reference.envelope import Raw
from otel_mlsec.reference.forest import Forest
from otel_mlsec.reference.geometry import Geometry
from otel_mlsec.reference.importance import Importance
from otel_mlsec.reference.origin import Origin
from otel_mlsec.reference.pairs import Pairs
from otel_mlsec.reference.plain import check
from otel_mlsec.reference.prose import Prose
from otel_mlsec.reference.rhythm import Rhythm
from otel_mlsec.reference.texts import Texts
from otel_mlsec.reference.truth import Truth

if TYPE_CHECKING:
    from otel_mlsec.reference.reference import Reference

DTYPES = {"Floats": "<f8", "Ints": "<i8"}
NAMES = "tuple[str, ...]"
MAX_DIMENSIONS = 2  # as `envelope` takes
T = TypeVar("T")


class Part(Protocol):
    def sound(self, reference: Reference) -> bool:
        """Does what a file said of it fit together, and the rest of the reference, so that no batch can fail on it?"""
        ...


TABLE: Mapping[str, type[Any]] = {
    "geometry": Geometry,
    "forest": Forest,
    "importance": Importance,
    "pairs": Pairs,
    "truth": Truth,
    "calibration": Calibration,
    "origin": Origin,
    "rhythm": Rhythm,
    "texts": Texts,
    "embedding": Embedding,
    "prose": Prose,
}


def raw(array: Any, dtype: str) -> Raw:
    return Raw(dtype, array.shape, np.ascontiguousarray(array, dtype).tobytes())


def array(raw: Raw, dtype: str, *, dimensions: int = 1) -> Any:
    if raw.dtype != dtype or len(raw.shape) > dimensions:
        raise ValueError(f"an array of type {raw.dtype} and {len(raw.shape)} dimensions where {dtype} and {dimensions} are due")
    return np.frombuffer(raw.data, dtype).reshape(raw.shape)


def written(name: str, part: Any) -> tuple[dict[str, Any], dict[str, Raw]]:
    """-> plain values, and arrays by the names that they have in the file."""
    dtypes = _arrays(TABLE[name])
    arrays = {f"{name}.{field}": raw(getattr(part, field), dtype) for field, dtype in dtypes.items()}
    return {f.name: getattr(part, f.name) for f in fields(part) if f.name not in dtypes}, arrays


def read(name: str, plain: dict[str, Any], raws: Mapping[str, Raw]) -> Any:
    """What `written` gave -> the part; whether it is sound can be said when all of the reference is there.

    Raises:
        ValueError: a value of another type.
    """
    cls = TABLE[name]
    names = {f.name: tuple(plain.pop(f.name)) for f in fields(cls) if str(f.type) == NAMES}
    if not all(isinstance(text, str) for texts in names.values() for text in texts):
        raise ValueError("names of columns must be text")
    check(cls, plain)
    own = {field: array(raws[f"{name}.{field}"], dtype, dimensions=MAX_DIMENSIONS) for field, dtype in _arrays(cls).items()}
    return cls(**names, **plain, **own)


def _arrays(cls: type) -> dict[str, str]:
    return {f.name: DTYPES[str(f.type)] for f in fields(cls) if str(f.type) in DTYPES}
