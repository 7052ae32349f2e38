"""Drift from a reference whose days are not known: its rows were shuffled, came without times, or are of too few days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import ClassVar

import numpy as np

from otel_mlsec.arrays import Floats, Ints, Masks
from otel_mlsec.config import ModelSettings
from otel_mlsec.detector import State
from otel_mlsec.detectors.align import aligned
from otel_mlsec.detectors.drift.anchor_tell import told
from otel_mlsec.detectors.drift.bets import blamed
from otel_mlsec.detectors.drift.cycle_evidence import CycleEvidence
from otel_mlsec.detectors.drift.cycle_recent import Recent
from otel_mlsec.detectors.drift.data import pooled, worth_watching
from otel_mlsec.detectors.drift.effect import SHOWN
from otel_mlsec.detectors.drift.learned import CYCLES, Learned, learned
from otel_mlsec.detectors.drift.settings import cycle_budget, is_off
from otel_mlsec.finding import Finding
from otel_mlsec.observation import Batch
from otel_mlsec.reference import student
from otel_mlsec.reference.column import Column
from otel_mlsec.reference.cycle_statistics import Statistics, Word
from otel_mlsec.reference.reference import Reference
from otel_mlsec.reference.rhythm import FEW_CYCLES, MAX_STATISTICS
from otel_mlsec.reference.slots import Place, places
from otel_mlsec.sketches.bins import N_BINS
from otel_mlsec.sketches.distance import distance

LOOKS = (
    5,
    7,
    11,
    15,
    21,
    27,
)  # days after which they are compared; then every 27, the last 27: odd, so that n - 1 is even
LEVEL = 1e-3  # chance that it tells of days like the reference, ever: half for the first look, a quarter for the second …
TOLERANCE, SHARE_TOLERANCE = 0.1, 0.02  # sd of a row; share of rows
LEAST_SD, LEAST_SHARE_SD = 0.02, 0.005
CALENDAR = 0.8  # of the days, from which on a column that is the same all day tells the date
LEAST_OF_USUAL = 0.2  # of the median day's rows, for a day to count


class Anchor:
    """Whole live days (UTC) against all of the reference's rows; MEDIUM, told once a feature.

    After 5, 7, 11 … days a Student test of the means of scores and of shares, tolerating 0.1 sd and 0.02, which takes days and
    not rows for independent: "differs since the start".  After 14 days how much a day strays from another is known (`learned`),
    and each further day is evidence of a later change, as in `drift/cycle`.  Where the reference has ten cycles in order, that
    detector does all this, sooner.

    It does not see: within some five days anything; ever, a shift within what days differ anyway; columns that tell the calendar.
    Never closed: a new reference does that.
    """

    name: ClassVar[str] = "drift/anchor"

    def __init__(self, columns: Sequence[Column], settings: ModelSettings, *, reference: Reference) -> None:
        names = [c.name for c in columns]
        self._columns, self._reference, self._statistics = tuple(columns), reference, Statistics(columns)
        self._tolerances, self._weights, self.threshold = cycle_budget(names, settings, provisional=False)
        d = len(columns)
        self._counted = np.stack([c.counts for c in columns]).astype(np.float64)
        self._pooled = _pooled(self._statistics, columns)  # (S,)
        self._cycle = self._place = self._behind = 0
        self._days = -1  # whole ones so far; the first began before the service did
        self._counts = np.zeros((d, N_BINS), np.int64)
        self._start = np.inf
        self._rows = np.zeros(CYCLES)  # of the last days
        self._recent = Recent(d, len(self._statistics))
        self._told = np.zeros(d, np.bool_)
        self._still = np.zeros(d, np.int64)  # days all of whose rows were in one bin
        self._learned: Learned | None = None
        self._evidence: CycleEvidence | None = None

    @classmethod
    def build(cls, reference: Reference, settings: ModelSettings) -> Anchor | None:
        known = reference.rhythm is not None or (reference.timed and reference.n_cycles >= FEW_CYCLES)
        if known or reference.provisional:
            return None
        columns = [pooled(c) for c in reference.inputs if not c.calendar and worth_watching(c) and not is_off(c.name, settings)]
        while columns and len(Statistics(columns)) > MAX_STATISTICS:
            columns.pop()
        return cls(columns, settings, reference=reference) if columns else None

    def update(self, batch: Batch, /) -> list[Finding]:
        if batch.inputs is None or not batch.n_rows:
            return []
        values, _ = aligned(batch.inputs, batch.features, self._columns, [c.name for c in self._reference.inputs])
        index = np.stack([c.bins.index(values[:, i]) for i, c in enumerate(self._columns)], axis=1).astype(np.int64)
        last = Place(cycle=self._cycle, piece=self._place, behind=self._behind)
        cycle, place, self._behind = places(batch.times, last, timed=True)
        findings: list[Finding] = []
        cuts = [0, *(np.flatnonzero(np.diff(cycle)) + 1).tolist(), len(cycle)]
        for start, end in pairwise(cuts):
            if cycle[start] != self._cycle:
                findings += self._turn(batch, start) if cycle[start] > self._cycle else []
                self._counts[:], self._start, self._cycle = 0, np.inf, int(cycle[start])
            self._count(index[start:end])
            self._start = min(self._start, float(batch.times[start:end].min()))
        self._place = int(place[-1])
        return findings

    def scores(self) -> Mapping[str, float]:
        return {}

    def _count(self, index: Ints) -> None:
        d = len(self._columns)
        flat: Ints = np.add(np.arange(d) * N_BINS, index).ravel()
        self._counts += np.bincount(flat, minlength=d * N_BINS).reshape(d, N_BINS)

    def _turn(self, batch: Batch, row: int) -> list[Finding]:
        """A day is over."""
        rows = int(self._counts[0].sum())
        if self._days < 0 or not rows or rows < LEAST_OF_USUAL * self._usual_rows():
            self._days = max(self._days, 0) if rows else self._days
            return []
        day = self._statistics.of(self._counts)
        self._recent.push(self._counts, np.zeros(len(self._columns)), day, self._start)
        self._rows[:-1], self._rows[-1] = self._rows[1:], rows
        self._days += 1
        self._still += (self._counts > 0).sum(axis=1) == 1
        findings = self._compared(batch, row) if self._days in LOOKS or self._days % LOOKS[-1] == 0 else []
        findings += self._judged(day, batch, row)
        if self._days == CYCLES:
            self._learn()
            findings += self._capped(batch, row)
        return findings

    def _usual_rows(self) -> float:
        known = self._rows[self._rows > 0]
        return float(np.median(known)) if len(known) else 0.0

    def _compared(self, batch: Batch, row: int) -> list[Finding]:
        n = min(self._days, LOOKS[-1])
        look = LOOKS.index(n) if self._days < LOOKS[-1] else len(LOOKS) - 2 + self._days // LOOKS[-1]
        differs = differing(
            self._recent.residuals[-n:], self._pooled, self._statistics, worth=self._reference.n_rows / self._usual_rows(),
            tolerances=np.asarray(self._tolerances), level=LEVEL * 0.5 ** (look + 1),
        )  # fmt: skip
        return self._tell([int(i) for i in np.unique(self._statistics.column[differs])], batch, row, since_start=True)

    def _judged(self, day: Floats, batch: Batch, row: int) -> list[Finding]:
        if self._evidence is None:
            return []
        self._evidence.absorb(0, self._evidence.residuals(0, day, 0), 0)
        self._evidence.mute(np.flatnonzero(self._told))
        of = np.bincount(self._statistics.column, self._evidence.by_statistic(), len(self._columns)).astype(np.float64)
        if of.sum() < self.threshold:
            return []
        named = blamed(of, np.asarray(self._weights), self.threshold)
        self._evidence.mute(named)
        return self._tell(list(named), batch, row, since_start=False)

    def _learn(self) -> None:
        self._learned = learned(self._recent.residuals[-CYCLES:], self._pooled, self._statistics, self._usual_rows())
        self._evidence = self._evidence_of(self._learned)

    def _evidence_of(self, known: Learned) -> CycleEvidence:
        rhythm = known.rhythm([c.name for c in self._columns], self._usual_rows())
        return CycleEvidence(rhythm, self._statistics, np.asarray(self._weights), self._tolerances)

    def _capped(self, batch: Batch, row: int) -> list[Finding]:
        assert self._learned is not None
        wide = np.unique(self._statistics.column[self._learned.wide])
        return self._tell([int(i) for i in wide], batch, row, since_start=True, moves=True)

    def _tell(self, columns: list[int], batch: Batch, row: int, *, since_start: bool, moves: bool = False) -> list[Finding]:
        week = distance(self._recent.counts.sum(axis=0).astype(np.float64), self._counted)
        calendar = self._still > CALENDAR * self._days
        new = [i for i in columns if not self._told[i] and not calendar[i] and (week[i] >= SHOWN or moves)]
        if not new:
            return []
        self._told[new] = True
        new.sort(key=lambda i: -week[i])
        return [
            told(
                batch, row, [self._columns[i].name for i in new], [float(week[i]) for i in new], [self._off(i) for i in new],
                days=self._days, since_start=since_start, moves=moves, first=self._first(), spread=self._spread(new[0]),
                threshold=self.threshold, reference=self._reference,
            )
        ]  # fmt: skip

    def _off(self, column: int) -> float:
        """How far the mean of the last days is off, in sd of a row; 0 of a category."""
        means = np.flatnonzero((self._statistics.column == column) & (self._statistics.word == Word.MEAN))
        last = self._recent.residuals[-min(self._days, CYCLES) :, means]
        return float(np.nanmean(last) - self._pooled[means[0]]) if len(means) and not np.isnan(last).all() else 0.0

    def _spread(self, column: int) -> float:
        """That was learned, of the mean, in sd of a row; 0 where there is none."""
        means = np.flatnonzero((self._statistics.column == column) & (self._statistics.word == Word.MEAN))
        return float(self._learned.upper[means[0]]) if self._learned is not None and len(means) else 0.0

    def _first(self) -> float:
        known = self._recent.starts[~np.isnan(self._recent.starts)]
        return float(known[0]) if len(known) else self._start

    def snapshot(self) -> State:
        own: State = {
            "cycle": np.array(self._cycle), "place": np.array(self._place), "behind": np.array(self._behind),
            "days": np.array(self._days), "counts": self._counts.copy(), "start": np.array(self._start),
            "rows": self._rows.copy(), "told": self._told.copy(), "still": self._still.copy(),
            "knows": np.array(self._learned is not None),
        }  # fmt: skip
        known, size = self._learned, len(self._statistics)
        for name in ("centre", "upper", "lower", "wide"):
            own[name] = np.array(getattr(known, name)) if known is not None else np.zeros(size)
        own["evidence"] = self._evidence.sums.copy() if self._evidence is not None else np.zeros(0, np.float32)
        return own | self._recent.snapshot()

    def restore(self, state: State, /) -> None:
        self._cycle, self._place, self._behind, self._days = (int(state[n]) for n in ("cycle", "place", "behind", "days"))
        self._counts, self._still = np.array(state["counts"], np.int64), np.array(state["still"], np.int64)
        self._told = np.array(state["told"], np.bool_)
        self._start, self._rows = float(state["start"]), np.array(state["rows"], np.float64)
        self._recent.restore(state)
        self._learned = self._evidence = None
        if bool(state["knows"]):
            centre, upper, lower = (np.array(state[name], np.float64) for name in ("centre", "upper", "lower"))
            self._learned = Learned(centre=centre, upper=upper, lower=lower, wide=np.array(state["wide"], np.bool_))
            self._evidence = self._evidence_of(self._learned)
            self._evidence.sums = np.array(state["evidence"], np.float32)


def differing(
    days: Floats, known: Floats, of: Statistics, *, worth: float, tolerances: Floats, level: float
) -> Masks:  # fmt: skip
    """(n, S) statistics of days, n odd, and (S,) of a reference that is worth so many days -> (S,) which differ at that level
    over all of them: two-sided Student tests, of means and of shares as they are."""
    judged = (of.word == Word.MEAN) | (of.word == Word.LEVEL)
    plain, before = (np.where(of.is_share, np.sin(x) ** 2, x) for x in (days, known))
    complete = judged & ~np.isnan(plain).any(axis=0) & ~np.isnan(before)
    x = np.where(complete, plain, 0.0)
    n = len(days)
    sd = np.maximum(x.std(axis=0, ddof=1), np.where(of.is_share, LEAST_SHARE_SD, LEAST_SD))
    spared = np.where(of.is_share, SHARE_TOLERANCE, TOLERANCE) + tolerances[of.column] * np.where(of.is_share, 0.5, 1.0)
    t = (np.abs(x.mean(axis=0) - np.where(complete, before, 0.0)) - spared) / (sd * np.sqrt(1 / n + 1 / max(worth, 1e-9)))
    limit = student.quantile(level / 2 / max(int(complete.sum()), 1), n - 1)
    found: Masks = complete & (t > limit)
    return found


def _pooled(of: Statistics, columns: Sequence[Column]) -> Floats:
    """(S,) of all rows of the reference; of categories those that did not choose the levels: shares are what counts."""
    most = max(int(c.counts.sum()) for c in columns)
    counts = np.stack([np.rint(c.counts * (most / max(int(c.counts.sum()), 1))) for c in columns]).astype(np.int64)
    return of.of(counts)
