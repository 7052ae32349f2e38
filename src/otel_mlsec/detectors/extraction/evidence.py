"""Evidence that a principal's rows are not like those of the reference: conformal p-values, bet against one after another.

An e-value of a p-value is the mean of `eps * p**(eps - 1)` over three `eps` (Shafer et al. 2011, "Test martingales, Bayes
factors and p-values"); a principal's run through Shiryaev and Roberts' recursion M = (M + 1) e, one for each statistic, and the
mean of the three is his evidence (Shin, Ramdas and Rinaldo 2022, "E-detectors").
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from otel_mlsec.arrays import Floats, Ints, Masks

EPS = np.array([0.1, 0.3, 0.6])
LEAST = 1e-4  # p-value
MOST = 60.0  # natural logarithm of evidence that is kept: some sixty ordinary rows take it away
APART = 1000.0  # between two groups in one accumulated sum: what is this much smaller does not count
N_STATISTICS = 3  # novelty, margin, distance to the class

VOTES = 1024
ENOUGH = 256  # votes
EVERY = 32  # votes between two sortings


def log_e(p: Floats) -> Floats:
    """Any shape -> the same; at most 0 on average in expectation, whatever law the p-value has while nothing is wrong."""
    bounded = np.clip(p, LEAST, 1.0)[..., None]
    return np.log((EPS * bounded ** (EPS - 1)).mean(axis=-1))


def shiryaev_roberts(before: Floats, steps: Floats, groups: Ints) -> Floats:
    """Evidence after every row, of many principals at once.

    Args:
        before: (n, k) natural logarithm of M before the first row of the row's group; the same for all rows of a group.
        steps: (n, k) log e-values.
        groups: (n,) ascending from 0, no number left out.
    """
    first = np.searchsorted(groups, groups)
    sums = np.cumsum(steps, axis=0)
    sums -= np.where(first[:, None] > 0, sums[np.maximum(first - 1, 0)], 0.0)  # of the group so far
    prior = np.where((first == np.arange(len(groups)))[:, None], 0.0, -(sums - steps))  # -log of the product before the row
    raised = np.logaddexp.accumulate(prior + APART * groups[:, None], axis=0) - APART * groups[:, None]
    return np.minimum(sums + np.logaddexp(before, raised), MOST)


class Votes:
    """What rows of principals who are not suspected look like now: where all have moved, nobody is strange.

    State: the latest 1,024 p-values of each statistic.
    """

    def __init__(self) -> None:
        self._held = np.ones((VOTES, N_STATISTICS))
        self._sorted = np.empty((0, N_STATISTICS))
        self._n = self._unsorted = 0

    def cast(self, p: Floats) -> None:
        """(n, 3) p-values of n votes."""
        places = (self._n + np.arange(len(p))) % VOTES
        self._held[places] = p
        self._n += len(p)
        self._unsorted += len(p)
        if self._n >= ENOUGH and (self._unsorted >= EVERY or not len(self._sorted)):
            self._sorted, self._unsorted = np.sort(self._held[: min(self._n, VOTES)], axis=0), 0

    def corrected(self, p: Floats) -> Floats:
        """(n, 3) -> no smaller than the share of votes that are as small."""
        n = len(self._sorted)
        if not n:
            return p
        live = np.stack([np.searchsorted(self._sorted[:, j], p[:, j], side="right") for j in range(N_STATISTICS)], axis=1)
        return np.maximum(p, (1 + live) / (1 + n))

    def snapshot(self) -> dict[str, npt.NDArray[np.generic]]:
        return {"held": self._held.copy(), "sorted": self._sorted.copy(), "n": np.array([self._n, self._unsorted])}

    def restore(self, state: Mapping[str, npt.NDArray[np.generic]]) -> None:
        self._held, self._sorted = state["held"].astype(np.float64), state["sorted"].astype(np.float64)
        self._n, self._unsorted = (int(count) for count in state["n"])


def runs(slots: Ints) -> tuple[Ints, Ints, Masks]:
    """(n,) slots -> an order in which each slot's rows are together, group numbers in that order, and the last rows of groups."""
    order = np.argsort(slots, kind="stable")
    changed = np.diff(slots[order], prepend=slots[order[:1]]) != 0
    groups = np.cumsum(changed).astype(np.int64)
    last = np.append(changed[1:], True) if len(slots) else changed
    return order, groups, last
