"""`otel-mlsec tail`: the backend for who has none yet."""

import argparse
import contextlib
import errno
import os
import signal
import sys
import threading
from collections.abc import Generator

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from rich.console import Console, Group

from otel_mlsec.cli.receiver import Receiver
from otel_mlsec.cli.record import records
from otel_mlsec.cli.show import as_json, block, log_line
from otel_mlsec.cli.tally import Tally
from otel_mlsec.cli.wire import Request
from otel_mlsec.emit.names import FINDING_EVENT
from otel_mlsec.emit.record import Record


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--port", type=port, default=4318, help="where to listen on 127.0.0.1 (default %(default)s; 0: a free one)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of blocks")
    parser.add_argument("--evidence", action="store_true", help="blocks with all numbers behind a finding")
    parser.add_argument(
        "--trace-url", default="", metavar="URL", help="makes trace ids links, e.g. http://localhost:16686/trace/{trace_id}"
    )
    parser.add_argument("--all", action="store_true", help="also print log records that are no findings")


def run(options: argparse.Namespace) -> int:
    console = Console(highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() else 1000)
    tail = Tail(console, as_lines=options.json, evidence=options.evidence, trace_url=options.trace_url, everything=options.all)
    try:
        receiver = Receiver(tail.take, port=options.port)
    except OSError as error:
        reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be listened on ({error.strerror})"
        print(f"otel-mlsec tail: port {options.port} on 127.0.0.1 {reason}; choose another with --port", file=sys.stderr)  # noqa: T201 - a command
        return 2
    notes = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    with stopped() as tail.stop, receiver:
        notes.print(f"otel-mlsec tail: listening on {receiver.url}, Ctrl-C to stop; start the application with", style="dim")
        notes.print(f"  OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf OTEL_EXPORTER_OTLP_ENDPOINT={receiver.url}", style="dim")
        tail.stop.wait()
    (notes if options.json else console).print(f"otel-mlsec tail: {tail.tally.line()}")
    return 0


class Tail:
    """Prints what a receiver takes, and counts it."""

    def __init__(
        self, console: Console, *, as_lines: bool = False, evidence: bool = False, trace_url: str = "", everything: bool = False
    ) -> None:
        self.console = console
        self.tally = Tally()
        self.stop = threading.Event()
        self._as_lines = as_lines
        self._evidence = evidence
        self._trace_url = trace_url
        self._everything = everything

    def take(self, request: Request) -> None:
        match request:
            case ExportLogsServiceRequest():
                for record in records(request):
                    self._log(record)
            case ExportTraceServiceRequest():
                self.tally.traces(request)
            case _:
                self.tally.metrics(request)

    def _log(self, record: Record) -> None:
        if record.event == FINDING_EVENT:
            self.tally.finding(record)
            self._print(record, finding=True)
        else:
            self.tally.others += 1
            if self._everything:
                self._print(record, finding=False)

    def _print(self, record: Record, *, finding: bool) -> None:
        try:
            if self._as_lines:
                self.console.file.write(as_json(record) + "\n")
            else:
                self.console.print(
                    Group(block(record, evidence=self._evidence, trace_url=self._trace_url), "") if finding else log_line(record)
                )
            self.console.file.flush()
        except (
            BrokenPipeError,
            SystemExit,
        ):  # `otel-mlsec tail | head` has seen enough; rich exits, but this is not the main thread
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes once more at exit
            self.stop.set()


@contextlib.contextmanager
def stopped() -> Generator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set, while the context lasts."""
    stop = threading.Event()

    def on_signal(_number: int, _frame: object) -> None:
        stop.set()

    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, on_signal) for number in signals]
    try:
        yield stop
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)


def port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 65536):
        raise argparse.ArgumentTypeError(f"must be 0 to 65535, got {text!r}")
    return int(text)
