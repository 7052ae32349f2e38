"""Many accounts, or many clients behind one network, that together do what one account would be told for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from otel_mlsec.config import ModelSettings
from otel_mlsec.detector import State
from otel_mlsec.detectors.budget import threshold
from otel_mlsec.detectors.drift.tell import about
from otel_mlsec.detectors.extraction.accounts import GROUPINGS, LEAST, LOOK, Look, principal_of
from otel_mlsec.detectors.extraction.evidence import N_STATISTICS, runs, shiryaev_roberts
from otel_mlsec.detectors.incident import Incident, packed, unpacked
from otel_mlsec.detectors.who import shown
from otel_mlsec.finding import Finding, Severity, Status
from otel_mlsec.observation import Batch
from otel_mlsec.reference.reference import Reference
from otel_mlsec.sketches.principals import Principals

LISTED = 64  # accounts
SOURCE_SETS = 1024
MAX_OPEN = 16
EVERYBODY = "everybody"  # name of the incident in which most principals are strange


class Coordinated:
    """Accounts that came within one stretch of traffic (`pool`), and those of one network prefix, user agent or group.

    While most principals who have been there before ask strange rows, the world has changed, a unit or a feed: then neither this
    nor extraction/account and evasion/sequence tell of an attack, but here one finding of low severity says so.

    It does not see: accounts that were ordinary for long; those whose rows are like everybody's; traffic of other replicas.
    """

    name: ClassVar[str] = "extraction/coordinated"

    def __init__(self, settings: ModelSettings, *, reference: Reference) -> None:
        self._reference = reference
        self._threshold = threshold(settings, reference) + float(np.log(GROUPINGS))
        self._sources = Principals({"m": ("f4", N_STATISTICS), "accounts": "u8"}, sets=SOURCE_SETS)
        self._open: dict[str, Incident] = {}

    @classmethod
    def build(cls, reference: Reference, settings: ModelSettings) -> Coordinated | None:
        return cls(settings, reference=reference) if reference.geometry is not None else None

    def update(self, batch: Batch, /) -> list[Finding]:
        look: Look | None = batch.derived.get(LOOK)
        if look is None or not batch.n_rows:
            return []
        if look.everybody:
            return self._everybody(batch, look) + self._over(batch)
        found = self._together(batch, look) if len(look.rows) else []
        if batch.sources:
            for kind in range(max(map(len, batch.sources), default=0)):
                found += self._of_sources(batch, look, kind)
        return found + self._over(batch)

    def scores(self) -> Mapping[str, float]:
        return {}

    def _everybody(self, batch: Batch, look: Look) -> list[Finding]:
        """What would be told of each: once, and as what it rather is."""
        mine = np.flatnonzero(look.score >= self._threshold)
        if not len(mine):
            return []
        row = int(look.rows[mine].max())
        names = [look.accounts.name(slot) for slot in np.unique(look.slots[mine]).tolist()]
        known = self._open.get(EVERYBODY)
        if known is None and len(names) < LEAST:
            return []
        return self._told(batch, row, EVERYBODY, names, len(mine), float(look.score[mine].max()), 1.0)

    def _together(self, batch: Batch, look: Look) -> list[Finding]:
        together = look.together
        mine = np.flatnonzero(np.isin(look.slots, together.slots)) if together is not None else ()
        if together is None or not len(mine):
            return []
        names = [look.accounts.name(slot) for slot in together.slots.tolist()]
        row = int(look.rows[mine].max())
        return self._told(batch, row, f"accounts {together.stretch}", names, len(mine), together.score, together.share)

    def _of_sources(self, batch: Batch, look: Look, kind: int) -> list[Finding]:
        """Evidence of what several accounts of one source asked together."""
        calls: list[int] = batch.calls[look.rows].tolist()
        of_kind = np.array([call < len(batch.sources) and len(batch.sources[call]) > kind for call in calls], np.bool_)
        alone = look.score >= self._threshold  # who has enough against himself needs no others
        mine = np.flatnonzero(of_kind & ~alone & ~look.accounts.walking(look.slots))
        if not len(mine):
            return []
        mine = mine[np.argsort(look.rows[mine], kind="stable")]
        places: list[int] = mine.tolist()
        names = [shown(batch.sources[calls[i]][kind]) for i in places]
        slots = self._sources.slots_of(names)
        order, groups, last = runs(slots)
        mine, slots = mine[order], slots[order]
        table = self._sources
        after = shiryaev_roberts(table["m"][slots].astype(np.float64), look.log_e[mine], groups)
        score = np.logaddexp.reduce(after, axis=1) - np.log(N_STATISTICS)
        table["m"][slots[last]] = after[last]
        table.evidence[slots[last]] = np.maximum(score[last], 0.0)
        accounts = look.slots[mine]
        strange = look.accounts.log_product(accounts) > 0  # one alone is no group, whoever else is behind the same network
        np.bitwise_or.at(table["accounts"], slots[strange], np.uint64(1) << (accounts[strange] % 64).astype(np.uint64))
        found: list[Finding] = []
        for slot in np.unique(slots[strange & (score >= self._threshold)]).tolist():
            if int(table["accounts"][slot]).bit_count() < LEAST:
                continue
            his = np.flatnonzero((slots == slot) & strange)
            source = names[int(order[his[0]])]
            who = [principal_of(batch, int(row)) for row in look.rows[mine[his]]]
            row = int(look.rows[mine[his]].max())
            found += self._told(batch, row, source, who, len(his), float(score[his[-1]]), 0.0)
        return found

    def _told(self, batch: Batch, row: int, name: str, who: list[str], rows: int, score: float, share: float) -> list[Finding]:
        time = float(batch.times[row])
        incident = self._open.get(name)
        if incident is None:
            if len(self._open) >= MAX_OPEN:
                del self._open[min(self._open, key=lambda each: self._open[each].last)]
            incident = self._open[name] = Incident(name=name, began=time, last=time)
        for each in who:
            incident.add(0, time, each)
        incident.add(rows, time)
        status = incident.due(time)
        if status is None:
            return []
        incident.told(time)
        n = len(incident.principals)
        everybody = name == EVERYBODY
        more = ": so do most, so the world has rather changed" if everybody else ""
        return [
            Finding(
                kind="extraction.coordinated",
                detector=self.name,
                title="Coordinated extraction",
                summary=f"{n} principals share rows unlike the reference's ({name.partition(' ')[0].partition(':')[0]}){more}",
                severity=Severity.LOW if everybody else Severity.HIGH,
                score=score,
                threshold=self._threshold,
                model=batch.model,
                time=time,
                first_seen=incident.began,
                count=max(incident.rows, 1),
                status=status,
                call=int(batch.calls[row]),
                subject=(name,),
                evidence={
                    "n_principals": n,
                    "principals": tuple(each for each, _ in list(incident.principals.items())[:LISTED]),
                    "linked_by": "accounts that came together" if name.startswith("accounts ") else name,
                    "share": share,
                    **about(self._reference),
                },
            )
        ]

    def _over(self, batch: Batch) -> list[Finding]:
        time = float(batch.times[-1])
        over = [incident for incident in self._open.values() if incident.over(time)]
        for incident in over:
            del self._open[incident.name]
        return [
            Finding(
                kind="extraction.coordinated", detector=self.name, title="Coordinated extraction", summary="no more for an hour",
                severity=Severity.MEDIUM, score=self._threshold, threshold=self._threshold, model=batch.model, time=time,
                first_seen=incident.began, status=Status.RESOLVED, subject=(incident.name,), evidence=about(self._reference),
            )
            for incident in over
        ]  # fmt: skip

    def snapshot(self) -> State:
        return packed(list(self._open.values())) | {f"sources.{key}": part for key, part in self._sources.snapshot().items()}

    def restore(self, state: State, /) -> None:
        self._open = {incident.name: incident for incident in unpacked(state)}
        self._sources.restore({key.partition(".")[2]: part for key, part in state.items() if key.startswith("sources.")})
