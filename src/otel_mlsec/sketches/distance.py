"""How far two histograms are from each other."""

from __future__ import annotations

import numpy as np

from otel_mlsec.arrays import Floats


def distance(counts: Floats, reference: Floats) -> Floats:
    """Debiased Jensen–Shannon distance, base 2, of (…, bins) counts from (bins,) or (…, bins) counts.

    The plug-in value is biased upwards, by (K - 1)(1/n + 1/n_ref) / (8 ln 2) in its square, K the number of bins in use:
    at 100 rows it shows .23 where nothing has changed.
    """
    n = np.maximum(counts.sum(axis=-1, keepdims=True), 1)
    total = np.maximum(reference.sum(axis=-1, keepdims=True), 1)
    p, q = reference / total, counts / n
    middle = (p + q) / 2
    divergence = (_information(p, middle) + _information(q, middle)) / 2
    used = ((counts + reference) > 0).sum(axis=-1)
    bias = (used - 1) * (1 / n[..., 0] + 1 / total[..., 0]) / (8 * np.log(2))
    return np.sqrt(np.maximum(divergence - bias, 0.0))


def _information(law: Floats, middle: Floats) -> Floats:
    return np.sum(np.where(law > 0, law * np.log2(np.where(law > 0, law, 1.0) / np.where(middle > 0, middle, 1.0)), 0.0), axis=-1)
