"""How far beyond all that was seen a value must be, to be what one row in a million would not have.

The tail of what was seen is taken for a power law (Hill 1975) and continued (Weissman 1978), two standard errors heavier.  Of
lighter tails, as of a normal law, that says too far rather than too near.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from otel_mlsec.arrays import Floats

LEAST_ROWS = 8  # that a tail is judged by; of many it is the square root
FURTHER = 1.5  # times the furthest that was seen: nothing less is beyond all, however short the tail
ERRORS = 2.0  # standard errors
NO_LIMIT = 1e300  # of a distance, finite for the file
MOST = 700.0  # of a logarithm, so that its exponential is a number


class Tail(NamedTuple):
    start: float  # of the tail
    heaviness: float
    log_share: float  # of rows that are in it
    furthest: float  # that was seen

    def reach(self, log_rows: float) -> float:
        """The distance that one row in exp(log_rows) has."""
        log_ratio = max(0.0, self.log_share + log_rows) * self.heaviness
        if self.furthest >= NO_LIMIT:
            return math.inf
        return max(FURTHER * self.furthest, self.start * math.exp(min(log_ratio, MOST)))


def tail(distances: Floats) -> Tail:
    """(n,) distances in any order, those below zero of the other side.

    Of fewer than eight above zero, as of a column that is nearly constant, nothing can be said: the reach is infinite.

    >>> tail(np.zeros(100)).reach(13.8)
    inf
    """
    known = distances[np.isfinite(distances)]
    positive = np.sort(known[known > 0])
    n, m = len(known), len(positive)
    if m < LEAST_ROWS:
        return Tail(0.0, 0.0, 0.0, NO_LIMIT)
    start, furthest = float(positive[max(0, m - max(LEAST_ROWS, math.isqrt(n)) - 1)]), float(positive[-1])
    above = positive[positive > start]
    if not len(above):
        return Tail(start, 0.0, 0.0, furthest)
    heaviness = float(np.log(above / start).mean()) * (1 + ERRORS / math.sqrt(len(above)))
    return Tail(start, heaviness, math.log(len(above) / n), furthest)
