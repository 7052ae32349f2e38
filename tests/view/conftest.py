"""A view on free ports, and telemetry for it as applications send it."""

from __future__ import annotations

import gzip
import http.client
import json
import time
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_mlsec.cli.view.command import View, viewing
from otel_mlsec.emit.otlp_proto import request
from otel_mlsec.emit.record import Record

NOW = time.time()
Series = tuple[str, tuple[tuple[str, str], ...]]  # the metric's name, and its attributes
TRACE = "0af7651916cd43dd8448eb211c80319c"


def finding(number: int = 0, *, body: str = "", severity: str = "HIGH", ago: float = 60.0, **attributes) -> Record:
    """One of the case `case-N`; attributes with two underscores for a full stop."""
    plain = {
        "mlsec.finding.severity": severity, "mlsec.finding.type": "extraction.account", "mlsec.finding.title": "Model extraction",
        "mlsec.finding.status": "new", "mlsec.finding.action": "observed", "mlsec.finding.score": 12.5,
        "mlsec.finding.threshold": 9.0, "mlsec.finding.count": 100 + number, "mlsec.model.name": "fraud",
        "mlsec.model.version": "14", "security_rule.name": "extraction/account", "user.hash": f"app:{number:04d}",
        "mlsec.atlas.technique.id": ("AML.T0024.002",), "mlsec.evidence.queries": 12_345, "mlsec.finding.id": f"id-{number}",
        "mlsec.finding.dedup_key": f"case-{number}",
    }  # fmt: skip
    plain |= {name.replace("__", "."): value for name, value in attributes.items()}
    number_of = {"LOW": 10, "MEDIUM": 13, "HIGH": 17, "CRITICAL": 20}
    return Record(
        event="mlsec.finding", time_ns=int((NOW - ago) * 1e9), observed_ns=int(NOW * 1e9), severity=number_of.get(severity, 9),
        body=body or f"{severity} {plain['mlsec.finding.title']}: fraud 14, 12,345 queries", attributes=plain,
        resource={"service.name": "shop"}, scope="otel_mlsec", trace_id=TRACE, span_id="b7ad6b7169203331", flags=1,
    )  # fmt: skip


def post(view: View, path: str, body: bytes, **headers: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", view.receiver.server_address[1], timeout=10)
    try:
        connection.request(
            "POST", path, gzip.compress(body), {"content-type": "application/x-protobuf", "content-encoding": "gzip", **headers}
        )
        return connection.getresponse().status
    finally:
        connection.close()


def send(view: View, *records: Record) -> None:
    assert post(view, "/v1/logs", request(records).SerializeToString()) == 200


def send_trace(view: View, **names: str) -> None:
    """A request with a prediction in it, on which something was found."""
    message = ExportTraceServiceRequest()
    of = message.resource_spans.add()
    of.resource.attributes.add(key="service.name").value.string_value = "shop"
    spans = of.scope_spans.add().spans
    for number, (name, parent, start, took) in enumerate([("POST /predict", "", 0, 20), ("predict fraud", "01" * 8, 4, 9)], 1):
        span = spans.add(
            name=names.get(f"name{number}", name),
            trace_id=bytes.fromhex(TRACE),
            span_id=bytes([number]) * 8,
            parent_span_id=bytes.fromhex(parent),
        )
        span.start_time_unix_nano = int(NOW * 1e9) + start * 1_000_000
        span.end_time_unix_nano = span.start_time_unix_nano + took * 1_000_000
        if number == 2:
            span.attributes.add(key="mlsec.finding.count").value.int_value = 1
            span.attributes.add(key="mlsec.finding.max_severity").value.string_value = "HIGH"
    assert post(view, "/v1/traces", message.SerializeToString()) == 200


def send_metrics(
    view: View, values: dict[tuple[str, tuple[tuple[str, str], ...]], float], *, ago: float = 0.0, delta: bool = False
) -> None:
    """Scores of drift as gauges, everything else as sums."""
    message = ExportMetricsServiceRequest()
    of = message.resource_metrics.add()
    for name, value in (("service.name", "shop"), ("service.instance.id", "one")):
        of.resource.attributes.add(key=name).value.string_value = value
    metrics = of.scope_metrics.add().metrics
    for (name, labels), value in values.items():
        metric = metrics.add(name=name)
        if name == "mlsec.drift.score":
            point = metric.gauge.data_points.add()
        else:
            metric.sum.aggregation_temporality = 1 if delta else 2
            point = metric.sum.data_points.add()
        point.time_unix_nano = int((NOW - ago) * 1e9)
        point.as_double = value
        for label, of_label in labels:
            point.attributes.add(key=label).value.string_value = of_label
    assert post(view, "/v1/metrics", message.SerializeToString()) == 200


def score(feature: str, model: str = "fraud") -> tuple[str, tuple[tuple[str, str], ...]]:
    return "mlsec.drift.score", (
        ("mlsec.model.name", model),
        ("security_rule.name", "drift/data"),
        ("mlsec.feature.name", feature),
    )


def get(view, path, *, cookie=True, method="GET", **headers):
    """Status, headers and body."""
    connection = http.client.HTTPConnection("127.0.0.1", view.page.port, timeout=10)
    if cookie:
        headers["Cookie"] = f"other=1; {view.page.cookie}={view.page.token}"
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def ask(view, question, **asked):
    status, _, body = get(view, f"/api/{question}?{urlencode(asked)}")
    assert status == 200, body
    return json.loads(body)


@pytest.fixture
def view() -> Iterator[View]:
    with viewing() as view:
        yield view
