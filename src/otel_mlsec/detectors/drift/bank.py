"""What a feature might change into: the alternatives that its evidence is weighed against.

An alternative is a law `q` over the bins of one column beside the reference's law `p`.  Its likelihood ratio `q/p` is divided
by the largest expectation it may have while nothing has changed: over the reference's own sampling error (`Z` standard errors,
corrected for skew) and over the tolerance that the user grants.  What is left has expectation at most one.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from otel_mlsec.arrays import Floats
from otel_mlsec.detectors.drift.units import converted
from otel_mlsec.reference.column import Column
from otel_mlsec.sketches.bins import INVALID, MISSING, N_BINS, UNSEEN

Z = 4.0  # standard errors of the reference: a union bound over the whole bank
Z_DEPENDENT = 2.0  # of a reference whose rows are worth fewer; with 4, what moves by the day is not found in a month
MEANS = (0.1, 0.2, 0.4, 0.8, 1.6)  # sd of the normal score
WIDER = (0.08, 0.18, 0.3)
NARROWER = (-0.15, -0.5, -1.5)
CONVERSION = 0.006  # weight of a changed unit

Alternative = tuple[float, Floats]  # weight, (N_BINS,) law


def table_of(column: Column, tolerance: float) -> tuple[Floats, Floats]:
    """-> (N_BINS, m) log likelihood ratios of the alternatives, and their (m,) weights, which sum to one.

    Args:
        tolerance: change of any score, in its standard deviations, that is nobody's business.
    """
    alternatives = list(_numeric(column) if column.numeric else _category(column))
    alternatives += _missing_and_invalid(column.shares)
    alternatives += [(CONVERSION, law) for _, law in converted(column)]
    weights = np.array([weight for weight, _ in alternatives])
    ratios = np.stack([bounded(law, column, tolerance) for _, law in alternatives], axis=1)
    return ratios, weights / weights.sum()


def _numeric(column: Column) -> Iterator[Alternative]:
    p, scores = column.shares, column.normal_scores
    n = len(column.bins.edges) + 1
    for size in MEANS:
        for sign in (1, -1):
            yield 0.045, _tilted(p, sign * size * scores)
    inside = np.arange(N_BINS) < n
    square = (scores * scores - 1) * inside
    for size in WIDER:
        yield 0.05, _tilted(p, size * square)
    for size in NARROWER:
        yield 0.03, _tilted(p, size * square)
    for tail in ([n - 1], [0], [n - 1, n - 2], [0, 1], [0, 1, n - 2, n - 1]):
        for ratio in _ratios(float(p[tail].sum())):
            yield 0.012, _raised(p, tail, ratio)
    for single in range(2, n - 2):
        yield 0.005, _raised(p, [single], 1.9)


def _category(column: Column) -> Iterator[Alternative]:
    p = column.shares
    for level in [int(k) for k in np.argsort(-p)[:30] if p[k] > 0 and k not in (MISSING, INVALID)]:
        ratios = _ratios(float(p[level]))
        for ratio in ratios if p[level] > 0.03 or level == UNSEEN else ratios[:2]:
            yield (0.04 if level == UNSEEN else 0.012), _raised(p, [level], ratio)
        if p[level] > 0.05:
            yield 0.012, _raised(p, [level], 0.6)


def _missing_and_invalid(p: Floats) -> Iterator[Alternative]:
    for ratio in _ratios(float(p[MISSING])):
        yield 0.02, _raised(p, [MISSING], ratio)
    if p[MISSING] > 0.01:
        yield 0.02, _raised(p, [MISSING], 0.4)
    for ratio in (20.0, 500.0):
        yield 0.01, _raised(p, [INVALID], ratio)


def _ratios(share: float) -> tuple[float, ...]:
    """The rarer, the larger the rise that is worth betting on."""
    for below, ratios in ((5e-4, (8.0, 60.0, 500.0)), (4e-3, (3.0, 10.0, 60.0)), (0.04, (1.7, 4.0, 15.0)), (0.15, (1.5, 3.0))):
        if share < below:
            return ratios
    return 1.25, 2.0


def _tilted(p: Floats, exponent: Floats) -> Floats:
    law = p * np.exp(exponent)
    return law / law.sum()


def _raised(p: Floats, bins: list[int], ratio: float) -> Floats:
    """The law in which the mass of `bins` is `ratio` times as large (or small), the rest in proportion."""
    share = float(p[bins].sum())
    if share <= 0:
        return p
    raised = min(ratio * share, 1 - 0.3 * (1 - share))
    law = p * ((1 - raised) / (1 - share)) if share < 1 else p.copy()
    law[bins] = p[bins] * (raised / share)
    return law


def bounded(law: Floats, column: Column, tolerance: float) -> Floats:
    """(N_BINS,) log of law / reference / the largest expectation of that under no change."""
    p, posterior = column.shares, column.posterior
    ratio = np.where(p > 0, law / np.where(p > 0, p, 1.0), 0.0)
    mean = float(p @ ratio)
    off = ratio - mean
    total = float(posterior.sum())
    variance = float(posterior @ off**2) / total**2  # of the expectation, the shares being Dirichlet
    skew = 2 * float(posterior @ off**3) / total**3 / max(variance, 1e-18) ** 1.5
    z = max(Z, Z + (Z * Z - 1) * skew / 6)  # Cornish–Fisher; a negative skew buys nothing
    if not column.independent:
        z = max(z, Z_DEPENDENT * np.sqrt(column.variance_inflation))
    bound = mean + z * np.sqrt(variance) + tolerance * np.sqrt(float(p @ off**2))
    return np.log(np.maximum(ratio, 1e-12)) - np.log(bound)
