"""Three ways to see that errors are no longer what they were; each says how much it has, how much it takes, and of what."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from otel_mlsec.arrays import Floats, Ints, Masks
from otel_mlsec.detector import State
from otel_mlsec.detectors.drift.bets import BETTER, WORSE, Bets, blamed
from otel_mlsec.detectors.drift.concept_adwin import Adwin

MODEL, LOSS = 0, 1  # places: errors of all rows, their loss; from 2 on errors of slices
SMALLEST_SHIFT = 0.25  # standard deviations; Page–Hinkley's allowance is half of it
OVERSHOOT = 1.166  # Siegmund's correction of the threshold, on both ends together

Side = tuple[int, int]  # place, and `WORSE` or `BETTER`


class Chart(Protocol):
    threshold: float

    def absorb(self, errors: Ints, losses: Ints, rates: Floats, z: Floats) -> None:
        """One block: (P, 2 k) and (LEVELS,) counts; (m,) errors or losses in [0, 1] in order, and as standard deviations from the
        reference's mean."""
        ...

    def score(self) -> float: ...

    def blamed(self) -> Sequence[Side]: ...

    def mute(self, sides: Masks) -> None:
        """(P + 1, 2) places and sides whose evidence is to begin anew."""
        ...

    def snapshot(self) -> State: ...

    def restore(self, state: State) -> None: ...


class EDetector:
    """Shiryaev–Roberts sums of bets, see `bets`; the only one that sees losses and slices, and whose rate of false alarms is
    proved."""

    def __init__(self, errors: Bets, losses: Bets, threshold: float) -> None:
        self._errors, self._losses, self.threshold = errors, losses, threshold

    def absorb(self, errors: Ints, losses: Ints, rates: Floats, z: Floats) -> None:
        self._errors.absorb(errors, len(rates))
        self._losses.absorb(losses[None], len(rates))

    def score(self) -> float:
        return float(self._errors.sums.sum() + self._losses.sums.sum())

    def blamed(self) -> Sequence[Side]:
        evidence = np.concatenate([bets.by_side(bets.sums) for bets in (self._errors, self._losses)])
        shares = np.concatenate([self._errors.shares, self._losses.shares])
        live = np.flatnonzero(shares.ravel() > 0)
        named = [int(live[i]) for i in blamed(evidence.ravel()[live], shares.ravel()[live], self.threshold)]
        last = len(self._errors.sums)
        places = [MODEL, *range(LOSS + 1, last + 1), LOSS]  # rows of `evidence`
        return [(places[i // 2], i % 2) for i in named]

    def mute(self, sides: Masks) -> None:
        self._errors.mute(np.delete(sides, LOSS, axis=0))
        self._losses.mute(sides[[LOSS]])

    def snapshot(self) -> State:
        return {"errors": self._errors.sums.copy(), "losses": self._losses.sums.copy()}

    def restore(self, state: State) -> None:
        self._errors.sums, self._losses.sums = (np.array(state[name], np.float64) for name in ("errors", "losses"))


class PageHinkley:
    """Two one-sided charts with the reference's mean and standard deviation (Page 1954): U ← max(0, U + z - k), and down.

    The threshold follows from the mean number of rows between false alarms by Siegmund 1985, (e^{2kb} - 2kb - 1) / (2k²) with
    b = h + 1.166, of each side twice what both together shall have.  That holds for normal rows; errors are skewed, and
    false alarms are more frequent.
    """

    def __init__(self, rows_per_false_alarm: float) -> None:
        self._allowance = SMALLEST_SHIFT / 2
        self.threshold = siegmund(self._allowance, 2 * rows_per_false_alarm)
        self._sums = np.zeros(2)  # worse, better
        self._most = np.zeros(2)  # within the last block

    def absorb(self, errors: Ints, losses: Ints, rates: Floats, z: Floats) -> None:
        for side, signed in ((WORSE, z), (BETTER, -z)):
            path = np.cumsum(signed - self._allowance)
            above = path - np.minimum(np.minimum.accumulate(path), -self._sums[side])
            self._sums[side] = above[-1]
            self._most[side] = above.max()

    def score(self) -> float:
        return float(self._most.max())

    def blamed(self) -> Sequence[Side]:
        return [(MODEL, side) for side in (WORSE, BETTER) if self._most[side] >= self.threshold]

    def mute(self, sides: Masks) -> None:
        self._sums[sides[MODEL]] = self._most[sides[MODEL]] = 0.0

    def snapshot(self) -> State:
        return {"sums": self._sums.copy(), "most": self._most.copy()}

    def restore(self, state: State) -> None:
        self._sums, self._most = (np.array(state[name], np.float64) for name in ("sums", "most"))


class AdaptiveWindow:
    """`Adwin` on errors, whose window begins with the reference's rows; what it keeps is compared with these, so that a return to
    them is no change for the worse.

    Once it has cut them off it knows them no more: errors that creep up slowly become its normal.
    """

    def __init__(self, delta: float, low: float, high: float, known: Floats) -> None:
        """`delta`: of one look, which comes after every block; `low` and `high`: within which a mean is the reference's;
        `known`, (3,): its rows, sum and sum of squares."""
        self._window, self._low, self._high = Adwin(delta), low, high
        self._window.buckets = known[None]
        self.threshold = 1.0  # times the bound
        self._excess = np.zeros(2)

    def absorb(self, errors: Ints, losses: Ints, rates: Floats, z: Floats) -> None:
        self._window.append(rates)
        excess, mean = self._window.cut(), self._window.mean
        self._excess[:] = excess * (mean > self._high), excess * (mean < self._low)

    def score(self) -> float:
        return float(self._excess.max())

    def blamed(self) -> Sequence[Side]:
        return [(MODEL, side) for side in (WORSE, BETTER) if self._excess[side] >= self.threshold]

    def mute(self, sides: Masks) -> None:
        self._excess[sides[MODEL]] = 0.0

    def snapshot(self) -> State:
        return {"buckets": self._window.buckets.copy(), "excess": self._excess.copy()}

    def restore(self, state: State) -> None:
        self._window.buckets = np.array(state["buckets"], np.float64).reshape(-1, 3)
        self._excess = np.array(state["excess"], np.float64)


def siegmund(allowance: float, rows: float) -> float:
    """Threshold of a one-sided chart that a standard normal stream passes after `rows` on average, by bisection.

    >>> round(siegmund(0.25, 2e4), 1), round(siegmund(0.125, 2e6), 1)
    (14.5, 43.0)
    """
    low, high = 0.0, 700 / (2 * allowance) - OVERSHOOT
    for _ in range(100):
        h = (low + high) / 2
        kb = allowance * (h + OVERSHOOT)
        low, high = (h, high) if (math.expm1(2 * kb) - 2 * kb) / (2 * allowance**2) < rows else (low, h)
    return high
