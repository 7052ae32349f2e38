"""Rows per second through the drift detectors on one core: twenty features, batches as the worker makes them."""

from __future__ import annotations

import time

import numpy as np

from evaluation.drift.iid import NAMES, main_reference
from evaluation.drift.tables import main_table
from otel_mlsec.config import ModelSettings
from otel_mlsec.detectors import build
from otel_mlsec.observation import Batch, Meaning, Model

BUDGET = 100_000  # rows a second
ROWS = 400_000


def batches(size: int) -> list[Batch]:
    rows = main_table(np.random.default_rng(0), 50_000 // size * size)
    return [
        Batch(
            model=Model(name="bench"),
            meaning=Meaning.RAW,
            features=NAMES,
            inputs=rows[start : start + size],
            outputs=None,
            times=start + np.arange(size, dtype=np.float64),
            calls=np.zeros(size, np.int64),
            principals=("",),
        )
        for start in range(0, len(rows), size)
    ]


def main() -> None:
    print("worker: 20 features, one core, CPU time")
    for size in (16, 64, 256, 1024):
        stream = batches(size)
        for detector in build(main_reference(1), ModelSettings()):
            began, done = time.process_time(), 0
            while done < ROWS:
                for batch in stream:
                    detector.update(batch)
                    done += batch.n_rows
                if time.process_time() - began > 10:
                    break
            took = (time.process_time() - began) / done * 1e6
            rate = 1e6 / took
            print(
                f"  {detector.name:12s} batch {size:5d}: {took:6.2f} us/row, {rate:9,.0f} rows/s ({rate / BUDGET:4.1f} x budget)"
            )


if __name__ == "__main__":
    main()
