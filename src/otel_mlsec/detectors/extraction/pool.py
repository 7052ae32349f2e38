"""Do many accounts that are each a little strange share the work?

The accounts that came first within the same stretch of traffic are betted against together: by their e-values E, the product
of 1 - s + s E over the accounts, averaged over some shares s that an attacker may have of them (higher criticism by betting).  It
has an expectation of at most one while they are ordinary.  An account that was there before its owner went astray counts by
`extraction/account` only.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from otel_mlsec.arrays import Floats, Ints

SHARES = np.array([0.003, 0.01, 0.03, 0.1])
STRETCH = 1024  # new accounts
STRETCHES = 8  # that are remembered
MEMBER = 0.9  # probability, of an account, that it is one of them


class Pool:
    """State: of each stretch, the log product for each share."""

    def __init__(self) -> None:
        self._sums = np.zeros((STRETCHES, len(SHARES)))
        self.born = 0  # accounts

    def stretches(self, n: int) -> Ints:
        """(n,) stretches of the next n new accounts, from 1; a stretch that begins takes the place of the oldest."""
        found = 1 + (self.born + np.arange(n)) // STRETCH
        for begun in np.unique(found[(self.born + np.arange(n)) % STRETCH == 0]):
            self._sums[begun % STRETCHES] = 0.0
        self.born += n
        return found

    def add(self, stretches: Ints, before: Floats, after: Floats) -> None:
        """(n,) stretches of n accounts, 0 of those in none, and their log e-values, (n,) before and after."""
        current = stretches > max((self.born - 1) // STRETCH + 1 - STRETCHES, 0)
        change = self._bets(after[current]) - self._bets(before[current])
        np.add.at(self._sums, stretches[current] % STRETCHES, change)

    def evidence(self) -> tuple[float, int, float]:
        """-> natural logarithm of the largest evidence, its stretch, and the share that explains it best."""
        each = np.logaddexp.reduce(self._sums, axis=1) - np.log(len(SHARES))
        best = int(each.argmax())
        newest = max(self.born - 1, 0) // STRETCH + 1
        stretch = newest - (newest - best) % STRETCHES
        return float(each[best]), stretch, float(SHARES[self._sums[best].argmax()])

    def _bets(self, log_e: Floats) -> Floats:
        return np.logaddexp(np.log(1 - SHARES), np.log(SHARES) + log_e[:, None])

    def snapshot(self) -> dict[str, npt.NDArray[np.generic]]:
        return {"sums": self._sums.copy(), "born": np.array([self.born])}

    def restore(self, state: Mapping[str, npt.NDArray[np.generic]]) -> None:
        self._sums, self.born = state["sums"].astype(np.float64), int(state["born"][0])


def membership(log_e: Floats, share: float) -> Floats:
    """(n,) log e-values -> (n,) how probable it is that an account is one of them."""
    return 1 / (1 + np.exp(np.clip(np.log(1 - share) - np.log(share) - log_e, -700, 700)))
