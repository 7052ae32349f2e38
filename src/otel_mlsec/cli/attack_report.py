"""What came of attacks, as a table or as JSON."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from otel_mlsec.attack.outcome import Calm, Outcome, Told
from otel_mlsec.cli.safe import safe
from otel_mlsec.cli.show import COLOURS

ID = 12  # characters of a finding's that are enough to find it


def print_table(console: Console, calm: Calm, outcomes: Sequence[Outcome]) -> None:
    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in ("attack", "threat"):
        table.add_column(name, no_wrap=True)
    for name in ("queries", "success", "effect", "detected at"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("severity", "by", "finding"):
        table.add_column(name, no_wrap=True)
    for outcome in outcomes:
        told = outcome.told
        table.add_row(
            outcome.attack, outcome.threat, f"{outcome.queries:,}", "yes" if outcome.success else "no", _effect(outcome),
            _detected(outcome),
            Text(safe(told.severity), style=COLOURS.get(told.severity, "bold")) if told else "",
            safe(told.detector) if told else "",
            safe(told.identifier[:ID]) if told else "",
        )  # fmt: skip
    console.print(table)
    for outcome in outcomes:
        if outcome.note:
            console.print(f"{outcome.attack} ended early: {safe(outcome.note)}", soft_wrap=True)
    console.print(_calm(calm), soft_wrap=True)


def as_json(of: Outcome | Calm) -> dict[str, Any]:
    if isinstance(of, Calm):
        return {"benign": of.queries, "watched": of.watched, "false_alarms": [_told(told) for told in of.false_alarms]}
    return {
        "attack": of.attack,
        "threat": of.threat,
        "queries": of.queries,
        "accounts": of.accounts,
        "success": of.success,
        "effect": of.effect if math.isfinite(of.effect) else None,
        "watched": of.watched,
        "detected_at": of.detected_at,
        "finding": _told(of.told) if of.told else None,
        "note": of.note,
    }


def _told(told: Told) -> dict[str, Any]:
    return {"id": told.identifier, "detector": told.detector, "severity": told.severity, "principals": list(told.principals)}


def _effect(outcome: Outcome) -> str:
    if not math.isfinite(outcome.effect):
        return "none"
    return f"L2 {outcome.effect:.3f}" if outcome.threat == "evasion" else f"{100 * outcome.effect:.0f} %"


def _detected(outcome: Outcome) -> str:
    if not outcome.watched:
        return "not watched"
    return f"query {outcome.detected_at:,}" if outcome.detected_at is not None else "no"


def _calm(calm: Calm) -> str:
    if not calm.queries:
        return "No benign traffic (--benign), so nothing is said of false alarms."
    if not calm.watched:
        return f"{calm.queries:,} benign queries; nobody could see findings (--listen)."
    by = Counter(told.detector for told in calm.false_alarms)
    said = ", ".join(f"{safe(name)} {count}" for name, count in by.most_common())
    return f"{calm.queries:,} benign queries: {len(calm.false_alarms):,} false alarms" + (f" ({said})" if said else "")
