"""One principal who asks around one place, with rows that nobody else would ask: the walk of a decision-based attack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from otel_mlsec.config import ModelSettings
from otel_mlsec.detector import State
from otel_mlsec.detectors.budget import threshold
from otel_mlsec.detectors.drift.tell import about
from otel_mlsec.detectors.extraction.account import CONCENTRATED, ended
from otel_mlsec.detectors.extraction.accounts import LOOK, Look
from otel_mlsec.detectors.extraction.suspects import Suspects, indicators
from otel_mlsec.finding import Finding, Severity, Status
from otel_mlsec.observation import Batch
from otel_mlsec.reference.reference import Reference

TITLE = "Search for an adversarial input"


class Sequence:
    """The evidence of extraction/account, of principals whose rows stay together.

    It does not see: attacks that rotate their accounts (evasion/near_duplicate does), and those that need few queries.
    """

    name: ClassVar[str] = "evasion/sequence"

    def __init__(self, settings: ModelSettings, *, reference: Reference) -> None:
        self._reference = reference
        self._threshold = threshold(settings, reference)
        self._suspects = Suspects()

    @classmethod
    def build(cls, reference: Reference, settings: ModelSettings) -> Sequence | None:
        return cls(settings, reference=reference) if reference.geometry is not None else None

    def update(self, batch: Batch, /) -> list[Finding]:
        look: Look | None = batch.derived.get(LOOK)
        if look is None or not batch.n_rows:
            return []
        together = (look.score >= self._threshold) & ~look.accounts.walking(look.slots)
        together &= ~look.accounts.main(look.slots) & (not look.everybody)
        together &= (look.accounts.spread(look.slots) < CONCENTRATED) & look.accounts.changes(look.slots)
        due = self._suspects.due(batch, look, together)
        over = [
            ended(batch, who, "evasion.sequence", self.name, TITLE, self._threshold, about(self._reference))
            for who in self._suspects.over(batch)
        ]
        return [self._finding(batch, look, *each) for each in due] + over

    def scores(self) -> Mapping[str, float]:
        return {}

    def _finding(self, batch: Batch, look: Look, slot: int, place: int, status: Status) -> Finding:
        row, table = int(look.rows[place]), look.accounts.table
        flips, n = int(table["flips"][slot]), int(table["rows"][slot])
        return Finding(
            kind="evasion.sequence",
            detector=self.name,
            title=TITLE,
            summary=f"{n} rows around one place from one principal, the label changed {flips} times",
            severity=Severity.HIGH if flips > 1 else Severity.MEDIUM,
            score=float(look.score[place]),
            threshold=self._threshold,
            model=batch.model,
            time=float(batch.times[row]),
            first_seen=min(float(table["first"][slot]), float(batch.times[row])),
            count=n,
            status=status,
            call=int(batch.calls[row]),
            principal=look.accounts.name(slot),
            evidence={**indicators(look.accounts, slot), **about(self._reference)},
        )

    def snapshot(self) -> State:
        return self._suspects.snapshot()

    def restore(self, state: State, /) -> None:
        self._suspects.restore(state)
