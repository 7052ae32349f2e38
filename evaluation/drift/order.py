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
    rng = np.random.default_rng((5, seed))
    learned = main_table(rng, 20_000, autoregressive(rng, 20_000, phi))
    reference = Reference.of_matrix(learned, NAMES, None, categorical=MAIN_CATEGORICAL, model=Model(name="ar"), created=0.0)
    watch = Watch(reference, anew=True)
    live = main_table(rng, n_rows, autoregressive(rng, n_rows, phi))
    for start in range(0, n_rows, 256):
        rows = live[start : start + 256]
        watch.update(rows, start + np.arange(len(rows), dtype=np.float64), NAMES)
    return watch.alarms


def _serve(watch: Watch, rows: np.ndarray, times: np.ndarray) -> list[Finding]:
    return [f for piece in pieces(times) for f in watch.update(rows[piece], times[piece], FEATURES)]


def _names(finding: Finding, fault: str) -> bool:
    """Does the finding name what was done, and not something else that is true of that day?"""
    word, _, _ = fault.partition(" ")
    if word == "weather":
        return finding.kind in ("drift.stuck", "drift.missing") and fault.endswith(finding.kind.partition(".")[2])
    if fault.endswith("repeated"):
        return finding.kind == "drift.repeated"
    return word in finding.subject
