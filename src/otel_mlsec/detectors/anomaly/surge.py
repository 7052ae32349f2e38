"""Whether rows are rare more often than the reference says, row after row.

A row is rare if its p-value is at most `level`.  Of the reference's a share `level` is; `usual`, at least twice as much, is what
ordinary traffic may have.  For each of several larger shares the likelihood ratio of rare and other rows runs through Page's
recursion (1954), W = max(0, W) + log ratio, and the mean of exp W is the evidence: while no more than `usual` are rare, the mean
number of rows to exp(threshold) is at least that many (Shin, Ramdas and Rinaldo 2022, "E-detectors").
"""

from __future__ import annotations

import math

import numpy as np

from otel_mlsec.detector import State

LEVEL = 0.01
RAISED = (0.1, 0.5, 0.9)  # shares of rare rows that are looked for


class Surge:
    """State: one number a share, and rows since the last rare one."""

    def __init__(self, *, n_known: int, n_compared: int, inflation: float, most: float) -> None:
        """Of p-values against `n_known` rows in `n_compared` ways; evidence is divided by `inflation`, and ends at `most`."""
        self.level = max(LEVEL, n_compared / (n_known + 1))
        self.usual = max(2 * self.level, self.level + 3 * math.sqrt(self.level * (1 - self.level) / n_known))
        raised = [share for share in RAISED if share >= 2 * self.usual] or [RAISED[-1]]
        self._rare = [math.log(share / self.usual) / inflation for share in raised]
        self._other = [math.log((1 - share) / (1 - self.usual)) / inflation for share in raised]
        self._most = most + math.log(len(raised))  # the mean of all, where only one has evidence, is `most`
        self._evidence = [0.0] * len(raised)
        self._others = 0  # rows that are not counted in the evidence yet

    @property
    def able(self) -> bool:
        return self.usual < RAISED[-1] / 2

    def others(self, n: int) -> None:
        """n rows that are not rare."""
        self._others += n

    def rare(self) -> tuple[float, bool]:
        """One rare row -> evidence, natural logarithm of rows; and whether all evidence before it was gone."""
        if not self._others and min(self._evidence) == self._most:  # of a flood: as it was
            return self._most, False
        before = [max(0.0, w + self._others * step) for w, step in zip(self._evidence, self._other, strict=True)]
        after = [min(w + step, self._most) for w, step in zip(before, self._rare, strict=True)]
        self._evidence, self._others = after, 0
        top = max(after)
        return top + math.log(sum(math.exp(w - top) for w in after) / len(after)), not any(before)

    @property
    def gone(self) -> bool:
        """So many other rows have come that nothing is left of the evidence."""
        return all(w + self._others * step <= 0 for w, step in zip(self._evidence, self._other, strict=True))

    def clear(self) -> None:
        self._evidence, self._others = [0.0] * len(self._evidence), 0

    def snapshot(self) -> State:
        return {"evidence": np.array(self._evidence), "others": np.array([self._others])}

    def restore(self, state: State) -> None:
        self._evidence = [float(w) for w in state["evidence"].tolist()]
        self._others = int(state["others"][0])
