"""OTLP JSON: one request of one record a line, as a Collector's `otlp_json_file` receiver reads it."""

from __future__ import annotations

from otel_mlsec.emit.otlp_json import encode
from otel_mlsec.emit.record import Record


def otlp(record: Record) -> str:
    """With all that the record has."""
    return f'{{"resourceLogs":{encode(record).decode("ascii")}}}'
