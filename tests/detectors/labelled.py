"""A model that errs one time in ten, its reference, and what becomes known of its answers; every number from a seed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from otel_mlsec.arrays import Floats
from otel_mlsec.config import ModelSettings
from otel_mlsec.detector import OutcomeDetector
from otel_mlsec.detectors.drift.concept import ConceptDrift
from otel_mlsec.finding import Finding
from otel_mlsec.observation import Meaning, Model, Outcomes, text_code
from otel_mlsec.reference.reference import Reference

NAMES = ("age", "carrier")
CLASSES = ("no", "yes")
CARRIERS = np.array([text_code(name) for name in ("AA", "B6", "DL", "UA")])
N = 10_000
NOON = 43_200.0  # s since the epoch
LATE = 3600.0  # s until a label comes


def inputs(seed: int, n: int) -> Floats:
    rng = np.random.default_rng((21, seed))
    return np.column_stack([rng.normal(40, 10, n), rng.choice(CARRIERS, n, p=[0.4, 0.3, 0.2, 0.1])])


def wrong(seed: int, rates: Floats | float, n: int) -> Floats:
    return np.random.default_rng((22, seed)).random(n) < np.broadcast_to(rates, n)


def answered(seed: int, mistaken: Floats) -> tuple[Floats, Floats]:
    """-> (n, 2) probabilities and (n,) truths: the likelier class is the true one, except where it is mistaken."""
    rng = np.random.default_rng((23, seed))
    likelier = rng.uniform(0.6, 0.99, len(mistaken))
    said = rng.integers(0, 2, len(mistaken))
    late = np.where(said == 1, likelier, 1 - likelier)
    return np.column_stack([1 - late, late]), np.where(mistaken, 1 - said, said).astype(np.float64)


def told(
    seed: int, n: int, rates: Floats | float = 0.1, *, meaning: Meaning = Meaning.PROBABILITY, rows: Floats | None = None,
    first: int = 0, coverage: float = 1.0,
) -> Outcomes:  # fmt: skip
    """Outcomes of `n` predictions, one a second, of which a share `rates` is wrong."""
    probabilities, truth = answered(seed, wrong(seed, rates, n))
    outputs = probabilities if meaning is Meaning.PROBABILITY else (probabilities[:, 1:] > 0.5).astype(np.float64)
    times = NOON + first + np.arange(n)
    return Outcomes(
        model=Model(name="delay"), meaning=meaning, features=NAMES, inputs=inputs(seed, n) if rows is None else rows,
        outputs=outputs, truth=truth, times=times, told=times + LATE, sources=("",) * n, classes=CLASSES, coverage=coverage,
    )  # fmt: skip


def reference(rates: Floats | float = 0.1, seed: int = 1) -> Reference:
    probabilities, truth = answered(seed, wrong(seed, rates, N))
    return Reference.of_matrix(
        inputs(seed, N), NAMES, None, model=Model(name="delay"), created=0.0, classes=CLASSES, truth=truth,
        answers=[(Meaning.PROBABILITY, probabilities), (Meaning.LABEL, (probabilities[:, 1] > 0.5).astype(np.float64))],
    )  # fmt: skip


def values(seed: int, n: int, spread: float = 1.0) -> Outcomes:
    """Of a regression, whose errors have the standard deviation `spread`."""
    truth = np.random.default_rng((24, seed)).normal(50, 10, n)
    outputs = truth + spread * np.random.default_rng((25, seed)).standard_normal(n)
    return replace(told(seed, n), meaning=Meaning.VALUE, outputs=outputs[:, None], truth=truth, classes=())


def reference_of_values() -> Reference:
    known = values(1, N)
    return Reference.of_matrix(
        inputs(1, N), NAMES, None, model=Model(name="delay"), created=0.0, truth=known.truth,
        answers=[(Meaning.VALUE, known.outputs[:, 0])],
    )  # fmt: skip


def built(reference: Reference, settings: ModelSettings | None = None) -> ConceptDrift:
    made = ConceptDrift.build(reference, settings or ModelSettings())
    assert made is not None
    return made


def part(outcomes: Outcomes, start: int, end: int) -> Outcomes:
    cut = {name: getattr(outcomes, name)[start:end] for name in ("outputs", "truth", "times", "told", "sources")}
    return replace(outcomes, inputs=None if outcomes.inputs is None else outcomes.inputs[start:end], **cut)


def serve(detector: OutcomeDetector, outcomes: Outcomes, size: int = 64) -> list[Finding]:
    return [
        finding for at in range(0, outcomes.n_rows, size) for finding in detector.update(part(outcomes, at, at + size))
    ]  # fmt: skip
