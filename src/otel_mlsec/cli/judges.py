"""The detectors of a scan: those of the agent, without the ones that need a clock."""

from __future__ import annotations

import math
from importlib import import_module

from otel_mlsec.cli.scanner import Scanner
from otel_mlsec.detectors.llm import TABLE
from otel_mlsec.detectors.llm.fusion import judge
from otel_mlsec.text.turn import TextDetector

TIMED = frozenset({"llm/cost"})  # a corpus has no time


def threshold(false_alarms: float) -> float:
    """The score that so many of a million benign texts reach.

    >>> threshold(1000)
    3.0
    """
    return 6.0 - math.log10(false_alarms)


def scanner(false_alarms: float) -> Scanner:
    """With detectors as new, for `false_alarms` in a million benign texts."""
    return Scanner(judge(), [_detector(path) for name, path in TABLE.items() if name not in TIMED])


def _detector(path: str) -> TextDetector:
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)()
