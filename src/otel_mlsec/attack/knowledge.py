"""What an attacker knows before he asks: rows like those that the model is for, and how they are written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np

from otel_mlsec.arrays import Floats

Ask = Callable[[Floats], Floats]
"""(n, d) rows -> (n, k) probabilities; one 1 a row where the target gives labels only."""

HELD = 1000  # rows at most that no attack sends and that its success is measured on
MAX_DECIMALS = 4
LOOKED_AT = 4096  # rows from which decimals are learned
SINGLE = 2.5e-7  # relative error of what went through float32 on its way


class Spent(Exception):
    """The budget of queries is used up; an attack ends with it."""


class Unsuitable(RuntimeError):
    """This attack cannot be made on this target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """What attacks start from.

    Raises:
        ValueError: shapes that do not fit each other, numbers that are not finite, or fewer than two classes.
    """

    rows: Floats  # (m, d) natural rows, finite
    low: Floats  # (d,) the box that rows are from
    high: Floats  # (d,)
    decimals: tuple[int | None, ...]  # (d,) to how many decimals each feature is written; None: as computed
    n_classes: int

    def __post_init__(self) -> None:
        if self.rows.ndim != 2 or not self.rows.size:
            raise ValueError(f"rows must be (m, d) with m and d at least 1, got {self.rows.shape}")
        d = self.rows.shape[1]
        if self.low.shape != (d,) or self.high.shape != (d,) or len(self.decimals) != d:
            got = f"{self.low.shape}, {self.high.shape} and {len(self.decimals)} decimals"
            raise ValueError(f"low, high and decimals must be ({d},) as rows are, got {got}")
        if not (np.isfinite(self.rows).all() and np.isfinite(self.low).all() and np.isfinite(self.high).all()):
            raise ValueError("rows, low and high must be finite; Knowledge.of fills what is missing")
        if (self.high < self.low).any():
            raise ValueError("high must not be below low")
        if self.n_classes < 2:
            raise ValueError(f"n_classes must be at least 2, got {self.n_classes}")

    @classmethod
    def of(cls, rows: Floats, *, n_classes: int) -> Self:
        """Box and decimals as rows have them.  Rows with gaps are left out, or filled where more than half have some."""
        rows = np.array(rows, dtype=np.float64, ndmin=2)
        complete = np.isfinite(rows).all(axis=1)
        rows = rows[complete] if complete.mean() >= 0.5 else _filled(rows)
        return cls(rows=rows, low=rows.min(axis=0), high=rows.max(axis=0), decimals=decimals_of(rows), n_classes=n_classes)

    @property
    def n_features(self) -> int:
        return self.rows.shape[1]

    @property
    def own(self) -> Floats:
        """(≥ 1, d) rows that attacks may send."""
        return self.rows[: len(self.rows) - self._n_held]

    @property
    def held(self) -> Floats:
        """(≥ 1, d) rows that success is measured on, which no attack sends; a single row is both."""
        return self.rows[-self._n_held :] if self._n_held else self.rows

    @property
    def _n_held(self) -> int:
        return min(HELD, len(self.rows) // 5) or min(1, len(self.rows) - 1)

    @property
    def width(self) -> Floats:
        """(d,) of the box; 0 for a feature that is the same in all rows."""
        return self.high - self.low

    def unit(self, rows: Floats) -> Floats:
        """(n, d) rows -> the box as 0 to 1."""
        return (rows - self.low) / np.where(self.width > 0, self.width, 1.0)

    def real(self, unit: Floats) -> Floats:
        """(n, d) of 0 to 1, cut to it -> rows; a feature that never varies stays as it is."""
        return self.low + np.clip(unit, 0.0, 1.0) * self.width

    def box(self, n: int, g: np.random.Generator) -> Floats:
        """(n, d) rows from anywhere in the box."""
        return self.real(g.random((n, self.n_features)))

    def natural(self, n: int, g: np.random.Generator) -> Floats:
        """(n, d) natural rows, none twice as long as there are others."""
        own = self.own
        rounds = [g.permutation(len(own)) for _ in range(-(-n // len(own)))]
        return own[np.concatenate(rounds)[:n]] if rounds else own[:0]


def decimals_of(rows: Floats) -> tuple[int | None, ...]:
    """(m, d) -> fewest decimals that write every number of a feature, up to 4; None: no number of decimals does.

    >>> decimals_of(np.array([[1.0, 0.25, 1 / 3], [7.0, 0.5, 2 / 3]]))
    (0, 2, None)
    """
    return tuple(_decimals(column) for column in rows[:LOOKED_AT].T)


def _decimals(column: Floats) -> int | None:
    column = column[np.isfinite(column)]
    tolerance = float(SINGLE * np.abs(column).max(initial=0.0)) + 1e-9
    for decimals in range(MAX_DECIMALS + 1):
        if tolerance > 0.1 * 10.0**-decimals:
            return None  # anything would look rounded
        if (np.abs(column - np.round(column, decimals)) <= tolerance).all():
            return decimals
    return None


def _filled(rows: Floats) -> Floats:
    """(m, d) with medians for what is not finite, 0 where a feature has no number."""
    known = np.where(np.isfinite(rows), rows, np.nan)
    some = np.isfinite(known).any(axis=0)
    medians = np.zeros(rows.shape[1])
    medians[some] = np.nanmedian(known[:, some], axis=0)
    return np.where(np.isfinite(rows), rows, medians)
