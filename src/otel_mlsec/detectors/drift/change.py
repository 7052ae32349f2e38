"""Changes of some columns against their reference: found, latched, closed when they have gone, found again.

What `drift/data` does for inputs and `drift/prediction` for outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from otel_mlsec.arrays import Floats, Ints, Masks
from otel_mlsec.detector import State
from otel_mlsec.detectors.drift.bank import table_of
from otel_mlsec.detectors.drift.effect import SHOWN, Effect, distance, effect
from otel_mlsec.detectors.drift.evidence import Bank, Evidence
from otel_mlsec.finding import Severity, Status
from otel_mlsec.reference.column import HUGE, Column
from otel_mlsec.sketches.bins import N_BINS, is_text
from otel_mlsec.sketches.history import History

BLOCK = 32  # rows; 64 is a third cheaper and finds a shift of half a standard deviation some 15 rows later
WORTH = 8  # rows: an effect is measured over what so many independent rows are worth
LOOK = 32  # blocks between two looks at whether a change has gone
QUIET = 0.05  # distance below which a change has gone …
QUIET_ROWS = 2000  # … over so many rows that could tell, or twice `WORTH`
ENOUGH = 256  # rows, for a distance to be more than noise
PIECE = 128 * BLOCK  # rows that are weighed at once: bounds the working memory of a large batch
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Of the columns that the evidence names together."""

    status: Status
    columns: tuple[int, ...]
    effects: tuple[Effect, ...]  # the largest first
    severity: Severity
    score: float  # rows
    row: int  # in the batch, that decided


class Changes:
    """State, bounded: evidence, the counts of an open block and of the past, which columns are in a changed state."""

    def __init__(
        self,
        columns: Sequence[Column],
        tolerances: Sequence[float],
        weights: Sequence[float],
        *,
        threshold: float,
        seed: int,
        importance: Sequence[float | None] = (),
        bank: Bank = table_of,
    ) -> None:
        """
        Args:
            weights: of the first columns; those beyond are counted and not judged.
            importance: of each column to the model, where all have 1; None or () where nobody knows.
            bank: what a column might change into.
        """
        d, judged = len(columns), len(weights)
        self.columns = tuple(columns)
        self.threshold = threshold
        self._seed = seed
        self._evidence = Evidence(columns[:judged], tolerances, weights, bank)
        self._judged = judged
        self._importance = tuple(importance) or (None,) * d
        self._reference = np.stack([c.counts for c in columns]).astype(np.float64) if d else np.zeros((0, N_BINS))
        self._inflation = np.array([1.0 if c.independent else c.variance_inflation for c in columns])
        low, high = [2 * c.low - c.high for c in columns], [2 * c.high - c.low for c in columns]
        self._clip = np.maximum(low, -HUGE), np.minimum(high, HUGE)
        self._history = History(d, N_BINS)
        self._block = np.zeros((d, N_BINS), np.int64)
        self._sums = np.zeros(d)
        self._start = np.inf  # s, of the open block
        self._changed = np.zeros(d, np.int64)  # number of the change that a column is in; 0: none
        self._open_for = np.zeros(d, np.int64)  # rows since that change was told
        self._ever = np.zeros(d, np.bool_)
        self._small = np.zeros(d, np.bool_)  # found, too small to show, looked at again
        self._n_changes = self._n_blocks = 0
        self._severity = np.zeros(d, np.int64)
        self.small = np.zeros(d, np.int64)  # how many alarms were too small to show

    def update(self, values: Floats, times: Floats, see: Callable[[Counts], None] | None = None) -> list[Change]:
        """(n, d) values and (n,) times of the next rows; `see` is given their (m, d) bins, part by part."""
        found: list[Change] = []
        for at in range(0, len(values), PIECE):
            found += self._absorbed(values[at : at + PIECE], times[at : at + PIECE], at, see)
        return found

    def _absorbed(self, values: Floats, times: Floats, before: int, see: Callable[[Counts], None] | None) -> list[Change]:
        """At least one row, `before` of the batch having been absorbed."""
        n = len(values)
        index, numbers = self._binned(values)
        if see is not None:
            see(index)
        waiting = min(int(self._block[0].sum()), BLOCK - 1)  # after a merge there may be more
        block = (waiting + np.arange(n)) // BLOCK  # (n,) number of the block that a row is of
        counts, sums = self._counted(index, numbers, block)
        counts[0] += self._block
        sums[0] += self._sums
        whole = (waiting + n) // BLOCK
        ratios = self._evidence.ratios(counts[:whole, : self._judged])
        found: list[Change] = []
        starts = np.minimum.reduceat(times, np.searchsorted(block, np.arange(int(block[-1]) + 1)))
        starts[0] = min(starts[0], self._start)
        for b in range(whole):
            self._history.append(float(starts[b]), counts[b], sums[b])
            rows = int(counts[b, 0].sum())
            score = self._absorb(ratios[:, b], rows)
            self._open_for[self._changed > 0] += rows
            last = before + (b + 1) * BLOCK - waiting - 1
            if score >= self.threshold:
                found += self._alarm(score, last)
            self._n_blocks += 1
            found += self._grown(last)
            if self._n_blocks % LOOK == 0 and self._changed.any():
                found += self._gone(last)
        rest = whole < len(counts)
        self._block = counts[whole].copy() if rest else np.zeros_like(self._block)
        self._sums = sums[whole].copy() if rest else np.zeros_like(self._sums)
        self._start = float(starts[whole]) if whole < len(starts) else np.inf
        return found

    @property
    def open(self) -> Masks:
        """(d,) columns that are in a change."""
        return self._changed > 0

    def distances(self) -> dict[str, float]:
        """Effect on every column over its last 2,000 rows, in [0, 1]; 0 until 256 have come, at first or since a change went."""
        counts = self._recent(QUIET_ROWS, np.arange(len(self.columns)))
        enough = counts.sum(axis=1) >= ENOUGH
        sizes = np.where(enough, self._distance(counts), 0.0)
        return dict(zip((c.name for c in self.columns), sizes.tolist(), strict=True)) if self._ever.any() or enough.any() else {}

    def _binned(self, values: Floats) -> tuple[Counts, Floats]:
        """-> (n, d) bins of the rows, and the numbers that are summed up, 0 where there is none."""
        index = np.stack([c.bins.index(values[:, i]) for i, c in enumerate(self.columns)], axis=1).astype(np.int64)
        return index, np.where(np.isfinite(values) & ~is_text(values), np.clip(values, *self._clip), 0.0)

    def _counted(self, index: Counts, numbers: Floats, block: Ints) -> tuple[Counts, Floats]:
        """-> (b, d, N_BINS) counts and (b, d) sums of the numbers, blocks being numbered from 0."""
        d = int(index.shape[1])
        blocks = int(block[-1]) + 1
        flat = (block[:, None] * d + np.arange(d)) * N_BINS + index
        counts = np.bincount(flat.ravel(), minlength=blocks * d * N_BINS).reshape(blocks, d, N_BINS)
        return counts, np.add.reduceat(numbers, np.searchsorted(block, np.arange(blocks)), axis=0)

    def _absorb(self, log_ratios: Floats, n_rows: int) -> float:
        score = self._evidence.absorb(log_ratios, n_rows)
        if self._n_changes:
            self._evidence.sums[self._changed[: self._judged] > 0] = 0.0  # latched: the same change is not found twice
            score = float(self._evidence.sums.sum())
        return score

    def _alarm(self, score: float, row: int) -> list[Change]:
        blamed = self._evidence.blamed(self.threshold)
        effects = {i: self._effect(i) for i in blamed}
        self._evidence.sums[blamed] = 0.0
        shown = sorted((i for i in blamed if effects[i].shown), key=lambda i: -effects[i].distance)
        small = [i for i in blamed if i not in shown]
        self.small[small] += 1
        self._small[[i for i in small if self._inflation[i] == 1.0]] = True
        return [self._opened(shown, [effects[i] for i in shown], score, row)] if shown else []

    def _grown(self, row: int) -> list[Change]:
        """A change that was found, but too small to show, is looked at again: one column a block, in turn.

        Only where rows are independent: elsewhere what looks larger for an hour is the hour's.
        """
        waiting = np.flatnonzero(self._small)
        if not len(waiting):
            return []
        i = int(waiting[self._n_blocks % len(waiting)])
        best, counts, _, _ = self._since(i)
        size = float(distance(counts[best].astype(np.float64), self._reference[i]))
        found = self._effect(i) if size >= SHOWN else None
        shown = found is not None and found.shown
        self._small[i] = size >= QUIET and not shown
        return [self._opened([i], [found], self.threshold, row)] if found is not None and shown else []

    def _opened(self, shown: list[int], effects: list[Effect], score: float, row: int) -> Change:
        self._n_changes += 1
        self._changed[shown] = self._n_changes
        self._open_for[shown] = 0
        status = Status.REOPENED if self._ever[shown].all() else Status.NEW
        self._ever[shown] = True
        self._small[shown] = False  # or it would be found a second time as one that has grown
        severity = max(effect.severity for effect in effects)
        self._severity[shown] = severity
        self._evidence.sums[shown] = 0.0
        return self._change(status, shown, effects, severity, score, row)

    def _gone(self, row: int) -> list[Change]:
        """Changes all of whose columns look like the reference again."""
        resolved: list[Change] = []
        for change in np.unique(self._changed[self._changed > 0]):
            columns = np.flatnonzero(self._changed == change)
            rows = max(QUIET_ROWS, int(2 * WORTH * self._inflation[columns].max()))
            counts = self._recent(rows, columns)
            known = np.minimum(self._open_for[columns], counts[columns].sum(axis=1))  # or rows before it would say that it went
            if (known < rows).any() or (self._distance(counts)[columns] >= QUIET).any():
                continue
            self._changed[columns] = self._open_for[columns] = 0
            effects = [self._effect(int(i)) for i in columns]
            severity = Severity(int(self._severity[columns].max()))
            resolved.append(self._change(Status.RESOLVED, columns.tolist(), effects, severity, self.threshold, row))
            for bucket in self._history.buckets:
                bucket.counts[columns] = 0  # the past of a closed change is no part of the next one
                bucket.sums[columns] = 0.0
        return resolved

    def _change(
        self, status: Status, columns: list[int], effects: list[Effect], severity: Severity, score: float, row: int
    ) -> Change:
        return Change(
            status=status, columns=tuple(columns), effects=tuple(effects), severity=severity, score=min(score, 1e12), row=row
        )

    def _effect(self, i: int) -> Effect:
        """Of column `i` over the suffix of the past that is likeliest to be the change."""
        best, counts, sums, starts = self._since(i)
        found = effect(self.columns[i], counts[best], float(sums[best]), float(starts[best]), self._seed)
        return replace(found, importance=self._importance[i])

    def _since(self, i: int) -> tuple[int, Counts, Floats, Floats]:
        """-> the likeliest suffix; counts (s, N_BINS), sums (s,) and starts (s,) of all."""
        starts, counts, sums = self._history.suffixes(i)
        rows = counts.sum(axis=1)
        enough = rows >= min(WORTH * self._inflation[i], rows[0])
        best = int(np.argmax(np.where(enough, self._evidence.likelihood(i, counts), -np.inf)))
        return best, counts, sums, starts

    def _recent(self, rows: int, columns: Ints) -> Counts:
        """(d, N_BINS) counts of the last rows, until one of `columns` has `rows` or the past ends; the others have fewer where a
        change of theirs went in between."""
        total = np.zeros_like(self._block)
        for bucket in reversed(self._history.buckets):
            total += bucket.counts
            if (total[columns].sum(axis=1) >= rows).any():
                break
        return total

    def _distance(self, counts: Counts) -> Floats:
        return distance(counts.astype(np.float64), self._reference)

    def snapshot(self) -> State:
        plain: dict[str, npt.ArrayLike] = {
            "block": self._block,
            "block_sums": self._sums,
            "start": self._start,
            "evidence": self._evidence.sums,
            "changed": self._changed,
            "open_for": self._open_for,
            "ever": self._ever,
            "waiting": self._small,
            "n_changes": self._n_changes,
            "n_blocks": self._n_blocks,
            "severity": self._severity,
            "small": self.small,
        }
        return {name: np.array(value) for name, value in plain.items()} | {
            f"history.{name}": value for name, value in self._history.snapshot().items()
        }

    def restore(self, state: State) -> None:
        self._block = np.array(state["block"], np.int64)
        self._sums = np.array(state["block_sums"], np.float64)
        self._start = float(state["start"])
        self._evidence.sums = np.array(state["evidence"], np.float64)
        self._changed = np.array(state["changed"], np.int64)
        self._open_for = np.array(state["open_for"], np.int64)
        self._ever = np.array(state["ever"], np.bool_)
        self._small = np.array(state["waiting"], np.bool_)
        self._n_changes = int(state["n_changes"])
        self._n_blocks = int(state["n_blocks"])
        self._severity = np.array(state["severity"], np.int64)
        self.small = np.array(state["small"], np.int64)
        self._history.restore({name: state[f"history.{name}"] for name in ("starts", "blocks", "counts", "sums")})

    def merge(self, state: State) -> None:
        """Sums add: two detectors that saw n and m rows have, together, evidence of expectation at most n + m.

        Rows of an open block add too, so the block that follows a merge may be longer than 32 rows; a column that either of
        them has found changed is changed.
        """
        self._block = self._block + np.array(state["block"], np.int64)
        self._sums = self._sums + np.array(state["block_sums"], np.float64)
        self._start = min(self._start, float(state["start"]))
        self._evidence.sums = self._evidence.sums + np.array(state["evidence"], np.float64)
        self._changed = np.maximum(self._changed, np.array(state["changed"], np.int64))
        self._open_for = self._open_for + np.array(state["open_for"], np.int64)
        self._ever = self._ever | np.array(state["ever"], np.bool_)
        self._small = self._small | np.array(state["waiting"], np.bool_)
        self._n_changes = max(self._n_changes, int(state["n_changes"]))
        self._n_blocks += int(state["n_blocks"])
        self._severity = np.maximum(self._severity, np.array(state["severity"], np.int64))
        self.small = self.small + np.array(state["small"], np.int64)
        self._history.merge({name: state[f"history.{name}"] for name in ("starts", "blocks", "counts", "sums")})
