"""How much of the model somebody could have learned: a surrogate that knows only what he was told, asked about the reference.

The surrogate is the nearest neighbour, since it needs no training: of each of the reference's rows the nearest row that was
asked, and its answer.  What is reported is Cohen's kappa with the model's own answers: 0 for guessing by the classes' shares, 1
for all.  A better learner gets further with the same answers, so it is a lower bound in practice.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from otel_mlsec.arrays import Ints
from otel_mlsec.reference.labels import UNKNOWN
from otel_mlsec.sketches.neighbours import Float32s

TRACKED = 32  # principals, those with the most rows
LEAST = 32  # rows before it is looked at


class Exposure:
    """State: of each tracked principal, distance and answer of his nearest row to each of the reference's."""

    def __init__(self, core_labels: Ints) -> None:
        self._truth = core_labels
        self.slots = np.full(TRACKED, -1, np.int64)
        self.rows = np.zeros(TRACKED, np.int64)
        self._squares = np.full((TRACKED, len(core_labels)), np.inf, np.float32)
        self._labels = np.full((TRACKED, len(core_labels)), UNKNOWN, np.int32)
        self._known = bool((core_labels != UNKNOWN).any())

    def add(self, slot: int, count: int, squares: Float32s, labels: Ints) -> None:
        """(n, c) squared distances of a principal's next rows, their (n,) answers; `count` rows of his came so far."""
        if not self._known or count < LEAST:
            return
        place = self._place(slot, count)
        if place < 0:
            return
        nearest = squares.argmin(axis=0)
        best = squares[nearest, np.arange(squares.shape[1])]
        nearer = best < self._squares[place]
        self._squares[place][nearer] = best[nearer]
        self._labels[place][nearer] = labels[nearest][nearer]
        self.rows[place] = count

    def of(self, slot: int) -> float:
        """Kappa in [0, 1]; 0 of whom nothing is tracked."""
        at = np.flatnonzero(self.slots == slot)
        return self._kappa(int(at[0])) if len(at) else 0.0

    def _place(self, slot: int, count: int) -> int:
        at = np.flatnonzero(self.slots == slot)
        if len(at):
            return int(at[0])
        least = int(self.rows.argmin())
        if self.rows[least] and count < 2 * self.rows[least]:
            return -1
        self.slots[least], self._squares[least], self._labels[least] = slot, np.inf, UNKNOWN
        return least

    def _kappa(self, place: int) -> float:
        told = (self._truth != UNKNOWN) & (self._labels[place] != UNKNOWN)
        if not told.any():
            return 0.0
        truth, said = self._truth[told], self._labels[place][told]
        agreed = float((truth == said).mean())
        classes = np.unique(truth)
        chance = float(sum((truth == c).mean() * (said == c).mean() for c in classes))
        return max(0.0, (agreed - chance) / (1 - chance)) if chance < 1 else 0.0

    def snapshot(self) -> dict[str, npt.NDArray[np.generic]]:
        parts = {"slots": self.slots, "rows": self.rows, "squares": self._squares, "labels": self._labels}
        return {name: part.copy() for name, part in parts.items()}

    def restore(self, state: Mapping[str, npt.NDArray[np.generic]]) -> None:
        self.slots, self.rows = state["slots"].astype(np.int64), state["rows"].astype(np.int64)
        self._squares, self._labels = state["squares"].astype(np.float32), state["labels"].astype(np.int32)
