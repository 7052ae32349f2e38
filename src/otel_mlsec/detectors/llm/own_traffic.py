"""What is usual in this application: where its own texts look like attacks more often than public ones, scores say less.

A verdict's score is a rarity among public texts.  Of the application's texts, a share s exceeds a level of d digits where
10**-d was expected; by d + log10(s) digits that level means less here (or, by at most half a digit, more).
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np

from otel_mlsec.arrays import Floats
from otel_mlsec.detector import State

WARM = 2_000  # texts before which nothing is concluded
LEVELS = np.arange(1.0, 4.01, 0.25)  # digits
LEAST = 10  # texts, expected or seen, from which a level counts
LESS, MORE = 2.0, 0.5  # digits that are taken off at most, and added
LESS_OF_NOBODY = 1.0  # the same where most texts are of no known principal: one flood may be all of them
SHARE = 0.01  # of all texts that one principal may contribute; who floods the application does not decide what is usual
FLOOR = 20  # texts that anybody may contribute
SUSPICIOUS = 2.0  # digits: a few of an attacker's texts would make what is rare usual, so of these one may contribute
OF_SUSPICIOUS, FEW = 0.05, 3  # this share of all of them, and this many in any case
PRINCIPALS = 4096


@dataclass(slots=True)
class OwnTraffic:
    """State: how many texts, how many of them of nobody known, how many above each level, and how many texts and suspicious
    texts each of the last 4096 principals contributed."""

    _n: int = 0
    _of_nobody: int = 0
    _above: Floats = field(default_factory=lambda: np.zeros(len(LEVELS)))  # (n_levels,)
    _by: OrderedDict[str, tuple[int, int]] = field(default_factory=OrderedDict[str, tuple[int, int]])

    def note(self, score: float, principal: str) -> None:
        """A text, once."""
        if principal:
            said, suspicious = self._by.get(principal, (0, 0))
            is_suspicious = score >= SUSPICIOUS
            if said >= max(FLOOR, SHARE * self._n) or (is_suspicious and suspicious >= self._most_suspicious()):
                return
            self._by[principal] = said + 1, suspicious + is_suspicious
            self._by.move_to_end(principal)
            if len(self._by) > PRINCIPALS:
                self._by.popitem(last=False)
        else:
            self._of_nobody += 1
        self._n += 1
        self._above += score >= LEVELS

    def _most_suspicious(self) -> float:
        return max(FEW, OF_SUSPICIOUS * float(self._above[LEVELS == SUSPICIOUS][0]))

    def shift(self) -> float:
        """Digits to be added to scores; negative where the application's texts look more suspicious than public ones."""
        if self._n < WARM:
            return 0.0
        expected = self._n * 10.0**-LEVELS
        # one standard error in favour of silence
        seen = self._above + np.sqrt(self._above + 1.0)
        excess = np.log10(np.maximum(seen, 0.5) / expected)
        counts = (expected >= LEAST) | (self._above >= LEAST)
        least = -LESS_OF_NOBODY if 2 * self._of_nobody > self._n else -LESS
        return float(np.clip(-excess[counts].max(), least, MORE)) if counts.any() else 0.0

    def snapshot(self) -> State:
        return {
            "n": np.array((self._n, self._of_nobody), np.int64),
            "above": self._above.copy(),
            "principals": np.array(list(self._by), np.str_),
            "contributed": np.array(list(self._by.values()), np.int64).reshape(-1, 2),
        }

    def restore(self, state: State, /) -> None:
        self._n, self._of_nobody = (int(n) for n in state["n"])
        self._above = np.array(state["above"], np.float64)
        names, counts = (state[key].tolist() for key in ("principals", "contributed"))
        self._by = OrderedDict((str(name), (int(said), int(high))) for name, (said, high) in zip(names, counts, strict=True))
