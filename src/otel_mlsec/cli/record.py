"""Log records as they came over the wire, as plain values.  Nothing in them is trusted: see `show`."""

from collections.abc import Iterable, Iterator

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from otel_mlsec.emit.record import Record, Value


def records(request: ExportLogsServiceRequest) -> Iterator[Record]:
    """The records of a request, in its order."""
    for of_resource in request.resource_logs:
        resource = values(of_resource.resource.attributes)
        for of_scope in of_resource.scope_logs:
            for log in of_scope.log_records:
                yield Record(
                    event=log.event_name,
                    time_ns=int(log.time_unix_nano),
                    observed_ns=int(log.observed_time_unix_nano),
                    severity=int(log.severity_number),
                    severity_text=log.severity_text,
                    body=str(_value(log.body) or ""),
                    attributes=values(log.attributes),
                    resource=resource,
                    scope=of_scope.scope.name,
                    scope_version=of_scope.scope.version,
                    trace_id=log.trace_id.hex(),
                    span_id=log.span_id.hex(),
                    flags=int(log.flags),
                )


def values(pairs: Iterable[KeyValue]) -> dict[str, Value]:
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
            return values(value.kvlist_value.values)
        case _:
            return None
