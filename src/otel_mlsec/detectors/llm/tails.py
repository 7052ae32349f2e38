"""How rare a score is among benign texts, in decimal digits: 2 is one in a hundred.

Within what was seen, the share of benign texts with at least that score, sources of texts weighted alike; beyond, an
exponential tail (mean excess over the 2 % quantile), as peaks over a threshold have in the limit (Pickands 1975).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log, log10

import numpy as np

from otel_mlsec.arrays import Floats

TAIL = 0.02  # share of benign texts beyond which the tail is exponential
KNOTS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """-log10 of the share of benign texts that score at least so much."""

    scores: Floats  # (k,) ascending
    digits: Floats  # (k,) of those scores
    start: float  # of the exponential tail, or infinity where there is none
    mean_excess: float
    slope: float = 0.0  # further digits a unit of the score, for scores whose values are few

    def __call__(self, score: float) -> float:
        if score > self.start:
            return -log10(TAIL) + (score - self.start) / self.mean_excess / log(10.0)
        return float(np.interp(score, self.scores, self.digits)) + self.slope * score

    def to_numbers(self) -> dict[str, object]:
        return {
            "scores": [round(float(x), 4) for x in self.scores],
            "digits": [round(float(x), 4) for x in self.digits],
            "start": float(self.start),
            "mean_excess": float(self.mean_excess),
            "slope": self.slope,
        }


def smooth_tail(scores: Floats, weights: Floats) -> Tail:
    """Of a continuous score of benign texts; weights sum to 1."""
    order = np.argsort(scores)
    x, w = scores[order], weights[order]
    share = 1.0 - np.cumsum(w) + w  # of texts with at least that score
    start = float(x[min(np.searchsorted(-share, -TAIL), len(x) - 1)])
    beyond = x > start
    excess = float(((x - start) * w)[beyond].sum() / max(float(w[beyond].sum()), 1e-12))
    levels = np.geomspace(1.0, TAIL, KNOTS)
    knots = np.maximum.accumulate(x[np.minimum(np.searchsorted(-share, -levels), len(x) - 1)])
    return Tail(scores=knots, digits=-np.log10(levels), start=start, mean_excess=max(excess, 1e-6))


def step_tail(scores: Floats, weights: Floats, slope: float) -> Tail:
    """Of a score that is mostly 0 and has few other values: empirical, one more text added to each tail."""
    order = np.argsort(scores)
    x, w = scores[order], weights[order]
    share = 1.0 - np.cumsum(w) + w
    values, first = np.unique(x, return_index=True)
    digits = -np.log10(share[first] + 1.0 / len(x))
    top = digits[-1] if len(digits) else 0.0
    keep = np.unique(np.linspace(0, len(values) - 1, KNOTS).astype(int)) if len(values) > KNOTS else np.arange(len(values))
    return Tail(
        scores=np.append(values[keep], values[-1] + 1e-6),
        digits=np.append(digits[keep], max(top, -log10(1.0 / len(x)))),
        start=float("inf"),
        mean_excess=1.0,
        slope=slope,
    )
