"""Rows with a fixed trigger, as an attacker sends them who has poisoned the training data, or tries whether he has."""

from __future__ import annotations

import numpy as np

from otel_mlsec.arrays import Floats
from otel_mlsec.attack.knowledge import Ask, Knowledge

AT_ONCE = 10
TAKEN_OVER = 0.5  # rise of the share of one label from which the trigger is said to decide


def trigger(ask: Ask, knowledge: Knowledge, g: np.random.Generator) -> None:
    """Natural rows in which two features always have the same two values, rare but within the box."""
    varied = np.flatnonzero(knowledge.width > 0)
    features = g.choice(varied, min(2, len(varied)), replace=False)
    values = knowledge.high[features] - knowledge.width[features] * 0.013  # nobody's value, in nobody's way
    while True:
        rows = knowledge.natural(AT_ONCE, g)
        rows[:, features] = values
        ask(rows)


def takeover(answers: Floats, held: Floats) -> float:
    """By how much more often triggered rows get their most frequent label than natural rows do, 0 to 1."""
    labels = answers.argmax(axis=1)
    most = int(np.bincount(labels).argmax())
    return max(0.0, float((labels == most).mean() - (held.argmax(axis=1) == most).mean()))
