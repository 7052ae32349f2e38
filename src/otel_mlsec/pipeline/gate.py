"""One change is one finding: what a fact has already said of a column is not said again by a statistic."""

from __future__ import annotations

from collections.abc import Sequence

from otel_mlsec.finding import Finding, Status

FACTS = "drift/facts"
STATISTICS = "drift/data"


class Gate:
    """State: columns of which a fact is open, and columns whose statistical finding was held back."""

    def __init__(self) -> None:
        self._facts: dict[str, set[str]] = {}  # kind -> columns
        self._held: set[tuple[str, ...]] = set()
        self.held_back = 0

    def admitted(self, findings: Sequence[Finding]) -> list[Finding]:
        """Facts first, as the detectors are asked in that order."""
        return [finding for finding in findings if self._admits(finding)]

    def _admits(self, finding: Finding) -> bool:
        if finding.detector == FACTS:
            columns = self._facts.setdefault(finding.kind, set())
            if finding.status is Status.RESOLVED:
                columns.difference_update(finding.subject)
            else:
                columns.update(finding.subject)
            return True
        if finding.detector != STATISTICS:
            return True
        if finding.status is Status.RESOLVED:  # of what was never told, nothing is resolved
            held = finding.subject in self._held
            self._held.discard(finding.subject)
            return not held
        told = set[str]().union(*self._facts.values())
        if not told.issuperset(finding.subject):
            self._held.discard(finding.subject)
            return True
        self._held.add(finding.subject)
        self.held_back += 1
        return False
