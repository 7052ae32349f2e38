"""Inputs unlike the reference's: one finding for a burst of them."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from otel_mlsec.arrays import Floats, Ints, Masks
from otel_mlsec.config import ModelSettings
from otel_mlsec.detector import State
from otel_mlsec.detectors.anomaly.burst import Burst, Strange
from otel_mlsec.detectors.anomaly.rarity import Rarity
from otel_mlsec.detectors.anomaly.reasons import Reasoner, words
from otel_mlsec.detectors.anomaly.surge import Surge
from otel_mlsec.detectors.budget import threshold
from otel_mlsec.detectors.drift.tell import about
from otel_mlsec.detectors.incident import QUIET, TIMES
from otel_mlsec.detectors.rows import FRESH, Rows, rows_of
from otel_mlsec.finding import Finding, Severity, Status
from otel_mlsec.observation import Batch
from otel_mlsec.reference.geometry import Geometry
from otel_mlsec.reference.reference import Reference

KIND = "anomaly.input"
TITLE = "Anomalous inputs"
LONG = 86400.0  # s after which an incident is over, however few ordinary rows have come
FAR = 3.0  # times the distance that no row in a million has
HALVES = math.log(2)  # the budget is for two ways to a finding
LISTED = 16  # features
MOST = 1e6  # times a distance: more is not told


class Input:
    """Rows that differ in range, in their Mahalanobis distance, from their class, or from the nearest of 512 rows (`rarity`).

    Two ways lead to a finding: rows are rare clearly more often than the reference says (`surge`), or one row is further away
    than one in a million is.  What belongs to it is one incident, until nothing has for an hour and enough ordinary rows have
    come: told when it begins, at ten, a hundred … times the rows, when its severity rises, and when it is over.  The score is a
    natural logarithm of rows.

    Rows that were asked before, or are near another, do not count; a missing cell is no anomaly.  Where the order of the
    reference shows that rare rows come in bunches, the evidence of a surge is divided by how much; of a reference that was
    shuffled this is not known, and bunches of ordinary traffic are told.

    It does not see: adversarial inputs that stay within what is usual.  It cannot tell attack, fault and drift from each other.
    """

    name: ClassVar[str] = "anomaly/input"

    def __init__(self, rarity: Rarity, surge: Surge, *, limit: float, reference: Reference) -> None:
        assert reference.geometry is not None
        self._reference = reference
        self._geometry: Geometry = reference.geometry
        self._rarity, self._surge, self._threshold = rarity, surge, limit
        self._reasoner = Reasoner(self._geometry)
        self._told = Burst(len(self._geometry.names))  # the incident; no rows: none is open
        self._perhaps = Burst(len(self._geometry.names))  # rare rows that are not enough yet
        self._seen = 0

    @classmethod
    def build(cls, reference: Reference, settings: ModelSettings) -> Input | None:
        """None without a geometry, without a comparison, or where too few rows of the reference say what is rare."""
        if reference.geometry is None:
            return None
        limit = threshold(settings, reference)
        rarity = Rarity(reference, settings.anomaly, limit + HALVES)
        if not rarity.names:
            return None
        surge = Surge(
            n_known=rarity.n_known, n_compared=len(rarity.names), inflation=reference.geometry.rare_inflation,
            most=limit + 2 * HALVES,
        )  # fmt: skip
        return cls(rarity, surge, limit=limit, reference=reference) if surge.able else None

    def update(self, batch: Batch, /) -> list[Finding]:
        rows = rows_of(batch, self._geometry)
        if rows is None:
            return []
        rare = self._rarity.of(rows)
        fresh = batch.derived.get(FRESH, np.ones(len(rows), np.bool_))
        found = self._judged(batch, rows, rare.excess, fresh, np.flatnonzero(fresh & (rare.p <= self._surge.level)))
        return found + self._over(batch, float(batch.times[-1]))

    def scores(self) -> Mapping[str, float]:
        return {}

    def _judged(self, batch: Batch, rows: Rows, excess: Floats, fresh: Masks, rare: Ints) -> list[Finding]:
        """Rare rows go to the incident, or wait for others until the evidence is enough, or gone."""
        strange = Strange(
            rows=rare,
            excess=np.minimum(excess[rare], MOST),
            times=batch.times[rare],
            who=[batch.principals[call] if batch.principals else "" for call in batch.calls[rare].tolist()],
            reasons=self._reasoner.of(rows.cells[rare], rows.z[rare]),
            scores=np.zeros(len(rare)),
            seen=self._seen + np.cumsum(fresh)[rare] - 1,
        )
        told: list[int] = []
        waiting: list[int] = []
        found: list[Finding] = []
        looked = self._seen
        for place, (seen, far) in enumerate(zip(strange.seen.tolist(), strange.excess.tolist(), strict=True)):
            self._surge.others(seen - looked)
            looked = seen + 1
            time = float(strange.times[place])
            latest = float(strange.times[told[-1]]) if told else self._told.incident.last if self._told.rows else math.inf
            if self._is_over(time - latest):
                found += self._tell(batch, strange, told) + self._over(batch, time)
                told.clear()
            evidence, alone = self._surge.rare()
            if alone:
                self._perhaps.clear()
                waiting.clear()
            strange.scores[place] = score = max(evidence - HALVES, self._threshold + math.log(far) if far >= 1 else 0.0)
            if evidence - HALVES >= self._threshold:
                if self._perhaps.rows:
                    found += self._tell(batch, strange, told)
                    told.clear()
                    self._told.absorb(self._perhaps)
                    self._perhaps.clear()
                told += [*waiting, place]
                waiting.clear()
            elif score >= self._threshold:
                told.append(place)
            else:
                waiting.append(place)
        self._surge.others(self._seen + int(fresh.sum()) - looked)
        self._seen += int(fresh.sum())
        found += self._tell(batch, strange, told)
        self._perhaps.add(strange, waiting)
        return found

    def _tell(self, batch: Batch, strange: Strange, places: list[int]) -> list[Finding]:
        """Rows of the incident, and what is to be told of it: at the row that makes it so, wherever the batch was cut."""
        found: list[Finding] = []
        start = 0
        while start < len(places):
            end = start + self._due(strange, places[start:])
            part, start = places[start:end], end
            self._told.add(strange, part)
            last = part[-1]
            if self._is_due() and strange.scores[last] >= self._threshold:
                found.append(self._finding(batch, strange, last))
        return found

    def _due(self, strange: Strange, places: list[int]) -> int:
        """How many of the rows, at least one, until there is something to tell."""
        incident = self._told.incident
        wanted = max(1, TIMES * incident.told_rows - incident.rows)
        worse = np.flatnonzero(severities(strange.excess[places]) > self._told.severity)
        return min(len(places), wanted, *(worse[:1] + 1).tolist())

    def _is_due(self) -> bool:
        incident = self._told.incident
        worse = severities(self._told.excess[:1])[0] > self._told.severity
        return bool(worse) or incident.rows >= max(1, TIMES * incident.told_rows)

    def _is_over(self, silence: float) -> bool:
        """s of rows' time since a row belonged to it; where few rows come, those of an hour do not say that it has gone."""
        return silence >= LONG or (silence >= QUIET and self._surge.gone)

    def _over(self, batch: Batch, time: float) -> list[Finding]:
        """The end of the incident, if it is time."""
        burst, incident = self._told, self._told.incident
        incident.last = min(incident.last, time + QUIET)  # a clock that was wrong once does not keep it open for ever
        if not incident.told_rows or not self._is_over(time - incident.last):
            return []
        ended = Finding(
            kind=KIND, detector=self.name, title=TITLE, severity=Severity(max(burst.severity, Severity.LOW)),
            summary=f"no more: {_how_many(incident.rows)} unlike the reference", score=self._threshold,
            threshold=self._threshold, model=batch.model, time=time, first_seen=min(incident.began, time), count=incident.rows,
            status=Status.RESOLVED, subject=(incident.name,), evidence=about(self._reference),
        )  # fmt: skip
        burst.clear()
        self._surge.clear()  # what the incident rested on is over with it
        return [ended]

    def _finding(self, batch: Batch, strange: Strange, place: int) -> Finding:
        burst, incident = self._told, self._told.incident
        row, time = int(strange.rows[place]), float(strange.times[place])
        status = Status.ONGOING if incident.told_rows else Status.NEW
        if status is Status.NEW:
            incident.name = hashlib.blake2b(np.array([incident.began, burst.seen_before]).tobytes(), digest_size=6).hexdigest()
        burst.severity = int(severities(burst.excess[:1])[0])
        incident.told(time)
        seen = max(int(strange.seen[place]) + 1 - burst.seen_before, incident.rows)
        reasons = self._reasons(burst)
        most = np.argsort(-burst.features, kind="stable")[:LISTED]
        who = [rows for _, rows in incident.principals.most_common(1)]
        return Finding(
            kind=KIND,
            detector=self.name,
            title=TITLE,
            summary=f"{_how_many(incident.rows, seen)} unlike the reference (attack, fault or drift): {reasons[0]}",
            severity=Severity(burst.severity),
            score=float(strange.scores[place]),
            threshold=self._threshold,
            model=batch.model,
            time=time,
            first_seen=min(incident.began, time),
            count=incident.rows,
            status=status,
            call=int(batch.calls[row]),
            subject=(incident.name,),
            evidence={
                "worst": reasons,
                "features": tuple(self._geometry.names[int(i)] for i in most if burst.features[i]),
                "excess": float(burst.excess[0]),
                "rows": incident.rows,
                "extreme_rows": burst.extreme,
                "rows_seen": seen,
                "expected_share": self._surge.level,
                "n_principals": len(incident.principals),
                "largest_share": who[0] / incident.rows if who else 0.0,
                "compared": self._rarity.names,
                **about(self._reference),
            },
        )

    def _reasons(self, burst: Burst) -> tuple[str, ...]:
        """Of the worst rows, a text each, the worst first."""
        texts: list[str] = []
        for i in np.flatnonzero(burst.excess >= 0).tolist():
            known = [(feature, kind, burst.sizes[i, j]) for j, (feature, kind) in enumerate(burst.worst[i].tolist()) if kind]
            named = [words(self._geometry.names[int(feature)], kind, float(size)) for feature, kind, size in known]
            texts.append(", ".join(named) or "its features together")
        return tuple(texts)

    def snapshot(self) -> State:
        return {
            "seen": np.array([self._seen]),
            **{f"surge.{name}": part for name, part in self._surge.snapshot().items()},
            **{f"told.{name}": part for name, part in self._told.snapshot().items()},
            **{f"perhaps.{name}": part for name, part in self._perhaps.snapshot().items()},
        }

    def restore(self, state: State, /) -> None:
        self._seen = int(state["seen"][0])
        self._surge.restore(_part("surge.", state))
        self._told.restore(_part("told.", state))
        self._perhaps.restore(_part("perhaps.", state))


def severities(excess: Floats) -> Ints:
    """(n,) multiples of the distance that no row in a million has -> (n,) values of `Severity`."""
    return np.where(excess >= FAR, Severity.HIGH, np.where(excess >= 1, Severity.MEDIUM, Severity.LOW)).astype(np.int64)


def _how_many(rows: int, seen: int = 0) -> str:
    return "one input" if rows == 1 else f"{rows} of {seen} inputs" if seen else f"{rows} inputs"


def _part(prefix: str, state: State) -> State:
    return {name.removeprefix(prefix): part for name, part in state.items() if name.startswith(prefix)}
