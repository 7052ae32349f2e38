"""A receiver of OTLP that fails as real ones do, and records to send it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse

from otel_mlsec.emit.record import Record
from otel_mlsec.emit.spool.home import Home, path_of
from otel_mlsec.emit.spool.spool import Spool
from otel_mlsec.emit.transports.http import Http
from otel_mlsec.emit.transports.otlp_http import OtlpHttp

SEVERITIES = (10, 13, 17, 20)
PATIENCE = 30.0  # s

Fault = Callable[["Sink", BaseHTTPRequestHandler, list[str]], bool]  # True: it has answered, and the records are not taken


class Sink(ThreadingHTTPServer):
    """Keeps the ids that it took, and the numbers that tests tell records apart by; `fault` may answer instead."""

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.taken: list[str] = []
        self.numbers: list[int] = []
        self.integrity: dict[str, str] = {}
        self.requests = 0
        self.sizes: list[int] = []
        self.fault: Fault | None = None
        self.lock = threading.Lock()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1/logs"

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass

    def stop(self) -> None:
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Sink
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        message = ExportLogsServiceRequest.FromString(body)
        logs = [log for r in message.resource_logs for s in r.scope_logs for log in s.log_records]
        named = [{pair.key: pair.value.string_value for pair in log.attributes} for log in logs]
        ids = [attributes.get("mlsec.finding.id", "") for attributes in named]  # a disk may have damaged the name
        numbers = [pair.value.int_value for log in logs for pair in log.attributes if pair.key == "mlsec.finding.count"]
        with self.server.lock:
            self.server.requests += 1
            self.server.sizes.append(len(ids))
            fault = self.server.fault
        if fault is not None and fault(self.server, self, ids):
            return
        with self.server.lock:
            self.server.taken += ids
            self.server.numbers += numbers
            for attributes in named:
                if "mlsec.finding.integrity" in attributes:
                    self.server.integrity[attributes.get("mlsec.finding.id", "")] = attributes["mlsec.finding.integrity"]
        self.answer(200)

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


def times(n: int, answer: Callable[[Any], None]) -> Fault:
    """The first `n` requests fail."""
    left = [n]

    def fault(sink: Sink, handler: BaseHTTPRequestHandler, _ids: list[str]) -> bool:
        with sink.lock:
            left[0] -= 1
            if left[0] < 0:
                return False
        answer(handler)
        return True

    return fault


def rejected(n: int) -> bytes:
    message = ExportLogsServiceResponse()
    message.partial_success.rejected_log_records = n
    return message.SerializeToString()


def record(number: int, severity: int | None = None, **attributes: Any) -> Record:
    severity = SEVERITIES[number % 4] if severity is None else severity
    return Record(
        event="mlsec.finding",
        time_ns=1_700_000_000_000_000_000 + number,
        observed_ns=1_700_000_001_000_000_000,
        severity=severity,
        severity_text="ERROR",
        body=f"HIGH Value never seen: flights 3, finding {number}",
        attributes={"mlsec.finding.severity": "HIGH", "mlsec.finding.score": 1.5, "mlsec.finding.count": number, **attributes,
                    "mlsec.atlas.technique.id": ("AML.T0015",), "mlsec.finding.id": f"id-{number}"},
        resource={"service.name": "flights"},
        scope="otel_mlsec",
        scope_version="0.1.0",
        trace_id="0af7651916cd43dd8448eb211c80319c",
        span_id="b7ad6b7169203331",
        flags=1,
    )  # fmt: skip


def ids(n: int) -> list[str]:
    return [f"id-{number}" for number in range(n)]


def until(true: Callable[[], bool], what: str = "it") -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, f"waited {PATIENCE} s for {what}"
        time.sleep(0.01)


@pytest.fixture
def sink() -> Iterator[Sink]:
    sink = Sink()
    yield sink
    sink.stop()


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries that a test can wait for."""
    monkeypatch.setattr("otel_mlsec.emit.spool.spool.FIRST_WAIT", 0.01)
    monkeypatch.setattr("otel_mlsec.emit.spool.spool.LONGEST_WAIT", 0.1)


@pytest.fixture
def spooling(tmp_path: Path, sink: Sink) -> Iterator[Callable[..., Spool]]:
    """Spools that send to the sink, from a directory of this test; closed at the end."""
    made: list[Spool] = []

    def make(root: Path | None = tmp_path, url: str = sink.url, timeout: float = 2.0, key: bytes = b"", **settings: Any) -> Spool:
        home = Home(path_of(root, "otlp", url), "otlp", url, key=key) if root is not None else None
        spool = Spool("otlp", lambda: OtlpHttp(http=Http(url=url, timeout=timeout)), home, quiet=nullcontext, **settings)
        made.append(spool)
        return spool

    yield make
    for spool in made:
        spool.close(0.0)
