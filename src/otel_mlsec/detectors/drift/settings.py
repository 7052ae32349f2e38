"""How many false alarms a column may cost, turned into a threshold and the columns' shares of it."""

from __future__ import annotations

from collections.abc import Sequence

from otel_mlsec.config import ModelSettings
from otel_mlsec.detectors.budget import PROVISIONAL
from otel_mlsec.reference.reference import Reference


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


def is_off(name: str, settings: ModelSettings) -> bool:
    own = settings.features.get(name)
    return own is not None and own.off


def importance(names: Sequence[str], settings: ModelSettings, reference: Reference) -> list[float | None]:
    """Of each input to the model, where all have 1: as the user says, else as the reference measured it; None: nobody knows."""
    known = reference.importance.relative() if reference.importance is not None else {}
    own = settings.features
    return [own[name].importance if name in own and own[name].importance is not None else known.get(name) for name in names]
