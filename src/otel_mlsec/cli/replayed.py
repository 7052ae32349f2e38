"""What a replay found: as lines of JSON as it is found, as a table by kind at the end, or by budget."""

from __future__ import annotations

import json
import math
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from rich.console import Console
from rich.table import Table
from rich.text import Text

from otel_mlsec.cli.rehearsal import Told
from otel_mlsec.cli.safe import safe
from otel_mlsec.cli.show import COLOURS
from otel_mlsec.finding import Finding, Severity, Status

MAX_COUNTED = 1 << 16  # findings and principals of one kind that are told apart
SHOWN = 100  # characters of a summary


class View(Protocol):
    def add(self, told: Sequence[Told]) -> None: ...

    def end(self, n_rows: int) -> None: ...


class Lines:
    """One JSON object a record of a finding."""

    def add(self, told: Sequence[Told]) -> None:
        for each in told:
            _say(_record(each))

    def end(self, n_rows: int) -> None:
        """Nothing waits."""


class Kinds:
    """A table with one row for each kind of finding of a model."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._kinds: dict[tuple[str, str, str], _Kind] = {}

    def add(self, told: Sequence[Told]) -> None:
        for each in told:
            found = each.finding
            key = f"{found.model.name} {found.model.version}".strip(), found.kind, found.detector
            self._kinds.setdefault(key, _Kind(worst=found, first=each.first_row, last=each.row)).add(each)

    def end(self, n_rows: int) -> None:
        if not self._kinds:
            self._console.print(f"nothing was found in {n_rows:,} rows")
            return
        table = Table(box=None, header_style="dim", pad_edge=False)
        several = len({model for model, _, _ in self._kinds}) > 1
        for name in (*(["model"] if several else []), "kind", "detector", "severity"):
            table.add_column(name, no_wrap=True)
        for name in ("findings", "principals", "first row", "last row"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("the worst")
        for (model, kind, detector), of in sorted(self._kinds.items(), key=lambda item: (-item[1].worst.severity, item[0])):
            table.add_row(
                *([safe(model)] if several else []), safe(kind), safe(detector),
                Text(of.worst.severity.name, style=COLOURS[of.worst.severity.name]),
                f"{len(of.findings):,}", f"{len(of.principals):,}" if of.principals else "", f"{of.first:,}", f"{of.last:,}",
                Text(safe(of.worst.summary, SHOWN)),
            )  # fmt: skip
        self._console.print(table)


class Budgets:
    """One line for each false-alarm budget: what it would have cost."""

    def __init__(self, console: Console, budgets: Sequence[float], *, as_json: bool) -> None:
        self._console, self._json = console, as_json
        self._budgets = {budget: _Cost() for budget in budgets}

    def add(self, told: Sequence[Told]) -> None:
        for each in told:
            self._budgets[each.budget].add(each.finding)

    def end(self, n_rows: int) -> None:
        if self._json:
            for budget, cost in self._budgets.items():
                _say({"false_alarms_per_million": budget, "rows": n_rows, **cost.numbers})
            return
        table = Table(box=None, header_style="dim", pad_edge=False)
        table.add_column("false alarms per million rows", justify="right", no_wrap=True)
        for severity in sorted(Severity, reverse=True):
            table.add_column(severity.name, justify="right", no_wrap=True)
        for name in ("findings", "rows flagged", "share"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("by detector")
        for budget, cost in self._budgets.items():
            flagged = cost.rows_flagged
            table.add_row(
                f"{budget:g}", *(f"{cost.severities[s]:,}" for s in sorted(Severity, reverse=True)), f"{len(cost.rows):,}",
                f"{flagged:,}", f"{100 * flagged / max(n_rows, 1):.3g} %",
                ", ".join(f"{safe(name)} {count:,}" for name, count in sorted(cost.detectors.items())),
            )  # fmt: skip
        self._console.print(table)


@dataclass(slots=True, kw_only=True)
class _Kind:
    worst: Finding
    first: int
    last: int
    findings: set[str] = field(default_factory=set[str])
    principals: set[str] = field(default_factory=set[str])

    def add(self, told: Told) -> None:
        found = told.finding
        self.worst = max(self.worst, found, key=lambda f: f.severity)  # of equals the first
        self.first, self.last = min(self.first, told.first_row), max(self.last, told.row)
        _count(self.findings, found.dedup_key)
        for who in (found.principal, *_principals(found)):
            if who:
                _count(self.principals, who)


@dataclass(slots=True)
class _Cost:
    severities: Counter[Severity] = field(default_factory=Counter[Severity])  # of findings, as they were told first
    detectors: Counter[str] = field(default_factory=Counter[str])
    rows: dict[str, int] = field(default_factory=dict[str, int])  # that a finding rests on, at its end

    def add(self, finding: Finding) -> None:
        key = finding.dedup_key
        if key not in self.rows:
            if finding.status is Status.RESOLVED or len(self.rows) >= MAX_COUNTED:
                return
            self.severities[finding.severity] += 1
            self.detectors[finding.detector] += 1
        self.rows[key] = max(self.rows.get(key, 0), finding.count)

    @property
    def rows_flagged(self) -> int:
        return sum(self.rows.values())

    @property
    def numbers(self) -> dict[str, Any]:
        return {
            "findings": len(self.rows),
            "rows_flagged": self.rows_flagged,
            "by_severity": {severity.name: self.severities[severity] for severity in sorted(Severity, reverse=True)},
            "by_detector": dict(sorted(self.detectors.items())),
        }


def _count(known: set[str], name: str) -> None:
    if len(known) < MAX_COUNTED:
        known.add(name)


def _principals(finding: Finding) -> tuple[str, ...]:
    listed = finding.evidence.get("principals", ())
    return listed if isinstance(listed, tuple) else ()


def _record(told: Told) -> dict[str, Any]:
    found = told.finding
    return {
        "detector": found.detector,
        "kind": found.kind,
        "severity": found.severity.name,
        "status": found.status.value,
        "score": _finite(found.score),
        "threshold": _finite(found.threshold),
        "model": found.model.name,
        "version": found.model.version,
        "principal": found.principal,
        "first_row": told.first_row,
        "row": told.row,
        "rows": found.count,
        "time": _finite(found.time),
        "subject": list(found.subject),
        "finding": found.dedup_key,
        "summary": found.summary,
        "evidence": {name: _finite(value) for name, value in found.evidence.items()},
    }


def _finite(value: Any) -> Any:
    """JSON has no infinities, and knows no numbers of numpy."""
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    return value.item() if hasattr(value, "item") else value


def _say(record: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(record, allow_nan=False) + "\n")  # ASCII only: nothing that a terminal would obey
    sys.stdout.flush()  # who reads a pipe wants it now
