"""A model served by gunicorn under `opentelemetry-instrument`: what every worker saw arrives at a real receiver, once."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
import urllib.request
from collections import Counter
from pathlib import Path

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_mlsec.cli.receiver import Receiver
from otel_mlsec.cli.record import records

pytest.importorskip("gunicorn")
pytest.importorskip("sklearn")
pytest.importorskip("opentelemetry.distro")
PATIENCE = 60.0  # s
APP = textwrap.dedent("""
    import os
    import numpy as np
    from sklearn.linear_model import LogisticRegression
    import otel_mlsec

    random = np.random.default_rng(1)

    def rows(n):
        rows = random.normal(size=(n, 3))
        rows[:, 2] = random.integers(0, 5, n)
        return rows

    known = rows(2000)
    model = LogisticRegression().fit(known, known[:, 0] > 0)
    otel_mlsec.watch(model, name="app", version="1", reference=otel_mlsec.Reference.fit(known, name="app"))
    model.predict(rows(100))  # warmed up, with --preload before the workers are forked

    def application(environ, start_response):
        asked = rows(100)
        asked[:, 2] += 100  # colours that nobody has seen
        model.predict(asked)
        start_response("200 OK", [("content-type", "text/plain")])
        return [str(os.getpid()).encode()]
""")


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def get(url):
    return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=10).read()


def started(url, process):
    """-> pid of the worker that answered first."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            return get(url)
        except OSError:
            time.sleep(0.1)
    raise AssertionError("gunicorn did not answer")


@pytest.mark.parametrize("preload", [[], ["--preload"]], ids=["", "preload"])
def test_every_request_of_every_worker_leaves_one_span_and_every_worker_its_finding(preload, tmp_path):
    (tmp_path / "app.py").write_text(APP)
    received, lock = [], threading.Lock()
    port = free_port()
    url = f"http://127.0.0.1:{port}/"

    def take(request):
        with lock:
            received.append(request)

    with Receiver(take, port=0) as receiver:
        environ = {k: v for k, v in os.environ.items() if not k.startswith("OTEL_")} | {
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "NO_PROXY": "127.0.0.1",
        }
        script = Path(sys.executable).with_name("opentelemetry-instrument")
        server = Path(sys.executable).with_name("gunicorn")
        command = [script, server, "-w", "2", "-b", f"127.0.0.1:{port}", *preload, "app:application"]
        with (tmp_path / "log").open("wb") as log:
            process = subprocess.Popen(command, env=environ, cwd=tmp_path, stdout=log, stderr=log)
        try:
            workers = [started(url, process)] + [get(url) for _ in range(39)]
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)
        finally:
            process.kill()
            process.wait()

    assert process.returncode == 0, (tmp_path / "log").read_text()
    spans = [
        span
        for request in received
        if isinstance(request, ExportTraceServiceRequest)
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
        if span.name == "predict app"
    ]
    logs = [r for request in received if isinstance(request, ExportLogsServiceRequest) for r in records(request)]
    findings = [record for record in logs if record.attributes.get("mlsec.finding.type") == "drift.unseen"]
    warm = 1 if preload else 2
    assert len({span.span_id for span in spans}) == len(spans) == 40 + warm
    assert Counter(r.attributes["mlsec.finding.status"] for r in findings) == {"new": len(set(workers))}
    assert {record.trace_id for record in findings} <= {span.trace_id.hex() for span in spans}
