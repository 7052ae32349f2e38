"""The detectors of a scan: those of the agent, with its configuration, without the ones that need a clock."""

from __future__ import annotations

import math
import os
from dataclasses import replace

from otel_mlsec.capture import identity
from otel_mlsec.cli.scanner import Scanner
from otel_mlsec.config import Config, LlmSettings
from otel_mlsec.detectors.llm import TABLE, build
from otel_mlsec.detectors.llm.fusion import judge

TIMED = frozenset({"llm/cost"})  # a corpus has no time


def settings(false_alarms: float | None) -> LlmSettings:
    """As configured for the agent, with `false_alarms` in a million benign texts where it is given.

    Canaries of the application are known if its key is configured, too.

    Raises:
        ConfigError: something in environment or file cannot be used.
    """
    config = Config.load(os.environ)
    if config.key:
        identity.set_key(config.key.encode("utf-8", "surrogateescape"))
    llm = replace(config.llm, off=False)
    return llm if false_alarms is None else replace(llm, false_alarms_per_million=false_alarms)


def scanner(llm: LlmSettings) -> Scanner:
    """With detectors as new."""
    return Scanner(judge(), build(llm, key=identity.key(), only=TABLE.keys() - TIMED, adaptive=False))


def threshold(llm: LlmSettings) -> float:
    """The score that as many benign texts reach as there may be false alarms.

    >>> threshold(LlmSettings(false_alarms_per_million=1000.0))
    3.0
    """
    return 6.0 - math.log10(llm.false_alarms_per_million)
