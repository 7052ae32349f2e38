"""How sure a model may be taken at its word: for every bin of its score, how often answers with that score were right.

Isotonic regression (Zadrozny and Elkan 2002, "Transforming classifier scores into accurate multiclass probability estimates"),
by pooling adjacent violators among at most 57 bins, so that what was seen is counts, and counts add.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from otel_mlsec.arrays import Floats, Ints, Masks
from otel_mlsec.observation import Meaning
from otel_mlsec.reference.order import judge

if TYPE_CHECKING:
    from otel_mlsec.reference.reference import Reference

TAIL = (0.002, 0.005, 0.01)  # where traffic that moves piles up
LEVELS = np.array([*TAIL, *np.arange(0.02, 0.981, 0.02), *(1 - x for x in reversed(TAIL))])  # quantiles between bins
MOST_BINS = len(LEVELS) + 2  # and half, of two classes
LEAST_ROWS = 200  # whose label is known
HALF = 0.5  # of two classes' probabilities, from where on the second is the answer
MAX_CLASSES = 1 << 16


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Of the probability of the second of two classes, or of the likeliest of more."""

    n_labelled: int
    n_classes: int
    edges: Floats  # (b - 1,) of the score; a score that equals one is below it
    correct: Floats  # (b,) share of answers that are right, isotonic
    positive: Floats  # (b,) share of rows of the second class, isotonic; (0,) where there are more than two
    counts: Ints  # (b,) of all rows of the reference
    variance_inflation: float = 1.0  # of the confidence, as of a column
    independent: bool = True

    @property
    def accuracy(self) -> float:
        """That is expected of the reference's own rows."""
        return float(self.counts @ self.correct) / max(1, int(self.counts.sum()))

    def index(self, meaning: Meaning, outputs: Floats) -> Ints:
        """(n, k) answers -> (n,) bins, -1 for what is no probability."""
        score, known = score_of(meaning, outputs, self.n_classes)
        return np.where(known, np.searchsorted(self.edges, score, side="left"), -1).astype(np.int64)

    def sound(self, reference: Reference) -> bool:
        b, binary = len(self.correct), self.n_classes == 2
        return (
            0 < b <= MOST_BINS
            and 2 <= self.n_classes <= MAX_CLASSES
            and self.edges.shape == (b - 1,)
            and bool((np.diff(self.edges) > 0).all())
            and self.correct.shape == self.counts.shape == (b,)
            and self.positive.shape == ((b,) if binary else (0,))
            and all(bool(((shares >= 0) & (shares <= 1)).all()) for shares in (self.correct, self.positive))
            and bool(((self.counts >= 0) & (self.counts < 1 << 40)).all())  # so that their sum fits
            and 0 < int(self.counts.sum()) < 1 << 40
            and self.n_labelled > 0
            and self.variance_inflation >= 1
        )


def score_of(meaning: Meaning, outputs: Floats, n_classes: int) -> tuple[Floats, Masks]:
    """(n, k) probabilities -> (n,) of the second of two classes or of the likeliest of more; and where it is one."""
    columns = outputs.reshape(len(outputs), -1) if outputs.size else np.full((len(outputs), 1), np.nan)
    if meaning is Meaning.LOG_PROBABILITY:
        columns = np.exp(np.minimum(columns, 1.0))
    fits = columns.shape[1] == n_classes or (n_classes == 2 and columns.shape[1] == 1)
    if meaning not in (Meaning.PROBABILITY, Meaning.LOG_PROBABILITY) or not fits:
        return np.zeros(len(columns)), np.zeros(len(columns), np.bool_)
    score = columns[:, -1] if n_classes == 2 else columns.max(axis=1)
    known = np.isfinite(columns).all(axis=1) & (score >= 0) & (score <= 1 + 1e-6)
    return np.where(known, score, 0.0), known


def calibration_of(answers: Sequence[tuple[Meaning, Floats]], truth: Floats) -> Calibration | None:
    """From (n, k) answers and (n,) truths (NaN: not known); None where there are no probabilities, or too few labels."""
    for meaning, found in answers:
        columns = found.reshape(len(found), -1)
        n_classes = max(2, columns.shape[1])
        score, known = score_of(meaning, columns, n_classes)
        told = known & ~np.isnan(truth)
        if int(told.sum()) >= LEAST_ROWS:
            return _calibrated(score, known, told, columns, truth, n_classes)
    return None


def _calibrated(score: Floats, known: Masks, told: Masks, columns: Floats, truth: Floats, n_classes: int) -> Calibration:
    binary = n_classes == 2
    levels = np.quantile(score[told], LEVELS, method="inverted_cdf")
    edges = np.unique(np.append(levels, HALF) if binary else levels)
    index = np.searchsorted(edges, score, side="left")
    right = truth == (score > HALF if binary else columns.argmax(axis=1))
    b = len(edges) + 1
    rows = np.bincount(index[told], minlength=b).astype(np.float64)
    if binary:
        positive = isotonic(np.bincount(index[told & (truth == 1)], minlength=b), rows)
        correct = np.where(np.append(edges, np.inf) > HALF, positive, 1 - positive)
    else:
        positive, correct = np.empty(0), isotonic(np.bincount(index[told & right], minlength=b), rows)
    confidence = correct[index[known]]
    inflation, independent = judge([confidence], len(confidence))
    return Calibration(
        n_labelled=int(told.sum()),
        n_classes=n_classes,
        edges=edges,
        correct=correct,
        positive=positive,
        counts=np.bincount(index[known], minlength=b).astype(np.int64),
        variance_inflation=inflation,
        independent=independent,
    )


def isotonic(hits: Ints, rows: Floats) -> Floats:
    """(b,) hits among (b,) rows -> (b,) shares that never fall, the nearest to the observed ones; between them where no row is.

    >>> isotonic(np.array([1, 4, 2, 9]), np.array([10.0, 10.0, 10.0, 10.0])).tolist()
    [0.1, 0.3, 0.3, 0.9]
    """
    used = np.flatnonzero(rows > 0)
    pools: list[list[float]] = []  # hits, rows, bins
    for i in used:
        pools.append([float(hits[i]), float(rows[i]), 1])
        while len(pools) > 1 and pools[-2][0] * pools[-1][1] >= pools[-1][0] * pools[-2][1]:
            last = pools.pop()
            pools[-1] = [a + b for a, b in zip(pools[-1], last, strict=True)]
    shares = np.concatenate([np.full(int(bins), hit / n) for hit, n, bins in pools] or [np.zeros(0)])
    return np.interp(np.arange(len(rows)), used, shares) if len(used) else np.zeros(len(rows))
