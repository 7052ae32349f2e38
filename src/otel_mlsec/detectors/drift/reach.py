"""Which change of a column a reference lets detectors see, within a cycle and within a week of them, at default settings.

Judged row by row, n rows show a shift of d standard deviations if n (d - z √(V/n_ref))² / 2V reaches ln(A/w): what a likelihood
ratio of the right size gains, V being what evidence is divided by, w the alternative's weight.  Judged cycle by cycle: the
smallest shift that, every cycle the same, lifts the sums above A.  Never less than 0.25 sd, which is too small to show.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from otel_mlsec.config import ModelSettings
from otel_mlsec.detectors.drift.bank import Z_DEPENDENT, Z
from otel_mlsec.detectors.drift.cycle_evidence import CycleEvidence
from otel_mlsec.detectors.drift.data import worth_watching
from otel_mlsec.detectors.drift.settings import HALVED, budget, by_cycle, cycle_budget
from otel_mlsec.reference.column import Column
from otel_mlsec.reference.cycle_statistics import Statistics, Word, share_of
from otel_mlsec.reference.order import MARGIN
from otel_mlsec.reference.reference import Reference
from otel_mlsec.reference.rhythm import FEW_CYCLES, Rhythm

SHOWN = 0.25  # sd: a Jensen–Shannon distance of 0.10
WEIGHT = 0.045  # of one size of a mean, among a column's alternatives
WEEK = 7  # cycles
MOST = 8.0  # sd; what is larger than that is not looked for
STEPS = 40  # of bisection


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """Of one input column."""

    judged: str  # row scale, fast, slow, rare, facts only
    divided: float = 1.0  # what evidence is divided by, row by row
    cycle: float = np.inf  # smallest change seen in a cycle: in the column's unit, of a category as a share; inf: none
    week: float = np.inf


def sights(reference: Reference, settings: ModelSettings | None = None) -> dict[str, Sight]:
    """By the names of the inputs."""
    asked = settings or ModelSettings()
    by_day = by_cycle(reference, asked)
    by_row = [c.name for c in reference.inputs if c.name not in by_day and not c.calendar and worth_watching(c)]
    found: dict[str, Sight] = {}
    for column in reference.inputs:
        if column.calendar or not worth_watching(column):
            found[column.name] = Sight(judged="facts only")
        elif column.name not in by_day:
            _, _, threshold = budget(by_row, asked, provisional=reference.provisional)
            needed = threshold * (HALVED if by_day else 1.0) * len(by_row) / WEIGHT
            found[column.name] = _by_row(column, reference, needed)
    if reference.rhythm is not None and by_day:
        found |= _by_cycle(reference.rhythm, reference, asked)
    return found


def _by_row(column: Column, reference: Reference, needed: float) -> Sight:
    divided = 1.0 if column.independent else MARGIN * max(column.variance_inflation, 1.0)
    known = (Z if column.independent else max(Z, Z_DEPENDENT * np.sqrt(column.variance_inflation))) / np.sqrt(reference.n_rows)
    unit = column.sd if column.numeric else _spread(column)

    def seen(rows: float) -> float:
        shift = known + np.sqrt(2 * divided * np.log(needed) / rows)
        return float(max(shift, SHOWN) * unit) if shift <= MOST else np.inf

    judged = "row scale" if column.independent else "fast"
    return Sight(judged=judged, divided=divided, cycle=seen(reference.cycle_rows), week=seen(WEEK * reference.cycle_rows))


def _by_cycle(rhythm: Rhythm, reference: Reference, settings: ModelSettings) -> dict[str, Sight]:
    columns = rhythm.columns(reference)
    statistics = Statistics(columns)
    tolerances, weights, threshold = cycle_budget(rhythm.names, settings, provisional=reference.provisional)
    evidence = CycleEvidence(rhythm, statistics, np.asarray(weights), tolerances)
    found: dict[str, Sight] = {}
    for i, column in enumerate(columns):
        own = np.flatnonzero((statistics.column == i) & rhythm.has_shape.any(axis=0))
        main = _main(column, statistics, own, rhythm)
        if main is None:
            found[column.name] = Sight(judged="rare")
            continue
        seen = [_smallest(partial(evidence.reached, main, cycles=n), threshold) for n in (1, WEEK)]
        inside = column.sd if column.numeric else 1.0
        sizes = [max(x, SHOWN) * inside if column.numeric else _risen(rhythm, main, x) for x in seen]
        found[column.name] = Sight(judged="slow", cycle=sizes[0], week=sizes[1])
    return found


def _main(column: Column, statistics: Statistics, own: np.ndarray, rhythm: Rhythm) -> int | None:
    """The mean of a number, the largest level of a category; None if it has no shape."""
    if column.numeric:
        means = own[statistics.word[own] == Word.MEAN]
        return int(means[0]) if len(means) else None
    levels = own[statistics.word[own] == Word.LEVEL]
    return int(levels[rhythm.centre_of(0, -1 + len(rhythm.looks))[levels].argmax()]) if len(levels) else None


def _smallest(reached: Callable[[float], float], threshold: float) -> float:
    if reached(MOST) < threshold:
        return np.inf
    low, high = 0.0, MOST
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if reached(middle) >= threshold else (middle, high)
    return high


def _risen(rhythm: Rhythm, statistic: int, by: float) -> float:
    """Change of a share whose arc sine moves."""
    before = float(rhythm.centre_of(0, len(rhythm.looks) - 1)[statistic])
    return abs(share_of(before + by) - share_of(before)) if np.isfinite(by) else np.inf


def _spread(column: Column) -> float:
    """Standard deviation of the largest level's indicator."""
    share = float(column.shares.max())
    return float(np.sqrt(share * (1 - share)))


def enough_cycles(reference: Reference) -> bool:
    """For a rate of false alarms to be said in cycles."""
    return reference.n_cycles >= FEW_CYCLES
