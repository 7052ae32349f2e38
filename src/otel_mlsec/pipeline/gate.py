"""One change is one finding: a statistic does not say again what a fact has said of a column, and what flickers stays open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from otel_mlsec.finding import Finding, Severity, Status

FACTS = "drift/facts"
STATISTICS = ("drift/data", "drift/cycle")
ANOMALIES = "anomaly/input"
STEADY = 3600.0  # s that a finding stays open at least; a change that goes and comes within is one
MAX_OPEN = 4096  # findings; of more principals that attack at once the end is not told of all

Key = tuple[str, str, tuple[str, ...]]  # kind, principal and columns


@dataclass(slots=True)
class Gate:
    """State: findings that the reader knows to be open, those of them that have gone, columns of which a fact is open."""

    _open: dict[Key, float] = field(default_factory=dict[Key, float])  # since when, s
    _gone: dict[Key, Finding] = field(default_factory=dict[Key, Finding])  # resolved too soon to say so
    _held: dict[Key, Finding] = field(default_factory=dict[Key, Finding])  # statistics that a fact has said
    _facts: dict[str, dict[str, Severity]] = field(default_factory=dict[str, dict[str, Severity]])  # kind -> column -> how bad
    held_back: Counter[tuple[str, Severity]] = field(default_factory=Counter[tuple[str, Severity]])  # kind and severity

    def admitted(self, findings: Sequence[Finding], now: float) -> list[Finding]:
        """Facts first, as the detectors are asked in that order; `now` is the time of the last row, s since the epoch."""
        told = [finding for finding in findings if self._admits(finding)]
        return self._steadily_gone(now) + told + self._no_longer_said(now)

    def _admits(self, finding: Finding) -> bool:
        self._note_fact(finding)
        key = finding.kind, finding.principal, finding.subject
        if finding.status is Status.RESOLVED:
            if key in self._open:
                self._gone[key] = replace(finding, call=-1)  # the call that decided is over when it is told
            self._held.pop(key, None)
            return False  # told when it has been open for long enough, or never, as the finding was not
        gone = self._gone.pop(key, None)
        if gone is not None and finding.severity <= gone.severity:
            self.held_back[finding.kind, finding.severity] += 1
            return False
        if self._said_by_a_fact(finding):
            self._held[key] = replace(finding, call=-1)
            self.held_back[finding.kind, finding.severity] += 1
            return False
        return self._opened(key, finding.time)

    def _opened(self, key: Key, time: float) -> bool:
        self._open[key] = time
        if len(self._open) > MAX_OPEN:
            self._open.pop(next(iter(self._open)))
        return True

    def _no_longer_said(self, now: float) -> list[Finding]:
        """Statistics that still stand when the fact about their columns is over."""
        over = [key for key, finding in self._held.items() if not self._said_by_a_fact(finding)]
        for key in over:
            self._opened(key, now)
        return [self._held.pop(key) for key in over]

    def _steadily_gone(self, now: float) -> list[Finding]:
        steady = [key for key in self._gone if key not in self._open or now - self._open[key] >= STEADY]
        for key in steady:
            self._open.pop(key, None)
        return [self._gone.pop(key) for key in steady]

    def _note_fact(self, finding: Finding) -> None:
        if finding.detector == FACTS:
            columns = self._facts.setdefault(finding.kind, {})
            for name in finding.subject:
                columns.pop(name, None)
                if finding.status is not Status.RESOLVED:
                    columns[name] = finding.severity

    def _said_by_a_fact(self, finding: Finding) -> bool:
        if finding.detector == ANOMALIES:  # of the same columns it says no more
            features = finding.evidence.get("features", ())
            said_columns = {name for columns in self._facts.values() for name in columns}
            return isinstance(features, tuple) and bool(features) and said_columns.issuperset(features)
        if finding.detector not in STATISTICS:
            return False
        said: dict[str, Severity] = {}  # the worst that a fact says of a column; what is worse than that is told
        for columns in self._facts.values():
            for name, severity in columns.items():
                said[name] = max(severity, said.get(name, severity))
        return all(said.get(name, 0) >= finding.severity for name in finding.subject)
