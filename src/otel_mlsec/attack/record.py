"""What an attack asked and was answered, up to its budget."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from otel_mlsec.arrays import Floats
from otel_mlsec.attack.knowledge import Ask, Spent


class Recorder:
    """An `Ask` that counts, rounds and keeps.

    Args:
        ask: the target.
        budget: queries, a row each.
        decimals: (d,) of what is sent; None, or () for all, as computed.
    """

    def __init__(self, ask: Ask, budget: int, decimals: Sequence[int | None] = ()) -> None:
        if budget < 1:
            raise ValueError(f"budget must be at least 1, got {budget}")
        self._ask, self.budget, self._decimals = ask, budget, tuple(decimals)
        self.asked = 0
        self._rows: list[Floats] = []
        self._answers: list[Floats] = []

    def __call__(self, rows: Floats, /) -> Floats:
        """(n, d) -> (n, k).

        Raises:
            Spent: more rows than are left; those that are left were asked first.
            ValueError: the target's answer is not a row of at least two finite numbers for each row.
        """
        sent = written(rows, self._decimals)[: self.budget - self.asked]
        answers = np.zeros((0, 0))
        if len(sent):
            answers = np.array(self._ask(sent), dtype=np.float64)
            if answers.ndim != 2 or len(answers) != len(sent) or answers.shape[1] < 2:
                raise ValueError(f"the target must answer {len(sent)} rows of at least two classes, got {answers.shape}")
            if not np.isfinite(answers).all():
                raise ValueError("the target answered what is no number")
            self.asked += len(sent)
            self._rows.append(sent)
            self._answers.append(answers)
        if len(sent) < len(rows):
            raise Spent
        return answers.copy()

    @property
    def rows(self) -> Floats:
        """(q, d) as sent."""
        return np.concatenate(self._rows) if self._rows else np.zeros((0, 0))

    @property
    def answers(self) -> Floats:
        """(q, k)."""
        return np.concatenate(self._answers) if self._answers else np.zeros((0, 0))


def written(rows: Floats, decimals: Sequence[int | None]) -> Floats:
    """(n, d) copies, each feature rounded to its decimals; () rounds none."""
    rows = np.array(rows, dtype=np.float64, ndmin=2)
    for places in {each for each in decimals if each is not None}:
        at = [i for i, each in enumerate(decimals) if each == places]
        rows[:, at] = np.round(rows[:, at], places)
    return rows
