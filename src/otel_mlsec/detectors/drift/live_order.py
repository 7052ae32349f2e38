"""Do live rows depend on each other where those of the reference did not?  Then it had been shuffled.

Means of 32 rows in a row differ from one such block to the next by what the rows within them make likely, if these are
independent; however the column has shifted or spread since the reference, as long as it does not at every block.  The median of
the differences against that is the root of the variance inflation (von Neumann 1941, "Distribution of the ratio of the mean
square successive difference to the variance", robust against jumps).
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from otel_mlsec.arrays import Floats, Ints, Masks
from otel_mlsec.detector import State
from otel_mlsec.reference.column import Column
from otel_mlsec.sketches.bins import MISSING, N_BINS

BLOCK = 32  # rows
REMEMBERED = 64  # blocks
FEW = 12  # blocks, with which nothing is known yet of their differences
CONCENTRATED = 0.9  # share of one bin, from which on independent rows are the same for hours, too
DEPENDENT = 4.0  # times the variance of independent rows; their own 64 blocks show less than 2
LOOK = 16  # blocks from one look to the next, after the first 64, of which each is one
OFTEN = 0.3  # of the blocks, in which it is the same value
STILL = 0.02  # of the reference's variance, within blocks: the same value for hours
MEDIAN = NormalDist().inv_cdf(0.75)  # of the absolute value of a normal variable


class LiveOrder:
    """State: of d columns the differences of means and the variances within of the last 64 blocks, (64, d) each."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._scores = np.stack([_scores(c) for c in columns])  # (d, N_BINS)
        counts = np.stack([c.counts for c in columns]).astype(np.float64)
        share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        mean = (share * self._scores).sum(axis=1)
        self._variance = (share * self._scores**2).sum(axis=1) - mean**2  # (d,) of the reference's rows
        self._told_by = (share.max(axis=1) <= CONCENTRATED) & (self._variance > 0)
        d = len(columns)
        self._blocks = 0
        self._rows = np.zeros((0, d))  # scores of an open block
        self._mean = np.full(d, np.nan)
        self._steps = np.full((REMEMBERED, d), np.nan)
        self._within = np.full((REMEMBERED, d), np.nan)

    def see(self, index: Ints) -> bool:
        """(n, d) bins of the next rows; true where it is time for a look at what they say."""
        scores = np.concatenate([self._rows, np.stack([s[index[:, i]] for i, s in enumerate(self._scores)], axis=1)])
        whole = len(scores) // BLOCK * BLOCK
        self._rows = scores[whole:].copy()
        blocks = scores[max(0, whole - (REMEMBERED + 1) * BLOCK) : whole].reshape(-1, BLOCK, len(self._scores))
        means, within = blocks.mean(axis=1), blocks.var(axis=1, ddof=1)
        for mean, variance in zip(means, within, strict=True):
            self._steps[:-1], self._within[:-1] = self._steps[1:], self._within[1:]
            self._steps[-1], self._within[-1] = np.abs(mean - self._mean), variance
            self._mean = mean
        looks, self._blocks = self._blocks // LOOK, self._blocks + len(blocks)
        return self._blocks // LOOK > looks or (len(blocks) > 0 and self._blocks <= REMEMBERED)

    def dependent(self) -> Masks:
        """(d,); none as long as it is not known."""
        seen = ~np.isnan(self._within).any(axis=1)
        found = np.zeros(len(self._scores), np.bool_)
        if not seen.any():
            return found
        found |= np.quantile(self._within[seen], OFTEN, axis=0, method="lower") < STILL * self._variance
        if seen.sum() > FEW:
            within = self._within[seen].mean(axis=0)
            step = np.nanmedian(self._steps[seen], axis=0) / MEDIAN
            found |= step**2 * BLOCK / 2 > DEPENDENT * np.maximum(within, 1e-12)
        return found & self._told_by

    def snapshot(self) -> State:
        return {
            "order.rows": self._rows.copy(), "order.mean": self._mean.copy(), "order.steps": self._steps.copy(),
            "order.within": self._within.copy(), "order.blocks": np.array(self._blocks),
        }  # fmt: skip

    def restore(self, state: State) -> None:
        self._rows, self._mean, self._steps, self._within = (
            np.array(state[f"order.{name}"], np.float64) for name in ("rows", "mean", "steps", "within")
        )
        self._blocks = int(state["order.blocks"])


def _scores(column: Column) -> Floats:
    """(N_BINS,) any number for each bin will do: for levels, that of their place in the order of the alphabet."""
    if column.numeric:
        return column.normal_scores
    middle = np.cumsum(column.shares) - column.shares / 2
    scores = np.array([NormalDist().inv_cdf(float(np.clip(q, 1e-3, 1 - 1e-3))) for q in middle])
    scores[MISSING:N_BINS] = 0.0
    return scores
