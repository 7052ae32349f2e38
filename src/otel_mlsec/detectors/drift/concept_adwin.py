"""ADWIN: a window over a stream that drops its past when that differs from what came since.

Bifet and Gavaldà 2007, "Learning from time-changing data with adaptive windowing": every cut of the window into an older and a
newer part is looked at, and the oldest rows go while the means of some two parts differ by more than
sqrt(2/m · σ² · ln(2/δ')) + 2/(3m) · ln(2/δ'), where 1/m = 1/n₀ + 1/n₁, δ' = δ / ln n.
"""

from __future__ import annotations

import math

import numpy as np

from otel_mlsec.arrays import Floats

A_SIZE = 5  # buckets of 1, 2, 4 … rows each
SIZES = 40  # the oldest rows are forgotten past 5 · 2**40 of them
LEAST = 5.0  # rows of a part


class Adwin:
    """State: at most 200 buckets of rows, (b, 3): rows, sum and sum of squares, oldest first."""

    def __init__(self, delta: float, *, a_size: int = A_SIZE) -> None:
        """`delta`: chance that a look at a stream that has not changed drops some of it."""
        if not 0 < delta < 1:
            raise ValueError(f"delta must be in (0, 1), got {delta}")
        self._delta, self._a_size = delta, a_size
        self.buckets = np.empty((0, 3))

    @property
    def mean(self) -> float:
        return float(self.buckets[:, 1].sum() / max(1.0, float(self.buckets[:, 0].sum())))

    def append(self, values: Floats) -> None:
        rows = [tuple(row) for row in self.buckets.tolist()]
        for value in values.tolist():
            rows.append((1.0, value, value * value))
            at, size = len(rows), 1.0
            while True:  # from the newest, smallest size up; as a rule the first look ends it
                begin = at
                while begin > 0 and rows[begin - 1][0] <= size:
                    begin -= 1
                if at - begin <= self._a_size:
                    break
                merged = tuple(a + b for a, b in zip(rows[begin], rows[begin + 1], strict=True))
                rows[begin : begin + 2] = [merged]
                at, size = begin + 1, 2 * size
        self.buckets = np.array(rows[-self._a_size * SIZES :]).reshape(-1, 3)

    def cut(self) -> float:
        """Drop what differs from the rest; -> by how many times its bound the worst difference exceeded it, 0 where none did."""
        worst = 0.0
        while len(self.buckets) > 1 and (excess := self._excess()) > 1:
            worst = max(worst, excess)
            self.buckets = self.buckets[1:]
        return worst

    def _excess(self) -> float:
        n, total, squares = np.cumsum(self.buckets, axis=0).T
        rows = float(n[-1])
        mean = float(total[-1]) / rows
        variance = max(0.0, float(squares[-1]) / rows - mean * mean)
        older, newer = n[:-1], rows - n[:-1]
        enough = (older >= LEAST) & (newer >= LEAST)
        if not enough.any():
            return 0.0
        log = math.log(2 * math.log(max(rows, math.e)) / self._delta)
        inverse = 1 / older[enough] + 1 / newer[enough]
        bound = np.sqrt(2 * inverse * variance * log) + 2 / 3 * inverse * log
        apart = np.abs(total[:-1][enough] / older[enough] - (total[-1] - total[:-1][enough]) / newer[enough])
        return float((apart / bound).max())
