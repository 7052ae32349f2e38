"""What each principal consumes in an hour, beside its own past and what others do: bounded, and kept as arrays."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.detector import State
from otel_mlsec.detectors.llm.identity import identity

PRINCIPALS = 4096  # that are remembered; those with the least consumption make room
HOUR = 3600.0  # s
FADES = 0.5  # weight that the past keeps with every hour in which the principal calls
PEERS = 20  # principals from which on they say what is usual
MAD = 1.4826  # of a normal distribution, to its standard deviation
LEAST_SPREAD = 0.35  # of the logarithm: peers that are all alike still differ by a factor of 1.4

TOKENS, CALLS, CUT = range(3)  # columns: tokens, calls, calls that ran into their limit of tokens
COLUMNS = 3


@dataclass(slots=True)
class Consumption:
    """State: of each principal this hour's counts, the mean of its past hours, and when it was told last."""

    _who: Ints = field(default_factory=lambda: np.zeros(PRINCIPALS, np.int64))  # hash; 0: free
    _hour: Ints = field(default_factory=lambda: np.zeros(PRINCIPALS, np.int64))  # of the counts, since the epoch
    _now: Floats = field(default_factory=lambda: np.zeros((PRINCIPALS, COLUMNS)))
    _past: Floats = field(default_factory=lambda: np.zeros((PRINCIPALS, COLUMNS)))  # weighted mean an hour
    _hours: Ints = field(default_factory=lambda: np.zeros(PRINCIPALS, np.int64))  # that the mean rests on
    _told: Ints = field(default_factory=lambda: np.full(PRINCIPALS, -1, np.int64))  # hour
    _rows: dict[int, int] = field(default_factory=dict[int, int])  # hash -> row

    def add(self, principal: str, time: float, tokens: float, *, cut: bool) -> int:
        """Count one call; the row of the principal.  `time` in s since the epoch; what comes late counts to the hour at hand."""
        who = identity(principal)
        row = self._rows.get(who)
        if row is None:
            row = self._free()
            self._rows[who] = row
            self._who[row], self._hour[row] = who, int(time // HOUR)
        hour = int(time // HOUR)
        if hour > self._hour[row]:
            weight = max(FADES, 1.0 / (self._hours[row] + 1.0))
            self._past[row] += weight * (self._now[row] - self._past[row])
            self._hours[row] += 1
            self._hour[row], self._now[row] = hour, 0.0
        self._now[row] += (tokens, 1.0, float(cut))
        return row

    def counts(self, row: int) -> tuple[float, float, float]:
        tokens, calls, cut = (float(n) for n in self._now[row])
        return tokens, calls, cut

    def past(self, row: int, column: int) -> tuple[float, int]:
        """Mean of earlier hours in which the principal called, the last counting half, and their number."""
        return float(self._past[row, column]), int(self._hours[row])

    def peers(self, row: int, column: int) -> tuple[float, float, int]:
        """How many robust standard deviations of the logarithm above the others, their median, and how many they are.

        Others are those that called in this hour or the one before, each with its busier hour of now and its past.
        Median and median absolute deviation: a quarter of them may be attackers as well (Rousseeuw and Croux 1993).
        """
        others = (self._who != 0) & (self._hour >= self._hour[row] - 1)
        others[row] = False
        n = int(others.sum())
        if n < PEERS:
            return 0.0, 0.0, n
        usual = np.log1p(np.maximum(self._now[others, column], self._past[others, column]))
        median = float(np.median(usual))
        spread = max(LEAST_SPREAD, MAD * float(np.median(np.abs(usual - median))))
        return (float(np.log1p(self._now[row, column])) - median) / spread, float(np.expm1(median)), n

    def first(self, row: int) -> bool:
        """Whether nothing was told of it this hour; from now on something was."""
        if self._told[row] >= self._hour[row]:
            return False
        self._told[row] = self._hour[row]
        return True

    def _free(self) -> int:
        if len(self._rows) < PRINCIPALS:
            return int(np.argmin(self._who != 0))
        row = int(np.argmin(self._now[:, TOKENS] + self._past[:, TOKENS] * self._hours))
        del self._rows[int(self._who[row])]
        self._now[row] = self._past[row] = 0.0
        self._hours[row], self._told[row] = 0, -1
        return row

    def snapshot(self) -> State:
        return {
            "who": self._who.copy(), "hour": self._hour.copy(), "now": self._now.copy(), "past": self._past.copy(),
            "hours": self._hours.copy(), "told": self._told.copy(),
        }  # fmt: skip

    def restore(self, state: State, /) -> None:
        self._who, self._hour, self._hours, self._told = (np.array(state[k], np.int64) for k in ("who", "hour", "hours", "told"))
        self._now, self._past = np.array(state["now"], np.float64), np.array(state["past"], np.float64)
        self._rows = {int(self._who[row]): int(row) for row in np.flatnonzero(self._who)}
