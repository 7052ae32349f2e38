"""Records into the application's own logger provider, where findings have no way of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from opentelemetry._logs import Logger, SeverityNumber  # the API's package for logs, underscore and all
from opentelemetry.context import Context

if TYPE_CHECKING:
    from opentelemetry.util.types import AnyValue

    from otel_mlsec.emit.record import Record


def emit(logger: Logger, record: Record, context: Context) -> None:
    """`context` holds the span whose ids are the record's: the SDK takes them from there."""
    logger.emit(
        timestamp=record.time_ns,
        observed_timestamp=record.observed_ns,
        context=context,
        severity_number=SeverityNumber(record.severity),
        severity_text=record.severity_text,
        body=record.body,
        attributes=cast("dict[str, AnyValue]", record.attributes),
        event_name=record.event,
    )
