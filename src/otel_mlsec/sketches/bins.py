"""Values → at most 32 bins: quantiles of a reference for numbers, its frequent levels for categories.

Bin counts are all that drift detection keeps of the data: they are bounded, carry no value, and those of two processes add.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from otel_mlsec.arrays import Floats
from otel_mlsec.observation import TEXT

N_BINS = 32
REST, UNSEEN, MISSING, INVALID = 28, 29, 30, 31  # the first two of categories only; INVALID is infinite or of another type
LEVELS = np.array([0.001, 0.005, 0.01, 0.025, *np.arange(0.05, 0.951, 0.05), 0.975, 0.99, 0.995, 0.999])
MAX_LEVELS = 100_000  # levels of a category that are told apart; those beyond count as unseen

Bytes = npt.NDArray[np.uint8]


def is_text(x: Floats) -> npt.NDArray[np.bool_]:
    return x <= -TEXT


@dataclass(frozen=True, slots=True, kw_only=True)
class Bins:
    """Where a value goes.  A number to the quantile bin of its column, a level to its own bin, the rest pooled."""

    edges: Floats = field(default_factory=lambda: np.empty(0))  # (≤ 29,) of numbers: least, quantiles, above the greatest
    levels: Floats = field(default_factory=lambda: np.empty(0))  # (n_levels,) of categories, ascending
    level_bins: Bytes = field(default_factory=lambda: np.empty(0, np.uint8))  # (n_levels,)

    @property
    def numeric(self) -> bool:
        return len(self.edges) > 0

    @property
    def text(self) -> bool:
        """Are the levels text, so that a number among them is of another type?"""
        return len(self.levels) > 0 and bool(is_text(self.levels).all())

    def index(self, x: Floats) -> Bytes:
        """(n,) values → (n,) bins."""
        if self.numeric:
            bins = np.searchsorted(self.edges, x, side="right").astype(np.uint8)
            bins[~np.isfinite(x) | is_text(x)] = INVALID
        elif len(self.levels):
            at = np.minimum(np.searchsorted(self.levels, x), len(self.levels) - 1)
            bins = np.where(self.levels[at] == x, self.level_bins[at], np.uint8(UNSEEN))
            if self.text:
                bins[x > -TEXT] = INVALID
        else:  # the reference had nothing but missing values here
            bins = np.full(len(x), UNSEEN, np.uint8)
        bins[np.isnan(x)] = MISSING
        return bins


def numeric_bins(values: Floats) -> Bins:
    """Bins at the quantiles of `values` (finite, at least one); every bin between the extremes holds some of them."""
    quantiles = np.quantile(values, LEVELS, method="inverted_cdf")
    return Bins(edges=np.unique(np.concatenate([[values.min()], quantiles, [np.nextafter(values.max(), np.inf)]])))


def category_bins(codes: Floats) -> Bins:
    """Levels that are frequent enough to be estimated get a bin of their own, at most 28; the others share one.

    Levels are chosen on `codes`; their shares must be counted on *other* rows, or the frequent are overrated by
    having been chosen (facts: 264 false alarms in 2 M rows before, none after).
    """
    levels, counts = np.unique(codes, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    levels, counts = levels[order][:MAX_LEVELS], counts[order][:MAX_LEVELS]
    own = min(REST, int((counts >= max(20.0, 0.004 * len(codes))).sum()))
    rest = REST if counts[own:].sum() >= 20 else UNSEEN  # a remainder too small to estimate counts as unseen
    bins = np.full(len(levels), rest, np.uint8)
    bins[:own] = np.arange(own)
    ascending = np.argsort(levels)
    return Bins(levels=levels[ascending], level_bins=bins[ascending])
