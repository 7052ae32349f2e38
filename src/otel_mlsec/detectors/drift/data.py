"""Drift of what a model is asked: the law of its input features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np

from otel_mlsec.config import ModelSettings
from otel_mlsec.detector import State
from otel_mlsec.detectors.align import aligned
from otel_mlsec.detectors.drift.change import Change, Changes
from otel_mlsec.detectors.drift.property import is_echo, ordered, words
from otel_mlsec.detectors.drift.settings import HALVED, budget, by_cycle, importance, is_off
from otel_mlsec.detectors.drift.shuffled import SHUFFLED, Shuffled
from otel_mlsec.detectors.drift.tell import told
from otel_mlsec.finding import Finding
from otel_mlsec.observation import Batch
from otel_mlsec.reference.column import Column
from otel_mlsec.reference.reference import Reference
from otel_mlsec.sketches.bins import REST, UNSEEN, Bins

POOLED = 0.01  # share of rows with an unseen level


class DataDrift:
    """Change of any feature's law, named by column; the score is in rows.

    A tolerance-robust e-detector on counts in the reference's quantile bins (`evidence`).  Columns whose order in the
    reference looks independent are judged row by row, the others with their evidence divided by 1.3 times the worst variance
    inflation that the order showed.  While rows come as the reference's do, the mean number of rows between two alarms is at
    least a million divided by `false_alarms_per_million`; for dependent columns that is measured, not proved.  Columns that
    only tell the calendar are left to `drift/facts`, those that move by the day to `drift/cycle`, and half of the budget with
    them.

    Of a reference without times it is not known whether its rows had been shuffled; when live rows show that (`shuffled`), it is
    said once, and drift is left to `drift/anchor`.

    It does not see: changes between columns that leave each of them as it was; changes of less than about 0.25 sd.
    """

    name: ClassVar[str] = "drift/data"

    def __init__(self, columns: Sequence[Column], settings: ModelSettings, *, reference: Reference, seed: int = 0) -> None:
        self._columns = tuple(columns)
        self._reference = reference
        names = [c.name for c in columns]
        tolerances, weights, threshold = budget(names, settings, provisional=reference.provisional)
        known = importance(names, settings, reference)
        self._made = frozenset(reference.prose.columns if reference.prose is not None else ())  # properties of free text
        threshold *= HALVED if by_cycle(reference, settings) else 1.0
        self._changes = Changes(columns, tolerances, weights, threshold=threshold, seed=seed, importance=known)
        self._shuffled = None if reference.timed or reference.provisional else Shuffled(columns)

    @classmethod
    def build(cls, reference: Reference, settings: ModelSettings) -> DataDrift | None:
        by_day = by_cycle(reference, settings)
        watched = [c for c in reference.inputs if c.name not in by_day and not c.calendar and worth_watching(c)]
        columns = [pooled(c) for c in watched if not is_off(c.name, settings)]
        return cls(columns, settings, reference=reference) if columns else None

    def update(self, batch: Batch, /) -> list[Finding]:
        if batch.inputs is None or not batch.n_rows:
            return []
        values, _ = aligned(batch.inputs, batch.features, self._columns, [c.name for c in self._reference.inputs])
        if self._shuffled is None:
            return self._findings(batch, self._changes.update(values, batch.times))
        changes = self._changes.update(values, batch.times, self._shuffled.see)
        said = self._shuffled.told(batch, self._reference, self.name)
        batch.derived[SHUFFLED] = self._shuffled.said
        return said + self._findings(batch, self._shuffled.allowed(changes))

    def scores(self) -> Mapping[str, float]:
        return self._changes.distances()

    def small_changes(self) -> int:
        """Alarms whose effect was too small to show."""
        return int(self._changes.small.sum())

    def snapshot(self) -> State:
        return self._changes.snapshot() | (self._shuffled.snapshot() if self._shuffled is not None else {})

    def restore(self, state: State, /) -> None:
        self._changes.restore(state)
        if self._shuffled is not None:
            self._shuffled.restore(state)

    def merge(self, state: State, /) -> None:
        self._changes.merge(state)

    def _findings(self, batch: Batch, changes: Sequence[Change]) -> list[Finding]:
        open_ = [column.name for column, is_open in zip(self._columns, self._changes.open, strict=True) if is_open]
        told_of = [ordered(change, self._made) for change in changes if not is_echo(change, open_, self._made)]
        return [self._finding(batch, change) for change in told_of]

    def _finding(self, batch: Batch, change: Change) -> Finding:
        return told(
            batch, change, kind="drift.data", detector=self.name, title="Data drift", columns=self._columns,
            threshold=self._changes.threshold, reference=self._reference,
            words=lambda effect: words(effect, self._columns, self._made),
        )  # fmt: skip


def pooled(column: Column) -> Column:
    """With rare levels counted as unseen, where unseen is common.

    The rows that chose the levels hold none that is unseen, the others do: told apart, the reference served back would differ
    from itself.  That a level was never seen is then left to `drift/facts`.
    """
    counts = column.counts
    if column.numeric or counts[UNSEEN] <= POOLED * counts.sum():
        return column
    together = counts.copy()
    together[UNSEEN], together[REST] = counts[UNSEEN] + counts[REST], 0
    bins = Bins(levels=column.bins.levels, level_bins=np.where(column.bins.level_bins == REST, UNSEEN, column.bins.level_bins))
    return replace(column, bins=bins, counts=together)


def worth_watching(column: Column) -> bool:
    """Not an identifier: of a category whose levels hardly repeat, only absence and type say something."""
    unseen = column.counts[UNSEEN] / max(int(column.counts.sum()), 1)
    return column.numeric or (len(column.bins.levels) > 0 and unseen < 0.5)
