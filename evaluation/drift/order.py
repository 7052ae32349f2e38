"""Rows in real order: clean days, faults, the year that follows January and February, the reference served back."""

from __future__ import annotations

from collections import Counter

import numpy as np

from evaluation.drift.flights import DAY, FEATURES, NEW_YEAR, Flights, broken, random_days, reference_of, served
from evaluation.drift.iid import NAMES
from evaluation.drift.serving import STATISTICAL, Watch, pieces
from evaluation.drift.tables import MAIN_CATEGORICAL, autoregressive, main_table
from otel_mlsec.finding import Finding
from otel_mlsec.observation import Model
from otel_mlsec.reference.reference import Reference

BURN_IN = 10  # clean days before a fault
WATCHED = 40  # days that it is waited for
WINTER = np.arange(59)  # January and February
DAY_ROWS = 2400  # of a stream that swings


def clean_days(flights: Flights, seed: int) -> tuple[int, int, int, Counter[str]]:
    """-> statistical alarms (small ones too), statistical findings, days, and the facts told, of one random split."""
    known, live = random_days(seed)
    watch = Watch(reference_of(flights, known), anew=True)
    found = _serve(watch, *served(flights, live))
    facts = Counter(f"{f.kind} {','.join(f.subject[:2])}" for f in found if f.detector not in STATISTICAL)
    return watch.alarms, sum(f.detector in STATISTICAL for f in found), len(live), facts


def fault_delay(flights: Flights, reference: Reference, live: np.ndarray, fault: str, seed: int) -> tuple[float, float, str]:
    """-> rows and hours of traffic until a finding names the fault, and its kind; infinite where none did in 40 days."""
    rng = np.random.default_rng((4, seed))
    days = rng.permutation(live)[: BURN_IN + WATCHED]
    rows, times = served(flights, days)
    first = float(NEW_YEAR + BURN_IN * DAY + rng.integers(6, 22) * 3600)
    start = int(np.searchsorted(times, first))
    rows, times = broken(rows, times, start, fault, seed)
    watch = Watch(reference)
    _serve(watch, rows[:start], times[:start])
    done = start
    for piece in pieces(times[start:]):
        here = slice(start + piece.start, start + piece.stop)
        for finding in watch.update(rows[here], times[here], FEATURES):
            if _names(finding, fault):
                return float(here.stop - start), (finding.time - first) / 3600 + 1, finding.kind
        done = here.stop
    return np.inf, np.inf, f"nothing in {done - start} rows"


def year(flights: Flights) -> list[Finding]:
    """Findings of March to December with January and February as the reference."""
    live = np.flatnonzero(flights.day >= len(WINTER))
    return _serve(Watch(reference_of(flights, WINTER)), flights.rows[live], flights.times[live])


def served_back(flights: Flights) -> list[Finding]:
    at = flights.of_days(WINTER)
    return _serve(Watch(reference_of(flights, WINTER)), flights.rows[at], flights.times[at])


def autocorrelated(phi: float, n_rows: int, seed: int) -> int:
    """Alarms in `n_rows` clean rows whose columns x0 … x10 are AR(1); reference of 20,000 rows in order."""
    reference, rng = _autocorrelated_reference(phi, seed)
    watch = Watch(reference, anew=True)
    _serve_by(watch, main_table(rng, n_rows, autoregressive(rng, n_rows, phi)))
    return watch.alarms


def autocorrelated_delay(phi: float, shift: float, seed: int, longest: int = 40_000) -> float:
    """Rows until x0, which is AR(1) and moves by `shift` sd after 5,000 rows, is named; infinite if it is not."""
    reference, rng = _autocorrelated_reference(phi, seed)
    rows = main_table(rng, 5000 + longest, autoregressive(rng, 5000 + longest, phi))
    rows[5000:, 0] += shift
    found = [f.time - 5000 for f in _serve_by(Watch(reference), rows) if "x0" in f.subject and f.time >= 5000]
    return min(found, default=np.inf)


def _autocorrelated_reference(phi: float, seed: int) -> tuple[Reference, np.random.Generator]:
    rng = np.random.default_rng((5, seed))
    learned = main_table(rng, 20_000, autoregressive(rng, 20_000, phi))
    return Reference.of_matrix(
        learned, NAMES, None, categorical=MAIN_CATEGORICAL, model=Model(name="ar"), created=0.0
    ), rng  # fmt: skip


def _serve_by(watch: Watch, rows: np.ndarray, times: np.ndarray | None = None) -> list[Finding]:
    times = np.arange(len(rows), dtype=np.float64) if times is None else times
    return [f for at in range(0, len(rows), 256) for f in watch.update(rows[at : at + 256], times[at : at + 256], NAMES)]


def day_and_night(days: int, n_rows: int, seed: int, shift: float = 0.0) -> tuple[int, float]:
    """-> alarms in `n_rows` rows, 2,400 a day, whose first eight columns swing by 0.6 sd from day to night, and hours until the
    first of them, if x0 moves by `shift` sd from the beginning; the reference has so many days."""
    rng = np.random.default_rng((6, seed))
    reference = Reference.of_matrix(
        _swinging(rng, days * DAY_ROWS), NAMES, NEW_YEAR + np.arange(days * DAY_ROWS) * (DAY / DAY_ROWS),
        categorical=MAIN_CATEGORICAL, model=Model(name="swing"), created=0.0,
    )  # fmt: skip
    live = _swinging(rng, n_rows)
    live[:, 0] += shift
    first = NEW_YEAR + days * DAY
    watch = Watch(reference, anew=True)
    found = _serve_by(watch, live, first + np.arange(n_rows) * (DAY / DAY_ROWS))
    named = [(f.time - first) / 3600 for f in found if f.detector in STATISTICAL]
    return watch.alarms, min(named, default=np.inf)


def _swinging(rng: np.random.Generator, n: int) -> np.ndarray:
    rows = main_table(rng, n)
    rows[:, :8] += 0.6 * np.sin(2 * np.pi * np.arange(n) / DAY_ROWS)[:, None]
    return rows


def _serve(watch: Watch, rows: np.ndarray, times: np.ndarray) -> list[Finding]:
    return [f for piece in pieces(times) for f in watch.update(rows[piece], times[piece], FEATURES)]


def _names(finding: Finding, fault: str) -> bool:
    """Does the finding name what was done, and not something else that is true of that day?"""
    word, _, _ = fault.partition(" ")
    if word == "weather":
        return finding.kind in ("drift.stuck", "drift.missing") and fault.endswith(finding.kind.partition(".")[2])
    if fault.endswith("repeated"):
        return finding.kind == "drift.repeated"
    return word in finding.subject and finding.detector in STATISTICAL
