"""Rule sets of others on the same texts."""

from __future__ import annotations

import numpy as np

from evaluation.llm.data import GROUPS, balanced
from evaluation.llm.folds import LEVELS, Folds
from evaluation.llm.peers import peers
from evaluation.llm.report import out, table

OF_A_GROUP, BENIGN = 400, 4_000


def beside_peers(made: Folds) -> None:
    rows, chance = made.rows, np.random.default_rng(2)
    attacks = [
        int(i)
        for group in range(len(GROUPS))
        for i in chance.choice(np.flatnonzero(rows.attack & made.blind & (rows.group == group)), OF_A_GROUP, replace=False)
    ]
    benign = np.flatnonzero(made.held_out & ~rows.attack & made.blind)
    benign = chance.choice(benign, BENIGN, replace=False, p=balanced(rows.source[benign]))
    shown = table(
        f"Beside others, as they are shipped: {OF_A_GROUP} attacks of each group, {BENIGN:,} benign texts "
        "(no rule of ours was written on any)",
        "rule set", "recall", "benign %", "licence",
    )  # fmt: skip
    for level in ("1 %", "0.1 %"):
        found, alarms = ((made.digits[of] >= LEVELS[level]).mean() for of in (attacks, benign))
        shown.add_row(f"otel-mlsec at nominal {level}", f"{found:.3f}", f"{100 * alarms:.2f}", "Apache-2.0", style="bold")
    for peer in peers(out.print):
        found, alarms = (np.mean([peer.flag(str(rows.text[i])) for i in of]) for of in (attacks, benign))
        shown.add_row(f"{peer.name} {peer.version}", f"{found:.3f}", f"{100 * alarms:.2f}", peer.licence)
    out.print(shown)
