"""How many findings may leave at once; what is too much is counted, and told of in one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from otel_mlsec.finding import Finding, Severity, Status

BURST = 20  # findings of one kind, model and severity at once …
EVERY = 30.0  # … and one more every so many s
PERIOD = 600.0  # s between two findings about those that were withheld
QUIET = 3600.0  # s after which a flood is over
MOST = 1024  # buckets, and floods: behind a gateway who asks chooses the model's name
OTHERS = "other"  # models that found no room, together
KIND, DETECTOR = "gate.overflow", "gate/overflow"


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


class Rate:
    """A token bucket for each kind, model and severity: what is mild can use up nothing that is severe.

    State: at most 1024 buckets, and one for each kind and severity that models share for which there was no room.
    """

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, str, Severity], _Bucket] = {}
        self._swept = 0.0

    def allows(self, finding: Finding, now: float) -> bool:
        """True, and it counts as told; what is CRITICAL always."""
        if finding.severity is Severity.CRITICAL:
            return True
        bucket = self._bucket(finding, now)
        bucket.left = min(BURST, bucket.left + (now - bucket.at) / EVERY)
        bucket.at = now
        if bucket.left < 1:
            return False
        bucket.left -= 1
        return True

    def _bucket(self, finding: Finding, now: float) -> _Bucket:
        key = finding.kind, finding.model.name, finding.severity
        if key not in self._buckets and len(self._buckets) >= MOST:
            if now - self._swept >= EVERY:
                self._swept = now
                self._buckets = {key: each for key, each in self._buckets.items() if now - each.at < BURST * EVERY}  # not full
            if len(self._buckets) >= MOST:
                key = finding.kind, OTHERS, finding.severity
        return self._buckets.setdefault(key, _Bucket(BURST, now))


@dataclass(slots=True, kw_only=True)
class _Flood:
    finding: Finding  # the latest that was withheld
    call: Any
    began: float  # s since the epoch
    last: float
    worst: Severity
    n: int = 0
    told: int = 0
    told_at: float = 0.0


class Overflow:
    """What the rate withheld: told of at once, every ten minutes while it goes on, and when it is over.

    State: at most 1024 floods, and one for each kind of models for which there was no room.
    """

    def __init__(self) -> None:
        self._floods: dict[tuple[str, str], _Flood] = {}

    def add(self, finding: Finding, call: Any, now: float) -> None:
        key = finding.kind, finding.model.name
        if key not in self._floods and len(self._floods) >= MOST:
            key = finding.kind, OTHERS
        flood = self._floods.get(key)
        if flood is None:
            flood = _Flood(finding=finding, call=call, began=finding.time, last=now, worst=finding.severity)
            self._floods[key] = flood
        flood.finding, flood.call, flood.last = finding, call, now
        flood.worst = max(flood.worst, finding.severity)
        flood.n += 1

    def due(self, now: float, last: bool = False) -> list[tuple[Finding, Any]]:
        """`last`: nobody will ask again."""
        told: list[tuple[Finding, Any]] = []
        for key, flood in list(self._floods.items()):
            if now - flood.last >= QUIET:
                del self._floods[key]
                told.append((_told(key[0], flood, Status.RESOLVED, flood.finding.time + now - flood.last), flood.call))
            elif flood.n > flood.told and (not flood.told or last or now - flood.told_at >= PERIOD):
                status = Status.ONGOING if flood.told else Status.NEW
                flood.told, flood.told_at = flood.n, now
                told.append((_told(key[0], flood, status, flood.finding.time), flood.call))
        return told


def _told(kind: str, flood: _Flood, status: Status, time: float) -> Finding:
    said = f"{flood.n:,} more findings of {kind} than can be told one by one"
    return Finding(
        kind=KIND,
        detector=DETECTOR,
        title="Findings withheld",
        summary=f"no more for an hour: {said}" if status is Status.RESOLVED else said,
        severity=Severity.LOW,
        score=float(flood.n),
        threshold=1.0,
        model=flood.finding.model,
        time=time,
        first_seen=flood.began,
        count=flood.n,
        status=status,
        subject=(kind,),
        evidence={"kind": kind, "withheld": flood.n, "worst": flood.worst.name, "at_once": BURST},
    )
