"""The e-detector: evidence that the bins of some columns are no longer filled as in the reference.

For every column and alternative a Shiryaev–Roberts sum over all rows at which the change may have begun,
M ← (M + w·n)·Π q/p.  While nothing changes, each term has expectation at most the number of rows so far times its weight, and
weights sum to one: so the sum over everything passes A on average no sooner than after A rows, however the columns depend on
each other and however often it is looked at (Shin, Ramdas and Rinaldo 2022, "E-detectors").  Where rows depend on each other
the log ratios are divided by the variance inflation that the reference showed; that is measured, not proved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from otel_mlsec.arrays import Floats
from otel_mlsec.detectors.drift.bank import table_of
from otel_mlsec.reference.column import Column
from otel_mlsec.reference.order import MARGIN
from otel_mlsec.sketches.bins import N_BINS

MAX_LOG = 80.0  # of one block's ratio
MAX_SUM = 1e200
Bank = Callable[[Column, float], tuple[Floats, Floats]]  # column and tolerance -> alternatives, as `table_of` says


class Evidence:
    """State: one sum a column and alternative, (d, a) float64, a at most 96."""

    def __init__(
        self, columns: Sequence[Column], tolerances: Sequence[float], weights: Sequence[float], bank: Bank = table_of
    ) -> None:
        """`weights`: share of the false-alarm budget of each column; they sum to one."""
        d = len(columns)
        tables = [bank(column, tolerance) for column, tolerance in zip(columns, tolerances, strict=True)]
        width = max((len(shares) for _, shares in tables), default=0)
        self._log_ratios = np.zeros((d, N_BINS, width), np.float32)
        self._weights = np.zeros((d, width))
        for i, (column, (ratios, shares), weight) in enumerate(zip(columns, tables, weights, strict=True)):
            tempered = ratios if column.independent else ratios / (MARGIN * max(column.variance_inflation, 1.0))
            self._log_ratios[i, :, : len(shares)] = tempered
            self._weights[i, : len(shares)] = weight * shares
        self.share = np.asarray(weights, np.float64)  # (d,)
        self.sums = np.zeros((d, width))

    def ratios(self, counts: npt.NDArray[np.int64]) -> Floats:
        """(b, d, N_BINS) counts of b blocks -> (d, b, a) log likelihood ratios of each."""
        return np.matmul(counts.transpose(1, 0, 2).astype(np.float32), self._log_ratios).astype(np.float64)

    def likelihood(self, i: int, counts: npt.NDArray[np.int64]) -> Floats:
        """(s, N_BINS) counts of column `i` -> (s,) the best log ratio that an alternative gives each."""
        return (counts.astype(np.float32) @ self._log_ratios[i]).max(axis=1).astype(np.float64)

    def absorb(self, log_ratios: Floats, n_rows: float) -> float:
        """One block: (d, a) log ratios of its `n_rows` rows -> evidence of all columns, in rows."""
        self.sums += n_rows * self._weights
        self.sums *= np.exp(np.minimum(log_ratios, MAX_LOG))
        np.minimum(self.sums, MAX_SUM, out=self.sums)
        return float(self.sums.sum())

    def blamed(self, threshold: float) -> list[int]:
        """Columns to name, by evidence: the e-BH procedure of Wang and Ramdas 2022 at level 1/`threshold`; at least one."""
        by_column = self.sums.sum(axis=1)
        order = np.argsort(-by_column, kind="stable")
        e_values = (by_column / np.maximum(self.share, 1e-300))[order]
        d = len(e_values)
        passed = np.flatnonzero(e_values * np.arange(1, d + 1) >= d * threshold)
        return [int(i) for i in order[: int(passed[-1]) + 1 if len(passed) else 1]]
