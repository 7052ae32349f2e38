"""A model of twenty numbers that is attacked, and the detectors that watch it; every number from a seed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module

import numpy as np

from otel_mlsec.arrays import Floats
from otel_mlsec.config import ModelSettings
from otel_mlsec.detector import Detector
from otel_mlsec.detectors import TABLE
from otel_mlsec.finding import Finding
from otel_mlsec.observation import Batch, Meaning, Model
from otel_mlsec.reference.reference import Reference

D = 20
NAMES = tuple(f"f{i}" for i in range(D))
START = 1.7e9  # s since the epoch
ROWS = ("evasion/near_duplicate", "extraction/account", "evasion/sequence", "extraction/coordinated")
WEIGHTS = np.random.default_rng(5).standard_normal(D) / np.sqrt(D)
MIX = np.eye(D) + 0.4 * np.random.default_rng(6).standard_normal((D, D)) / np.sqrt(D)


def rows(seed: int, n: int) -> Floats:
    """(n, 20) ordinary rows."""
    return np.random.default_rng((31, seed)).standard_normal((n, D)) @ MIX


def answers(x: Floats) -> Floats:
    """(n, 2) probabilities of a linear model."""
    p = 1 / (1 + np.exp(-np.clip(4 * x @ WEIGHTS, -500, 500)))
    return np.column_stack([1 - p, p])


@cache
def reference() -> Reference:
    x = rows(1, 6000)
    return Reference.of_matrix(
        x, NAMES, None, model=Model(name="m"), created=0.0, classes=("no", "yes"), answers=[(Meaning.PROBABILITY, answers(x))]
    )


@cache
def spacing() -> float:
    geometry = reference().geometry
    assert geometry is not None
    return geometry.spacing


def batch(x: Floats, who: Sequence[str], times: Floats, sources: Sequence[tuple[str, ...]] = ()) -> Batch:
    return Batch(
        model=Model(name="m"), meaning=Meaning.PROBABILITY, features=NAMES, inputs=x, outputs=answers(x), times=times,
        calls=np.arange(len(x)), principals=tuple(who), classes=("no", "yes"), sources=tuple(sources),
    )  # fmt: skip


class Monitor:
    """The detectors of attacks, as they stand one behind the other."""

    def __init__(self, rows: Sequence[str] = ROWS, of: Reference | None = None, settings: ModelSettings | None = None) -> None:
        self.detectors: dict[str, Detector] = {}
        for row in rows:
            module, _, name = TABLE[row].partition(":")
            self.detectors[row] = getattr(import_module(module), name).build(of or reference(), settings or ModelSettings())
        self.now = START

    def see(
        self, x: Floats, who: str | Sequence[str] = "user:0", *, size: int = 64, step: float = 1.0,
        sources: Sequence[tuple[str, ...]] = (),
    ) -> list[Finding]:  # fmt: skip
        """Rows that come one a call, `step` s after each other, in batches of `size`."""
        names = [who] * len(x) if isinstance(who, str) else list(who)
        found: list[Finding] = []
        for at in range(0, len(x), size):
            part = x[at : at + size]
            times = self.now + step * np.arange(1, len(part) + 1)
            self.now = float(times[-1])
            found += self.take(batch(part, names[at : at + size], times, sources[at : at + size]))
        return found

    def take(self, one: Batch) -> list[Finding]:
        return [finding for detector in self.detectors.values() for finding in detector.update(one)]

    def state(self) -> int:
        """Bytes."""
        return sum(part.nbytes for detector in self.detectors.values() for part in detector.snapshot().values())


def crowd(n: int, of: int, prefix: str = "user") -> list[str]:
    """(n,) names of `of` principals by turns."""
    return [f"{prefix}:{i % of}" for i in range(n)]


def among(x: Floats, who: str | Sequence[str], *, every: int = 8, seed: int = 0) -> tuple[Floats, list[str]]:
    """Rows and who asks them, each followed by `every` - 1 ordinary ones of two hundred other principals."""
    names = [who] * len(x) if isinstance(who, str) else list(who)
    mixed = rows(500 + seed, every * len(x))
    mixed[::every] = x
    return mixed, [names[i // every] if i % every == 0 else f"user:{i * 7919 % 200}" for i in range(len(mixed))]


def told(found: Sequence[Finding], kind: str) -> list[Finding]:
    return [finding for finding in found if finding.kind == kind]
