"""Embeddings: scikit-learn's digits as vectors of 64 dimensions; false alarms, and how soon changes are told."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from rich.console import Console
from rich.table import Table
from sklearn.datasets import load_digits

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.config import ModelSettings
from otel_mlsec.detectors import build
from otel_mlsec.finding import Status
from otel_mlsec.observation import Batch, Meaning, Model
from otel_mlsec.pipeline.watched import Watched
from otel_mlsec.reference.reference import Reference

REFERENCE = 900  # rows; the other 897 are what is served
LONGEST = 6000  # rows that a change is waited for
BATCH = 100
STATISTICAL = ("drift/data", "drift/joint", "drift/cycle")
Change = Callable[[Floats, Ints, np.random.Generator], Floats]


def main(out: Console, rows: int = 200_000, runs: int = 12) -> None:
    out.rule("embeddings: digits, 64 dimensions, reference of 900 rows")
    alarms = sum(len(found(watched(seed), stream(seed, rows // 4))) for seed in range(4))
    out.print(f"{alarms} statistical findings in {4 * (rows // 4):,} rows drawn from the 897 that each of 4 references has not")
    table = Table(title=f"a change, rows until a statistical finding, {runs} runs")
    for name in ("change", "median", "slowest", "missed"):
        table.add_column(name)
    for name, change in CHANGES.items():
        delays = [delay(change, seed) for seed in range(runs)]
        table.add_row(name, f"{np.median(delays):.0f}", f"{np.max(delays):.0f}", str(int(np.isinf(delays).sum())))
    out.print(table)


def halves(seed: int) -> tuple[Floats, Floats, Ints]:
    """-> rows of the reference, rows that are served, and the digits that these show."""
    digits, shown = load_digits(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(digits))
    known, served = order[:REFERENCE], order[REFERENCE:]
    return digits[known].astype(np.float64), digits[served].astype(np.float64), shown[served].astype(np.int64)


def watched(seed: int) -> Watched:
    known, _, _ = halves(seed)
    watching = Watched(lambda _, reference: build(reference, ModelSettings()))
    watching.judge_by(Model(name="digits"), Reference.fit(known, embedding=True))
    return watching


def stream(seed: int, n: int) -> Floats:
    _, served, _ = halves(seed)
    return served[np.random.default_rng(1000 + seed).integers(len(served), size=n)]


def found(watching: Watched, rows: Floats) -> list[int]:
    """Rows after which a statistical finding was told."""
    at: list[int] = []
    for start in range(0, len(rows), BATCH):
        part = rows[start : start + BATCH]
        batch = Batch(
            model=Model(name="digits"), meaning=Meaning.RAW, features=(), inputs=part, outputs=None,
            times=1e9 + start + np.arange(float(len(part))), calls=np.arange(len(part)), principals=("",) * len(part),
        )  # fmt: skip
        for finding in watching.seen(batch):
            if finding.detector in STATISTICAL and finding.status is not Status.RESOLVED:
                at.append(start + finding.call)
    return at


def delay(change: Change, seed: int) -> float:
    _, served, shown = halves(seed)
    chance = np.random.default_rng(seed)
    watching, before = watched(seed), int(chance.integers(5, 10)) * BATCH
    found(watching, served[chance.integers(len(served), size=before)])
    after = found(watching, change(served, shown, chance))
    return float(after[0] + 1) if after else np.inf


def _only(*digits: int) -> Change:
    def some(served: Floats, shown: Ints, chance: np.random.Generator) -> Floats:
        left = served[np.isin(shown, digits)]
        return left[chance.integers(len(left), size=LONGEST)]

    return some


def _noise(served: Floats, shown: Ints, chance: np.random.Generator) -> Floats:
    rows = served[chance.integers(len(served), size=LONGEST)]
    return rows + chance.normal(0.0, 2.0, rows.shape)


def _moved(served: Floats, shown: Ints, chance: np.random.Generator) -> Floats:
    rows = served[chance.integers(len(served), size=LONGEST)]
    return np.roll(rows.reshape(-1, 8, 8), 1, axis=2).reshape(-1, 64)


CHANGES: dict[str, Change] = {
    "half of the digits only": _only(0, 1, 2, 3, 4),
    "two digits vanish": _only(2, 3, 4, 5, 6, 7, 8, 9),
    "noise of 2 of 16": _noise,
    "one pixel to the right": _moved,
}

if __name__ == "__main__":
    main(Console(width=118))
