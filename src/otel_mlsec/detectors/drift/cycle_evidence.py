"""The e-detector whose unit is the cycle: evidence that statistics of a cycle no longer stray as those of the reference did.

A residual is divided by the spread of the reference's cycles.  If, given the past, it is no larger than mu + sigma T with
|mu| ≤ z/√n, sigma ≤ 1 + z/√2n and T Student with eight degrees of freedom, n being the reference's cycles, each e-value below has
expectation at most one.  A Shiryaev–Roberts sum a look, statistic, size and sign, M ← (M + w)·e once a cycle, the weights summing
to one: the sum over all passes A no sooner than after A/2 cycles on average, however statistics and looks depend on each other
(Shin, Ramdas and Rinaldo 2022, "E-detectors").  Statistics whose slots stray independently multiply slot after slot as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.reference import student
from otel_mlsec.reference.cycle_statistics import Statistics
from otel_mlsec.reference.rhythm import Rhythm
from otel_mlsec.reference.rhythm_spread import SHARE_TOLERANCE, TOLERANCE

Z = 2.0  # standard errors of the reference's centre and spread, of each statistic by itself
SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)  # spreads, by which a statistic may have moved
EDGE, STEP = 60.0, 0.025  # of the grid on which e-values are tabled
WHOLE = 2.0  # weight of the whole cycle, others having 1
NEVER = -30.0  # logarithm of the e-value of what a one-sided statistic does on the other side
_ABOVE = [student.quantile(share) for share in (1 / 18, 3 / 18, 5 / 18, 7 / 18)]
STRAYS = np.array([*(-x for x in _ABOVE), 0.0, *_ABOVE[::-1]])  # ninths of Student's law, at their middles
MOST = 1e30  # of a sum; float32 holds it


@lru_cache(maxsize=64)
def table(cycles: int) -> Floats:
    """(sizes, grid) log e-values of residuals from -60 to 60, for a reference of so many cycles."""
    grid = np.linspace(-EDGE, EDGE, int(2 * EDGE / STEP) + 1)
    off, wide = Z / np.sqrt(cycles), 1 + Z / np.sqrt(2 * cycles)
    rows: list[Floats] = []
    for size in SIZES:
        ratio = np.maximum.accumulate(student.density(grid - size) / student.density(grid))
        means = [
            float((student.density((grid - mean) / scale) / scale * ratio).sum()) * STEP
            + student.tail_density(EDGE, mean, scale) * float(ratio[-1])
            for mean in (-off, 0.0, off)
            for scale in (1.0, wide)
        ]
        rows.append(np.log(ratio / max(1.0, *means)))
    return np.stack(rows)


class CycleEvidence:
    """State: `sums`, (L, S, 2·6) float32, at most 4 MB, and `chains`, (S, 2·6)."""

    def __init__(self, rhythm: Rhythm, statistics: Statistics, weights: Floats, tolerances: Sequence[float]) -> None:
        """`weights`: share of the budget of each column; they sum to one."""
        self._rhythm, self._of = rhythm, statistics
        self._tables = [table(int(n)) for n in rhythm.members]
        self._rare = rhythm.rare > 0
        sizes = 2 * len(SIZES)
        live = rhythm.has_shape.any(axis=0) | self._rare
        many = np.maximum(np.bincount(statistics.column[live], minlength=len(weights)), 1)
        each = np.where(live, (weights / many)[statistics.column], 0.0)  # (S,)
        looks = np.ones(len(rhythm.looks))
        looks[-1] = WHOLE
        fast = rhythm.fast > 0
        self._is_slot = np.array([look.end - look.start == 1 and len(looks) > 1 for look in rhythm.looks])
        share = looks[:, None] / looks.sum() * each * np.where(fast, 0.5, 1.0)
        self._weights = np.repeat(share[:, :, None] / sizes, sizes, axis=2)
        self._chain_weights = np.repeat((0.5 * each * fast / max(int(self._is_slot.sum()), 1) / sizes)[:, None], sizes, axis=1)
        least = np.where(statistics.is_share, SHARE_TOLERANCE + 1 / np.sqrt(np.maximum(rhythm.rows[-1], 1)), TOLERANCE)
        slack = np.asarray(tolerances)[statistics.column] * np.where(statistics.is_share, 0.5, 1.0)
        self._slack = slack  # (S,) what the user grants
        self._top, self._bottom = rhythm.top + least + slack, rhythm.bottom - least - slack
        ties = 2 / (rhythm.n_cycles + 1)  # chance that a new cycle passes all of the reference's on either side
        self._passed, self._within = float(np.log(0.5 / ties)), float(np.log(0.5 / (1 - ties)))
        self.sums = np.zeros(self._weights.shape, np.float32)
        self.chains = np.zeros(self._chain_weights.shape, np.float32)

    def residuals(self, look: int, values: Floats, kind: int) -> Floats:
        """(S,) statistics of a look at a cycle -> (S,) in spreads, NaN where there is none; of a rare one 3 if it passes all of
        the reference's cycles, else 0."""
        off = values - self._rhythm.centre_of(kind, look)
        upper: Floats = self._rhythm.upper[look]
        lower: Floats = self._rhythm.lower[look]
        spread = np.where(off > 0, upper, lower)
        beyond = np.sign(off) * np.maximum(np.abs(off) - self._slack, 0.0)
        residual = np.where(spread > 0, beyond / np.where(spread > 0, spread, 1.0), np.nan)
        if look < len(self._rhythm.looks) - 1:
            return np.where(self._rare, np.nan, residual)
        passes = np.where(values > self._top, 3.0, np.where(values < self._bottom, -3.0, 0.0))
        return np.where(self._rare, np.where(np.isnan(values), np.nan, passes), residual)

    def absorb(self, look: int, residuals: Floats, kind: int) -> None:
        with np.errstate(under="ignore"):
            e = np.exp(self._log_e(residuals, self._tables[kind]))
            self.sums[look] = np.minimum((self.sums[look] + self._weights[look]) * e, MOST)
            if self._is_slot[look]:
                moved = np.where(self._chain_weights > 0, e, 1.0)
                self.chains = np.minimum((self.chains + self._chain_weights) * moved, MOST).astype(np.float32)

    def _log_e(self, residuals: Floats, table: Floats) -> Floats:
        """(S, 2·sizes), upward changes first; 0 where there is no residual."""
        known = ~np.isnan(residuals)
        steps = int(2 * EDGE / STEP)
        at = np.clip(np.rint((np.where(known, residuals, 0.0) + EDGE) / STEP), 0, steps).astype(np.int64)
        log_e = np.concatenate([table[:, at], table[:, steps - at]]).T
        log_e[self._of.one_sided, len(SIZES) :] = NEVER
        passed = np.where(residuals != 0, self._passed, self._within)
        return np.where(known[:, None], np.where(self._rare[:, None], passed[:, None], log_e), 0.0)

    def by_statistic(self) -> Floats:
        """(S,) in cycles."""
        return self.sums.sum(axis=(0, 2), dtype=np.float64) + self.chains.sum(axis=1, dtype=np.float64)

    def mute(self, columns: Ints | Sequence[int]) -> None:
        of = np.isin(self._of.column, columns)
        self.sums[:, of] = 0.0
        self.chains[of] = 0.0

    def reached(self, statistic: int, shift: float, cycles: int) -> float:
        """Evidence, in cycles, after so many with the statistic `shift` above the reference's centre, and straying as ever; after
        one, at the centre of where it may be."""
        spread = self._rhythm.upper[:, statistic]
        residual = np.where(spread > 0, max(shift - self._slack[statistic], 0.0) / np.where(spread > 0, spread, 1.0), 0.0)
        strayed = residual + (STRAYS[:, None] if cycles > 1 else 0.0)  # (points, L)
        steps = int(2 * EDGE / STEP)
        at = np.clip(np.rint((np.atleast_2d(strayed) + EDGE) / STEP), 0, steps).astype(np.int64)
        log_e = np.where(spread > 0, self._tables[0][:, at], 0.0).mean(axis=1)  # (sizes, L)
        own = self._weights[:, statistic, : len(SIZES)].T * np.exp(np.minimum(cycles * log_e, 60.0))
        slots = np.minimum(cycles * log_e[:, self._is_slot].sum(axis=1), 60.0)
        chain = self._chain_weights[statistic, : len(SIZES)] * np.exp(slots)
        return float(own.sum() + chain.sum())
