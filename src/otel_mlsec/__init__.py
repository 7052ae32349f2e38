"""Watch the machine-learning models of a Python process for attack and decay.

Importing this patches nothing, starts no thread, and does not import numpy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otel_mlsec.agent import instrument, uninstrument
from otel_mlsec.blocked import Blocked
from otel_mlsec.capture import watch
from otel_mlsec.capture.identity import event_time, principal
from otel_mlsec.capture.predicted import current_prediction, prediction_id
from otel_mlsec.config import Config, ConfigError, FeatureSettings, LlmSettings, ModelSettings
from otel_mlsec.emit.handlers import on_finding
from otel_mlsec.finding import Finding, Severity
from otel_mlsec.suppression import Suppression
from otel_mlsec.told import feedback

if TYPE_CHECKING:
    from otel_mlsec.checked import Checked
    from otel_mlsec.reference.reference import Reference

__all__ = [
    "Blocked",
    "Checked",
    "Config",
    "ConfigError",
    "FeatureSettings",
    "Finding",
    "LlmSettings",
    "ModelSettings",
    "Reference",
    "Severity",
    "Suppression",
    "canary",
    "check",
    "current_prediction",
    "event_time",
    "feedback",
    "instrument",
    "on_finding",
    "prediction_id",
    "principal",
    "uninstrument",
    "watch",
]


def check(text: str, role: str = "user") -> Checked:
    """Does this text look like an attack on a language model or, of an answer, like a leak?  See `otel_mlsec.checked`."""
    from otel_mlsec.checked import check as judged  # noqa: PLC0415 - numpy, RE2 and what was learned come with it

    return judged(text, role)


def canary() -> str:
    """A word of 12 characters for a system prompt or a document: where an answer has it, that is a finding.

    It is recognised by every process that has the same `key`; without one, by this process and those that it forks.
    """
    from otel_mlsec.capture import identity  # noqa: PLC0415 - beside the next
    from otel_mlsec.text.canary import mint  # noqa: PLC0415 - nobody needs it who has no canaries

    return mint(identity.key())


def __getattr__(name: str) -> Any:
    if name == "Reference":
        from otel_mlsec.reference.reference import Reference  # noqa: PLC0415 - it imports numpy

        return Reference
    if name == "Checked":
        from otel_mlsec.checked import Checked  # noqa: PLC0415 - it imports numpy

        return Checked
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
