"""A table of natural rows as numbers that attacks can move, and back as the target takes it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from otel_mlsec.arrays import Floats, Masks

MAX_LEVELS = 1000  # distinct texts of a column
FEW = 20  # distinct numbers up to which they are taken for codes, which do not move a little


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    dtype: Any  # of pandas
    levels: tuple[Any, ...]  # distinct cells of what are no numbers, positions are their codes; () for numbers
    whole: bool  # numbers of an integer type
    moves: bool  # numbers of which there are many


class Columns:
    """Of one table; a text is the position among the column's distinct ones.

    Raises:
        ValueError: no rows or columns, a column of dates or of too many texts.
    """

    def __init__(self, frame: Any) -> None:
        if not len(frame) or not len(frame.columns):
            raise ValueError("the data has no rows or no columns")
        self._columns = tuple(_column(str(name), frame[name]) for name in frame.columns)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self._columns)

    @property
    def numeric(self) -> Masks:
        """(d,) features that can move a little."""
        return np.array([column.moves for column in self._columns])

    def numbers(self, frame: Any) -> Floats:
        """(n, d); NaN where a number is missing."""
        rows = np.empty((len(frame), len(self._columns)))
        for i, column in enumerate(self._columns):
            cells = frame.iloc[:, i]
            if column.levels:
                codes = {level: float(code) for code, level in enumerate(column.levels)}
                rows[:, i] = [codes[_level(cell)] for cell in cells.tolist()]
            else:
                rows[:, i] = cells.to_numpy(np.float64, na_value=np.nan)
        return rows

    def frame(self, rows: Floats) -> Any:
        """(n, d) -> a table with the types of the data; codes between two texts are the nearer one."""
        pandas = _pandas()
        return pandas.DataFrame({c.name: _series(pandas, c, cells) for c, cells in zip(self._columns, rows.T, strict=True)})

    def records(self, rows: Floats) -> list[dict[str, Any]]:
        """(n, d) -> rows as JSON has them."""
        said = [_said(column, cells) for column, cells in zip(self._columns, rows.T, strict=True)]
        return [dict(zip(self.names, cells, strict=True)) for cells in zip(*said, strict=True)]


def _column(name: str, cells: Any) -> _Column:
    dtype = cells.dtype
    if dtype.kind in "mM":
        raise ValueError(f"column {name!r} holds dates, which no attack moves; name the others with --features")
    if dtype.kind in "iuf":
        return _Column(name, dtype, (), dtype.kind in "iu", cells.nunique() > FEW)
    distinct = {_level(cell) for cell in cells.tolist()}
    if len(distinct) > MAX_LEVELS:
        raise ValueError(f"column {name!r} has more than {MAX_LEVELS:,} distinct texts; name the others with --features")
    return _Column(name, dtype, tuple(sorted(distinct, key=lambda level: (level is None, str(level)))), False, False)


def _level(cell: Any) -> Any:
    """A cell; None for all that are missing."""
    return None if cell is None or cell != cell or type(cell).__name__ == "NAType" else cell


def _series(pandas: Any, column: _Column, cells: Floats) -> Any:
    if column.levels:
        return pandas.Series([column.levels[code] for code in _codes(column, cells)], dtype=column.dtype)
    whole = column.whole and bool(np.isfinite(cells).all() and (cells == np.round(cells)).all())
    return pandas.Series(cells.copy(), dtype=column.dtype if whole else np.float64)


def _said(column: _Column, cells: Floats) -> list[Any]:
    if column.levels:
        return [column.levels[code] for code in _codes(column, cells)]
    numbers: list[float] = cells.tolist()
    return [None if not math.isfinite(cell) else int(cell) if column.whole and cell.is_integer() else cell for cell in numbers]


def _codes(column: _Column, cells: Floats) -> list[int]:
    return np.clip(np.nan_to_num(cells).round(), 0, len(column.levels) - 1).astype(np.int64).tolist()


def _pandas() -> Any:
    try:
        return import_module("pandas")
    except ImportError as error:
        raise ImportError("tables need pandas: pip install 'otel-mlsec[attack]'") from error
