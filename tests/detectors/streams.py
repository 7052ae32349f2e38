"""A small table of flights at a gate, its reference, and what can happen to it; every number from a seed."""

from __future__ import annotations

import numpy as np

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.config import ModelSettings
from otel_mlsec.detector import Detector
from otel_mlsec.finding import Finding
from otel_mlsec.observation import Batch, Meaning, Model, text_code
from otel_mlsec.reference.reference import Reference

NAMES = ("distance", "temp", "wind", "month", "country", "gate")
DISTANCE, TEMP, WIND, MONTH, COUNTRY, GATE = range(6)
COUNTRIES = np.array([text_code(name) for name in ("AT", "CH", "DE", "FR", "IT")])
MODEL = Model(name="delay", version="3")
ROWS_A_DAY = 200
DAY = 86400.0  # s
NEW_YEAR = 15_706 * DAY  # s since the epoch, 2013-01-01
REFERENCE_DAYS = 60


def table(seed: int, n: int, *, first_row: int = 0) -> Floats:
    """(n, 6) rows that come independently, 200 a day; only `month` knows the day, and it is 0 or 1."""
    rng = np.random.default_rng((13, seed))
    x = np.empty((n, len(NAMES)))
    x[:, DISTANCE] = np.exp(6.5 + 0.5 * rng.standard_normal(n))
    x[:, TEMP] = 10 + 8 * rng.standard_normal(n)
    x[:, WIND] = np.where(rng.random(n) < 0.02, np.nan, rng.exponential(5, n))
    x[:, MONTH] = ((first_row + np.arange(n)) // (30 * ROWS_A_DAY)) % 2
    x[:, COUNTRY] = rng.choice(COUNTRIES, n, p=[0.4, 0.3, 0.15, 0.1, 0.05])
    x[:, GATE] = rng.integers(1, 13, n)
    return x


def move_by_day(rows: Floats, seed: int) -> None:
    """Distance by a fifth and temp by three degrees, as one sd of a day."""
    days = np.repeat(np.random.default_rng((14, seed)).standard_normal((len(rows) // ROWS_A_DAY + 1, 2)), ROWS_A_DAY, axis=0)
    rows[:, DISTANCE] *= np.exp(0.2 * days[: len(rows), 0])
    rows[:, TEMP] += 3 * days[: len(rows), 1]


def answers(rows: Floats) -> Floats:
    """(n, 2) probabilities of a model that looks at temp and wind."""
    z = 0.1 * (rows[:, TEMP] - 10) + 0.05 * np.nan_to_num(rows[:, WIND])
    late = 1 / (1 + np.exp(-np.clip(np.nan_to_num(z), -50, 50)))
    return np.column_stack([1 - late, late])


def truths(rows: Floats, seed: int = 1) -> Floats:
    """(n,) classes: the model is right about what is not late, and mostly wrong when it says late."""
    chances = np.where(answers(rows)[:, 1] > 0.5, 0.35, 0.02)
    return (np.random.default_rng((14, seed)).random(len(rows)) < chances).astype(np.float64)


def moments(n: int, first_row: int = 0) -> Floats:
    """(n,) times, 200 a day."""
    return NEW_YEAR + (first_row + np.arange(n)) * (DAY / ROWS_A_DAY)


def batch(
    rows: Floats | None, times: Floats | None = None, *, outputs: Floats | None = None, features: tuple[str, ...] = NAMES,
    meaning: Meaning = Meaning.PROBABILITY, classes: tuple[str, ...] = ("no", "yes"), principals: tuple[str, ...] = ("",),
    calls: Ints | None = None, sources: tuple[tuple[str, ...], ...] = (),
) -> Batch:  # fmt: skip
    """One call, unless `calls` says otherwise."""
    kept = rows if rows is not None else outputs
    n = len(kept) if kept is not None else 0
    return Batch(
        model=MODEL, meaning=meaning, features=features, inputs=rows, outputs=outputs,
        times=moments(n) if times is None else times, calls=np.zeros(n, np.int64) if calls is None else calls,
        principals=principals, classes=classes, sources=sources,
    )  # fmt: skip


def reference(*, timed: bool = True, seed: int = 1, by_day: bool = False, shuffled: bool = False) -> Reference:
    """`by_day`: distance and temp are other ones every day; `shuffled`: and nobody knows which day it was."""
    n = REFERENCE_DAYS * ROWS_A_DAY
    rows, times = table(seed, n), moments(n)
    if by_day:
        move_by_day(rows, seed)
    if shuffled:
        rows = np.random.default_rng((15, seed)).permutation(rows)
    return Reference.of_matrix(
        rows, NAMES, times if timed else None, model=MODEL, created=0.0, classes=("no", "yes"),
        answers=[(Meaning.PROBABILITY, answers(rows))], truth=truths(rows, seed),
    )  # fmt: skip


def serve(detector: Detector, rows: Floats, *, size: int = 64, first_row: int = 0) -> list[Finding]:
    """All findings of rows that come in calls of `size`, with the answers to them."""
    times = moments(len(rows), first_row)
    found: list[Finding] = []
    for at in range(0, len(rows), size):
        part = rows[at : at + size]
        found += detector.update(batch(part, times[at : at + size], outputs=answers(part)))
    return found


DEFAULTS = ModelSettings()
