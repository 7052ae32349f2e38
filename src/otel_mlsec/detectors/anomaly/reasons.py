"""Which features make a row unlike the reference, and by how much: names and distances, never values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.reference.geometry import FURTHEST, Geometry

NAMED = 3  # features of one row
NONE, RANGE, LEVEL, ALONE, TOGETHER = range(5)  # kinds of a reason
BARELY = 0.05  # widths beyond a range that are not worth the word
WORTH = 3.0  # standard deviations below which a feature is no further reason
BEYOND_MEASURE = 1e6  # widths


@dataclass(frozen=True, slots=True)
class Reasons:
    """Of n rows, the strongest first."""

    features: Ints  # (n, 3) index
    kinds: Ints  # (n, 3)
    sizes: Floats  # (n, 3) signed


class Reasoner:
    """A feature is strange alone, by its distance from the mean, its range or its levels, or beside the others.

    Beside the others: its distance from what they let expect, in standard deviations of that (the square is what the squared
    Mahalanobis distance would lose without the feature).  Not known of more than 64 features.
    """

    def __init__(self, geometry: Geometry) -> None:
        self._geometry = geometry
        self._precision = geometry.whiten @ geometry.whiten.T if geometry.projection is None else None  # (m, m)
        self._width = np.maximum(geometry.high - geometry.low, geometry.scale)

    def of(self, cells: Floats, z: Floats) -> Reasons:
        """(n, d) cells and the same standardised.

        The strongest is named first, and is then taken to be what the others let expect: they are not blamed for it.
        """
        reasons = Reasons(np.zeros((len(z), NAMED), np.int64), np.zeros((len(z), NAMED), np.int64), np.zeros((len(z), NAMED)))
        if not z.size:
            return reasons
        beyond, unseen = self._beyond(cells), self._geometry.unseen(cells)
        outside = np.abs(beyond)
        alone, row = np.minimum(outside, BEYOND_MEASURE) + FURTHEST * unseen, np.arange(len(z))
        pull = np.zeros_like(z) if self._precision is None else (z - self._geometry.mean) @ self._precision
        left = np.ones(z.shape, np.bool_)
        for i in range(min(NAMED, z.shape[1])):
            together = pull if self._precision is None else pull / np.sqrt(np.diag(self._precision))
            worst = np.where(left, np.hypot(z, together) + alone, -1.0).argmax(axis=1)
            own, beside, out = z[row, worst], together[row, worst], beyond[row, worst]
            kinds = np.where(np.abs(beside) > np.abs(own), TOGETHER, ALONE)
            reasons.features[:, i], reasons.sizes[:, i] = worst, np.where(kinds == TOGETHER, beside, own)
            reasons.sizes[:, i] = np.where(np.abs(out) >= BARELY, out, reasons.sizes[:, i])
            kinds = np.where(unseen[row, worst], LEVEL, np.where(np.abs(out) >= BARELY, RANGE, kinds))
            strong = (np.hypot(own, beside) + alone[row, worst] >= WORTH) | (i == 0)
            reasons.kinds[:, i] = np.where(strong, kinds, NONE)
            left[row, worst] = False
            if self._precision is not None:
                pull = pull - self._precision[worst] * (pull[row, worst] / np.diag(self._precision)[worst])[:, None]
        return reasons

    def _beyond(self, cells: Floats) -> Floats:
        """(n, d) widths of its range that a cell is beyond it, negative below."""
        with np.errstate(over="ignore", invalid="ignore"):
            above, below = (cells - self._geometry.high) / self._width, (self._geometry.low - cells) / self._width
        above, below = np.nan_to_num(above, nan=0.0), np.nan_to_num(below, nan=0.0)
        return np.where(above > 0, above, np.where(below > 0, -below, 0.0))


def words(name: str, kind: int, size: float) -> str:
    """
    >>> words("amount", RANGE, 3.21)
    'amount 3.2 widths above its range'
    """
    match kind:
        case 1:  # RANGE
            far = "far" if abs(size) >= BEYOND_MEASURE else f"{abs(size):.2g} widths"
            return f"{name} {far} {'above' if size > 0 else 'below'} its range"
        case 2:
            return f"{name} a level never seen"
        case 3:
            return f"{name} {size:+.2g} sd{' or more' if abs(size) >= FURTHEST else ''}"
        case _:
            return f"{name} {size:+.2g} sd from what the other features let expect"
