"""Independent rows: false alarms on random tables, delay of changes in the table of twenty columns."""

from __future__ import annotations

from collections import Counter

import numpy as np

from evaluation.drift.serving import STATISTICAL, Watch
from evaluation.drift.tables import MAIN_CATEGORICAL, N_MAIN, SCENARIOS, changed, main_table, random_table
from otel_mlsec.observation import Model
from otel_mlsec.reference.reference import Reference

NAMES = tuple(f"x{i}" for i in range(N_MAIN))
BATCH = 1024  # rows
LONGEST = 20_000  # rows that a change is waited for


def false_alarms(seed: int, n_rows: int) -> tuple[int, Counter[str]]:
    """-> statistical alarms in `n_rows` rows of random table `seed`, also those too small to show; and the facts told."""
    table = random_table(seed)
    rng = np.random.default_rng((1, seed))
    reference = Reference.of_matrix(
        table.rows(rng, table.n_reference), table.names, None, categorical=table.categorical, model=Model(name="t"), created=0.0
    )
    watch, facts = Watch(reference, anew=True), Counter[str]()
    for start in range(0, n_rows, BATCH):
        found = watch.update(table.rows(rng, BATCH), start + np.arange(BATCH, dtype=np.float64), table.names)
        facts.update(f.kind for f in found if f.detector not in STATISTICAL)
    return watch.alarms, facts


def main_reference(seed: int, n: int = 10_000) -> Reference:
    rng = np.random.default_rng((2, seed))
    return Reference.of_matrix(
        main_table(rng, n), NAMES, None, categorical=MAIN_CATEGORICAL, model=Model(name="main"), created=0.0
    )


def delay(scenario: str, seed: int) -> tuple[float, float, str]:
    """-> rows until an alarm, rows until a finding (infinite: none in 20,000), and the detector that found it.

    The change begins at a random phase of the detector's blocks, and hits one of the twenty columns.
    """
    rng = np.random.default_rng((3, SCENARIOS.index(scenario), seed))
    watch = Watch(main_reference(seed % 8))
    before = 1000 + int(rng.integers(64))
    watch.update(main_table(rng, before), np.arange(before) - float(before), NAMES)
    alarm, known = np.inf, watch.alarms
    for start in range(0, LONGEST, 64):
        rows = changed(main_table(rng, 64), scenario, rng)
        found = watch.update(rows, start + np.arange(64.0), NAMES)
        if found:
            return min(alarm, found[0].time + 1), found[0].time + 1, found[0].detector
        if watch.alarms > known:
            alarm = min(alarm, start + 64.0)
    return alarm, np.inf, ""


def scenario_delays(scenario: str, runs: int) -> tuple[float, float, Counter[str]]:
    """-> median rows until an alarm and until a finding, and how often which detector found it."""
    results = [delay(scenario, seed) for seed in range(runs)]
    return (
        float(np.median([alarm for alarm, _, _ in results])),
        float(np.median([finding for _, finding, _ in results])),
        Counter(who or "nobody" for _, _, who in results),
    )
