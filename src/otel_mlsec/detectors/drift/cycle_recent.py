"""The last cycles: what they held, for sizes, and how far they were from the reference's, for "since when"."""

from __future__ import annotations

import numpy as np

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.detector import State
from otel_mlsec.detectors.drift.latch import QUIET_CYCLES
from otel_mlsec.sketches.bins import MISSING, N_BINS

WEEK = 7  # cycles that a size is measured over, the open one included
REMEMBERED = 2 * QUIET_CYCLES  # residuals of whole cycles


class Recent:
    """State: counts of six whole cycles, (6, d, N_BINS), and residuals of 28, (28, S); the newest last."""

    def __init__(self, columns: int, statistics: int) -> None:
        self.counts = np.zeros((WEEK - 1, columns, N_BINS), np.int64)
        self.sums = np.zeros((WEEK - 1, columns))
        self.residuals = np.full((REMEMBERED, statistics), np.nan)
        self.starts = np.full(REMEMBERED, np.nan)  # s since the epoch

    def push(self, counts: Ints, sums: Floats, residuals: Floats, start: float) -> None:
        for ring, newest in ((self.counts, counts), (self.sums, sums), (self.residuals, residuals), (self.starts, start)):
            ring[:-1] = ring[1:]
            ring[-1] = newest

    def since(self, statistic: int, sign: float, now: float) -> float:
        """Start of the earliest of the latest cycles that were all on that side of the reference, and not just so."""
        first = now
        for residual, start in zip(self.residuals[::-1, statistic], self.starts[::-1], strict=True):
            if not sign * residual > 0.5:
                break
            first = float(start)
        return min(first, now)

    def mean_since(self, column: int, since: float, counts: Ints, sums: Floats) -> float:
        """Of the numbers of a column in the open cycle and those of the six before that began later; NaN where there are none."""
        kept = self.starts[-len(self.counts) :] >= since
        numbers = int(self.counts[kept, column, :MISSING].sum() + counts[column, :MISSING].sum())
        total = float(self.sums[kept, column].sum() + sums[column])
        return total / numbers if numbers else np.nan

    def mean(self, statistic: int, cycles: int) -> float:
        """Of the residuals of the last cycles that have one; 0 where none has."""
        last = self.residuals[-cycles:, statistic]
        known = last[~np.isnan(last)]
        return float(known.mean()) if len(known) else 0.0

    def snapshot(self) -> State:
        return {
            "recent.counts": self.counts.copy(), "recent.sums": self.sums.copy(), "recent.residuals": self.residuals.copy(),
            "recent.starts": self.starts.copy(),
        }  # fmt: skip

    def restore(self, state: State) -> None:
        self.counts = np.array(state["recent.counts"], np.int64)
        self.sums, self.residuals, self.starts = (
            np.array(state[f"recent.{name}"], np.float64) for name in ("sums", "residuals", "starts")
        )
