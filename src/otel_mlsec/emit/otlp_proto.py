"""Records as the request of OTLP that carries them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs

from otel_mlsec.emit.otlp_json import double
from otel_mlsec.emit.record import Record, Value

UINT64, INT64 = 2**64, 2**63


def request(records: Iterable[Record]) -> ExportLogsServiceRequest:
    """One request; neighbours of one resource and scope share it."""
    message = ExportLogsServiceRequest()
    last: Record | None = None
    group: ResourceLogs | None = None
    for record in records:
        if group is None or last is None or _from(record) != _from(last):
            group = message.resource_logs.add()
            group.resource.attributes.extend(_pairs(record.resource))
            scope = group.scope_logs.add().scope
            scope.name, scope.version = _text(record.scope), _text(record.scope_version)
        _fill(group.scope_logs[0].log_records.add(), record)
        last = record
    return message


def _from(record: Record) -> tuple[Mapping[str, Value], str, str]:
    return record.resource, record.scope, record.scope_version


def _fill(log: LogRecord, record: Record) -> None:
    log.time_unix_nano = record.time_ns % UINT64
    log.observed_time_unix_nano = record.observed_ns % UINT64
    log.severity_number = record.severity  # pyright: ignore[reportAttributeAccessIssue] - an enum is a number on the wire
    log.severity_text = _text(record.severity_text)
    log.body.string_value = _text(record.body)
    log.attributes.extend(_pairs(record.attributes))
    log.flags = record.flags
    log.trace_id = bytes.fromhex(record.trace_id)
    log.span_id = bytes.fromhex(record.span_id)
    log.event_name = _text(record.event)


def _pairs(values: Mapping[str, Value]) -> list[KeyValue]:
    return [KeyValue(key=_text(key), value=_any(value)) for key, value in values.items()]


def _any(value: Value) -> AnyValue:
    match value:
        case bool():
            return AnyValue(bool_value=value)
        case int() if -INT64 <= value < INT64:
            return AnyValue(int_value=value)
        case int() | float():
            return AnyValue(double_value=double(value))
        case str():
            return AnyValue(string_value=_text(value))
        case Mapping():
            return AnyValue(kvlist_value=KeyValueList(values=_pairs(value)))
        case Sequence():
            return AnyValue(array_value=ArrayValue(values=[_any(item) for item in cast("Sequence[Value]", value)]))
        case _:
            return AnyValue()


def _text(value: str) -> str:
    """Without what UTF-8 does not have: halves of pairs, of an environment or a damaged file."""
    return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")
