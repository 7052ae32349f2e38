"""Every query of every dashboard and rule, asked of a real Prometheus about a real agent behind the real Collector."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("grafana_foundation_sdk")

from collector.dashboards.__main__ import HERE
from tests.collector.backend import Backend
from tests.collector.built import BINARY, Collector
from tests.collector.running import missing as not_installed
from tests.collector.running import wait_until
from tests.collector.servers.prometheus import Prometheus
from tests.soc.queries import ALERTS, all_queries, asked, queries

pytestmark = pytest.mark.collector
APPLICATION = Path(__file__).with_name("application.py")
# What need not have happened in a process that is well: the query is answered, by nothing.
MAY_BE_EMPTY = {
    "detectors: Principals forgotten": "fewer principals than detectors can follow",
    "detectors: Errors of the agent by place": "the agent has no error",
    "pipeline: Not sent": "no queue is full; that some is not sent shows in an alert, below",
    "mlsec:detection_dropped:ratio5m": "no call was dropped",
    "MlsecCriticalFinding": "no alert", "MlsecFindingsWithheldByRate": "no alert", "MlsecCallsNotLookedAt": "no alert",
    "MlsecAgentErrors": "no alert", "MlsecModelSilent": "no alert", "MlsecFindingsNotDelivered": "no alert",
    "MlsecFindingsGivenUp": "no alert", "MlsecFindingsRefused": "no alert", "MlsecCollectorQueueFills": "no alert",
    "MlsecHighFinding": "no alert",
}  # fmt: skip


SIGNS = (  # that all of it has begun
    'sum(increase(mlsec_findings_total{mlsec_finding_type=~"drift.*"}[1m])) > 0',
    '{__name__=~"otelcol_exporter_send_failed_log_records(_total)?"} > 0',
)


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """An application under attack → agent → Collector → Prometheus, with our rules; one backend of the Collector refuses all."""
    if not BINARY.exists():
        not_installed("the Collector", "`make collector` (needs Go)")
    server = Prometheus(tmp_path_factory.mktemp("state") / "prometheus")
    backend = Backend()
    with backend.receiver:
        url = backend.receiver.url
        made = Collector(
            tmp_path_factory.mktemp("collector"), "agent.yaml", "demo.yaml", MLSEC_BACKEND=url, MLSEC_VICTORIALOGS=url
        )
        with made.running():
            ports = [made.ports[f"MLSEC_{name}_PORT"] for name in ("APPLICATIONS", "METRICS")]
            rules = (ALERTS / "mlsec.rules.yaml").read_text()
            with server.running(*ports, rules=rules), _application(made.url, tmp_path_factory.mktemp("spool")):
                for sign in SIGNS:
                    wait_until(lambda sign=sign: server.query(sign), sign, patience=120)
                yield server


class _application:
    def __init__(self, collector: str, spool: Path) -> None:
        environ = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
        environ |= {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "NO_PROXY": "127.0.0.1",
            "OTEL_MLSEC_SPOOL": str(spool), "OPENBLAS_NUM_THREADS": "1",
        }  # fmt: skip
        self._process = subprocess.Popen(
            [sys.executable, str(APPLICATION)], env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def __enter__(self) -> None:
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


def test_every_query_is_answered_by_what_really_runs(prometheus):
    deadline = time.monotonic() + 60
    while (missing := _unexpected(prometheus)) and time.monotonic() < deadline:
        time.sleep(1)

    assert not missing


def _unexpected(prometheus: Prometheus) -> list[str]:
    return [where for where, expression in all_queries() if where not in MAY_BE_EMPTY and not prometheus.query(expression)]


def test_what_may_be_empty_is_a_query_of_ours():
    assert set(MAY_BE_EMPTY) <= {where for where, _ in all_queries()}


def test_the_overview_counts_the_first_finding_of_a_kind_too(prometheus):
    """All of it is younger than the time shown, so that each number is the counter's."""
    shown = dict(queries(json.loads((HERE / "soc.json").read_text())))
    begun = 'mlsec_findings_total{mlsec_finding_status=~"new|reopened"}'

    assert prometheus.query(f"sum({begun}) == sum({asked(shown['By kind and model'])})")
    found = {labels["mlsec_finding_severity"] for labels, _ in prometheus.query(f"sum by (mlsec_finding_severity) ({begun})")}
    assert found
    for severity in found:
        counter = begun.replace("}", f', mlsec_finding_severity="{severity}"}}')
        assert prometheus.query(f"sum({counter}) == {asked(shown[f'{severity.title()} in this time'])}"), severity


def test_the_alerts_fire_on_what_is_wrong_here(prometheus):
    def firing() -> set[str]:
        return {alert["labels"]["alertname"] for alert in prometheus.alerts()}

    deadline = time.monotonic() + 60
    while not {"MlsecCollectorGivesUp", "MlsecHandlerFails"} <= firing() and time.monotonic() < deadline:
        time.sleep(1)

    assert {"MlsecCollectorGivesUp", "MlsecHandlerFails"} <= firing()
    assert "MlsecFindingsGivenUp" not in firing()
