"""Bets that a rate or a mean has left the reference, for as many places at once as are watched.

Every place has two sides, worse and better, and on each some alternatives.  For each of them a Shiryaev–Roberts sum over all rows
at which the change may have begun, M ← (M + w·n)·Π e, where e has expectation at most one while nothing has changed: a likelihood
ratio of a rate against the largest (smallest) that the reference allows, or 1 + λ(x - m), a bet on the mean of something in
[0, 1] (Waudby-Smith and Ramdas 2024, "Estimating means of bounded random variables by betting").  Weights sum to one, so the sum
over everything passes A no sooner than after A rows on average, however places overlap and however often it is looked at (Shin,
Ramdas and Rinaldo 2022, "E-detectors").  Rows come as counts in cells, and counts add.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from otel_mlsec.arrays import Floats, Ints, Masks

WORSE, BETTER = 0, 1
RISES = (1.15, 1.4, 1.75, 2.2, 3.0, 6.0)  # times the largest rate that the reference allows
RISE_SHARES = (0.1, 0.15, 0.2, 0.25, 0.2, 0.1)
FALLS = (0.9, 0.75, 0.5, 0.25)  # times the smallest
MOVES = (0.1, 0.2, 0.35, 0.6, 1.0, 1.6)  # standard deviations of a mean
MOVES_BETTER = (0.1, 0.25, 0.5, 1.0)
SIDES = np.array([WORSE] * len(RISES) + [BETTER] * len(FALLS))  # (A,) of an alternative
A = len(SIDES)
WORSE_SHARE = 0.8  # of the weight of a place
SHARES = np.array([WORSE_SHARE * share for share in RISE_SHARES] + [(1 - WORSE_SHARE) / len(FALLS)] * len(FALLS))
STAKE = 0.95  # of the largest bet that cannot lose everything
MAX_LOG = 80.0  # of one block's ratio
MAX_SUM = 1e200
TINIEST = 1e-300


class Bets:
    """State: one sum a place and alternative, (P, A) float64."""

    def __init__(self, log_bets: Floats, weights: Floats, *, temper: float = 1.0, shares: Floats = SHARES) -> None:
        """(P, C, A) logarithm of the bets on a row in each cell, and (P,) weights of the places, which sum to at most one.

        `temper`: what logarithms are divided by where rows depend on each other; measured, not proved.  `shares`, (A,): of a
        place's weight, by alternative; they sum to one.
        """
        self._log = log_bets / temper
        self._weights = weights[:, None] * shares
        self.sums = np.zeros(self._weights.shape)
        self.shares = self.by_side(self._weights)  # (P, 2)

    def absorb(self, counts: Ints, n_rows: int) -> float:
        """(P, C) counts of a block of `n_rows` rows -> evidence of all places, in rows."""
        self.sums += n_rows * self._weights
        log_ratios = np.matmul(counts[:, None, :].astype(np.float64), self._log)[:, 0]
        self.sums *= np.exp(np.minimum(log_ratios, MAX_LOG))
        np.minimum(self.sums, MAX_SUM, out=self.sums)
        return float(self.sums.sum())

    def mute(self, sides: Masks) -> None:
        """(P, 2) where evidence is to begin anew."""
        self.sums[sides[:, SIDES]] = 0.0

    def by_side(self, sums: Floats) -> Floats:
        """(P, A) -> (P, 2)"""
        return np.stack([sums[:, side == SIDES].sum(axis=1) for side in (WORSE, BETTER)], axis=1)

    def likelihood(self, place: int, side: int, counts: Ints) -> Floats:
        """(s, C) counts -> (s,) the best logarithm that a bet on that side gives each."""
        return (counts.astype(np.float64) @ self._log[place][:, side == SIDES]).max(axis=1)


def on_rate(low: float, high: float) -> Floats:
    """(2, A) logarithm of the bets on a row without and with an error, whose rate is in [low, high] while nothing has changed."""
    low, high = min(max(low, 1e-9), 1 - 1e-9), min(max(high, 1e-9), 1 - 1e-9)
    raised = [(min(rise * high, (1 + high) / 2), high) for rise in RISES]
    fallen = [(fall * low, low) for fall in FALLS]
    return np.array([[np.log((1 - q) / (1 - p)), np.log(q / p)] for q, p in raised + fallen]).T


def on_mean(values: Floats, low: float, high: float, sd: float) -> Floats:
    """(C, A) logarithm of the bets on a row of each value in [0, 1], whose mean is in [low, high] while nothing has changed."""
    up = [_stake(move, sd, high) for move in MOVES]
    down = [_stake(move, sd, 1 - low) for move in MOVES_BETTER]
    bets = [1 + stake * (values - high) for stake in up] + [1 - stake * (values - low) for stake in down]
    return np.log(np.maximum(np.stack(bets, axis=1), 1e-12))


def _stake(move: float, sd: float, most: float) -> float:
    """What grows the logarithm fastest when the mean moves by `move` standard deviations, to second order."""
    wanted = move / ((1 + move * move) * max(sd, 1e-6))
    return min(wanted, STAKE / max(most, 1e-9))


def blamed(evidence: Floats, shares: Floats, threshold: float) -> Sequence[int]:
    """(m,) evidence and shares of the budget -> what to name, by evidence: the e-BH procedure of Wang and Ramdas 2022 at level
    1/`threshold`; at least one."""
    order = np.argsort(-evidence, kind="stable")
    e_values = (evidence / np.maximum(shares, TINIEST))[order]
    m = len(e_values)
    passed = np.flatnonzero(e_values * np.arange(1, m + 1) >= m * threshold)
    return [int(i) for i in order[: int(passed[-1]) + 1 if len(passed) else 1]]
