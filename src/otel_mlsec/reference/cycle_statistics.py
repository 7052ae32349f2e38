"""What is measured of a stretch of a cycle: a few numbers a column, from the counts of its bins."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

import numpy as np

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.reference.column import Column
from otel_mlsec.reference.slots import LEAST_ROWS
from otel_mlsec.sketches.bins import INVALID, MISSING, N_BINS, UNSEEN

TAIL = 0.03  # of the reference's rows that are its lowest, or its highest
LEAST_NUMBERS = 5  # for a mean


class Word(IntEnum):
    MEAN = 0
    SPREAD = 1
    LOW = 2
    HIGH = 3
    OUTSIDE = 4
    MISSING = 5
    LEVEL = 6
    UNSEEN = 7


NUMERIC = (Word.MEAN, Word.SPREAD, Word.LOW, Word.HIGH, Word.OUTSIDE, Word.MISSING)
SAYS = {
    Word.MEAN: "mean", Word.SPREAD: "spread", Word.LOW: "share of low values", Word.HIGH: "share of high values",
    Word.OUTSIDE: "share out of range", Word.MISSING: "share missing", Word.LEVEL: "share of a category",
    Word.UNSEEN: "share of unseen categories",
}  # fmt: skip


class Statistics:
    """Of some columns: S numbers, which stand in this order everywhere.

    A mean is that of the reference's normal scores, a spread half the logarithm of their variance, a share is the arc sine of
    its root, whose variance does not depend on it.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        numeric = [i for i, column in enumerate(columns) if column.numeric]
        levels = [(i, k) for i, column in enumerate(columns) if not column.numeric for k in _levels(column)]
        self._numeric = np.array(numeric, np.int64)
        self._weights = np.stack([_weights(columns[i]) for i in numeric]) if numeric else np.zeros((0, N_BINS, 7))
        self._level_column = np.array([i for i, _ in levels], np.int64)
        self._level_bin = np.array([k for _, k in levels], np.int64)
        words = [*NUMERIC] * len(numeric) + [
            Word.UNSEEN if k == UNSEEN else Word.MISSING if k == MISSING else Word.LEVEL for _, k in levels
        ]
        self.word: Ints = np.array(words, np.int64)  # (S,)
        self.column: Ints = np.array([i for i in numeric for _ in NUMERIC] + [i for i, _ in levels], np.int64)  # (S,)
        self.is_share = (self.word != Word.MEAN) & (self.word != Word.SPREAD)
        self.one_sided = (self.word == Word.OUTSIDE) | (self.word == Word.UNSEEN)

    def __len__(self) -> int:
        return len(self.word)

    def of(self, counts: Ints) -> Floats:
        """(…, d, N_BINS) counts -> (…, S) statistics, NaN where there are too few rows or numbers."""
        rows = counts[..., 0, :].sum(axis=-1).astype(np.float64)[..., None]
        found = np.concatenate([self._of_numbers(counts, rows), self._of_levels(counts, rows)], axis=-1)
        return np.where(rows >= LEAST_ROWS, found, np.nan)

    def _of_numbers(self, counts: Ints, rows: Floats) -> Floats:
        sums = np.einsum("...jk,jkw->...jw", counts[..., self._numeric, :].astype(np.float64), self._weights)
        numbers = sums[..., 6]
        known = np.maximum(numbers, 1)
        mean = sums[..., 0] / known
        variance = np.maximum(sums[..., 1] / known - mean * mean, 0)
        few = numbers < LEAST_NUMBERS
        both = [np.where(few, np.nan, mean), np.where(few, np.nan, 0.5 * np.log(variance + 0.05))]
        found = np.stack([*both, *np.moveaxis(_angle(sums[..., 2:6], rows[..., None]), -1, 0)], axis=-1)
        return found.reshape(*found.shape[:-2], -1)

    def _of_levels(self, counts: Ints, rows: Floats) -> Floats:
        return _angle(counts[..., self._level_column, self._level_bin].astype(np.float64), rows)


def share_of(angle: float) -> float:
    return float(np.sin(np.clip(angle, 0.0, np.pi / 2)) ** 2)


def _angle(counts: Floats, rows: Floats) -> Floats:
    return np.arcsin(np.sqrt(np.clip(counts / np.maximum(rows, 1), 0.0, 1.0)))


def _levels(column: Column) -> list[int]:
    return [int(k) for k in range(N_BINS) if k in (UNSEEN, MISSING) or (column.counts[k] > 0 and k != INVALID)]


def _weights(column: Column) -> Floats:
    """(N_BINS, 7): score, its square, lowest, highest, outside, missing, a number."""
    bins = len(column.bins.edges) + 1
    scores, below = column.normal_scores, np.cumsum(column.shares[:bins]) / column.shares[:bins].sum()
    weights = np.zeros((N_BINS, 7))
    weights[:, 0], weights[:, 1] = scores, scores * scores
    weights[:bins, 2] = below <= TAIL
    weights[:bins, 3] = below - column.shares[:bins] / column.shares[:bins].sum() >= 1 - TAIL
    weights[[0, bins - 1], 4] = 1
    weights[[MISSING, INVALID], 5] = 1
    weights[:bins, 6] = 1
    return weights
