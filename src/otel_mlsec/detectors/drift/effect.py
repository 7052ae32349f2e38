"""How large a change is, apart from how sure it is: severity comes from here and never from a p-value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from otel_mlsec.detectors.drift.units import alike, converted
from otel_mlsec.finding import Severity
from otel_mlsec.reference.column import Column
from otel_mlsec.sketches.bins import MISSING
from otel_mlsec.sketches.distance import distance

SHOWN = 0.10  # Jensen–Shannon distance below which a change is a number on a dashboard: about 0.25 sd of a mean
LEAST = 0.05  # of the distance's lower bound
MEDIUM, HIGH, CRITICAL = 0.10, 0.20, 0.40  # of its lower bound: about 0.25, 0.5 and 1 sd
NEARLY = 1.5  # times the distance that the best conversion leaves: another that leaves no more fits nearly as well
SLOW = 10.0  # variance inflation of what moves by the day or slower
DRAWS = 200
CLIPPED = 0.01  # share of the numbers
UNIMPORTANT = 0.1  # of an equal share in what decides the answers: below it a change is one step less severe
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Of one column."""

    column: str
    distance: float  # debiased Jensen–Shannon distance, base 2, in [0, 1]
    low: float  # 90 % interval
    high: float
    rows: int  # since the change
    shift: float  # of the mean, in the column's own unit; 0 for categories
    shift_sd: float  # the same in standard deviations of the reference
    since: float  # s since the epoch
    looks_like: str = ""  # a changed unit
    missing: float = 0.0  # share of the rows since the change
    missing_before: float = 0.0  # of the reference's
    clipped: bool = False  # numbers beyond the reference's neighbourhood were taken for its end: the shift is larger
    importance: float | None = None  # of the column to the model, where all have 1; None: nobody knows

    @property
    def shown(self) -> bool:
        """Large enough, and surely not nothing, to be a finding and not only a number on a dashboard."""
        return self.distance >= SHOWN and self.low >= LEAST

    @property
    def severity(self) -> Severity:
        """By its size; of a column that the model hardly uses, one step less, but never nothing."""
        return lowered(severity(self.low)) if hardly_used(self.importance) else severity(self.low)


def severity(distance: float) -> Severity:
    reached = ((CRITICAL, Severity.CRITICAL), (HIGH, Severity.HIGH), (MEDIUM, Severity.MEDIUM))
    return next((level for least, level in reached if distance >= least), Severity.LOW)


def hardly_used(importance: float | None) -> bool:
    return importance is not None and importance < UNIMPORTANT


def lowered(level: Severity) -> Severity:
    return max((below for below in Severity if below < level), default=level)


def interval(counts: Counts, reference: Counts, inflation: float, seed: int) -> tuple[float, float]:
    """90 % interval of the distance: parametric bootstrap of both sides, at as many rows as dependent ones are worth."""
    rng = np.random.default_rng(seed)
    n = int(counts.sum())
    worth = max(int(n / inflation), min(n, 8))
    draws = rng.multinomial(worth, counts / max(n, 1), size=DRAWS).astype(np.float64)
    plugged = np.sqrt(np.maximum(distance(draws, reference.astype(np.float64)), 0))
    centre = float(distance(counts.astype(np.float64), reference.astype(np.float64)))
    low, high = np.quantile(plugged - np.median(plugged), [0.05, 0.95])
    return max(0.0, centre + float(low)), min(1.0, centre + float(high))


def effect(column: Column, counts: Counts, total: float, since: float, seed: int) -> Effect:
    """Effect of (N_BINS,) `counts` since the change; `total` is the sum of the numbers among them."""
    numbers = int(counts[:30].sum())
    shift = total / numbers - column.mean if column.numeric and numbers else 0.0
    size = float(distance(counts.astype(np.float64), column.counts.astype(np.float64)))
    low, high = interval(counts, column.counts, column.variance_inflation if not column.independent else 1.0, seed)
    return Effect(
        column=column.name,
        distance=size,
        low=low,
        high=high,
        rows=int(counts.sum()),
        shift=shift,
        shift_sd=shift / column.sd if column.sd > 0 else 0.0,
        since=since,
        looks_like=_unit(column, counts, size),
        missing=float(counts[MISSING] / max(1, counts.sum())),
        missing_before=float(column.counts[MISSING] / max(1, column.counts.sum())),
        clipped=numbers > 0 and column.numeric and _clipped(column, counts, total, shift),
    )


def _clipped(column: Column, counts: Counts, total: float, shift: float) -> bool:
    """Are the numbers beyond the reference's range, on the side of the shift, on average nearer to where they are clipped, one
    range further out, than to the range itself?  Of their sum only a bound is known, so a few that are clipped go unnoticed."""
    edges, side = column.bins.edges, 1.0 if shift > 0 else -1.0
    n = len(edges) + 1
    beyond = int(counts[n - 1] if shift > 0 else counts[0])
    if beyond < CLIPPED * counts[:n].sum() or beyond == 0:
        return False
    inside = counts[: n - 1] @ edges if shift > 0 else counts[1:n] @ edges  # at most, at least: every number at its bin's end
    reached = (total - float(inside)) / beyond
    end, width = (column.high if shift > 0 else column.low), column.high - column.low
    return side * (reached - end) >= width / 2 > 0


def _unit(column: Column, counts: Counts, size: float) -> str:
    """The conversion that brings the column back to a third of the distance, if one does; factors near it fit as well.

    None where quite another one fits nearly as well: beyond the reference's range all values are alike; nor of what moves by the
    day, where a season looks like one.
    """
    if column.variance_inflation > SLOW:
        return ""
    total = float(column.counts.sum())
    left = {name: float(distance(counts.astype(np.float64), law * total)) for name, law in converted(column)}
    best = min(left, key=lambda name: left[name], default="")
    rows = max(int(counts.sum()), 1)
    noise = np.sqrt((len(column.bins.edges) + 1) / (8 * np.log(2) * rows))  # of the distance of so many rows from their own law
    if not best or left[best] >= size / 3 or left[best] > LEAST + noise / 2:
        return ""
    others = (distance for name, distance in left.items() if not alike(name, best))
    return best if min(others, default=1.0) > NEARLY * left[best] + LEAST else ""
