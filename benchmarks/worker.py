"""What all detectors of tables take of a row on one core, and the memory of 100,000 principals; beside scikit-learn's forest.

Twenty features, a model of two classes that answers with probabilities, batches as the worker makes them; no row comes twice, and
each is a call of its own.  CPU time of this thread.
"""

from __future__ import annotations

import resource
import time
from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from otel_mlsec.arrays import Floats
from otel_mlsec.config import ModelSettings
from otel_mlsec.detector import Detector
from otel_mlsec.detectors import build
from otel_mlsec.observation import Batch, Meaning, Model
from otel_mlsec.reference.reference import Reference

BUDGET, MOST = 25.0, 64.0  # us a row at batch 256; MiB
ROWS = {16: 20_000, 64: 50_000, 256: 100_000, 1024: 100_000}  # size of a batch -> rows
FITTED = 50_000
PRINCIPALS, MANY = 2_000, 100_000
FEATURES = tuple(f"x{i}" for i in range(20))
CLASSES = ("no", "yes")
MODEL = Model(name="bench")
MIB = 1 << 20

Costs = dict[str, float]  # detector -> us a row


def main() -> None:
    print(f"worker: {len(FEATURES)} features, one call a row, {PRINCIPALS:,} principals, one core, CPU us a row")
    reference = fitted()
    for size in ROWS:
        costs = spent(build(reference, ModelSettings()), traffic(ROWS[size], size, PRINCIPALS))
        total = sum(costs.values())
        budget = f" (budget {BUDGET:.0f}), {1e6 / total:,.0f} rows/s" if size == 256 else ""
        print(f"  batch {size:5d}: all {total:6.2f}{budget}")
        if size == 256:
            print("".join(f"    {name:22s} {cost:6.2f}\n" for name, cost in costs.items()), end="")
            alone = forest(size)
            print(f"    IsolationForest.predict alone, of scikit-learn: {alone:.2f}, {alone / total:.1f} times all of ours")
    memory(reference)


def memory(reference: Reference) -> None:
    """After 100,000 principals have asked a row each, which is more rows than any detector remembers."""
    before = resident()
    detectors = build(reference, ModelSettings())
    costs = spent(detectors, traffic(MANY, 256, 0))
    grown = resident() - before
    states = {each.name: sum(part.nbytes for part in each.snapshot().values()) / MIB for each in detectors}
    print(f"worker: {MANY:,} principals, a row each, batch 256: {sum(costs.values()):.2f} us a row, {grown:.1f} MiB more are "
          f"resident (budget {MOST:.0f}); full, the state is {sum(states.values()):.1f} MiB")  # fmt: skip
    print("".join(f"    {name:22s} {size:6.2f} MiB\n" for name, size in states.items()), end="")


def spent(detectors: list[Detector], batches: Iterator[Batch]) -> Costs:
    """The first detector of those that share what they know of the rows pays for all of them."""
    costs, rows = defaultdict[str, float](float), 0
    for batch in batches:
        rows += batch.n_rows
        for detector in detectors:
            began = time.thread_time()
            detector.update(batch)
            costs[detector.name] += time.thread_time() - began
    return {name: seconds / rows * 1e6 for name, seconds in costs.items()}


def traffic(n: int, size: int, principals: int) -> Iterator[Batch]:
    """n rows in batches; 0 principals: each row is of another."""
    chance = np.random.default_rng(2)
    for start in range(0, n, size):
        inputs = rows(chance, size)
        who = chance.zipf(1.3, size) % principals if principals else start + np.arange(size)
        yield Batch(
            model=MODEL, meaning=Meaning.PROBABILITY, features=FEATURES, inputs=inputs, outputs=probabilities(inputs),
            classes=CLASSES, times=1.7e9 + start + np.arange(size, dtype=np.float64), calls=np.arange(size),
            principals=tuple(f"app:{number:012x}" for number in who.tolist()),
            sources=tuple((f"prefix:{number % 997:012x}", f"agent:{number % 97:012x}") for number in who.tolist()),
        )  # fmt: skip


def fitted() -> Reference:
    x = rows(np.random.default_rng(1), FITTED)
    answers = [(Meaning.PROBABILITY, probabilities(x)), (Meaning.LABEL, probabilities(x)[:, 1].round())]
    return Reference.of_matrix(x, FEATURES, None, answers=answers, classes=CLASSES, model=MODEL, created=0.0)


def rows(chance: np.random.Generator, n: int) -> Floats:
    mix = np.random.default_rng(0).normal(size=(len(FEATURES), len(FEATURES))) / np.sqrt(len(FEATURES))
    return chance.normal(size=(n, len(FEATURES))) @ mix


def probabilities(x: Floats) -> Floats:
    yes = 1 / (1 + np.exp(-3 * x[:, 0] - x[:, 1]))
    return np.stack([1 - yes, yes], axis=1)


def forest(size: int, batches: int = 100) -> float:
    """us a row of the detector that most would take, with its defaults."""
    from sklearn.ensemble import IsolationForest  # noqa: PLC0415 - the memory of the others is measured without it

    model = IsolationForest(random_state=0).fit(rows(np.random.default_rng(1), FITTED))
    x = rows(np.random.default_rng(3), size * batches)
    began = time.process_time()
    for start in range(0, len(x), size):
        model.predict(x[start : start + size])
    return (time.process_time() - began) / len(x) * 1e6


def resident() -> float:
    """MiB."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / MIB


if __name__ == "__main__":
    main()
