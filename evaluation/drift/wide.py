"""Five hundred features: false alarms, delay of a change of one of them or of how two go together, and what a row costs."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from otel_mlsec.arrays import Floats
from otel_mlsec.config import ModelSettings
from otel_mlsec.detector import Detector
from otel_mlsec.detectors import build
from otel_mlsec.detectors.drift.data import DataDrift
from otel_mlsec.detectors.drift.joint import JointDrift
from otel_mlsec.finding import Finding, Status
from otel_mlsec.observation import Batch, Meaning, Model
from otel_mlsec.reference.reference import Reference

MODEL = Model(name="wide")
BATCH = 256  # rows
LONGEST = 5_000  # rows that a change is waited for
WIDTHS = (20, 100, 500)
COST = 0.31  # us a row and feature, of all detectors of drift
COST_ROWS = 12_800
MIB = 1 << 20


def main(out: Console, rows: int = 1_000_000, runs: int = 12) -> None:
    out.rule("500 features, independent rows")
    alarms = sum(false_alarms(seed, rows // 4) for seed in range(4))
    out.print(
        f"{alarms} statistical alarms in {4 * (rows // 4) / 1e6:.2f} M rows of 4 references of 10,000 rows (asked: <= 1 / M)"
    )
    table = Table(title=f"change in 500 features, rows until a finding, {runs} runs")
    for name in ("change", "median", "slowest", "missed in 5,000"):
        table.add_column(name)
    for name in CHANGES:
        delays = [delay(name, seed) for seed in range(runs)]
        missed = int(np.isinf(delays).sum())
        table.add_row(name, f"{np.median(delays):.0f}", f"{np.max(delays):.0f}", str(missed))
    out.print(table)
    for d in WIDTHS:
        costs = cost(d)
        parts = ", ".join(f"{name} {us / d:.3f}" for name, us in costs.items())
        total = sum(costs.values()) / d
        asked = f" (asked: <= {COST})" if d == WIDTHS[-1] else ""
        out.print(f"{d:4d} features: {total:.3f} us a row and feature{asked}: {parts}")
    file, states = memory(512)
    parts = ", ".join(f"{name} {size / MIB:.1f}" for name, size in states.items())
    out.print(f" 512 features: reference file {file / MIB:.1f} MiB; state after 100,000 rows, MiB: {parts}")


CHANGES = ("mean + 0.5 sd of one", "correlation 0 -> 0.5 of a chosen pair", "correlation 0 -> 0.5 of another pair")


def rows_of(rng: np.random.Generator, n: int, d: int = 500) -> Floats:
    """Independent columns: of four normal, one lognormal and one of Student's t."""
    x = rng.standard_normal((n, d), dtype=np.float32).astype(np.float64)
    x[:, 4::6] = np.exp(x[:, 4::6])
    x[:, 5::6] /= np.sqrt(rng.chisquare(3, (n, len(range(5, d, 6)))) / 3)
    return x


def names(d: int) -> tuple[str, ...]:
    return tuple(f"x{i}" for i in range(d))


def reference(seed: int, d: int = 500, n: int = 10_000) -> Reference:
    return Reference.of_matrix(rows_of(np.random.default_rng((500, seed)), n, d), names(d), None, model=MODEL, created=0.0)


@cache
def shared(seed: int) -> Reference:
    return reference(10 + seed)


def statistical(known: Reference) -> list[DataDrift | JointDrift]:
    return [each for each in build(known, ModelSettings()) if isinstance(each, DataDrift | JointDrift)]


def false_alarms(seed: int, n: int) -> int:
    """Findings and alarms too small to show in `n` clean rows; all start anew after one."""
    known, rng, alarms = reference(seed), np.random.default_rng((501, seed)), 0
    detectors = statistical(known)
    for start in range(0, n, 1024):
        batch = batch_of(rows_of(rng, 1024), float(start))
        new = sum(f.status is not Status.RESOLVED for each in detectors for f in each.update(batch))
        new += sum(each.small_changes() for each in detectors)
        if new:
            alarms += new
            detectors = statistical(known)
    return alarms


def delay(change: str, seed: int) -> float:
    """Rows from the change to its finding; infinite: none that names it in 5,000."""
    known, rng = shared(seed % 2), np.random.default_rng((502, CHANGES.index(change), seed))
    assert known.pairs is not None
    chosen = set(zip(known.pairs.left.tolist(), known.pairs.right.tolist(), strict=True))
    normal = [(i, j) for i, j in chosen if i % 6 < 4 and j % 6 < 4]
    one, other = sorted(normal)[seed % len(normal)]
    if change.endswith("another pair"):
        other = next(k for k in range(one + 1, 500) if k % 6 < 4 and (one, k) not in chosen)
    detectors = statistical(known)
    for each in detectors:
        each.update(batch_of(rows_of(rng, 1000 + int(rng.integers(64))), -2000.0))
    for start in range(0, LONGEST, 64):
        x = rows_of(rng, 64)
        if change.startswith("mean"):
            x[:, one] += 0.5
        else:
            x[:, other] = 0.5 * x[:, one] + np.sqrt(0.75) * x[:, other]
        found = [f for each in detectors for f in each.update(batch_of(x, float(start))) if _names(f, one)]
        if found:
            return found[0].time + 1
    return np.inf


def _names(finding: Finding, column: int) -> bool:
    return finding.time >= 0 and any(f"x{column}" in name.split(" × ") for name in finding.subject)


def cost(d: int) -> dict[str, float]:
    """us of CPU a row, by detector of drift, at batches of 256."""
    detectors = [each for each in build(reference(0, d), ModelSettings()) if each.name.startswith("drift/")]
    spent = dict.fromkeys([each.name for each in detectors], 0.0)
    for detector, batch in _served(detectors, d):
        began = time.thread_time()
        detector.update(batch)
        spent[detector.name] += time.thread_time() - began
    return {name: seconds / COST_ROWS * 1e6 for name, seconds in spent.items()}


def memory(d: int) -> tuple[int, dict[str, int]]:
    """-> bytes of the reference's file, and of the state of each detector of drift after 100,000 rows."""
    known, rng = reference(0, d), np.random.default_rng((504, d))
    with tempfile.TemporaryDirectory() as folder:
        known.save(Path(folder) / "wide.ref")
        size = (Path(folder) / "wide.ref").stat().st_size
    detectors = [each for each in build(known, ModelSettings()) if each.name.startswith("drift/")]
    piece = rows_of(rng, 1000, d)
    for start in range(0, 100_000, 1000):
        for detector in detectors:
            detector.update(batch_of(piece[rng.permutation(1000)], float(start)))
    return size, {each.name: sum(part.nbytes for part in each.snapshot().values()) for each in detectors}


def _served(detectors: list[Detector], d: int) -> Iterator[tuple[Detector, Batch]]:
    rng = np.random.default_rng((503, d))
    for start in range(0, COST_ROWS, BATCH):
        batch = batch_of(rows_of(rng, BATCH, d), float(start))
        for detector in detectors:
            yield detector, batch


def batch_of(x: Floats, start: float) -> Batch:
    n = len(x)
    return Batch(
        model=MODEL, meaning=Meaning.RAW, features=names(x.shape[1]), inputs=x, outputs=None, times=start + np.arange(float(n)),
        calls=np.zeros(n, np.int64), principals=("",),
    )  # fmt: skip


if __name__ == "__main__":
    main(Console(width=118))
