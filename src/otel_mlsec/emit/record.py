"""A log record as plain values: what the agent makes of a finding, and what a receiver reads from the wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Value = str | bool | int | float | Sequence["Value"] | Mapping[str, "Value"] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Nothing in one that came over the wire is trusted: whoever shows or forwards it escapes it for that place."""

    event: str  # event_name
    time_ns: int  # ns since the epoch, when it happened; 0 where nobody said
    observed_ns: int = 0  # ns since the epoch, when it was noticed
    severity: int  # OpenTelemetry's SeverityNumber
    severity_text: str = ""
    body: str
    attributes: Mapping[str, Value]
    resource: Mapping[str, Value] = field(default_factory=dict[str, Any])
    scope: str = ""
    scope_version: str = ""
    trace_id: str = ""  # hex, or "" outside a trace
    span_id: str = ""
    flags: int = 0  # of the trace: 1 is sampled

    @property
    def time(self) -> float:
        """s since the epoch; when it was noticed, where nobody said when it happened."""
        return (self.time_ns or self.observed_ns) / 1e9

    def text(self, name: str) -> str:
        """An attribute as text, "" where it is missing."""
        value = self.attributes.get(name)
        return "" if value is None else str(value)
