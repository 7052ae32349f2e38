"""The row whose answer an evasion is to change, and its questions in the unit box."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from otel_mlsec.arrays import Floats, Masks
from otel_mlsec.attack.knowledge import Ask, Knowledge, Unsuitable

STARTS = 100  # natural rows, and then rows from anywhere, that are tried for one with another label


class Victim:
    """A natural row, asked first.  Questions are (n, d) of the box as 0 to 1."""

    def __init__(self, ask: Ask, knowledge: Knowledge, g: np.random.Generator) -> None:
        self._ask, self._knowledge = ask, knowledge
        self.start: Floats = knowledge.unit(knowledge.natural(1, g))[0]  # (d,)
        answer = self._answers(self.start[None])[0]
        self.label = int(answer.argmax())
        self.start_chance = float(answer[self.label])
        self.found = False  # whether any question got another label

    def is_adversarial(self, unit: Floats) -> Masks:
        """(n,) whether the label is another one."""
        return self._others(self._answers(unit))

    def is_other(self, at: Floats) -> bool:
        """Of one point (d,)."""
        return bool(self.is_adversarial(at[None])[0])

    def chance(self, unit: Floats) -> Floats:
        """(n,) probability of the victim's label."""
        answers = self._answers(unit)
        self._others(answers)
        return answers[:, self.label]

    def lead(self, unit: Floats) -> Floats:
        """(n,) log of the ratio of the victim's label to the next."""
        answers = self._answers(unit)
        self._others(answers)
        rest = np.delete(answers, self.label, axis=1).max(axis=1)
        return np.log(answers[:, self.label] + 1e-9) - np.log(rest + 1e-9)

    def _others(self, answers: Floats) -> Masks:
        other = answers.argmax(axis=1) != self.label
        self.found = self.found or bool(other.any())
        return other

    def _answers(self, unit: Floats) -> Floats:
        return self._ask(self._knowledge.real(unit))


def other(asked: Callable[[Floats], Masks], natural: Floats, g: np.random.Generator) -> Floats:
    """(d,) a point with another label: a natural row, or else one from anywhere.

    Args:
        asked: (n, d) of the box as 0 to 1 -> (n,) whether the label is another one.
        natural: (m, d) likewise.

    Raises:
        Unsuitable: none of 200 has another label.
    """
    for number in range(2 * STARTS):
        points = natural[g.integers(len(natural), size=1)] if number < STARTS else g.random((1, natural.shape[1]))
        if asked(points)[0]:
            return points[0]
    raise Unsuitable(f"{2 * STARTS} rows have the label of the first")
