"""Drift of columns that move by the day or by another cycle: days against days."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.config import ModelSettings
from otel_mlsec.detector import State
from otel_mlsec.detectors.align import aligned
from otel_mlsec.detectors.drift.bets import blamed
from otel_mlsec.detectors.drift.cycle_counts import Counts
from otel_mlsec.detectors.drift.cycle_evidence import CycleEvidence
from otel_mlsec.detectors.drift.cycle_open import Open
from otel_mlsec.detectors.drift.cycle_recent import Recent
from otel_mlsec.detectors.drift.cycle_tell import Moved, told
from otel_mlsec.detectors.drift.effect import SHOWN, hardly_used, lowered, severity
from otel_mlsec.detectors.drift.settings import by_cycle, cycle_budget, importance, is_off
from otel_mlsec.finding import Finding, Severity, Status
from otel_mlsec.observation import Batch
from otel_mlsec.reference.column import HUGE, Column
from otel_mlsec.reference.cycle_statistics import Statistics, Word
from otel_mlsec.reference.reference import Reference
from otel_mlsec.reference.rhythm import Rhythm
from otel_mlsec.reference.slots import LEAST_ROWS, Place, places
from otel_mlsec.sketches.bins import is_text
from otel_mlsec.sketches.distance import distance

FEW_OF_USUAL = 0.1  # of a slot's usual rows: with fewer, what spans it is no cycle like those of the reference
ENOUGH = 256  # rows, for a distance to be more than noise
MAX_SCORE = 1e12
ABOUT = 0.5  # of the residual that has most evidence


class CycleDrift:
    """Change of columns whose order in the reference shows that they live at the scale of a cycle; the score is in cycles.

    A cycle is a UTC day, or a thousand rows where the reference has no times.  Means, spreads, tails and shares of each of its
    hours, of the day so far and of the whole day are compared with those of the reference's days, by an e-detector whose null
    is as wide as so few days allow (`cycle_evidence`).  By design at most one false alarm in a thousand cycles like the
    reference's, as `false_alarms_per_million` is 1.  Columns with a variance inflation of at most 10 are left to `drift/data`.

    It does not see: less than about two day-sd within a month, what lasts for an hour, relations between columns, values
    missing where none used to be (`drift/facts` does).  States of two processes do not merge: looks that both took would
    count twice.
    """

    name: ClassVar[str] = "drift/cycle"

    def __init__(self, rhythm: Rhythm, columns: Sequence[Column], settings: ModelSettings, *, reference: Reference) -> None:
        """`columns`: those of `rhythm`, in its order."""
        names = [c.name for c in columns]
        d = len(columns)
        self._columns, self._rhythm, self._reference = tuple(columns), rhythm, reference
        self._statistics = Statistics(columns)
        tolerances, weights, self.threshold = cycle_budget(names, settings, provisional=reference.provisional)
        self._on = np.array([not is_off(name, settings) for name in names])
        shares = np.where(self._on, weights, 0.0)
        self._shares = shares / shares.sum()
        self._evidence = CycleEvidence(rhythm, self._statistics, self._shares, tolerances)
        self._importance = importance(names, settings, reference)
        self._counted = np.stack([c.counts for c in columns]).astype(np.float64)  # (d, N_BINS)
        low, high = [2 * c.low - c.high for c in columns], [2 * c.high - c.low for c in columns]
        self._clip = np.maximum(low, -HUGE), np.minimum(high, HUGE)
        slots = len(rhythm.bounds) - 1
        self._slot_of = np.searchsorted(rhythm.bounds, np.arange(int(rhythm.bounds[-1])), side="right") - 1
        usual = {look.start: rows for look, rows in zip(rhythm.looks, rhythm.rows, strict=True) if look.end - look.start == 1}
        self._usual_rows = np.array([usual.get(s, rhythm.rows[-1]) for s in range(slots)])
        self._cycle = self._place = self._behind = 0
        self._done = 0  # looks at the open cycle
        self._counts = Counts(slots, d)
        self._residuals = np.full((len(rhythm.looks), len(self._statistics)), np.nan)
        self._recent = Recent(d, len(self._statistics))
        self._open = Open(d)

    @classmethod
    def build(cls, reference: Reference, settings: ModelSettings) -> CycleDrift | None:
        if reference.rhythm is None or not by_cycle(reference, settings):
            return None
        return cls(reference.rhythm, reference.rhythm.columns(reference), settings, reference=reference)

    def update(self, batch: Batch, /) -> list[Finding]:
        if batch.inputs is None or not batch.n_rows:
            return []
        values, _ = aligned(batch.inputs, batch.features, self._columns, [c.name for c in self._reference.inputs])
        index = np.stack([c.bins.index(values[:, i]) for i, c in enumerate(self._columns)], axis=1).astype(np.int64)
        numbers = np.where(np.isfinite(values) & ~is_text(values), np.clip(values, *self._clip), 0.0)
        last = Place(cycle=self._cycle, piece=self._place, rows=self._counts.rows, behind=self._behind)
        cycle, place, self._behind = places(batch.times, last, timed=self._reference.timed)
        findings: list[Finding] = []
        for start, end in _stretches(cycle, place):
            findings += self._go_to(int(cycle[start]), int(place[start]), batch, start)
            slot = int(self._slot_of[self._place])
            self._counts.add(slot, index[start:end], numbers[start:end], batch.times[start:end])
        return findings

    def scores(self) -> Mapping[str, float]:
        sizes, rows = self._distances()
        named = {c.name: size for c, size, on in zip(self._columns, sizes.tolist(), self._on, strict=True) if on}
        return named if rows >= ENOUGH else {}

    def small_changes(self) -> int:
        """Alarms whose effect was too small to show."""
        return self._open.small

    def _go_to(self, cycle: int, place: int, batch: Batch, row: int) -> list[Finding]:
        """Look at what is over when a row of this piece of this cycle comes."""
        findings: list[Finding] = []
        if cycle > self._cycle:
            findings += self._look_until(len(self._rhythm.bounds), batch, row)
            findings += self._turn(batch, row)
        elif cycle < self._cycle:  # it had been a wrong time: rows of many days, at one hour
            self._begin()
        elif (slot := int(self._slot_of[place])) != self._slot_of[self._place]:
            findings += self._look_until(slot, batch, row)
        self._cycle, self._place = cycle, place
        return findings

    def _look_until(self, slot: int, batch: Batch, row: int) -> list[Finding]:
        """Take the looks that end no later than where `slot` begins."""
        findings: list[Finding] = []
        if self._counts.rows < LEAST_ROWS:
            return findings
        while self._done < len(self._rhythm.looks) and self._rhythm.looks[self._done].end <= slot:
            look, self._done = self._done, self._done + 1
            kind = self._rhythm.kind(self._cycle, timed=self._reference.timed)
            self._residuals[look] = self._evidence.residuals(look, self._seen(look), kind)
            self._evidence.absorb(look, self._residuals[look], kind)
            self._evidence.mute(self._open.latched)  # the same change is not found twice
            findings += self._alarms(batch, row)
        return findings

    def _seen(self, look: int) -> Floats:
        """(S,) statistics; none where one of several slots is emptier than ever, as when a service starts at noon."""
        span = self._rhythm.looks[look]
        counts = self._counts.bins[span.start : span.end]
        rows = counts[:, 0].sum(axis=1)
        if len(rows) > 1 and bool((rows < FEW_OF_USUAL * self._usual_rows[span.start : span.end]).any()):
            return np.full(len(self._statistics), np.nan)
        return self._statistics.of(counts.sum(axis=0))

    def _alarms(self, batch: Batch, row: int) -> list[Finding]:
        by_statistic = self._evidence.by_statistic()
        score = float(by_statistic.sum())
        found: list[tuple[int, int]] = []
        while by_statistic.sum() >= self.threshold:
            of_column = np.bincount(self._statistics.column, by_statistic, len(self._columns)).astype(np.float64)
            columns = blamed(of_column, self._shares, self.threshold)
            self._evidence.mute(columns)
            found += [(i, self._leading(i, by_statistic)) for i in columns]
            by_statistic[np.isin(self._statistics.column, columns)] = 0.0
        if not found:
            return []
        sizes, _ = self._distances()
        for column, statistic in found:
            if sizes[column] < SHOWN:
                self._open.too_small(column, statistic)
        return self._told([pair for pair in found if sizes[pair[0]] >= SHOWN], batch, row, score)

    def _leading(self, column: int, by_statistic: Floats) -> int:
        """Which statistic to name: that with most evidence, or the mean, if it is about as far off: it says most to a reader."""
        own = self._statistics.column == column
        most = int(np.where(own, by_statistic, -1.0).argmax())
        means = np.flatnonzero(own & (self._statistics.word == Word.MEAN))
        far = len(means) > 0 and abs(self._spreads(int(means[0]))) >= ABOUT * abs(self._spreads(most))
        return int(means[0]) if far else most

    def _told(self, found: Sequence[tuple[int, int]], batch: Batch, row: int, score: float) -> list[Finding]:
        """One finding for all columns that the same is said of at the same look."""
        findings: list[Finding] = []
        words = self._statistics.word
        for _, same in groupby(sorted(found, key=lambda pair: int(words[pair[1]])), key=lambda pair: int(words[pair[1]])):
            moved = sorted((self._moved(*pair) for pair in same), key=lambda each: -each.beyond)
            at = [self._index(each.column) for each in moved]
            statistic = {column: s for column, s in found}
            level = max(self._severity(i, each.beyond) for i, each in zip(at, moved, strict=True))
            status = self._open.told(at, [statistic[i] for i in at], [each.spreads for each in moved], level)
            findings.append(self._finding(batch, row, moved, status, level, score))
        return findings

    def _turn(self, batch: Batch, row: int) -> list[Finding]:
        """A cycle is over.  One of fewer than ten rows was none."""
        findings: list[Finding] = []
        if self._counts.rows >= LEAST_ROWS:
            self._recent.push(self._counts.total, self._counts.sums, self._residuals[-1], self._counts.start)
            self._counts.begin()
            sizes, _ = self._distances()
            grown = np.flatnonzero(self._open.waiting & (sizes >= SHOWN)).tolist()
            findings += self._told([(i, self._open.statistic(i)) for i in grown], batch, row, self.threshold)
            for columns, level in self._open.cycle_ended(self._recent):
                moved = [self._moved(i, self._open.statistic(i)) for i in columns]
                findings.append(self._finding(batch, row, moved, Status.RESOLVED, level, self.threshold))
        self._begin()
        return findings

    def _begin(self) -> None:
        self._counts.begin()
        self._residuals[:], self._done = np.nan, 0

    def _distances(self) -> tuple[Floats, int]:
        """-> (d,) distance of the last seven cycles, the open one included, from the reference; and their rows."""
        week = self._recent.counts.sum(axis=0) + self._counts.total
        return distance(week.astype(np.float64), self._counted), int(week[0].sum())

    def _beyond(self) -> Floats:
        """(d,) what is left of the distances when that is taken off by which seven of the reference's cycles differ anyway."""
        return np.sqrt(np.maximum(self._distances()[0] ** 2 - self._rhythm.usual**2, 0.0))

    def _severity(self, column: int, beyond: float) -> Severity:
        level = max(severity(beyond), Severity.MEDIUM)
        return lowered(level) if hardly_used(self._importance[column]) else level

    def _index(self, name: str) -> int:
        return self._rhythm.names.index(name)

    def _moved(self, column: int, statistic: int) -> Moved:
        c = self._columns[column]
        spreads = self._spreads(statistic)
        week = self._recent.counts[:, column].sum(axis=0) + self._counts.total[column]
        since = self._since(statistic, spreads)
        mean = self._recent.mean_since(column, since, self._counts.total, self._counts.sums)
        shift = mean - c.mean if c.numeric and np.isfinite(mean) else 0.0
        return Moved(
            column=c.name,
            word=Word(int(self._statistics.word[statistic])),
            numeric=c.numeric,
            spreads=spreads,
            rare=bool(self._rhythm.rare[statistic]),
            distance=float(self._distances()[0][column]),
            usual=float(self._rhythm.usual[column]),
            beyond=float(self._beyond()[column]),
            shift=shift,
            shift_sd=shift / c.sd if c.sd > 0 else 0.0,
            rows=int(week.sum()),
            since=since,
        )

    def _spreads(self, statistic: int) -> float:
        """Of the look at the open cycle where it is furthest off, or of the last whole cycle."""
        seen = self._residuals[:, statistic]
        seen = seen[~np.isnan(seen)]
        last = self._recent.residuals[-1, statistic]
        return float(seen[np.abs(seen).argmax()]) if len(seen) else 0.0 if np.isnan(last) else float(last)

    def _since(self, statistic: int, spreads: float) -> float:
        """Of the cycles before, if they were on the same side; else of the first slot of the open one that is."""
        sign = 1.0 if spreads >= 0 else -1.0
        now = self._counts.start
        for look, span in enumerate(self._rhythm.looks):
            if span.end - span.start == 1 and sign * self._residuals[look, statistic] > 1:
                now = float(self._counts.slot_starts[span.start])
                break
        return self._recent.since(statistic, sign, now)

    def _finding(self, batch: Batch, row: int, moved: Sequence[Moved], status: Status, level: Severity, score: float) -> Finding:
        return told(
            batch, row, moved, kind="drift.cycle", detector=self.name, status=status, severity=level,
            score=min(score, MAX_SCORE), threshold=self.threshold, reference=self._reference, promise=self._promise(),
        )  # fmt: skip

    def _promise(self) -> str:
        unit = "days" if self._reference.timed else "cycles of 1,000 rows"
        return (
            f"{'day by day' if self._reference.timed else 'cycle by cycle'}, against {self._rhythm.n_cycles} of the reference: "
            f"designed for at most one false alarm in {self.threshold / 2:,.0f} {unit} like them"
        )

    def snapshot(self) -> State:
        plain: dict[str, npt.ArrayLike] = {
            "cycle": self._cycle, "place": self._place, "done": self._done, "behind": self._behind, "residuals": self._residuals,
            "evidence": self._evidence.sums, "chains": self._evidence.chains,
        }  # fmt: skip
        own: State = {name: np.array(value) for name, value in plain.items()}
        return own | self._counts.snapshot() | self._recent.snapshot() | self._open.snapshot()

    def restore(self, state: State, /) -> None:
        self._cycle, self._place, self._done, self._behind = (int(state[n]) for n in ("cycle", "place", "done", "behind"))
        self._residuals = np.array(state["residuals"], np.float64)
        self._counts.restore(state)
        self._evidence.sums, self._evidence.chains = (np.array(state[name], np.float32) for name in ("evidence", "chains"))
        self._recent.restore(state)
        self._open.restore(state)


def _stretches(cycle: Ints, place: Ints) -> Iterator[tuple[int, int]]:
    """Start and end of every run of rows in the same piece of the same cycle."""
    cuts = np.flatnonzero((np.diff(cycle) != 0) | (np.diff(place) != 0)) + 1
    yield from zip([0, *cuts.tolist()], [*cuts.tolist(), len(cycle)], strict=True)
