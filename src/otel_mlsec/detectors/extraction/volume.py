"""One principal who suddenly asks much more than he is used to, and than others do."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from otel_mlsec.arrays import Floats
from otel_mlsec.config import ModelSettings
from otel_mlsec.detector import State
from otel_mlsec.detectors.budget import threshold
from otel_mlsec.detectors.drift.tell import about
from otel_mlsec.detectors.extraction.habits import PEERS, RATIO, SPANS, Habits, Peers, Rush
from otel_mlsec.detectors.incident import TIMES, Incident, packed, unpacked
from otel_mlsec.detectors.who import names_of, shown
from otel_mlsec.finding import Finding, Severity, Status
from otel_mlsec.observation import Batch
from otel_mlsec.reference.reference import Reference

WORDS = ("hour", "day")  # of SPANS
UNUSUAL = 3.0  # robust standard deviations above the others' median
BAD, WORST = 30.0, 300.0  # times what he is used to
QUIET = float(SPANS[-1])  # s without a window like that after which it is over
MAX_OPEN = 512  # principals
KIND, TITLE = "extraction.volume", "Query volume"


class Volume:
    """Rows a principal asks in an hour and in a day, by his own busiest before and by the others'.

    A finding needs both: `RATIO` times his busiest window so far, and unusual among at least `PEERS` others.  It is told if some
    principal's window jumps so far in less than `false_alarms_per_million` rows, by what all principals' windows do here; nothing
    is assumed of how busy they are but the form of the tail.  So one who always asks much is never told, a job of every
    night once at most, and a surge that all share not at all.

    It does not see: a principal who starts slowly and grows to less than `RATIO` times an hour at a time; many who share the
    work; whether rows are asked to learn the model or because somebody needs the answers.
    """

    name: ClassVar[str] = "extraction/volume"

    def __init__(self, settings: ModelSettings, *, reference: Reference) -> None:
        self._reference = reference
        self._threshold = threshold(settings, reference) + math.log(len(SPANS))
        self._habits = Habits()
        self._open: dict[str, Incident] = {}

    @classmethod
    def build(cls, reference: Reference, settings: ModelSettings) -> Volume:
        return cls(settings, reference=reference)

    @property
    def evicted(self) -> int:
        """Principals that were forgotten since others asked more."""
        return self._habits.table.evicted

    def update(self, batch: Batch, /) -> list[Finding]:
        if batch.inputs is None or not batch.n_rows:  # other answers to rows that have been counted
            return []
        calls, at = np.unique(batch.calls, return_inverse=True)
        names = self._names(batch, calls.tolist())
        told = np.array([bool(name) for name in names], np.bool_)[at]
        rows = np.flatnonzero(told)
        if not len(rows):
            return self._over(batch)
        rushes = self._habits.count(names, at[rows], batch.times[rows], _weights(batch)[rows])
        found: dict[str, Finding] = {}
        for rush in rushes:
            row = int(rows[rush.row])
            finding = self._judged(batch, rush, row, names[int(at[row])])
            if finding is not None:
                found[finding.principal] = finding
        return [*found.values(), *self._over(batch)]

    def scores(self) -> Mapping[str, float]:
        return {}

    def _names(self, batch: Batch, calls: Sequence[int]) -> Sequence[str]:
        """Of more principals than can be told apart, new ones are their network."""
        names = names_of(batch, calls)
        table = self._habits.table
        if not (table.flooded and batch.sources):
            return names
        known: list[bool] = table.known(names).tolist()
        sources = [batch.sources[call] for call in calls]
        return [name if old or not of else shown(of[0]) for name, old, of in zip(names, known, sources, strict=True)]

    def _judged(self, batch: Batch, rush: Rush, row: int, who: str) -> Finding | None:
        peers = self._habits.peers(rush)
        if peers.number < PEERS or rush.rows < RATIO * max(rush.most * peers.surge, peers.median):
            return None
        unusual = math.log(rush.rows / peers.median) / (1.4826 * peers.mad)
        score = self._habits.rarity(rush, peers)
        if score < self._threshold or unusual < UNUSUAL:
            return None
        status = self._due(who, rush, float(batch.times[row]))
        return self._finding(batch, rush, peers, row, who, score, status) if status is not None else None

    def _due(self, who: str, rush: Rush, time: float) -> Status | None:
        """Told when it begins, and at ten, a hundred … times the rows; not as time goes by, which is in the nature of jobs."""
        if who not in self._open:
            if len(self._open) >= MAX_OPEN:
                del self._open[min(self._open, key=lambda name: self._open[name].last)]
            self._open[who] = Incident(name=who, began=time, last=time)
        incident = self._open[who]
        incident.last, incident.rows = max(incident.last, time), max(incident.rows, int(rush.rows))
        if incident.told_rows and incident.rows < TIMES * incident.told_rows:
            return None
        status = Status.ONGOING if incident.told_rows else Status.NEW
        incident.told(time)
        return status

    def _finding(
        self, batch: Batch, rush: Rush, peers: Peers, row: int, who: str, score: float, status: Status
    ) -> Finding:  # fmt: skip
        word, time = WORDS[rush.span], float(batch.times[row])
        ratio = rush.rows / max(rush.most * peers.surge, peers.median, 1.0)
        used = f"at most {rush.most:,.0f} before" if rush.past else "never seen before"
        return Finding(
            kind=KIND,
            detector=self.name,
            title=TITLE,
            summary=(
                f"{rush.rows:,.0f} rows in this {word} from one principal, {used}; half of {peers.number:,} others ask at most"
                f" {peers.median:,.0f}; extraction with natural rows cannot be told from a batch job"
            ),
            severity=_severity(ratio),
            score=score,
            threshold=self._threshold,
            model=batch.model,
            time=time,
            first_seen=min(time, self._open[who].began),
            count=int(rush.rows),
            status=status,
            call=int(batch.calls[row]),
            principal=who,
            evidence={
                "rows": rush.rows,
                "window_s": float(SPANS[rush.span]),
                "most_before": rush.most,
                "windows_before": rush.past,
                "ratio": ratio,
                "peers": peers.number,
                "peers_median": peers.median,
                "peers_sd": math.log(rush.rows / peers.median) / (1.4826 * peers.mad),
                "surge": peers.surge,
                **about(self._reference),
            },
        )

    def _over(self, batch: Batch) -> list[Finding]:
        time = float(batch.times[-1])
        over = [who for who, incident in self._open.items() if time - incident.last >= QUIET]
        return [self._ended(batch, self._open.pop(who), time) for who in over]

    def _ended(self, batch: Batch, incident: Incident, time: float) -> Finding:
        return Finding(
            kind=KIND, detector=self.name, title=TITLE, summary="no more than before for a day", severity=Severity.LOW,
            score=self._threshold, threshold=self._threshold, model=batch.model, time=time, first_seen=min(incident.began, time),
            count=incident.rows, status=Status.RESOLVED, principal=incident.name, evidence=about(self._reference),
        )  # fmt: skip

    def snapshot(self) -> State:
        return self._habits.snapshot() | {f"open.{name}": array for name, array in packed(list(self._open.values())).items()}

    def restore(self, state: State, /) -> None:
        self._habits.restore(state)
        opened = {key.partition(".")[2]: array for key, array in state.items() if key.startswith("open.")}
        self._open = {incident.name: incident for incident in unpacked(opened)}


def _weights(batch: Batch) -> Floats:
    """(n,) rows that each row stands for: of a call with many, a part was kept."""
    if not batch.n_asked:
        return np.ones(batch.n_rows)
    kept = np.bincount(batch.calls, minlength=len(batch.n_asked))
    return np.maximum(np.array(batch.n_asked) / np.maximum(kept, 1), 1.0)[batch.calls]


def _severity(ratio: float) -> Severity:
    return Severity.HIGH if ratio >= WORST else Severity.MEDIUM if ratio >= BAD else Severity.LOW
