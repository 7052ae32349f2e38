"""Rows in order -> the rhythm of their columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.reference.column import Column
from otel_mlsec.reference.cycle_statistics import Statistics, Word
from otel_mlsec.reference.order import BLOCKS, cycles, statistics_of, variance_inflation
from otel_mlsec.reference.pairs import SLOW
from otel_mlsec.reference.rhythm import FEW_CYCLES, FEWEST, MAX_STATISTICS, Rhythm
from otel_mlsec.reference.rhythm_spread import Spread, spread_of
from otel_mlsec.reference.slots import HOURS, Look, Place, layout, looks_of, pieces_of, places
from otel_mlsec.sketches.bins import N_BINS, UNSEEN
from otel_mlsec.sketches.distance import distance

MAX_CYCLES = 1000  # of a longer reference the last
REMEMBERS = 0.3  # correlation
LAGS = (1, 2, 3, 4)  # blocks
WEEK = 7  # cycles
POOLED = 0.01  # share of unseen levels from which on they are no statistic: the half that chose the levels has none


def is_slow(column: Column, x: Floats) -> bool:
    """Does it live at the scale of a cycle, so that its rows say too little of it?

    Not of a column with a short memory, as AR(.8) has it, however large its variance inflation: evidence that is divided by that
    is sooner sure.  Such a column has forgotten after 64 rows, weather has not.
    """
    unseen = column.counts[UNSEEN] / max(int(column.counts.sum()), 1)
    known = column.numeric or (len(column.bins.levels) > 0 and unseen < 0.5)
    if not known or column.calendar or column.independent or column.variance_inflation <= SLOW:
        return False
    statistics = statistics_of(column.bins.index(x), column.normal_scores, column.shares, column.numeric)
    inflated = [s for s in statistics if max(variance_inflation([s], block) for block in BLOCKS) > SLOW]
    return any(_memory(series) > REMEMBERS for series in inflated)


def _memory(series: Floats) -> float:
    """Largest correlation of the mean of 64 rows with that of one to four such blocks before; of a swing it may be negative."""
    size = BLOCKS[0]
    means = series[: len(series) // size * size].reshape(-1, size).mean(axis=1)
    off = means - means.mean()
    total = float(off @ off)
    return max(abs(float(off[lag:] @ off[:-lag])) for lag in LAGS) / total if total > 0 else 0.0


def rhythm_of(matrix: Floats, times: Floats | None, columns: Sequence[Column], *, weekend: bool = False) -> Rhythm | None:
    """None where there are fewer than ten cycles, or no column moves by the cycle.

    `weekend`: Saturdays and Sundays have centres of their own, where there are eight of each class.
    """
    slow = [(i, column) for i, column in enumerate(columns) if is_slow(column, matrix[:, i])]
    while slow and len(Statistics([column for _, column in slow])) > MAX_STATISTICS:
        slow.pop()
    if not slow:
        return None
    days, piece = _placed(times, len(matrix))
    order, cycle = np.unique(days, return_inverse=True)
    kept = cycle >= len(order) - MAX_CYCLES
    cycle, order = cycle[kept] - max(len(order) - MAX_CYCLES, 0), order[-MAX_CYCLES:]
    size, pieces = len(order), pieces_of(times is not None)
    if size < FEW_CYCLES:
        return None
    rows = np.bincount(cycle * pieces + piece[kept], minlength=size * pieces).reshape(size, pieces).astype(np.float64)
    bounds = layout(rows)
    looks = looks_of(bounds)
    slot = np.searchsorted(bounds, piece[kept], side="right") - 1
    at = cycle * (len(bounds) - 1) + slot
    found: list[Floats] = []
    usual: list[float] = []
    for i, column in slow:
        flat = at * N_BINS + column.bins.index(matrix[kept, i])
        counts = np.bincount(flat, minlength=size * (len(bounds) - 1) * N_BINS).reshape(size, -1, 1, N_BINS)
        seen = Statistics([column])
        found.append(np.stack([seen.of(counts[:, look.start : look.end].sum(axis=1)) for look in looks], axis=1))
        usual.append(_usual(counts.sum(axis=(1, 2)).astype(np.float64)))
    kinds = _kinds(order, weekend=weekend and times is not None)
    of_cycle = kinds[(order + 3) % 7] if times is not None else np.zeros(size, np.int64)
    ordered = Statistics([column for _, column in slow])
    values = _in_order(found, [column for _, column in slow], ordered)
    of_look = np.median(np.stack([_rows(rows, bounds, look) for look in looks], axis=1), axis=0)
    whole = _judged(spread_of(values, ordered, of_cycle, of_look, looks), [column for _, column in slow], ordered)
    alive = np.bincount(ordered.column[whole.live], minlength=len(slow)) > 0
    if not alive.any():
        return None
    at = np.flatnonzero(alive[ordered.column])
    return Rhythm(
        names=tuple(column.name for (_, column), live in zip(slow, alive, strict=True) if live),
        n_cycles=size,
        bounds=bounds,
        rows=of_look,
        kinds=kinds,
        members=np.bincount(of_cycle).astype(np.int64),
        usual=np.array(usual)[alive],
        centre=whole.centre[..., at].reshape(-1, len(at)),
        upper=whole.upper[:, at],
        lower=whole.lower[:, at],
        rare=whole.rare[at].astype(np.int64),
        fast=whole.fast[at].astype(np.int64),
        top=whole.top[at],
        bottom=whole.bottom[at],
    )


def _placed(times: Floats | None, n_rows: int) -> tuple[Ints, Ints]:
    if times is None:
        return places(np.zeros(n_rows), Place(), timed=False)[:2]
    return cycles(times, n_rows), np.floor(times / (86400.0 / HOURS)).astype(np.int64) % HOURS


def _rows(rows: Floats, bounds: Ints, look: Look) -> Floats:
    """(T,) of a look."""
    return rows[:, bounds[look.start] : bounds[look.end]].sum(axis=1)


def _kinds(days: Ints, *, weekend: bool) -> Ints:
    kinds = np.array([0, 0, 0, 0, 0, 1, 1], np.int64)
    many = np.bincount(kinds[(days + 3) % 7], minlength=2)
    return kinds if weekend and many.min() >= FEWEST else np.zeros(7, np.int64)


def _in_order(found: list[Floats], columns: Sequence[Column], ordered: Statistics) -> Floats:
    """(T, L, S) in the order of the statistics of all columns together, where numeric ones come first."""
    size, looks = found[0].shape[:2]
    values = np.empty((size, looks, len(ordered)))
    for i in range(len(columns)):
        values[..., ordered.column == i] = found[i]
    return values


def _judged(spread: Spread, columns: Sequence[Column], of: Statistics) -> Spread:
    """Without statistics that others judge: what is missing or unseen, where that is rare, `drift/facts` tells at once."""
    unseen = np.array([not c.numeric and bool(c.counts[UNSEEN] > POOLED * c.counts.sum()) for c in columns])
    fact = spread.rare & ((of.word == Word.MISSING) | (of.word == Word.UNSEEN))
    return spread.without(fact | (unseen[of.column] & (of.word == Word.UNSEEN)))


def _usual(counts: Floats) -> float:
    """(T, N_BINS) counts of the cycles -> distance of seven in a row from all of them, median."""
    total = np.cumsum(np.concatenate([np.zeros((1, N_BINS)), counts]), axis=0)
    return float(np.median(distance(total[WEEK:] - total[:-WEEK], total[-1])))
