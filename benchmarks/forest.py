"""An isolation forest of a reference beside scikit-learn's scoring of the same trees; and what anomaly/input takes of a row."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from sklearn.ensemble import IsolationForest

from evaluation.drift.iid import NAMES, main_reference
from evaluation.drift.tables import main_table
from otel_mlsec.arrays import Floats
from otel_mlsec.config import ModelSettings
from otel_mlsec.detectors.anomaly.input import Input
from otel_mlsec.detectors.rows import rows_of
from otel_mlsec.observation import Batch, Meaning, Model
from otel_mlsec.reference.forest import flattened
from otel_mlsec.reference.reference import Reference

FEATURES = 20
BUDGET = 2.0  # us a row, beyond what all detectors share
REPEATS = 40


def main() -> None:
    rng = np.random.default_rng(0)
    fitted = IsolationForest(random_state=0).fit(rng.normal(size=(5000, FEATURES)).astype(np.float32))
    forest = flattened(fitted)
    print(f"forest: {len(forest.features)} trees, {FEATURES} features, CPU us a row (median)")
    for size in (1, 256):
        rows = rng.normal(size=(size, FEATURES)).astype(np.float32)
        ours, theirs = (_spent(score, rows) / size for score in (forest.scores, fitted.score_samples))
        apart = float(np.abs(forest.scores(rows) + fitted.score_samples(rows)).max())
        print(
            f"  batch {size:3d}: {ours:8.2f}, scikit-learn {theirs:8.2f} ({theirs / ours:5.1f} x), apart by at most {apart:.1g}"
        )
    reference = main_reference(1)
    print(f"anomaly/input: {FEATURES} features, CPU us a row beyond what detectors share; budget {BUDGET} at batch 256")
    for kind, factor in (("ordinary", 1.0), ("all anomalous", 100.0)):
        for size in (1, 256):
            print(f"  {kind:13s} batch {size:3d}: {_detector(reference, factor, size):7.2f}")


def _detector(reference: Reference, factor: float, size: int) -> float:
    watching = Input.build(reference, ModelSettings())
    assert watching is not None and reference.geometry is not None
    rows = factor * main_table(np.random.default_rng(1), 64 * size)
    spent: list[float] = []
    for i in range(64):
        part = rows[i * size : (i + 1) * size]
        batch = Batch(
            model=Model(name="bench"), meaning=Meaning.RAW, features=NAMES, inputs=part, outputs=None,
            times=i * size + np.arange(size, dtype=np.float64), calls=np.zeros(size, np.int64), principals=("",),
        )  # fmt: skip
        rows_of(batch, reference.geometry)
        began = time.thread_time()
        watching.update(batch)
        spent.append(time.thread_time() - began)
    return float(np.median(spent)) / size * 1e6


def _spent(score: Callable[[Floats], Floats], rows: Floats) -> float:
    score(rows)
    spent: list[float] = []
    for _ in range(REPEATS):
        began = time.thread_time()
        score(rows)
        spent.append(time.thread_time() - began)
    return float(np.median(spent)) * 1e6


if __name__ == "__main__":
    main()
