"""`otel-mlsec replay` over a million rows of Parquet on one core, all detectors; beside one detector of scikit-learn alone."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from sklearn.ensemble import IsolationForest

from otel_mlsec.arrays import Floats
from otel_mlsec.observation import Meaning, Model
from otel_mlsec.reference.reference import Reference

BUDGET = 30_000  # rows a second
ROWS = 1_000_000
FITTED = 50_000
FEATURES = tuple(f"x{i}" for i in range(20))
PRINCIPALS = 5_000
BATCH = 256
BESIDE = 200  # batches that the forest is asked about
THIEF = slice(600_000, 601_000)  # rows of one who asks about the whole space
SECONDS = 30 * 86400.0
CODE = """
import os, re, sys, time
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from otel_mlsec.cli import main
assert main() == 0
[most] = re.findall(r"VmHWM:\\s*([0-9]+)", open("/proc/self/status").read())
print(time.process_time(), most, file=sys.stderr)
"""


def rows(rng: np.random.Generator, n: int) -> Floats:
    mix = np.random.default_rng(0).normal(size=(len(FEATURES), len(FEATURES))) / np.sqrt(len(FEATURES))
    return rng.normal(size=(n, len(FEATURES))) @ mix


def probabilities(x: Floats) -> Floats:
    yes = 1 / (1 + np.exp(-3 * x[:, 0] - x[:, 1]))
    return np.stack([1 - yes, yes], axis=1)


def write(folder: Path) -> None:
    rng = np.random.default_rng(1)
    x = rows(rng, FITTED)
    answers = [(Meaning.PROBABILITY, probabilities(x)), (Meaning.LABEL, probabilities(x)[:, 1].round())]
    Reference.of_matrix(
        x, FEATURES, None, answers=answers, classes=("no", "yes"), model=Model(name="bench"), created=0.0
    ).save(folder / "bench.ref")  # fmt: skip
    x = rows(rng, ROWS)
    x[THIEF] = rng.uniform(-4, 4, size=x[THIEF].shape)
    p = probabilities(x)
    who = rng.zipf(1.3, ROWS) % PRINCIPALS
    who[THIEF] = PRINCIPALS
    columns = {name: x[:, i] for i, name in enumerate(FEATURES)} | {"proba.no": p[:, 0], "proba.yes": p[:, 1]}
    columns |= {"label": np.where(p[:, 1] > 0.5, "yes", "no"), "who": [f"user-{i}" for i in who.tolist()]}
    columns |= {"when": 1.7e9 + np.sort(rng.random(ROWS)) * SECONDS}
    pa.parquet.write_table(pa.table(columns), folder / "traffic.parquet")


def replay(folder: Path) -> tuple[float, float, bytes]:
    """-> CPU seconds, MiB at most, what it said; pinned to one core, so that no thread of a library helps."""
    command = [sys.executable, "-c", CODE, "replay", str(folder / "traffic.parquet"), "--reference", str(folder / "bench.ref"),
               "--principal", "who", "--time", "when", "--json"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, check=True)
    seconds, kibibytes = done.stderr.split()[-2:]
    return float(seconds), int(kibibytes) / 1024, done.stdout


def beside() -> float:
    """CPU seconds a row of IsolationForest.predict, with the defaults that most use, in batches of 256."""
    rng = np.random.default_rng(1)
    forest = IsolationForest(random_state=0).fit(rows(rng, FITTED))
    x = rows(rng, BATCH * BESIDE)
    began = time.process_time()
    for start in range(0, len(x), BATCH):
        forest.predict(x[start : start + BATCH])
    return (time.process_time() - began) / len(x)


def main() -> None:
    print(f"replay: {ROWS:,} rows of Parquet, {len(FEATURES)} features, {PRINCIPALS:,} principals, one core, CPU time")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder)
        took, most, said = replay(folder)
        again = replay(folder)[2]
    rate, alone = ROWS / took, 1 / beside()
    assert said, "a thief that nobody found"
    same = "the same bytes on a second run" if said == again else "OTHER FINDINGS ON A SECOND RUN"
    print(
        f"  all detectors, from file to findings: {rate:9,.0f} rows/s ({rate / BUDGET:4.1f} x budget), {most:,.0f} MiB, "
        f"{len(said.splitlines())} records, {same}"
    )
    print(f"  IsolationForest.predict alone:        {alone:9,.0f} rows/s; replay is {rate / alone:.1f} x that")


if __name__ == "__main__":
    main()
