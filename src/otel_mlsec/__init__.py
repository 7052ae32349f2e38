"""Watch the machine-learning models of a Python process for attack and decay.

Importing this patches nothing, starts no thread, and does not import numpy.
"""

from typing import TYPE_CHECKING, Any

from otel_mlsec.agent import instrument, uninstrument
from otel_mlsec.capture import watch
from otel_mlsec.capture.identity import event_time, principal
from otel_mlsec.config import Config, ConfigError, FeatureSettings, ModelSettings
from otel_mlsec.finding import Finding, Severity

if TYPE_CHECKING:
    from otel_mlsec.reference.reference import Reference

__all__ = [
    "Config",
    "ConfigError",
    "FeatureSettings",
    "Finding",
    "ModelSettings",
    "Reference",
    "Severity",
    "event_time",
    "instrument",
    "principal",
    "uninstrument",
    "watch",
]


def __getattr__(name: str) -> Any:
    if name == "Reference":
        from otel_mlsec.reference.reference import Reference  # noqa: PLC0415 - it imports numpy

        return Reference
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
