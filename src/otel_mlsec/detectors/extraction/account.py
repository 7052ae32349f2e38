"""One principal whose rows are not like the reference's: he asks to learn the model, not to use it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from otel_mlsec.config import ModelSettings
from otel_mlsec.detector import State
from otel_mlsec.detectors.budget import threshold
from otel_mlsec.detectors.drift.tell import about
from otel_mlsec.detectors.extraction.accounts import LOOK, Accounts, Look
from otel_mlsec.detectors.extraction.suspects import Suspects, indicators
from otel_mlsec.detectors.rows import FRESH, PROBE, rows_of
from otel_mlsec.finding import Evidence, Finding, Severity, Status
from otel_mlsec.observation import Batch
from otel_mlsec.reference.geometry import Geometry
from otel_mlsec.reference.reference import Reference

CONCENTRATED = 0.35  # variance of a principal's rows, in that of the reference's: below, he asks around one place
BAD_EXPOSURE, WORST_EXPOSURE = 0.5, 0.8  # kappa


class Account:
    """Sequential evidence per principal (`evidence`) that his rows are novel, near the boundary, or far from their class.

    While they are like the reference's, or like what most principals ask now, the mean number of a principal's rows between two
    alarms is at least a million divided by `false_alarms_per_million` if p-values were independent; it is measured.  Principals
    who ask around one place are told by evasion/sequence, many who share the work by extraction/coordinated.

    It does not see: extraction with rows like everybody's (Knockoff with natural data), which is a batch job to everything but
    `extraction/volume` and the exposure that findings and the gauge tell; accounts that each ask only a few strange rows.
    """

    name: ClassVar[str] = "extraction/account"

    def __init__(self, geometry: Geometry, settings: ModelSettings, *, reference: Reference) -> None:
        self._geometry, self._reference = geometry, reference
        self._threshold = threshold(settings, reference)
        self._accounts = Accounts(geometry)
        self._suspects = Suspects()

    @classmethod
    def build(cls, reference: Reference, settings: ModelSettings) -> Account | None:
        return cls(reference.geometry, settings, reference=reference) if reference.geometry is not None else None

    @property
    def evicted(self) -> int:
        """Principals that were forgotten since others had more evidence, or came later."""
        return self._accounts.table.evicted

    def update(self, batch: Batch, /) -> list[Finding]:
        rows = rows_of(batch, self._geometry)
        if rows is None:
            return []
        fresh = batch.derived.get(FRESH, np.ones(len(rows), np.bool_))
        probe = batch.derived.get(PROBE, np.zeros(len(rows), np.bool_))
        look = self._accounts.look(batch, rows, fresh, probe, self._threshold)
        batch.derived[LOOK] = look
        spread_out = (look.score >= self._threshold) & ~self._accounts.walking(look.slots) & ~self._accounts.main(look.slots)
        if look.everybody:
            spread_out[:] = False
        elif look.together is not None:
            spread_out &= ~np.isin(look.slots, look.together.slots)
        spread_out &= self._accounts.spread(look.slots) >= CONCENTRATED
        due = self._suspects.due(batch, look, spread_out)
        return [self._finding(batch, look, *each) for each in due] + [
            self._ended(batch, who) for who in self._suspects.over(batch)
        ]

    def scores(self) -> Mapping[str, float]:
        """Exposure by principal: kappa in [0, 1]."""
        exposure = self._accounts.exposure
        slots = [int(slot) for slot in exposure.slots if slot >= 0]
        return {self._accounts.name(slot) or "nobody": exposure.of(slot) for slot in slots}

    def _finding(self, batch: Batch, look: Look, slot: int, place: int, status: Status) -> Finding:
        row, table = int(look.rows[place]), self._accounts.table
        exposure, n = self._accounts.exposure.of(slot), int(table["rows"][slot])
        who = self._accounts.name(slot)
        whose = "one principal" if who else "callers whom nobody names: somebody copies the model, or what is asked has changed"
        return Finding(
            kind="extraction.account",
            detector=self.name,
            title="Model extraction",
            summary=f"{n} rows unlike the reference's from {whose}, exposure {exposure:.2f}",
            severity=_severity(exposure, n) if who else Severity.LOW,
            score=float(look.score[place]),
            threshold=self._threshold,
            model=batch.model,
            time=float(batch.times[row]),
            first_seen=min(float(table["first"][slot]), float(batch.times[row])),
            count=n,
            status=status,
            call=int(batch.calls[row]),
            principal=who,
            evidence={
                "risk": _severity(exposure, n).name,
                **indicators(self._accounts, slot),
                "exposure": exposure,
                **about(self._reference),
            },
        )

    def _ended(self, batch: Batch, who: str) -> Finding:
        return ended(batch, who, "extraction.account", self.name, "Model extraction", self._threshold, about(self._reference))

    def snapshot(self) -> State:
        return self._accounts.snapshot() | self._suspects.snapshot()

    def restore(self, state: State, /) -> None:
        self._accounts.restore(state)
        self._suspects.restore(state)


def _severity(exposure: float, rows: int) -> Severity:
    if exposure >= WORST_EXPOSURE:
        return Severity.CRITICAL
    return Severity.HIGH if exposure >= BAD_EXPOSURE or rows >= 1000 else Severity.MEDIUM


def ended(batch: Batch, who: str, kind: str, detector: str, title: str, threshold: float, evidence: Evidence) -> Finding:
    """A principal from whom nothing of the kind has come for an hour."""
    time = float(batch.times[-1])
    return Finding(
        kind=kind, detector=detector, title=title, summary="no more for an hour", severity=Severity.MEDIUM,
        score=threshold, threshold=threshold, model=batch.model, time=time, first_seen=time if math.isfinite(time) else 0.0,
        status=Status.RESOLVED, principal=who, evidence=evidence,
    )  # fmt: skip
