"""What the gateway offers to a real Prometheus: counts of findings, metrics of applications, and of itself."""

from collections.abc import Iterator

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality
from tests.collector.running import wait_until
from tests.collector.sending import RESOURCE, finding, pairs
from tests.collector.servers.prometheus import Prometheus

pytestmark = pytest.mark.collector

# A series that is born at 1 has never increased.
RULES = """
groups:
  - name: gateway
    rules:
      - alert: CriticalFinding
        expr: >-
          sum by (job, mlsec_finding_type, mlsec_model_name) (
            mlsec_gateway_findings_total{mlsec_finding_severity="CRITICAL"}
            unless mlsec_gateway_findings_total{mlsec_finding_severity="CRITICAL"} offset 5m) > 0
          or sum by (job, mlsec_finding_type, mlsec_model_name) (
            increase(mlsec_gateway_findings_total{mlsec_finding_severity="CRITICAL"}[5m])) > 0
"""


@pytest.fixture
def scraping(gateway, prometheus) -> Iterator[Prometheus]:
    ports = [gateway.ports[f"MLSEC_{name}_PORT"] for name in ("FINDINGS", "APPLICATIONS", "METRICS")]
    with prometheus.running(*ports, rules=RULES) as server:
        yield server


def count_of_application(value: int) -> ExportMetricsServiceRequest:
    request = ExportMetricsServiceRequest()
    resource = request.resource_metrics.add()
    resource.resource.attributes.extend(pairs(RESOURCE | {"service.instance.id": "i1"}))
    metric = resource.scope_metrics.add().metrics.add(name="mlsec.detection.processed", unit="{observation}")
    metric.sum.is_monotonic = True
    metric.sum.aggregation_temporality = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
    point = metric.sum.data_points.add(as_int=value, start_time_unix_nano=1_700_000_000 * 10**9)
    point.time_unix_nano = finding("").time_unix_nano
    return request


def test_findings_are_counted_and_the_first_critical_one_raises_the_alert(gateway, scraping):
    sender = gateway.sender()
    assert sender.send(finding("1"), finding("2"), finding("3", mlsec__finding__severity="CRITICAL")) == 200
    wait_until(lambda: scraping.query("sum(mlsec_gateway_findings_total) == 3"), "the counts")
    wait_until(scraping.alerts, "the alert")

    [alert] = scraping.alerts()
    assert alert["labels"] == {
        "alertname": "CriticalFinding",
        "job": "fraud-scoring",
        "mlsec_finding_type": "extraction.account",
        "mlsec_model_name": "fraud",
    }
    counts = {labels["mlsec_finding_severity"]: count for labels, count in scraping.query("mlsec_gateway_findings_total")}
    assert counts == {"HIGH": 2, "CRITICAL": 1}
    [(labels, _)] = scraping.query('mlsec_gateway_findings_total{mlsec_finding_severity="HIGH"}')
    assert labels["mlsec_finding_status"] == "new"
    assert not any("user" in name or "client" in name or "finding_id" in name for name in labels)

    assert sender.send(finding("4")) == 200
    wait_until(lambda: scraping.query("sum(mlsec_gateway_findings_total) == 4"), "it to go on from there")


def test_metrics_of_applications_are_offered_under_their_name(gateway, scraping, backend):
    assert gateway.sender().post("/v1/metrics", count_of_application(7)) == 200
    wait_until(lambda: scraping.query("mlsec_detection_processed_total"), "the metric")

    [(labels, value)] = scraping.query("mlsec_detection_processed_total")
    assert (labels["job"], labels["instance"], value) == ("fraud-scoring", "i1", 7)
    assert "mlsec.detection.processed" in backend.metrics()


def test_the_gateway_says_how_full_its_queues_are_and_what_it_refused(gateway, scraping):
    assert gateway.sender().send(finding("1")) == 200
    names = ("otelcol_exporter_queue_size", "otelcol_exporter_queue_capacity")
    wait_until(lambda: all(scraping.query(name) for name in names), "the queues' metrics")
    wait_until(lambda: scraping.query('{__name__=~"otelcol_receiver_accepted_log_records(_total)?"} > 0'), "what it accepted")
