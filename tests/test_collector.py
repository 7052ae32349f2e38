"""Application → agent → a real OpenTelemetry Collector → file and backend; the Collector is built by `make collector`."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor

from otel_mlsec.cli.receiver import Receiver
from otel_mlsec.cli.record import records
from otel_mlsec.cli.wire import Request, decode
from otel_mlsec.emit.record import Record

ROOT = Path(__file__).parents[1]
BINARY = ROOT / "collector/bin/otelcol-mlsec"
CONFIG = ROOT / "collector/agent.yaml"
PORTS = ("MLSEC_GRPC_PORT", "MLSEC_HTTP_PORT", "MLSEC_HEALTH_PORT", "MLSEC_METRICS_PORT")
PATIENCE = 30.0  # s

pytestmark = pytest.mark.collector


@pytest.fixture(scope="module", autouse=True)
def _built() -> None:
    if BINARY.exists():
        return
    if os.environ.get("REQUIRE_COLLECTOR") == "1":
        pytest.fail(f"{BINARY} is missing: run `make collector`")
    pytest.skip("the Collector is not built (`make collector`, needs Go)")


class Backend:
    """Where the Collector forwards to: keeps what it receives."""

    def __init__(self, port: int = 0) -> None:
        self._requests: list[Request] = []
        self._lock = threading.Lock()
        self.receiver = Receiver(self._take, port=port)

    def _take(self, request: Request) -> None:
        with self._lock:
            self._requests.append(request)

    def _all(self, kind: type[Request]) -> list[Request]:
        with self._lock:
            return [request for request in self._requests if isinstance(request, kind)]

    def findings(self) -> list[Record]:
        return [r for request in self._all(ExportLogsServiceRequest) for r in records(request) if r.event == "mlsec.finding"]

    def other_logs(self) -> list[Record]:
        return [r for request in self._all(ExportLogsServiceRequest) for r in records(request) if r.event != "mlsec.finding"]

    def spans(self) -> list[str]:
        found = (s for r in self._all(ExportTraceServiceRequest) for rs in r.resource_spans for s in rs.scope_spans)
        return [span.trace_id.hex() for scope in found for span in scope.spans]

    def metrics(self) -> set[str]:
        found = (s for r in self._all(ExportMetricsServiceRequest) for rm in r.resource_metrics for s in rm.scope_metrics)
        return {metric.name for scope in found for metric in scope.metrics}


class Collector:
    """The built binary with our configuration, on free ports."""

    def __init__(self, state: Path, backend: str) -> None:
        self.state = state
        self._ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        self._env = {**os.environ, "MLSEC_STATE_DIR": str(state), "MLSEC_BACKEND": backend}
        self._env |= {name: str(port) for name, port in self._ports.items()}
        self.url = f"http://127.0.0.1:{self._ports['MLSEC_HTTP_PORT']}"

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        with (self.state / "collector.log").open("ab") as log:
            process = subprocess.Popen([BINARY, "--config", CONFIG], env=self._env, stdout=log, stderr=log)
        try:
            wait_until(lambda: process.poll() is not None or self._healthy(), "the Collector to be ready")
            assert process.poll() is None, (self.state / "collector.log").read_text()
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(PATIENCE)

    def _healthy(self) -> bool:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"http://127.0.0.1:{self._ports['MLSEC_HEALTH_PORT']}", timeout=1) as answer:
                return answer.status == 200
        except OSError:
            return False

    def findings(self) -> list[Record]:
        """What is in the file by now."""
        path = self.state / "findings.jsonl"
        lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
        whole = [line for line in lines if line.endswith(b"\n")]
        return [record for line in whole for record in records(decode("/v1/logs", "application/json", "", line))]


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def wait_until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, f"waited {PATIENCE} s for {what}"
        time.sleep(0.05)


def emit(url: str, *bodies: str, event: str | None) -> None:
    """Records by the SDK, one request each; returns when they were answered."""
    logs = LoggerProvider(shutdown_on_exit=False)
    logs.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter(endpoint=f"{url}/v1/logs")))
    for body in bodies:
        logs.get_logger("test").emit(event_name=event, body=body, attributes={"mlsec.finding.severity": "HIGH"})
    logs.shutdown()


# A model that knows months 1 and 2, asked about month 3, in an application that knows nothing of telemetry.
APPLICATION = textwrap.dedent("""
    import numpy as np
    import pandas as pd
    from sklearn.linear_model import LogisticRegression
    import otel_mlsec

    draw = np.random.default_rng(7)

    def rows(n, months):
        return pd.DataFrame({"month": draw.choice(months, n), "x": draw.normal(size=n)})

    known = rows(4000, [1, 2])
    model = LogisticRegression().fit(known, known["x"] > 0)
    reference = otel_mlsec.Reference.fit(known, model=model, name="delays", version="7")
    otel_mlsec.watch(model, name="delays", version="7", reference=reference)
    for _ in range(40):
        model.predict_proba(rows(50, [1, 2, 3]))
""")


def run_application(url: str, directory: Path) -> None:
    script = directory / "application.py"
    script.write_text(APPLICATION)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("OTEL_")},
        "OTEL_EXPORTER_OTLP_ENDPOINT": url,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_SERVICE_NAME": "delays-service",
        "NO_PROXY": "127.0.0.1",
    }
    command = [Path(sys.executable).with_name("opentelemetry-instrument"), sys.executable, script]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "stays off" not in done.stderr


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):  # they override what the exporter is told
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path


def test_a_finding_of_an_instrumented_application_reaches_file_and_backend_with_its_trace(state):
    backend = Backend()
    collector = Collector(state, backend.receiver.url)
    with backend.receiver, collector.running():
        run_application(collector.url, state)
        wait_until(lambda: bool(collector.findings()) and bool(backend.findings()), "the finding")
        wait_until(lambda: bool(backend.spans()) and bool(backend.metrics()), "traces and metrics")

    [finding] = [found for found in collector.findings() if found.attributes["mlsec.finding.type"] == "drift.unseen"]
    assert finding.attributes["mlsec.model.name"] == "delays"
    assert finding.attributes["mlsec.model.version"] == "7"
    assert finding.attributes["mlsec.finding.severity"] in {"MEDIUM", "HIGH", "CRITICAL"}
    assert finding.attributes["security_rule.name"] == "drift/facts"
    assert finding.resource["service.name"] == "delays-service"
    assert finding.trace_id in backend.spans()
    assert {"mlsec.findings", "mlsec.model.predictions", "mlsec.model.operation.duration"} <= backend.metrics()
    ids = [record.attributes["mlsec.finding.id"] for record in backend.findings()]
    assert sorted(ids) == sorted(record.attributes["mlsec.finding.id"] for record in collector.findings())


def test_findings_go_to_the_file_and_other_logs_do_not(state):
    backend = Backend()
    collector = Collector(state, backend.receiver.url)
    with backend.receiver, collector.running():
        emit(collector.url, "one", "two", event="mlsec.finding")
        emit(collector.url, "hello", event=None)
        emit(collector.url, "hello again", event="app.started")
        wait_until(lambda: len(backend.findings()) == 2 and len(backend.other_logs()) == 2, "the backend")
        wait_until(lambda: len(collector.findings()) == 2, "the file")

    assert [record.body for record in collector.findings()] == ["one", "two"]
    assert sorted(record.body for record in backend.findings()) == ["one", "two"]
    assert sorted(record.body for record in backend.other_logs()) == ["hello", "hello again"]


def test_findings_survive_a_kill_while_the_backend_is_away(state):
    [port] = free_ports(1)
    collector = Collector(state, f"http://127.0.0.1:{port}")
    bodies = [f"finding {i}" for i in range(20)]
    with collector.running() as process:
        emit(collector.url, *bodies, event="mlsec.finding")
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE)

    backend = Backend(port)
    with backend.receiver, collector.running():
        wait_until(lambda: {record.body for record in backend.findings()} == set(bodies), "what was acknowledged")

    assert len(backend.findings()) >= len(bodies)  # at least once


def test_an_agent_that_would_forward_nowhere_is_refused():
    environment = {name: value for name, value in os.environ.items() if name != "MLSEC_BACKEND"}

    refused = subprocess.run(
        [BINARY, "validate", "--config", CONFIG], env=environment, capture_output=True, text=True, check=False
    )

    assert refused.returncode == 1
    assert "exporters::otlp_http/findings: at least one endpoint must be specified" in refused.stderr
