"""What comes over the wire → rows: findings, spans, drift scores over time, the last value of what says how the agent is."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any, Final

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality, Metric

from otel_mlsec.cli.record import records, values
from otel_mlsec.cli.view.store import LONGEST, Store
from otel_mlsec.cli.wire import Request
from otel_mlsec.emit import names
from otel_mlsec.emit.record import Value

HEALTH: Final = frozenset({
    names.DETECTION_PROCESSED, names.DETECTION_DURATION, names.QUEUE_SIZE, names.QUEUE_CAPACITY, names.AGENT_ERRORS,
    names.MODEL_PREDICTIONS, names.OPERATION_DURATION, names.PRINCIPALS_EVICTED, names.SPOOL_RECORDS, names.SPOOL_PENDING,
    names.SPOOL_SIZE, names.SPOOL_AGE, names.HANDLER_CALLS, names.FINDINGS_WITHHELD, names.FINDINGS,
})  # fmt: skip
NAME: Final = 256  # characters of a name
LABELS: Final = 16  # of one series
DELTA: Final = AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA


class Telemetry:
    """Takes what a receiver takes."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def take(self, request: Request) -> None:
        match request:
            case ExportLogsServiceRequest():
                found = [record for record in records(request) if record.event == names.FINDING_EVENT]
                if found:
                    self._store.findings(found)
            case ExportTraceServiceRequest():
                self._store.spans(list(_spans(request)))
            case _:
                self._metrics(request)

    def _metrics(self, request: ExportMetricsServiceRequest) -> None:
        scores: list[tuple[Any, ...]] = []
        gauges: list[tuple[Any, ...]] = []
        for of_resource in request.resource_metrics:
            resource = values(of_resource.resource.attributes)
            instance, service = _instance(resource), _text(resource.get("service.name"))
            for metric in (metric for scope in of_resource.scope_metrics for metric in scope.metrics):
                if metric.name == names.DRIFT_SCORE:
                    scores += _scores(metric, instance)
                elif metric.name in HEALTH:
                    gauges += _gauges(metric, instance, service)
        if scores:
            self._store.scores(scores)
        if gauges:
            self._store.gauges(gauges)


def _spans(request: ExportTraceServiceRequest) -> Iterator[tuple[Any, ...]]:
    for of_resource in request.resource_spans:
        service = _text(values(of_resource.resource.attributes).get("service.name"))
        for span in (span for scope in of_resource.scope_spans for span in scope.spans):
            attributes = json.dumps(values(span.attributes), default=str)
            yield (
                span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex(), span.name[:NAME], service,
                _signed(span.start_time_unix_nano), _signed(span.end_time_unix_nano), int(span.status.code == 2),
                attributes if len(attributes) <= LONGEST else "{}",
            )  # fmt: skip


def _scores(metric: Metric, instance: str) -> Iterator[tuple[Any, ...]]:
    for point in metric.gauge.data_points:
        value = float(point.as_double if point.HasField("as_double") else point.as_int)
        labels = values(point.attributes)
        if math.isfinite(value):
            yield (
                point.time_unix_nano / 1e9, instance, _text(labels.get(names.MODEL_NAME)), _text(labels.get(names.RULE_NAME)),
                _text(labels.get(names.FEATURE_NAME)), value,
            )  # fmt: skip


def _gauges(metric: Metric, instance: str, service: str) -> Iterator[tuple[Any, ...]]:
    kind = metric.WhichOneof("data")
    if kind == "histogram":
        adds = metric.histogram.aggregation_temporality == DELTA
        for point in metric.histogram.data_points:
            labels, at = _labels(point), point.time_unix_nano / 1e9
            yield instance, service, f"{metric.name}.count", labels, float(point.count), at, adds
            yield instance, service, f"{metric.name}.sum", labels, float(point.sum), at, adds
    elif kind in ("sum", "gauge"):
        adds = kind == "sum" and metric.sum.aggregation_temporality == DELTA
        for point in (metric.sum if kind == "sum" else metric.gauge).data_points:
            value = float(point.as_double if point.HasField("as_double") else point.as_int)
            if math.isfinite(value):
                yield instance, service, metric.name, _labels(point), value, point.time_unix_nano / 1e9, adds


def _labels(point: Any) -> str:
    known = sorted(values(point.attributes).items())[:LABELS]
    return json.dumps({name[:NAME]: _text(value) for name, value in known})


def _instance(resource: dict[str, Value]) -> str:
    known = (resource.get(name) for name in ("service.instance.id", "process.pid", "service.name"))
    return _text(next((value for value in known if value), "unknown"))


def _text(value: Value) -> str:
    return "" if value is None else str(value)[:NAME]


def _signed(ns: int) -> int:
    return min(ns, 2**63 - 1)
