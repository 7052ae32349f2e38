"""The backend does not answer: the application goes on, calls are dropped and counted, and the end is not held up for long."""

import os
import socket
import subprocess
import sys
import textwrap
import time

import pytest

pytest.importorskip("sklearn")
APP = textwrap.dedent("""
    import sys, time
    import numpy as np
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from sklearn.linear_model import LogisticRegression
    import otel_mlsec

    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint=sys.argv[1], timeout=20)))
    trace.set_tracer_provider(provider)
    otel_mlsec.instrument(queue_items=50)
    rows = np.random.default_rng(0).normal(size=(100, 3))
    model = LogisticRegression().fit(rows, rows[:, 0] > 0)
    began = time.monotonic()
    for _ in range(500):
        model.predict(rows[:1])
    print(time.monotonic() - began)
""")


def test_a_backend_that_hangs_slows_no_call_and_holds_up_the_end_for_seconds_only():
    with socket.create_server(("127.0.0.1", 0)) as server:  # takes connections and never answers
        environ = {k: v for k, v in os.environ.items() if not k.startswith("OTEL_")} | {"NO_PROXY": "127.0.0.1"}
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-c", APP, f"http://127.0.0.1:{server.getsockname()[1]}/v1/traces"],
            env=environ, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        took = time.monotonic() - began

    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 10  # s; the one export that hangs takes 20
    assert took < 20
    assert "detection does not keep up (queue_full)" in done.stderr


def test_a_backend_that_is_not_there_loses_no_answer():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    environ = {k: v for k, v in os.environ.items() if not k.startswith("OTEL_")} | {"NO_PROXY": "127.0.0.1"}
    done = subprocess.run(
        [sys.executable, "-c", APP, f"http://127.0.0.1:{port}/v1/traces"],
        env=environ, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 10
