"""What it costs the worker to hand a finding over: to the spool, and to the SDK's batch processor, which keeps it in memory."""

from __future__ import annotations

import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

from otel_mlsec.emit import to_sdk
from otel_mlsec.emit.record import Record
from otel_mlsec.emit.records import Records
from otel_mlsec.emit.spool.home import Home, path_of
from otel_mlsec.emit.spool.spool import Spool
from otel_mlsec.emit.transports.http import Http
from otel_mlsec.emit.transports.otlp_http import OtlpHttp
from otel_mlsec.finding import Finding, Severity
from otel_mlsec.observation import Meaning, Model, Prediction

N = 2000  # findings
MODEL = Model(name="flights", version="3", framework="xgboost")
CALL = Prediction(model=MODEL, method="predict", meaning=Meaning.LABEL, n_rows=1, principal="", start_ns=0, end_ns=0)


def main() -> None:
    os.environ["NO_PROXY"] = "127.0.0.1"
    print(f"\nSpool: µs of CPU in the worker's thread a finding, of {N:,}; median, and of the whole process with what sends it")
    records = _records()
    with _collector() as url, tempfile.TemporaryDirectory() as root:
        sdk, sdk_all = _sdk(records, url)
        rows = [("SDK's batch processor", sdk, sdk_all)]
        for name, severity, pause in (
            ("spool, HIGH, at once", Severity.HIGH, 0.0),
            ("spool, HIGH", Severity.HIGH, 0.001),
            ("spool, CRITICAL", Severity.CRITICAL, 0.001),
        ):
            spool = _spool(url, root)
            own = [_with(record, severity) for record in records]
            mine, mine_all = _spent(own, spool.put, lambda spool=spool: spool.close(60.0), pause)
            rows.append((name, mine, mine_all))
    for name, cost, all_of_it in rows:
        print(f"  {name:22} {cost:7.1f}  {all_of_it:7.1f}  {cost / sdk:5.2f} × the SDK's")
    _idle()


def _spool(url: str, root: str) -> Spool:
    home = Home(path_of(Path(root), "otlp", url), "otlp", url)
    return Spool("otlp", lambda: OtlpHttp(http=Http(url=url, timeout=10.0)), home, quiet=nullcontext)


def _records() -> list[Record]:
    records = Records(now=time.time_ns, version="0", resource=lambda: {"service.name": "flights"})
    found = [
        Finding(
            kind="drift.data", detector="drift/data", title="Data drift", summary="dep_hour +0.8 sd since 14:00", score=12.5,
            threshold=9.1, severity=Severity.HIGH, model=MODEL, time=time.time(), first_seen=time.time(), subject=(f"f{number}",),
            evidence={f"number_{k}": 0.5 * k for k in range(12)},
        )
        for number in range(N)
    ]  # fmt: skip
    return [records.of(finding, f"id-{number}", Context(), CALL) for number, finding in enumerate(found)]


def _with(record: Record, severity: Severity) -> Record:
    return Record(
        event=record.event, time_ns=record.time_ns, observed_ns=record.observed_ns, severity=severity.value,
        severity_text=record.severity_text, body=record.body, attributes=record.attributes, resource=record.resource,
        scope=record.scope, scope_version=record.scope_version,
    )  # fmt: skip


def _sdk(records: list[Record], url: str) -> tuple[float, float]:
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(url)))
    logger = provider.get_logger("otel_mlsec")
    return _spent(records, lambda record: to_sdk.emit(logger, record, Context()), provider.shutdown)


def _spent(
    records: list[Record], put: Callable[[Record], object], end: Callable[[], object], pause: float = 0.001
) -> tuple[float, float]:
    """Of this thread, the median; of the process, the mean.  `pause`: s between two, in which what sends runs on the same CPU."""
    put(records[0])
    costs: list[float] = []
    before = time.process_time_ns()
    for record in records:
        began = time.thread_time_ns()
        put(record)
        costs.append((time.thread_time_ns() - began) / 1e3)
        if pause:
            time.sleep(pause)
    end()
    return statistics.median(costs), (time.process_time_ns() - before) / 1e3 / len(records)


class _Taker(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class _collector:
    """Takes whatever it is sent."""

    def __enter__(self) -> str:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Taker)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1/logs"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _idle() -> None:
    """Without findings there is no thread, no file and no write."""
    with tempfile.TemporaryDirectory() as root:
        spool = _spool("http://127.0.0.1:9", root)
        spool.start()
        before = _written()
        time.sleep(2.0)
        files = sum(1 for _ in Path(root).rglob("*"))
        print(f"  without a finding      {_written() - before} bytes written, {files} files, in 2 s")
        spool.close(0.0)


def _written() -> int:
    """Bytes that this process has given to the kernel so far; 0 where nobody counts them."""
    try:
        text = Path("/proc/self/io").read_text()
    except OSError:
        return 0
    return int(text.split("wchar: ")[1].split()[0])


if __name__ == "__main__":
    main()
