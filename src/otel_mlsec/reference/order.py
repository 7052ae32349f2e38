"""What the order of a reference's rows says: do they come independently, and what repeats from cycle to cycle.

Rows of a serving process are time ordered.  65,000 rows of 73 days of weather are worth 73 observations, and a test that
counts them as 65,000 raises an alarm every clean day.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from otel_mlsec.arrays import Floats
from otel_mlsec.sketches.bins import MISSING, Bins

BLOCKS = (64, 250, 900)  # rows; one size alone may equal the cycle, whose swing then cancels in every block
FINE_BLOCKS = (16, 64, 256)  # rows
MIN_BLOCKS = 8
MARGIN = 1.3  # by which the inflation is enlarged before evidence is divided by it
CYCLE_ROWS = 1000  # where there is no time, this many rows in a row are a cycle
DAY = 86400.0  # s
LATEST = 1e12  # s since the epoch: what is beyond is no time, and milliseconds of our days are beyond


def variance_inflation(statistics: list[Floats], block: int) -> float:
    """Worst, over (n,) statistics, variance of block means divided by what independent rows would give."""
    worst = 0.0
    for x in statistics:
        whole = len(x) // block * block
        variance = float(x.var())
        if whole // block >= MIN_BLOCKS and variance > 1e-18:
            means = x[:whole].reshape(-1, block).mean(axis=1)
            worst = max(worst, float(means.var(ddof=1)) * block / variance)
    return worst


def statistics_of(index: npt.NDArray[np.uint8], scores: Floats, shares: Floats, numeric: bool) -> list[Floats]:
    """The (n,) series whose order is judged: normal score and its square, or every level of 2 % or more; and missing."""
    missing = (index == MISSING).astype(np.float64)
    if numeric:
        score = scores[index]
        return [score, score * score, missing]
    return [(index == level).astype(np.float64) for level in np.flatnonzero(shares > 0.02)] + [missing]


def judge(statistics: list[Floats], n_rows: int) -> tuple[float, bool]:
    """-> (variance inflation, independent?) of a column whose rows are in the order in which they were served.

    Independent: at 16, 64 and 256 rows a block no statistic exceeds what chance allows (5 sd of a variance estimate).
    """
    inflation = max(1.0, *(variance_inflation(statistics, block) for block in BLOCKS))
    independent = all(
        variance_inflation(statistics, block) < 1.05 + 5 * np.sqrt(2 / max(n_rows // block, 1))
        for block in FINE_BLOCKS
        if n_rows // block >= MIN_BLOCKS
    )
    return inflation, independent


def cycles(times: Floats | None, n_rows: int) -> npt.NDArray[np.int64]:
    """(n_rows,) number of the cycle that a row is of: its UTC day, or a thousand rows where there is no time."""
    if times is None:
        return np.arange(n_rows) // CYCLE_ROWS
    return np.floor(times / DAY).astype(np.int64)


def runs(x: Floats, breaks: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """(n, d) values and (n,) where a new cycle begins -> (n, d) length so far of the run of one value; NaN equals nothing."""
    changed = np.ones(x.shape, np.bool_)
    changed[1:] = (x[1:] != x[:-1]) | breaks[1:, None]
    at = np.arange(len(x))[:, None]
    return at - np.maximum.accumulate(np.where(changed, at, 0), axis=0) + 1


def second_largest(per_cycle: Floats) -> float:
    """One bad cycle in a reference must not blind the detector to all others like it."""
    return float(np.sort(per_cycle)[-2]) if len(per_cycle) > 1 else 0.0


def is_calendar(x: Floats, cycle: npt.NDArray[np.int64], bins: Bins) -> bool:
    """Constant within nearly every cycle, yet not constant: `month`, `day`, `year`.  Only known where cycles are days."""
    if not bins.numeric or len(np.unique(x[np.isfinite(x)])) < 2:
        return False
    starts = np.flatnonzero(np.diff(cycle, prepend=cycle[0] - 1))
    low: Floats = np.minimum.reduceat(x, starts)
    high: Floats = np.maximum.reduceat(x, starts)
    return len(starts) > 1 and int((low == high).sum()) > 0.95 * len(starts)
