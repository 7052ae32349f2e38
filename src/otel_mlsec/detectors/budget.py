"""From the false alarms that a detector may cost to the evidence that it must have."""

from __future__ import annotations

import math

from otel_mlsec.config import ModelSettings
from otel_mlsec.reference.reference import Reference

PROVISIONAL = 10.0  # a reference that nobody vouched for must be ten times as sure


def threshold(settings: ModelSettings, reference: Reference) -> float:
    """Natural logarithm of rows between two false alarms.

    >>> round(math.log(1e6), 2)
    13.82
    """
    return math.log(1e6 / settings.false_alarms_per_million * (PROVISIONAL if reference.provisional else 1.0))
