"""Where the Collector forwards to by OTLP: keeps what it receives."""

import threading
from collections.abc import Mapping
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_mlsec.cli.receiver import Receiver
from otel_mlsec.cli.record import records
from otel_mlsec.cli.wire import Request
from otel_mlsec.emit.record import Record


class Backend:
    def __init__(self, port: int = 0) -> None:
        self._requests: list[Request] = []
        self._lock = threading.Lock()
        self.receiver = Receiver(self._take, port=port)

    def _take(self, request: Request) -> None:
        with self._lock:
            self._requests.append(request)

    def _all(self, kind: type[Any]) -> list[Any]:
        with self._lock:
            return [request for request in self._requests if isinstance(request, kind)]

    def logs(self) -> list[Record]:
        return [record for request in self._all(ExportLogsServiceRequest) for record in records(request)]

    def findings(self) -> list[Record]:
        return [record for record in self.logs() if record.event == "mlsec.finding"]

    def other_logs(self) -> list[Record]:
        return [record for record in self.logs() if record.event != "mlsec.finding"]

    def spans(self) -> list[Span]:
        scopes = (s for r in self._all(ExportTraceServiceRequest) for rs in r.resource_spans for s in rs.scope_spans)
        return [span for scope in scopes for span in scope.spans]

    def traces(self) -> set[str]:
        return {span.trace_id.hex() for span in self.spans()}

    def metrics(self) -> set[str]:
        scopes = (s for r in self._all(ExportMetricsServiceRequest) for rm in r.resource_metrics for s in rm.scope_metrics)
        return {metric.name for scope in scopes for metric in scope.metrics}


def identifiers(found: list[Record]) -> list[str]:
    return [record.text("mlsec.finding.id") for record in found]


def plain(attributes: Any) -> Mapping[str, str]:
    """Text attributes of a span or an event."""
    return {pair.key: pair.value.string_value for pair in attributes}
