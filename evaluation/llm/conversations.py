"""Attempts that are spread over a conversation: evidence that adds up, against the worst message by itself."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from evaluation.llm.data import GROUPS, balanced
from evaluation.llm.folds import Folds
from evaluation.llm.report import out, table
from otel_mlsec.detectors.llm.persistence import evidence

BEFORE = 5  # benign messages
ATTEMPTS = (1, 3, 5, 10)
LENGTH = 20  # messages of a benign conversation
FALSE = 0.01  # of such conversations alarm
SIMULATED = 4_000

Messages = npt.NDArray[np.float64]  # (n_conversations, n_messages) digits


def most_evidence(digits: Messages) -> npt.NDArray[np.float64]:
    """(n_conversations,) the largest that the sum of `llm/persistence` becomes."""
    total = np.zeros(len(digits))
    most = total.copy()
    for each in np.vectorize(evidence)(digits).T:
        total = (1 + total) * each
        most = np.maximum(most, total)
    return most


def turns(made: Folds) -> None:
    """Draws are independent, which persistence is not; benign messages are of all sources alike."""
    rows, chance = made.rows, np.random.default_rng(1)
    user = made.held_out & ~rows.attack & ~rows.document
    weights = balanced(rows.source[user])
    benign = chance.choice(made.digits[user], (20_000, LENGTH), p=weights)
    added, worst = np.quantile(most_evidence(benign), 1 - FALSE), np.quantile(benign.max(1), 1 - FALSE)
    shown = table(
        f"Attempts after {BEFORE} benign messages: sum of evidence (limit {added:.0f}) / worst message (limit {worst:.2f}), "
        f"{FALSE:.0%} of benign conversations of {LENGTH} messages above either",
        "attacks", *(f"{k} attempts" for k in ATTEMPTS),
    )  # fmt: skip
    for group, label in enumerate(GROUPS):
        attacks = made.digits[rows.attack & (rows.group == group)]
        cells: list[str] = []
        for k in ATTEMPTS:
            before = chance.choice(made.digits[user], (SIMULATED, BEFORE), p=weights)
            said = np.hstack([before, chance.choice(attacks, (SIMULATED, k))])
            cells.append(f"{(most_evidence(said) > added).mean():.2f} / {(said.max(1) > worst).mean():.2f}")
        shown.add_row(label, *cells)
    out.print(shown)
