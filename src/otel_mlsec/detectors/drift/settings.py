"""How many false alarms a column may cost, turned into a threshold and the columns' shares of it."""

from __future__ import annotations

from collections.abc import Sequence

from otel_mlsec.config import ModelSettings
from otel_mlsec.detectors.budget import PROVISIONAL
from otel_mlsec.reference.reference import Reference

CYCLES = 2000.0  # threshold that one false alarm per million rows stands for: at most one in a thousand cycles
HALVED = 2.0  # times the threshold, where two detectors share a budget


def budget(names: Sequence[str], settings: ModelSettings, *, provisional: bool) -> tuple[list[float], list[float], float]:
    """-> tolerance and weight of each column, and the threshold in rows.

    The model's budget of false alarms per million rows is shared equally by the columns that have none of their own.
    """
    tolerances: list[float] = []
    rates: list[float] = []
    for name in names:
        own = settings.features.get(name)
        tolerance = own.tolerance if own is not None and own.tolerance is not None else settings.tolerance
        rate = own.false_alarms_per_million if own is not None else None
        tolerances.append(tolerance)
        rates.append(rate if rate is not None else settings.false_alarms_per_million / len(names))
    total = sum(rates)
    threshold = 1e6 / total * (PROVISIONAL if provisional else 1.0)
    return tolerances, [rate / total for rate in rates], threshold


def cycle_budget(names: Sequence[str], settings: ModelSettings, *, provisional: bool) -> tuple[list[float], list[float], float]:
    """The same of columns that are judged cycle by cycle; the threshold is in cycles, and half of the model's budget."""
    tolerances, weights, rows = budget(names, settings, provisional=provisional)
    return tolerances, weights, CYCLES * HALVED * rows / 1e6


def by_cycle(reference: Reference, settings: ModelSettings) -> tuple[str, ...]:
    """Inputs that `drift/cycle` judges, and `drift/data` does not; it is then left with the other half of the budget."""
    names = reference.rhythm.names if reference.rhythm is not None else ()
    return tuple(name for name in names if not is_off(name, settings))


def is_off(name: str, settings: ModelSettings) -> bool:
    own = settings.features.get(name)
    return own is not None and own.off


def importance(names: Sequence[str], settings: ModelSettings, reference: Reference) -> list[float | None]:
    """Of each input to the model, where all have 1: as the user says, else as the reference measured it; None: nobody knows."""
    known = reference.importance.relative() if reference.importance is not None else {}
    own = settings.features
    return [own[name].importance if name in own and own[name].importance is not None else known.get(name) for name in names]
