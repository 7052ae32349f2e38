"""Columns of a table that hold free text: their cells as properties that can be watched, since hardly a text comes twice."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.reference.column import Column
from otel_mlsec.reference.fit import MAX_FEATURES
from otel_mlsec.reference.texts import Learning
from otel_mlsec.table import ODD
from otel_mlsec.text.properties import BITS, BUCKETS, NAMES, properties

if TYPE_CHECKING:
    from otel_mlsec.reference.reference import Reference

MAX_COLUMNS = 4  # of free text in a table
LEAST_ROWS = 200
TEACHERS = 4000  # rows that say which words there are; at most half of all
UNIT = (0.0, 1.0)
LIMITS = {
    "length": (0.0, 30.0), "word length": (0.0, 64.0), "entropy": (0.0, 12.0), "surprise": (0.0, 40.0),
    **{name: (-1.0, 1.0) for name in NAMES if name.startswith("pattern")},
}  # fmt: skip
Cells = Sequence[str | None]


@dataclass(frozen=True, kw_only=True)
class Prose:
    table: tuple[str, ...]  # (d,) names of all columns of the table
    names: tuple[str, ...]  # (k,) of those of free text
    words: Ints  # (k, BITS / 64) vocabularies, a bit a word
    profiles: Floats  # (k, BUCKETS) bits that three characters in a row take

    def sound(self, reference: Reference) -> bool:
        there = {column.name for column in reference.inputs}
        return (
            0 < len(self.names) <= MAX_COLUMNS
            and self.words.shape == (len(self.names), BITS // 64)
            and self.profiles.shape == (len(self.names), BUCKETS)
            and bool(np.isfinite(self.profiles).all())
            and there.issuperset(self.columns)
        )

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(f"{name}: {each}" for name in self.names for each in NAMES)

    def of(self, columns: Sequence[Cells], n_rows: int) -> Floats:
        """(k) columns of n_rows cells -> (n_rows, len(columns)); of what is no text, properties are missing."""
        found = np.full((n_rows, len(self.names), len(NAMES)), np.nan)
        for i, cells in enumerate(columns):
            known = self.words[i].view(np.uint64)
            for row, cell in enumerate(cells[:n_rows]):
                if cell is not None:
                    found[row, i] = properties(cell, known, self.profiles[i])
        return found.reshape(n_rows, len(self.columns))

    def joined(self, rows: Any, matrix: Floats, names: tuple[str, ...], step: int) -> tuple[Floats, tuple[str, ...]]:
        """The matrix of a table with the properties of its free text in place of the codes; of `rows` every `step`-th may be it.

        Free text that is not there is missing.
        """
        held = [cells_of(rows, name, names) or [] for name in self.names]
        cells = [each if len(each) == len(matrix) else each[::step] for each in held]
        kept = [i for i, name in enumerate(names) if name not in self.names]
        return np.hstack([matrix[:, kept], self.of(cells, len(matrix))]), (*(names[i] for i in kept), *self.columns)

    def ranged(self, columns: tuple[Column, ...]) -> tuple[Column, ...]:
        """Properties have the range of what can be, whatever the reference had: the first Cyrillic letter is no broken sensor."""
        own = {f"{name}: {each}": LIMITS.get(each, UNIT) for name in self.names for each in NAMES}
        return tuple(
            replace(c, low=own[c.name][0], high=own[c.name][1], values=np.empty(0)) if c.name in own else c for c in columns
        )


def prose_of(table: tuple[str, ...], columns: Mapping[str, Cells]) -> Prose:
    """Learned from the cells that teach, by name of the column."""
    learning = {name: Learning() for name in columns}
    for name, cells in columns.items():
        for cell in cells:
            if cell is not None:
                learning[name].add(cell)
    return Prose(
        table=table,
        names=tuple(columns),
        words=np.stack([each.words for each in learning.values()]),
        profiles=np.stack([each.profile for each in learning.values()]),
    )


def cells_of(rows: Any, name: str, named: Sequence[str] = ()) -> list[str | None] | None:
    """Texts in one column of a frame, a dict of columns, a list of dicts, or an array or lists whose columns are `named`.

    None where there is no such column; a cell that is no text is None.
    """
    try:
        cells = _cells(rows, name, list(named))
    except ODD:  # a column that is not there, and what foreign containers raise
        return None
    return [str.__str__(cell) if isinstance(cell, str) else None for cell in cells]


def _cells(rows: Any, name: str, named: list[str]) -> list[Any]:
    if type(rows) in (list, tuple) and not {list, tuple, dict, np.ndarray}.isdisjoint(map(type, rows)):
        return [cast(dict[Any, Any], row).get(name) if type(row) is dict else row[named.index(name)] for row in rows]
    held: Any = rows
    if type(rows) in (list, tuple) or (getattr(rows, "ndim", 2) == 1 and getattr(rows.dtype, "names", None) is None):
        return list(rows) if named == [name] else []  # one column without a name
    if hasattr(rows, "iloc"):  # whose names may be no texts, or none, or come twice
        held = rows.iloc[:, named.index(name)]
    elif type(rows) is np.ndarray and rows.dtype.names is None:
        held = rows[:, named.index(name)]
    else:
        held = rows[name]
    return list(held.tolist() if hasattr(held, "tolist") else held)


def divided(
    rows: Any, texts: Collection[str], matrix: Floats, names: tuple[str, ...], order: Ints
) -> tuple[Prose, Floats, tuple[str, ...], Ints]:  # fmt: skip
    """-> what the teachers say, (n, …) all rows with properties, their names, and the order of the rows that are no teachers:
    of its own words a text has seen every one.

    Raises:
        ValueError: too many columns, too few rows, no such column, or one that holds hardly a text.
    """
    if isinstance(texts, str) or len(texts) > MAX_COLUMNS:
        raise ValueError(f"texts must be the names of at most {MAX_COLUMNS} columns, got {texts!r}")
    if len(order) < LEAST_ROWS:
        raise ValueError(f"X must have at least {LEAST_ROWS} rows where texts are named, got {len(order)}")
    step = max(2, -(-len(order) // TEACHERS))
    taught: dict[str, Cells] = {}
    for name in texts:
        cells = cells_of(rows, name, names)
        if cells is None or len(cells) != len(matrix):
            raise ValueError(f"texts names {name!r}, which is no column of X; those are {', '.join(names[:20]) or 'not named'}")
        taught[name] = [cells[i] for i in order[::step]]
        if sum(cell is not None for cell in taught[name]) * 2 < len(taught[name]):
            raise ValueError(f"texts names {name!r}, more than half of whose cells are no text")
    prose = prose_of(names, taught)
    joined, columns = prose.joined(rows, matrix, names, 1)
    if len(columns) > MAX_FEATURES:
        raise ValueError(f"X has {len(columns)} columns with the properties of its texts, at most {MAX_FEATURES} are watched")
    return prose, joined, columns, np.delete(order, np.s_[::step])
