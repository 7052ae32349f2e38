"""How much more often, or how much worse, a model errs than it did: severity comes from here and never from a p-value."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from otel_mlsec.arrays import Ints
from otel_mlsec.finding import Severity
from otel_mlsec.reference.losses import VALUES

NORMAL_90 = 1.645  # of a 90 % interval
RISES = (  # rise of the error rate and its ratio to the reference's; both must be reached
    (0.2, 1.5, Severity.CRITICAL),
    (0.05, 1.5, Severity.HIGH),
    (0.02, 5.0, Severity.HIGH),
    (0.02, 1.2, Severity.MEDIUM),
    (0.005, 3.0, Severity.MEDIUM),
)
MOVES = ((1.0, Severity.CRITICAL), (0.5, Severity.HIGH), (0.25, Severity.MEDIUM))  # of a mean loss, in its sd, as of a feature


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Of one measure at one place, since the change."""

    place: int
    name: str  # of the slice, or "" for all rows
    feature: str
    loss: bool  # a mean loss, or else the share of errors
    before: float
    after: float
    low: float  # 90 % interval of `after`
    high: float
    sd: float  # of the reference's losses
    rows: int  # labels
    since: float  # s since the epoch, of the prediction

    @property
    def severity(self) -> Severity:
        """By the lower bound of what it became.

        Who uses the answers pays for the rise: so many more in a hundred are wrong.  The ratio keeps the ordinary wobble of a
        poor model from counting, and lets a good model that errs many times as often count at a smaller rise.
        """
        rise = self.low - self.before
        if self.loss:
            return next((s for least, s in MOVES if rise >= least * self.sd), Severity.LOW)
        return rate_severity(rise, self.before)


def rate_severity(rise: float, before: float) -> Severity:
    ratio = (before + rise) / max(before, 1e-9)
    return next((s for least, times, s in RISES if rise >= least and ratio >= times), Severity.LOW)


def of_rate(hits: float, rows: float) -> tuple[float, float]:
    """90 % interval of a share, by Wilson 1927."""
    if rows <= 0:
        return 0.0, 1.0
    p, z2 = hits / rows, NORMAL_90**2
    middle = (p + z2 / (2 * rows)) / (1 + z2 / rows)
    half = NORMAL_90 / (1 + z2 / rows) * math.sqrt(p * (1 - p) / rows + z2 / (4 * rows * rows))
    return max(0.0, middle - half), min(1.0, middle + half)


def of_losses(counts: Ints) -> tuple[float, float]:
    """(LEVELS,) counts -> mean and standard deviation, as shares of the scale."""
    n = max(1, int(counts.sum()))
    mean = float(counts @ VALUES) / n
    return mean, math.sqrt(max(0.0, float(counts @ (VALUES - mean) ** 2) / n))


def of_mean(counts: Ints, worth: float) -> tuple[float, float, float]:
    """-> mean and its 90 % interval, rows being worth `worth` independent ones."""
    mean, sd = of_losses(counts)
    half = NORMAL_90 * sd / math.sqrt(max(worth, 1.0))
    return mean, max(0.0, mean - half), min(1.0, mean + half)


def share(counts: Ints) -> tuple[Ints, Ints]:
    """(…, 2 k) counts by kind and by whether it was wrong -> (…) rows and errors."""
    both = np.asarray(counts, np.int64).reshape(*counts.shape[:-1], -1, 2)
    return both.sum(axis=(-1, -2)), both[..., 1].sum(axis=-1)
