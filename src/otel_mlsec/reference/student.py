"""Student's t with eight degrees of freedom, or another even number: how far a cycle may stray from those of a reference."""

from __future__ import annotations

import math

import numpy as np

from otel_mlsec.arrays import Floats

NU = 8
_SCALE = math.gamma((NU + 1) / 2) / (math.gamma(NU / 2) * math.sqrt(NU * math.pi))


def density(x: Floats) -> Floats:
    return _SCALE * (1 + x * x / NU) ** (-(NU + 1) / 2)


def beyond(x: float, nu: int = NU) -> float:
    """Chance of more than `x`; a finite sum, as `nu` is even (Abramowitz and Stegun 1964, 26.7.4).

    >>> round(beyond(1.8595), 4)
    0.05
    """
    angle = math.atan2(x, math.sqrt(nu))
    term, total = 1.0, 1.0
    for k in range(1, nu // 2):
        term *= (2 * k - 1) / (2 * k) * math.cos(angle) ** 2
        total += term
    return 0.5 - 0.5 * math.sin(angle) * total


def quantile(above: float, nu: int = NU) -> float:
    """What is passed with a chance of `above`, in [1e-9, 0.5]: by bisection."""
    low, high = 0.0, 1e6
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if beyond(middle, nu) > above else (low, middle)
    return (low + high) / 2


def tail_density(edge: float, mean: float, scale: float) -> float:
    """Chance that `mean` + `scale` T is more than `edge`; far out, where the finite sum has cancelled, by its first term."""
    x = (edge - mean) / scale
    if x < 50:
        return beyond(x)
    return float(_SCALE * np.power(float(NU), (NU + 1) / 2) / NU * x**-NU)
