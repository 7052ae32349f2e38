"""What a rate or a mean may be, for all that a finite reference shows of it."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from otel_mlsec.arrays import Floats

DOUBT = 0.00135  # chance that a bound is wrong, on one side: three standard errors of a normal law
STEPS = 48  # of bisection
TERMS = 20_000  # of a continued fraction; some sqrt(n) are needed
TINY = 1e-300


def of_rate(hits: npt.ArrayLike, rows: npt.ArrayLike, doubt: npt.ArrayLike = DOUBT) -> tuple[Floats, Floats]:
    """(m,) hits among (m,) rows -> lower and upper bound of each rate, by Clopper and Pearson 1934; numbers need not be whole.

    >>> low, high = of_rate([1000.0], [10_000.0])
    >>> round(float(low[0]), 4), round(float(high[0]), 4)
    (0.0912, 0.1093)
    """
    k, n, doubts = (np.asarray(x, np.float64) for x in (hits, rows, doubt))
    low = np.where(k > 0, beta_quantile(doubts, np.maximum(k, 1e-9), n - k + 1), 0.0)
    high = np.where(k < n, beta_quantile(1 - doubts, k + 1, np.maximum(n - k, 1e-9)), 1.0)
    return low, high


def of_mean(mean: float, variance: float, rows: float, doubt: float = DOUBT) -> tuple[float, float]:
    """Of what lies in [0, 1], by the empirical Bernstein inequality (Maurer and Pontil 2009, theorem 4)."""
    if rows <= 1:
        return 0.0, 1.0
    log = math.log(2 / doubt)
    off = math.sqrt(2 * variance * log / rows) + 7 * log / (3 * (rows - 1))
    return max(0.0, mean - off), min(1.0, mean + off)


def beta_quantile(share: Floats, a: Floats, b: Floats) -> Floats:
    """(m,) quantile of the beta law, by bisection."""
    low, high = np.zeros(len(a)), np.ones(len(a))
    front = np.array([math.lgamma(x + y) - math.lgamma(x) - math.lgamma(y) for x, y in zip(a, b, strict=True)])
    for _ in range(STEPS):
        middle = (low + high) / 2
        above = _incomplete(a, b, front, middle) > share
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return (low + high) / 2


def _incomplete(a: Floats, b: Floats, front: Floats, x: Floats) -> Floats:
    """(m,) regularised incomplete beta function; on the side of the mean where its continued fraction converges."""
    swapped = x >= (a + 1) / (a + b + 2)
    p, q, y = np.where(swapped, b, a), np.where(swapped, a, b), np.where(swapped, 1 - x, x)
    factor = np.exp(front + p * np.log(np.maximum(y, TINY)) + q * np.log(np.maximum(1 - y, TINY))) / p
    found = np.clip(factor * _fraction(p, q, y), 0.0, 1.0)
    return np.where(swapped, 1 - found, found)


def _fraction(a: Floats, b: Floats, x: Floats) -> Floats:
    """Lentz's evaluation, as in Press et al., Numerical Recipes, section 6.4."""
    c = np.ones(len(a))
    d = 1 / _not_zero(1 - (a + b) * x / (a + 1))
    total = d.copy()
    for m in range(1, TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / _not_zero(1 + term * d)
            c = _not_zero(1 + term / c)
            total = total * d * c
        if bool((np.abs(d * c - 1) < 1e-10).all()):
            break
    return total


def _not_zero(x: Floats) -> Floats:
    return np.where(np.abs(x) < TINY, TINY, x)
