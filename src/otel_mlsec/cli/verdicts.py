"""What a scan found, as a table for people or as lines of JSON."""

from __future__ import annotations

import collections
import json
import math
import sys
from collections.abc import Iterator
from typing import Any, Protocol

from rich.console import Console
from rich.table import Table
from rich.text import Text

from otel_mlsec.cli.safe import safe
from otel_mlsec.cli.scanner import Scanned
from otel_mlsec.cli.show import COLOURS
from otel_mlsec.finding import Finding, Severity

PAGE = 500  # rows of one table: a corpus may be longer than memory
SHOWN = 60  # characters of an id


class View(Protocol):
    """Shows what came of one prompt after the other."""

    def add(self, scanned: Scanned) -> None: ...

    def end(self) -> None: ...


class Lines:
    """One JSON object a finding; with `everything`, one a prompt."""

    def __init__(self, *, everything: bool, threshold: float) -> None:
        self._everything, self._threshold = everything, threshold

    def add(self, scanned: Scanned) -> None:
        said = [_score(scanned, self._threshold)] if self._everything else [_told(scanned, each) for each in scanned.findings]
        for each in said:
            sys.stdout.write(json.dumps(each, allow_nan=False) + "\n")  # ASCII only: nothing that a terminal would obey
            sys.stdout.flush()  # who reads a pipe wants it now

    def end(self) -> None:
        """Nothing waits."""


class Rows:
    """A table with one row a finding; with `everything`, prompts without one have a row, too."""

    def __init__(self, console: Console, *, everything: bool) -> None:
        self._console, self._everything = console, everything
        self._table = _table()

    def add(self, scanned: Scanned) -> None:
        for finding in scanned.findings:
            self._table.add_row(*_row(scanned, finding))
        if self._everything and not scanned.findings:
            self._table.add_row(_id(scanned), scanned.prompt.role, "", "", f"{scanned.score:.2f}", "")
        if self._table.row_count >= PAGE:
            self.end()

    def end(self) -> None:
        if self._table.row_count:
            self._console.print(self._table)
        self._table = _table()


class Tally:
    """What was scanned, in numbers."""

    def __init__(self) -> None:
        self.prompts = 0
        self.flagged = 0
        self.findings: collections.Counter[Severity] = collections.Counter()

    def add(self, scanned: Scanned) -> None:
        self.prompts += 1
        self.flagged += bool(scanned.findings)
        self.findings.update(finding.severity for finding in scanned.findings)

    def line(self) -> str:
        by_severity = ", ".join(f"{count:,} {severity.name}" for severity, count in sorted(self.findings.items(), reverse=True))
        found = sum(self.findings.values())
        return (
            f"{_many(self.prompts, 'text')}, {_many(found, 'finding')}"
            + (f" ({by_severity})" if found else "")
            + (f" in {_many(self.flagged, 'text')}" if found else "")
        )


def _many(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def _table() -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in ("id", "role", "severity", "kind"):
        table.add_column(name, no_wrap=True)
    table.add_column("score", justify="right")
    table.add_column("what")
    return table


def _row(scanned: Scanned, finding: Finding) -> Iterator[Text | str]:
    yield _id(scanned)
    yield scanned.prompt.role
    yield Text(finding.severity.name, style=COLOURS[finding.severity.name])
    yield safe(finding.kind)
    yield f"{finding.score:.2f}"
    yield Text(safe(finding.summary))


def _id(scanned: Scanned) -> Text:
    return Text(safe(str(scanned.prompt.id), SHOWN))


def _told(scanned: Scanned, finding: Finding) -> dict[str, Any]:
    prompt = scanned.prompt
    return {
        "id": prompt.id,
        "role": prompt.role,
        **({"conversation": prompt.conversation} if prompt.conversation else {}),
        "kind": finding.kind,
        "detector": finding.detector,
        "severity": finding.severity.name,
        "score": _finite(round(finding.score, 4)),
        "threshold": _finite(round(finding.threshold, 4)),
        "title": finding.title,
        "summary": finding.summary,
        "evidence": {name: _finite(value) for name, value in finding.evidence.items()},
    }


def _score(scanned: Scanned, threshold: float) -> dict[str, Any]:
    """The threshold is of texts that a model is given; what it gives is judged by detectors that have each their own."""
    worst = scanned.findings[0] if scanned.findings else None
    return {
        "id": scanned.prompt.id,
        "role": scanned.prompt.role,
        "score": _finite(round(scanned.score, 4)),
        "threshold": _finite(worst.threshold if worst is not None and scanned.prompt.role == "assistant" else threshold),
        "flagged": worst is not None,
        "kind": worst.kind if worst is not None else "",
        "severity": worst.severity.name if worst is not None else "",
        "kinds": sorted({finding.kind for finding in scanned.findings}),
        "families": list(scanned.verdict.families),
        "layer": scanned.verdict.layer,
    }


def _finite(value: str | bool | int | float | tuple[str, ...]) -> str | bool | int | float | tuple[str, ...]:
    """JSON has no infinities."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
