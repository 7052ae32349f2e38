"""Facts about the input columns: counted, not inferred, and told at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.config import ModelSettings
from otel_mlsec.detector import State
from otel_mlsec.detectors.align import aligned
from otel_mlsec.detectors.drift.effect import hardly_used, lowered
from otel_mlsec.detectors.drift.latch import Latch
from otel_mlsec.detectors.drift.limits import Limits
from otel_mlsec.detectors.drift.settings import importance, is_off
from otel_mlsec.detectors.drift.wording import N_WORDS, REPEATED, STUCK, Extent, fact, severity
from otel_mlsec.finding import Finding, Severity, Status
from otel_mlsec.observation import Batch
from otel_mlsec.reference.column import Column
from otel_mlsec.reference.order import CYCLE_ROWS, LATEST
from otel_mlsec.reference.reference import Reference
from otel_mlsec.sketches.bins import UNSEEN, is_text
from otel_mlsec.sketches.repeats import Repeats

Masks = npt.NDArray[np.bool_]


class Facts:
    """Values never seen, missing or absent columns, a stuck feed, repeated rows, another type, another range.

    The score is a number of rows in the current cycle (a UTC day where the reference has times, else a thousand rows), the
    threshold the larger of a small share and three times the reference's second worst cycle.  No statistics: what it says is
    true, so there is no false-alarm rate.  Same word at the same time is one finding that lists its columns; it is one step less
    severe if the model hardly uses any of them.

    It does not see: values that are known, in wrong proportions.
    """

    name: ClassVar[str] = "drift/facts"

    def __init__(self, columns: Sequence[Column], *, reference: Reference, importance: Sequence[float | None] = ()) -> None:
        d = len(columns)
        self._hardly_used = np.array([hardly_used(each) for each in importance or (None,) * d], np.bool_)
        self._columns = tuple(columns)
        self._reference = reference
        self._limits = Limits(columns, reference)
        spread = [(c.high - c.low) or max(abs(c.high), 1.0) for c in columns]
        self._numeric = np.array([c.numeric for c in columns])
        self._text = np.array([c.bins.text for c in columns])
        self._low = np.array([c.low - s for c, s in zip(columns, spread, strict=True)])
        self._high = np.array([c.high + s for c, s in zip(columns, spread, strict=True)])
        self._cycle = self._rows = 0
        self._counts = np.zeros((N_WORDS, d), np.int64)  # rows of the cycle
        self._first = np.full((N_WORDS, d), np.inf)  # s, since when in this cycle
        self._rows_before = np.zeros((N_WORDS, d), np.int64)  # rows of the cycle before the first such one
        self._last = np.full(d, np.nan)
        self._run = np.zeros(d, np.int64)  # rows so far with that value
        self._run_start = np.full(d, np.inf)  # s
        self._longest = np.zeros(d, np.int64)  # of the cycle
        self._repeated = 0
        self._repeated_first = np.inf
        self._repeats = Repeats()
        self._latch = Latch(N_WORDS + 2, d)

    @classmethod
    def build(cls, reference: Reference, settings: ModelSettings) -> Facts | None:
        columns = [c for c in reference.inputs if not is_off(c.name, settings)]
        known = importance([c.name for c in columns], settings, reference)
        return cls(columns, reference=reference, importance=known) if columns else None

    def update(self, batch: Batch, /) -> list[Finding]:
        if batch.inputs is None or not batch.n_rows:
            return []
        values, found = aligned(batch.inputs, batch.features, self._columns, [c.name for c in self._reference.inputs])
        repeated = self._repeats.seen(batch.inputs)
        absent = np.array([at is None for at in found])
        cycle = self._cycles(batch.times)
        findings: list[Finding] = []
        for start, end in _pieces(cycle):
            findings += self._turn(int(cycle[start]), batch, start)
            self._count(values[start:end], absent, batch.times[start:end], repeated[start:end])
            findings += self._told(batch, end - 1)
        return findings

    def scores(self) -> Mapping[str, float]:
        return {}

    def _cycles(self, times: Floats) -> Ints:
        """(n,) cycle of each row; time that goes back stays in the current one."""
        if self._reference.timed:
            number = np.floor(np.clip(times, 0.0, LATEST) / self._reference.cycle_seconds).astype(np.int64)
            return np.maximum.accumulate(np.maximum(number, self._cycle))
        return self._cycle + (self._rows + np.arange(len(times))) // CYCLE_ROWS

    def _turn(self, cycle: int, batch: Batch, row: int) -> list[Finding]:
        """A new cycle begins: what has been quiet for long enough is resolved."""
        if cycle == self._cycle:
            return []
        self._latch.cycle_ended(self._over())
        self._cycle, self._rows, self._repeated, self._repeated_first = cycle, 0, 0, np.inf
        self._counts[:], self._first[:], self._rows_before[:], self._longest[:] = 0, np.inf, 0, 0
        return [
            self._finding(batch, row, word, columns, Status.RESOLVED, level) for word, columns, level in self._latch.resolved()
        ]

    def _count(self, x: Floats, absent: Masks, times: Floats, repeated: Masks) -> None:
        for word, mask in enumerate(self._masks(x, absent)):
            self._note(word, mask, times)
        self._follow_runs(x, times)
        if repeated.any():
            self._repeated_first = min(self._repeated_first, float(times[repeated][0]))
        self._repeated += int(repeated.sum())
        self._rows += len(x)

    def _masks(self, x: Floats, absent: Masks) -> list[Masks]:
        """(n, d) for every `Word`, in its order."""
        text, finite = is_text(x), np.isfinite(x)
        number = finite & ~text
        unseen = np.zeros(x.shape, np.bool_)
        for i, column in enumerate(self._columns):
            if len(column.values):
                unseen[:, i] = number[:, i] & ~np.isin(x[:, i], column.values)
            elif not column.numeric:
                unseen[:, i] = column.bins.index(x[:, i]) == UNSEEN
        wrong = np.where(self._numeric, text, self._text & number)
        outside = number & ((x < self._low) | (x > self._high))
        return [unseen, np.isnan(x) & ~absent, np.broadcast_to(absent, x.shape), wrong, np.isinf(x), outside]

    def _note(self, word: int, mask: Masks, times: Floats) -> None:
        counts = mask.sum(axis=0)
        begins = (self._counts[word] == 0) & (counts > 0)
        if begins.any():
            at = mask.argmax(axis=0)
            self._first[word, begins] = times[at[begins]]
            self._rows_before[word, begins] = self._rows + at[begins]
        self._counts[word] += counts

    def _follow_runs(self, x: Floats, times: Floats) -> None:
        same = np.concatenate([(x[:1] == self._last), x[1:] == x[:-1]])
        at = np.arange(len(x))[:, None]
        began = np.maximum.accumulate(np.where(same, -1, at), axis=0)  # row where the run began; -1: before this batch
        length = np.where(began < 0, self._run + at + 1, at - began + 1)
        self._longest = np.maximum(self._longest, length.max(axis=0))
        self._run = length[-1]
        self._run_start = np.where(began[-1] < 0, self._run_start, times[np.maximum(began[-1], 0)])
        self._last = x[-1].copy()

    def _over(self) -> Masks:
        """(n_words + 2, d) what is at or over its limit now; `REPEATED` is of rows and stands in the first column."""
        limits = self._limits.rows(self._rows)
        over = np.zeros((N_WORDS + 2, len(self._columns)), np.bool_)
        over[:N_WORDS] = self._counts >= limits
        over[STUCK] = self._longest >= self._limits.run
        over[REPEATED, 0] = self._repeated >= self._limits.repeated(self._rows)
        return over

    def _told(self, batch: Batch, row: int) -> list[Finding]:
        over = self._over()
        lasts = batch.times[row] - self._run_start >= self._limits.seconds
        over[STUCK] &= lasts & (self._run >= self._limits.run)
        if not (over & ~self._latch.open).any():
            return []
        near = np.zeros_like(over)
        near[:N_WORDS] = 2 * self._counts >= self._limits.rows(self._rows)  # will be over soon: the same change
        near[STUCK] = (2 * self._run >= self._limits.run) & (self._run > 1)
        findings: list[Finding] = []
        for word in np.flatnonzero((over & ~self._latch.open).any(axis=1)):
            columns = np.flatnonzero((over[word] | near[word]) & ~self._latch.open[word])
            level = severity(int(word), self._extent(int(word), columns))
            if word != REPEATED and self._hardly_used[columns].all():
                level = lowered(level)
            status = self._latch.opened(int(word), columns, level)
            findings.append(self._finding(batch, row, int(word), columns, status, level))
        return findings

    def _extent(self, word: int, columns: Ints) -> Extent:
        if word == REPEATED:
            return Extent(
                rows=self._repeated, share=self._repeated / max(self._rows, 1), since=self._repeated_first,
                limit=self._limits.repeated(self._rows),
            )  # fmt: skip
        if word == STUCK:
            i = columns[np.argmax(self._run[columns])]
            return Extent(rows=int(self._run[i]), share=1.0, since=float(self._run_start[i]), limit=float(self._limits.run[i]))
        i = columns[np.argmax(self._counts[word, columns])]
        rows, since = int(self._counts[word, i]), self._rows - int(self._rows_before[word, i])
        limit = float(self._limits.rows(self._rows)[word, i])
        return Extent(rows=rows, share=rows / max(since, 1), since=float(self._first[word, i]), limit=limit)

    def _finding(self, batch: Batch, row: int, word: int, columns: Ints, status: Status, level: Severity) -> Finding:
        names = () if word == REPEATED else tuple(self._columns[int(i)].name for i in columns)
        return fact(
            batch, row, detector=self.name, word=word, names=names, extent=self._extent(word, columns), status=status,
            severity=level, reference=self._reference,
        )  # fmt: skip

    def snapshot(self) -> State:
        return {name: np.array(value) for name, value in self._state().items()} | self._latch.snapshot()

    def _state(self) -> dict[str, npt.ArrayLike]:
        return {
            "cycle": self._cycle, "rows": self._rows, "counts": self._counts, "first": self._first,
            "rows_before": self._rows_before, "last": self._last, "run": self._run, "run_start": self._run_start,
            "longest": self._longest, "repeated": self._repeated, "repeated_first": self._repeated_first,
            "recent": self._repeats.recent,
        }  # fmt: skip

    def restore(self, state: State, /) -> None:
        self._cycle, self._rows, self._repeated = (int(state[name]) for name in ("cycle", "rows", "repeated"))
        self._repeated_first = float(state["repeated_first"])
        self._counts, self._rows_before, self._run, self._longest = (
            np.array(state[name], np.int64) for name in ("counts", "rows_before", "run", "longest")
        )
        self._first, self._last, self._run_start = (np.array(state[name], np.float64) for name in ("first", "last", "run_start"))
        self._repeats.recent = np.array(state["recent"], np.uint64)
        self._latch.restore(state)

    def merge(self, state: State, /) -> None:
        """Counts of the same cycle add; of two cycles the later one stays, of two runs and two pasts the longer one."""
        other = int(state["cycle"])
        if other > self._cycle:
            self._cycle = other
            self._rows = self._repeated = 0
            self._counts = np.zeros_like(self._counts)
            self._first, self._repeated_first = np.full_like(self._first, np.inf), np.inf
            self._longest = np.zeros_like(self._longest)
            self._rows_before = np.zeros_like(self._rows_before)
        if other == self._cycle:
            self._rows += int(state["rows"])
            self._repeated += int(state["repeated"])
            self._repeated_first = min(self._repeated_first, float(state["repeated_first"]))
            self._counts = self._counts + np.array(state["counts"], np.int64)
            self._rows_before = self._rows_before + np.array(state["rows_before"], np.int64)
            self._first = np.minimum(self._first, np.array(state["first"], np.float64))
            self._longest = np.maximum(self._longest, np.array(state["longest"], np.int64))
        self._merge_runs(
            np.array(state["run"], np.int64), np.array(state["run_start"], np.float64), np.array(state["last"], np.float64)
        )
        theirs = np.array(state["recent"], np.uint64)
        self._repeats.recent = max(self._repeats.recent, theirs, key=lambda rows: (len(rows), rows.tobytes()))
        self._latch.merge(state)

    def _merge_runs(self, run: Ints, start: Floats, last: Floats) -> None:
        """The longer run; of equal ones that which began first; else, whatever the order of merging, the larger value."""
        tie = (self._run == run) & (self._run_start == start)
        mine = (self._run > run) | ((self._run == run) & (self._run_start < start))
        self._last = np.where(tie, np.fmax(self._last, last), np.where(mine, self._last, last))
        self._run_start = np.where(mine | tie, self._run_start, start)
        self._run = np.maximum(self._run, run)


def _pieces(cycle: Ints) -> Iterator[tuple[int, int]]:
    """Start and end of every stretch of rows of one cycle."""
    starts = [0, *(np.flatnonzero(np.diff(cycle)) + 1).tolist(), len(cycle)]
    yield from pairwise(starts)
