"""Many small changes of one row, by whoever: the search for an input that the model gets wrong."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from otel_mlsec.arrays import Ints
from otel_mlsec.config import ModelSettings
from otel_mlsec.detector import State
from otel_mlsec.detectors.budget import threshold
from otel_mlsec.detectors.drift.tell import about
from otel_mlsec.detectors.evasion.perturbation import perturbation
from otel_mlsec.detectors.evasion.stars import Alarm, Stars
from otel_mlsec.detectors.incident import Incident, packed, unpacked
from otel_mlsec.detectors.rows import FRESH, PROBE, Rows, rows_of
from otel_mlsec.detectors.who import who_of
from otel_mlsec.finding import Finding, Severity, Status
from otel_mlsec.observation import Batch
from otel_mlsec.reference.geometry import Geometry
from otel_mlsec.reference.reference import Reference
from otel_mlsec.sketches.asked import Asked
from otel_mlsec.sketches.neighbours import Neighbours

REACH = 0.7  # spacings of the reference within which a row is a probe of another
PIECE = 256  # rows that are looked at together: work and memory within a piece grow with the square
MAX_OPEN = 16  # incidents; what does not fit is counted to the latest
SAME = 0.5  # distance between the centres of one incident, in that between two rows of the reference
LISTED = 16  # principals
SEED = 90221


class NearDuplicate:
    """Stars of probes (`stars`), found without reading an identity, so that accounts may rotate.

    Exact repeats do not count.  The score is a log of rows: with the default budget ten probes around one row, or five that
    change the label, are a finding.  That this costs at most one false alarm in a million rows is measured, not proved.

    It does not see: attacks that need few queries (of tables, those that read probabilities often need fewer than ten); probes
    further from each other than the reference's rows; probes spread over many replicas.  Somebody who tries ten small changes
    of one row, a field at a time, is told, whatever for.
    """

    name: ClassVar[str] = "evasion/near_duplicate"

    def __init__(self, geometry: Geometry, settings: ModelSettings, *, reference: Reference) -> None:
        self._geometry, self._reference = geometry, reference
        self._threshold = threshold(settings, reference)
        self._asked = Asked(len(geometry.names), seed=SEED)
        self._neighbours = Neighbours(geometry.n_dimensions, geometry.spacing, seed=SEED)
        self._stars = Stars(self._neighbours.n_rows, geometry.n_dimensions)
        self._open: list[Incident] = []
        self._centers: dict[str, int] = {}  # incident -> place of its first centre

    @classmethod
    def build(cls, reference: Reference, settings: ModelSettings) -> NearDuplicate | None:
        return cls(reference.geometry, settings, reference=reference) if reference.geometry is not None else None

    def update(self, batch: Batch, /) -> list[Finding]:
        rows = rows_of(batch, self._geometry)
        if rows is None:
            return []
        fresh = ~self._asked.seen(rows.cells)
        probe = np.zeros(len(rows), np.bool_)
        who = who_of(batch)
        found: list[Finding] = []
        for start in range(0, len(rows), PIECE):
            mine = start + np.flatnonzero(fresh[start : start + PIECE])
            e = np.ascontiguousarray(rows.e[mine])
            near = self._neighbours.nearest(e, REACH * self._geometry.spacing)
            probe[mine[near.of >= 0]] = True
            alarms = self._stars.add(
                near, e, self._neighbours.rows, rows.label[mine], batch.times[mine], who[mine], self._threshold
            )
            found += self._told(batch, rows, mine, alarms)
        batch.derived[FRESH], batch.derived[PROBE] = fresh & ~probe, probe
        return found + self._over(batch)

    def scores(self) -> Mapping[str, float]:
        return {}

    def _told(self, batch: Batch, rows: Rows, mine: Ints, alarms: Sequence[Alarm]) -> list[Finding]:
        found: list[Finding] = []
        for alarm in alarms:
            row = int(mine[alarm.row])
            time = float(batch.times[row])
            principal = bytes(who_of(batch)[row]).decode("ascii")
            incident = self._incident(alarm.center, time, principal)
            if self._stars.told[alarm.center]:
                incident.add(1, time, principal)
            else:
                self._begun(incident, alarm.center)
            status = incident.due(time)
            if status is not None:
                incident.told(time)
                found.append(self._finding(batch, incident, alarm, row, status))
        return found

    def _begun(self, incident: Incident, center: int) -> None:
        """Another centre: all its probes so far are of the incident."""
        self._stars.told[center] = True
        for place in self._stars.probes(center).tolist():
            incident.add(1, float(self._stars.time[place]), bytes(self._stars.who[place]).decode("ascii", "replace"))

    def _incident(self, center: int, time: float, principal: str) -> Incident:
        rows = self._neighbours.rows
        reach = SAME * self._geometry.spread
        for incident in self._open:
            away = rows[center] - rows[self._centers[incident.name]]
            if (principal and principal in incident.principals) or float(away @ away) <= reach * reach:
                return incident
        if len(self._open) == MAX_OPEN:
            return self._open[-1]
        since = float(self._stars.time[center])
        name = hashlib.blake2b(rows[center].tobytes() + np.float64(since).tobytes(), digest_size=6).hexdigest()
        self._open.append(Incident(name=name, began=min(since, time), last=time))
        self._centers[name] = center
        return self._open[-1]

    def _over(self, batch: Batch) -> list[Finding]:
        time = float(batch.times[-1])
        over = [incident for incident in self._open if incident.over(time)]
        for incident in over:
            self._open.remove(incident)
            self._centers.pop(incident.name)
        return [self._ended(batch, incident, time) for incident in over]

    def _finding(self, batch: Batch, incident: Incident, alarm: Alarm, row: int, status: Status) -> Finding:
        stars, places = self._stars, self._stars.probes(alarm.center)
        names = self._geometry.names if self._geometry.projection is None else ()
        ring = self._neighbours.rows
        how = perturbation(ring[alarm.center], ring[places], names)
        flips = int(stars.flips[alarm.center])
        seconds = max(0.0, float(stars.time[places].max() - stars.time[places].min()))
        flipped = f", {flips} changed the label" if flips else ""
        changes = max(incident.rows, len(places))
        return Finding(
            kind="evasion.near_duplicate",
            detector=self.name,
            title="Probing around one input",
            summary=f"{changes} small changes of one row by {_whom(incident)}{flipped}, {how['l2_sd']:.2g} sd apart",
            severity=Severity.HIGH if flips else Severity.MEDIUM,
            score=alarm.score,
            threshold=self._threshold,
            model=batch.model,
            time=float(batch.times[row]),
            first_seen=incident.began,
            count=incident.rows,
            status=status,
            call=int(batch.calls[row]),
            subject=(incident.name,),
            evidence={
                **how,
                "probes": len(places),
                "label_flips": flips,
                "duration_s": seconds,
                "n_principals": len(incident.principals),
                "principals": tuple(who for who, _ in incident.principals.most_common(LISTED)),
                **about(self._reference),
            },
        )

    def _ended(self, batch: Batch, incident: Incident, time: float) -> Finding:
        return Finding(
            kind="evasion.near_duplicate", detector=self.name, title="Probing around one input",
            summary=f"no more for an hour: {incident.rows} small changes by {_whom(incident)}", severity=Severity.MEDIUM,
            score=self._threshold, threshold=self._threshold, model=batch.model, time=time, first_seen=incident.began,
            count=incident.rows, status=Status.RESOLVED, subject=(incident.name,), evidence=about(self._reference),
        )  # fmt: skip

    def snapshot(self) -> State:
        centers = np.array([self._centers[incident.name] for incident in self._open], np.int64)
        return {
            "asked": self._asked.places.copy(),
            **{f"near.{name}": part for name, part in self._neighbours.snapshot().items()},
            **{f"stars.{name}": part for name, part in self._stars.snapshot().items()},
            **packed(self._open),
            "centers": centers,
        }

    def restore(self, state: State, /) -> None:
        self._asked.places = state["asked"].astype(np.uint64)
        self._neighbours.restore(_part("near.", state))
        self._stars.restore(_part("stars.", state))
        self._open = unpacked(state)
        self._centers = {i.name: int(c) for i, c in zip(self._open, state["centers"].tolist(), strict=True)}


def _part(prefix: str, state: State) -> State:
    return {name.removeprefix(prefix): part for name, part in state.items() if name.startswith(prefix)}


def _whom(incident: Incident) -> str:
    n = len(incident.principals)
    return "nobody known" if not n else "one principal" if n == 1 else f"{n} principals"
