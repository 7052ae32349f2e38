"""What a model's answers would be worth if its scores still meant what they meant: accuracy, AUC and confusions from counts.

Confidence-based performance estimation: every answer is right with the calibrated probability of its score, so the expected share
of right answers is a sum over bins of counts.
"""

from __future__ import annotations

import numpy as np

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.observation import Batch, Meaning
from otel_mlsec.reference.calibration import HALF, Calibration
from otel_mlsec.reference.truth import MAX_CLASSES, Truth


class Estimate:
    """Of (c, b) rows by answered class, the last of all others, and bin of the score."""

    def __init__(self, calibration: Calibration, truth: Truth | None) -> None:
        self.calibration = calibration
        self.shape = min(calibration.n_classes, MAX_CLASSES) + 1, len(calibration.correct)
        self._mistaken = _mistaken(truth, self.shape[0])

    def cells(self, batch: Batch) -> tuple[Ints, Ints]:
        """-> (m,) cells of the rows that have probabilities, answered class · b + bin; and (m,) their rows in the batch."""
        if batch.outputs is None or not batch.outputs.size:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        columns = batch.outputs.reshape(len(batch.outputs), -1)
        index = self.calibration.index(batch.meaning, columns)
        rows = np.flatnonzero(index >= 0)
        return self._answered(batch.meaning, columns[rows]) * self.shape[1] + index[rows], rows

    def accuracy(self, counts: Ints) -> float:
        return float(counts.sum(axis=0) @ self.calibration.correct) / max(1, int(counts.sum()))

    def auc(self, counts: Ints) -> float | None:
        """Of two classes; rows of one bin count as ties."""
        if self.calibration.n_classes != 2 or not counts.any():
            return None
        rows = counts.sum(axis=0)
        positive, negative = rows * self.calibration.positive, rows * (1 - self.calibration.positive)
        above = positive.sum() - np.cumsum(positive)
        pairs = float(positive.sum() * negative.sum())
        return float(negative @ (above + positive / 2)) / pairs if pairs > 0 else None

    def confusion(self, counts: Ints) -> Floats:
        """(c, c) expected rows by true and answered class; of more than two, mistakes are shared as in the reference."""
        right = counts @ self.calibration.correct  # (c,) by answered class
        wrong = counts.sum(axis=1) - right
        return np.diag(right) + self._mistaken * wrong

    def _answered(self, meaning: Meaning, columns: Floats) -> Ints:
        if self.calibration.n_classes == 2:
            score = np.exp(np.minimum(columns[:, -1], 1.0)) if meaning is Meaning.LOG_PROBABILITY else columns[:, -1]
            return (score > HALF).astype(np.int64)
        return np.minimum(columns.argmax(axis=1), self.shape[0] - 1)


def _mistaken(truth: Truth | None, c: int) -> Floats:
    """(c, c) of the rows that are answered wrongly by each class, the share that is of each true class."""
    wrong = np.zeros((c, c))
    if truth is not None and truth.confusion.shape == (c, c):
        wrong = truth.confusion * (1.0 - np.eye(c))
    if c == 3:  # of two classes: what is not the one is the other
        wrong = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    known = wrong.sum(axis=0)
    rest = (1.0 - np.eye(c)) / max(1, c - 1)
    return np.where(known > 0, wrong / np.where(known > 0, known, 1.0), rest)
