"""Plain values of a manifest against the dataclass that they are to become: a wrong one would fail at the first batch."""

from __future__ import annotations

import sys
from dataclasses import fields
from typing import Any

import numpy as np

from otel_mlsec.arrays import Floats

TYPES: dict[str, tuple[type, ...]] = {"str": (str,), "bool": (bool,), "int": (int,), "float": (int, float)}


def check(cls: type, plain: dict[str, Any]) -> None:
    """Every plain field is there, and is of the type that `cls` says.

    Raises:
        ValueError: one is missing, unknown, or of another type.
    """
    allowed = {f.name: TYPES[str(f.type)] for f in fields(cls) if str(f.type) in TYPES}
    if plain.keys() != allowed.keys():
        raise ValueError(f"fields are wrong: {', '.join(sorted(plain.keys() ^ allowed.keys()))}")
    for name, value in plain.items():
        if not isinstance(value, allowed[name]) or (isinstance(value, bool) and bool not in allowed[name]):
            raise ValueError(f"{name} is {type(value).__name__}, must be {allowed[name][-1].__name__}")
        if isinstance(value, int | float) and not abs(value) <= sys.float_info.max:
            raise ValueError(f"{name} is no number that a reference can hold")


def ordered(x: Floats) -> bool:
    return bool((x[1:] >= x[:-1]).all()) and not bool(np.isnan(x).any())


def ascending(x: Floats) -> bool:
    return bool((x[1:] > x[:-1]).all()) and not bool(np.isnan(x).any())
