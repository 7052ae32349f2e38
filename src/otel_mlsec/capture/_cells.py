"""Python objects in a table, taken over without holding on to what is mutable or large."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import chain
from typing import Any

CELL_BYTES = 64  # what a Python object counts for
TEXT_BYTES = 1 << 20  # of texts in a copy: they are shared, so this bounds what waits, not what is copied
NUMBERS = frozenset({int, float, bool, type(None)})
IMMUTABLE = NUMBERS | {complex, str, bytes, Decimal, Fraction, dt.datetime, dt.date, dt.time, dt.timedelta}
LIBRARY_SCALARS = frozenset({"NAType", "NaTType", "Timestamp", "Timedelta"})  # of pandas


def class_of(value: object) -> type:
    return type(value)  # not __class__, which a proxy may claim


def private_cells(cells: list[Any]) -> tuple[list[Any] | None, int]:
    """-> cells of which none can change, and their weight in bytes; None where the texts are too long.

    An object of unknown kind becomes the name of its type, which is all that a table would read of it.
    """
    kinds = set(map(type, cells))
    weight = CELL_BYTES * len(cells)
    if kinds <= NUMBERS:
        return cells, weight
    if not kinds <= IMMUTABLE:
        cells = [cell if type(cell) in IMMUTABLE else _private(cell) for cell in cells]
    weight += sum(len(cell) for cell in cells if isinstance(cell, str | bytes))
    return (cells, weight) if weight <= TEXT_BYTES else (None, 0)


def private_rows(rows: Sequence[Any]) -> tuple[list[Any] | None, int]:
    """The same for rows that are lists, tuples or dicts of cells; None also where there are tables in the cells."""
    if all(type(row) is list or type(row) is tuple for row in rows) and set(map(type, chain.from_iterable(rows))) <= NUMBERS:
        return list(map(tuple, rows)), CELL_BYTES * sum(map(len, rows))
    held: list[Any] = []
    total = 0
    for row in rows:
        kind = class_of(row)
        if kind not in (dict, list, tuple):
            return None, 0
        names = list(map(str, row)) if kind is dict else None
        values = list(row.values() if kind is dict else row)
        cells, weight = private_cells(values)
        total += weight
        if cells is None or total > TEXT_BYTES or any(type(cell) in (list, tuple, dict) for cell in values):
            return None, 0
        held.append(cells if names is None else dict(zip(names, cells, strict=True)))
    return held, total


def _private(cell: Any) -> Any:
    if isinstance(cell, str):
        return str.__str__(cell)  # a subclass, as an enumeration of texts is
    if isinstance(cell, int):
        return int.__int__(cell)
    if isinstance(cell, float):
        return float.__float__(cell)
    return _of_library(cell)


def _of_library(cell: object) -> Any:
    kind = type(cell)
    library = kind.__module__.partition(".")[0]
    if library == "pandas" and kind.__name__ in LIBRARY_SCALARS:
        return cell
    if library == "numpy" and kind.__name__ != "void" and any(base.__name__ == "generic" for base in kind.__mro__):
        return cell
    return kind.__name__
