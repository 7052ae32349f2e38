"""A log record as it came over the wire, as plain values.  Nothing in it is trusted: see `show`."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

Value = str | bool | int | float | list["Value"] | dict[str, "Value"] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    event: str  # event_name
    time: float  # s since the epoch; 0 where nobody said
    severity: int  # OpenTelemetry's SeverityNumber
    body: str
    attributes: Mapping[str, Value]
    resource: Mapping[str, Value]
    trace_id: str  # hex, or "" outside a trace
    span_id: str

    def text(self, name: str) -> str:
        """An attribute as text, "" where it is missing."""
        value = self.attributes.get(name)
        return "" if value is None else str(value)


def records(request: ExportLogsServiceRequest) -> Iterator[Record]:
    """The records of a request, in its order."""
    for of_resource in request.resource_logs:
        resource = _values(of_resource.resource.attributes)
        for of_scope in of_resource.scope_logs:
            for log in of_scope.log_records:
                yield Record(
                    event=log.event_name,
                    time=(log.time_unix_nano or log.observed_time_unix_nano) / 1e9,
                    severity=int(log.severity_number),
                    body=str(_value(log.body) or ""),
                    attributes=_values(log.attributes),
                    resource=resource,
                    trace_id=log.trace_id.hex(),
                    span_id=log.span_id.hex(),
                )


def _values(pairs: Iterable[KeyValue]) -> dict[str, Value]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Value:
    match value.WhichOneof("value"):
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case "int_value":
            return value.int_value
        case "double_value":
            return value.double_value
        case "bytes_value":
            return value.bytes_value.hex()
        case "array_value":
            return [_value(item) for item in value.array_value.values]
        case "kvlist_value":
            return _values(value.kvlist_value.values)
        case _:
            return None
