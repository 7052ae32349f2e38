"""One cell, and one column of cells, as float64.

Numbers stay, true is 1, times are seconds since the epoch (UTC where no zone is told), missing is NaN, text is its
`text_code`, and anything else the code of its type's name: what is in an object nobody knows is not looked at.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from otel_mlsec.arrays import Floats
from otel_mlsec.observation import text_code

MICROSECOND = dt.timedelta(microseconds=1)
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
CACHED = 128  # characters: `text_code` keeps what it is given, so longer texts go past its cache
NUMBERS = (int, float, np.floating, np.integer, np.bool_, Decimal, Fraction)
HASHABLE = frozenset({str, int, float, bool, bytes, type(None), np.str_, dt.datetime, dt.date, dt.timedelta})
PLAIN = frozenset({int, float, bool, type(None)})  # what numpy itself reads as a number, None as NaN


def code(text: str) -> float:
    return text_code(text) if len(text) <= CACHED else text_code.__wrapped__(text)


def cell(value: Any) -> float:
    """
    >>> [cell(v) for v in (True, 2, None, dt.date(1970, 1, 2))]
    [1.0, 2.0, nan, 86400.0]
    """
    kind = type(value).__name__
    if value is None or kind in ("NAType", "NaTType"):
        return float("nan")
    if isinstance(value, str):
        return code(str.__str__(value))  # of a subclass the text itself, not what it says of itself
    if isinstance(value, NUMBERS):
        return _number(value)
    if isinstance(value, bytes):
        return code(value.decode("utf-8", "surrogateescape"))
    if isinstance(value, dt.datetime):
        return (value - EPOCH if value.tzinfo else value.replace(tzinfo=dt.UTC) - EPOCH) // MICROSECOND / 1e6
    if isinstance(value, dt.date):
        return (value - EPOCH.date()) / dt.timedelta(seconds=1)
    if isinstance(value, dt.timedelta):
        return value // MICROSECOND / 1e6
    if kind in ("datetime64", "timedelta64"):
        return float(seconds(np.array([value]))[0])
    return code(kind)


def _number(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:  # an int or Fraction beyond 1e308
        return float("inf") if value > 0 else float("-inf")
    except ValueError:  # a signalling NaN of decimal
        return float("nan")


def column(cells: Sequence[Any]) -> Floats:
    """(n,) of any cells -> (n,) float64; every distinct text is hashed once."""
    kinds = set(map(type, cells))
    if kinds <= PLAIN:
        try:
            return np.array(cells, dtype=np.float64)
        except OverflowError:
            pass  # an int that has no float64: one by one
    read: Callable[[Any], float] = cell
    if kinds <= HASHABLE:  # else asking for equality could run somebody's code
        read = {value: cell(value) for value in set(cells)}.__getitem__
    return np.fromiter(map(read, cells), np.float64, len(cells))


def array(values: npt.NDArray[Any]) -> Floats:
    """An array of any shape and type -> float64 of the same shape."""
    kind = values.dtype.kind
    if kind in "fiub":
        return values.astype(np.float64)
    if kind in "mM":
        return seconds(values)
    if kind == "c":  # no order, no distance: not a measured number
        return np.full(values.shape, code("complex"))
    if kind in "US":
        distinct, at = np.unique(values, return_inverse=True)
        return column(distinct.tolist())[at].reshape(values.shape)
    return column(values.ravel().tolist()).reshape(values.shape)


def seconds(times: npt.NDArray[Any]) -> Floats:
    """datetime64 since the epoch, or timedelta64; to the microsecond, which is what float64 holds exactly."""
    if np.datetime_data(times.dtype)[0] == "generic":
        return np.where(np.isnat(times), np.nan, times.astype(np.int64))
    fine = times.astype(f"{times.dtype.kind}8[us]")
    return np.where(np.isnat(fine), np.nan, fine.astype(np.int64) / 1e6)
