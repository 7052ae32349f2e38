"""How the statistics of a reference's cycles are spread, each way, and which of them have no shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from otel_mlsec.arrays import Floats, Ints, Masks
from otel_mlsec.reference import student
from otel_mlsec.reference.cycle_statistics import Statistics
from otel_mlsec.reference.rhythm import FEWEST
from otel_mlsec.reference.slots import Look

OFTEN_KNOWN = 0.4  # of the cycles, in which a look must say something
TIED = 0.3  # share of the cycles with one and the same value from which on a statistic has no shape
TOLERANCE, SHARE_TOLERANCE = 0.1, 0.02  # sd of a row; arc sines.  Less is nobody's business
FAST = 1.5  # times the variance that independent slots would give their sum
CONSTANT = 0.02  # times it: slots that make up for each other
CLIP = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """As in `Rhythm`."""

    centre: Floats  # (classes, L, S)
    upper: Floats  # (L, S)
    lower: Floats
    rare: Masks  # (S,)
    fast: Masks
    top: Floats
    bottom: Floats

    def without(self, out: Masks) -> Spread:
        """Statistics `out`, (S,), have no shape."""
        return Spread(
            centre=self.centre, upper=np.where(out, 0.0, self.upper), lower=np.where(out, 0.0, self.lower),
            rare=self.rare & ~out, fast=self.fast & ~out, top=self.top, bottom=self.bottom,
        )  # fmt: skip

    @property
    def live(self) -> Masks:
        """(S,) can be judged."""
        return (self.upper > 0).any(axis=0) | self.rare


def spread_of(values: Floats, of: Statistics, kind: Ints, rows: Floats, looks: Sequence[Look]) -> Spread:
    """(T, L, S) statistics of cycles, (T,) class of each, (L,) usual rows of a look -> how they are spread."""
    size = len(values)
    known = ~np.isnan(values)
    n = known.sum(axis=0)
    centre = np.stack([_median(values[kind == k]) for k in range(int(kind.max()) + 1)])
    off = np.where(known, values - centre[kind], 0.0)
    tied = _tied(values)
    floor = np.where(of.is_share, SHARE_TOLERANCE, TOLERANCE)
    sampling = np.where(of.is_share, 0.5 / np.sqrt(np.maximum(rows, 1))[:, None], 0.0)
    mad = 0.7 * 1.4826 * _median(np.where(known, np.abs(off), np.nan))
    shapeless = (n < max(FEWEST, OFTEN_KNOWN * size)) | (tied > TIED)
    sides: list[Floats] = []
    for sign in (1, -1):
        beyond = np.maximum(sign * off, 0.0)
        second = np.sort(beyond, axis=0)[-2]  # one bad cycle must not blind it to all others like that
        half = np.sqrt(2 * (np.minimum(beyond, second) ** 2).sum(axis=0) / np.maximum(n, 2))
        widest = np.maximum(np.maximum(half, mad), second / student.quantile(1.5 / size))
        spread = np.sqrt(np.maximum(widest, sampling) ** 2 + floor**2)
        sides.append(np.where(shapeless, 0.0, spread))
    day = np.where(known[:, -1], values[:, -1], 0.0)
    rare = _tied(day[:, None])[0] > TIED
    return Spread(
        centre=np.where(np.isnan(centre), 0.0, centre),
        upper=sides[0],
        lower=sides[1],
        rare=rare,
        fast=_is_fast(off, sides, looks) & ~rare,
        top=day.max(axis=0),
        bottom=day.min(axis=0),
    )


def _is_fast(off: Floats, sides: list[Floats], looks: Sequence[Look]) -> Masks:
    """Do slots of a cycle stray as if each did by itself: is the variance of their sum the sum of their variances?"""
    slots = np.array([i for i, look in enumerate(looks) if look.end - look.start == 1], np.int64)
    if len(slots) < 2:
        return np.zeros(len(off[0, 0]), np.bool_)
    spread = np.where(off > 0, sides[0], sides[1])[:, slots]
    residual = np.clip(np.where(spread > 0, off[:, slots] / np.where(spread > 0, spread, 1.0), 0.0), -CLIP, CLIP)
    ratio = (residual.sum(axis=1) ** 2).mean(axis=0) / np.maximum((residual**2).sum(axis=1).mean(axis=0), 1e-9)
    found: Masks = (ratio < FAST) & (ratio > CONSTANT) & (sides[0][slots] > 0).any(axis=0)
    return found


def _tied(values: Floats) -> Floats:
    """(T, …) -> (…) largest share of cycles with the same value, to six digits."""
    ordered = np.sort(np.round(values, 6), axis=0)  # NaN last
    known = (~np.isnan(ordered)).sum(axis=0)
    longest = np.ones(ordered.shape[1:])
    run = longest
    for t in range(1, len(ordered)):
        run = np.where(ordered[t] == ordered[t - 1], run + 1, 1.0)
        longest = np.maximum(longest, run)
    return np.where(known > 0, longest / np.maximum(known, 1), 1.0)


def _median(values: Floats) -> Floats:
    """(T, …) -> (…) median of what is known, NaN where nothing is."""
    ordered = np.sort(values, axis=0)
    known = (~np.isnan(ordered)).sum(axis=0)
    at = np.maximum(known - 1, 0)
    low = np.take_along_axis(ordered, (at // 2)[None], axis=0)[0]
    high = np.take_along_axis(ordered, ((at + 1) // 2)[None], axis=0)[0]
    return (low + high) / 2
