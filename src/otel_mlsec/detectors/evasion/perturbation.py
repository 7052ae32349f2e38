"""What was done to a row, in words and numbers: how far, how many features, which; never a value."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from otel_mlsec.sketches.neighbours import Float32s

TOUCHED = 2e-3  # of the value, or standard deviations, that a feature must have moved
NAMED = 5  # features


def perturbation(center: Float32s, probes: Float32s, names: tuple[str, ...]) -> Mapping[str, float | int | tuple[str, ...]]:
    """(m,) and (k, m) embedded rows, k >= 1; `names` of the m features, or () where they were projected."""
    moved = np.abs(probes - center)
    touched = moved > TOUCHED * np.maximum(1.0, np.abs(center))
    found: dict[str, float | int | tuple[str, ...]] = {
        "l2_sd": float(np.median(np.sqrt((moved * moved).sum(axis=1)))),
        "linf_sd": float(np.median(moved.max(axis=1))),
    }
    if names:
        count = touched.sum(axis=0)
        most = [int(i) for i in np.lexsort((-moved.mean(axis=0), -count))[:NAMED] if count[i]]
        found["features_changed"] = float(np.median(touched.sum(axis=1)))
        found["sparsity"] = float(1 - np.median(touched.mean(axis=1)))
        found["features"] = tuple(names[i] for i in most)
        found["feature_changes"] = tuple(
            f"{names[i]}: {count[i]} of {len(probes)} probes, {moved[:, i].mean():.2g} sd" for i in most
        )
    return found
