"""`otel-mlsec tail`, driven by the SDK's own exporters over a real socket."""

import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import Counter, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from rich.console import Console

from otel_mlsec.cli import main
from otel_mlsec.cli.receiver import Receiver
from otel_mlsec.cli.tail import Tail

FINDING = {
    "mlsec.finding.severity": "HIGH",
    "mlsec.finding.type": "drift.data",
    "mlsec.finding.title": "Data drift",
    "mlsec.finding.score": 2_500_000.0,
    "mlsec.finding.threshold": 2_000_000.0,
    "mlsec.finding.count": 12_345,
    "mlsec.finding.first_seen": "2013-04-08T14:00:00Z",
    "mlsec.finding.last_seen": "2013-04-10T09:30:00Z",
    "mlsec.finding.status": "new",
    "mlsec.model.name": "flights",
    "mlsec.model.version": "2013.02",
    "security_rule.name": "drift/data",
    "mlsec.evidence.js": 0.54,
    "mlsec.evidence.features": ("temp", "dewp"),
    "mlsec.evidence.reference": "fitted",
    "mlsec.evidence.reference_rows": 50_173,
}
BODY = "HIGH Data drift: flights 2013.02, temp +1.2 sd since 8 April"


class Listening:
    """A tail on a free port, and what it printed."""

    def __init__(self, **options: Any) -> None:
        self.paper = io.StringIO()
        console = Console(file=self.paper, highlight=False, markup=False, emoji=False, width=200)
        self.tail = Tail(console, **options)
        self.receiver = Receiver(self.tail.take, port=0)

    @property
    def printed(self) -> str:
        return self.paper.getvalue()


@pytest.fixture
def listening() -> Iterator[Listening]:
    listening = Listening()
    with listening.receiver:
        yield listening


def emit(
    url: str, body: str = BODY, *, event: str | None = "mlsec.finding", spans: TracerProvider | None = None, **attributes: object
) -> None:
    """One record through the SDK's batch processor and OTLP exporter, within a span where a provider is given."""
    logs = LoggerProvider(shutdown_on_exit=False)
    logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(endpoint=f"{url}/v1/logs")))
    tracer = (spans or TracerProvider(shutdown_on_exit=False)).get_tracer("test")
    with tracer.start_as_current_span("predict"):
        logs.get_logger("test").emit(
            event_name=event, body=body, severity_number=SeverityNumber.ERROR, attributes={**FINDING, **attributes}
        )
    logs.shutdown()


def test_a_finding_is_one_block_that_says_what_since_when_and_where_to_look(listening):
    emit(listening.receiver.url)

    lines = listening.printed.splitlines()
    assert lines[:3] == [
        "HIGH  Data drift  flights 2013.02",
        "  temp +1.2 sd since 8 April",
        "  since 2013-04-08 14:00, told 2013-04-10 09:30 UTC · 12,345 rows · drift/data",
    ]
    assert re.fullmatch(r"  reference of 50,173 rows · trace [0-9a-f]{32}", lines[3])
    assert lines[4:] == [""]


def test_a_provisional_reference_is_said_to_be_one(listening):
    emit(listening.receiver.url, **{"mlsec.evidence.reference": "provisional", "mlsec.evidence.reference_rows": 2000})

    assert "  provisional reference of 2,000 rows · trace" in listening.printed


def test_the_numbers_behind_it_are_printed_on_request():
    listening = Listening(evidence=True)
    with listening.receiver:
        emit(listening.receiver.url)

    assert listening.printed.splitlines()[4] == (
        "  score 2,500,000 · threshold 2,000,000 · js 0.54 · features temp, dewp · reference fitted · reference_rows 50,173"
    )


def test_a_finding_about_somebody_says_about_whom_in_its_line(listening):
    who = {"security_rule.name": "extraction/volume", "user.hash": "app:0123456789ab"}

    emit(listening.receiver.url, **who)
    emit(listening.receiver.url, **who, **{"mlsec.finding.status": "resolved"})
    emit(listening.receiver.url, **who | {"user.hash": "\x1b[31mapp"})

    printed = listening.printed
    assert "· 12,345 rows · extraction/volume · by app:0123456789ab\n" in printed
    assert "over by 2013-04-10 09:30 · by app:0123456789ab\n" in printed
    assert "\x1b" not in printed


def test_whose_row_came_last_before_a_change_of_all_traffic_is_not_said(listening):
    emit(listening.receiver.url, **{"user.hash": "app:0123456789ab"})

    assert "app:" not in listening.printed


@pytest.mark.parametrize(
    ("status", "severity", "first_line", "second_line"),
    [
        ("resolved", "HIGH", "RESOLVED  Data drift  flights 2013.02", "  temp +1.2 sd since 8 April · over by 2013-04-10 09:30"),
        ("reopened", "LOW", "LOW again  Data drift  flights 2013.02", "  temp +1.2 sd since 8 April"),
    ],
)
def test_the_block_says_where_a_finding_stands_in_its_life(listening, status, severity, first_line, second_line):
    body = BODY.replace("HIGH", severity)

    emit(listening.receiver.url, body, **{"mlsec.finding.status": status, "mlsec.finding.severity": severity})

    assert listening.printed.splitlines()[:2] == [first_line, second_line]
    assert listening.tail.tally.findings.total() == (status != "resolved")


def test_three_signals_are_counted_in_the_last_line(listening):
    url = listening.receiver.url
    spans = TracerProvider(shutdown_on_exit=False)
    spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{url}/v1/traces")))
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(endpoint=f"{url}/v1/metrics"), export_interval_millis=1e9)
    meters = MeterProvider([reader], shutdown_on_exit=False)
    predictions = meters.get_meter("test").create_counter("mlsec.model.predictions")
    processed = meters.get_meter("test").create_counter("mlsec.detection.processed")

    emit(url, spans=spans)
    emit(url, spans=spans, **{"mlsec.finding.severity": "LOW"})
    predictions.add(1000, {"mlsec.model.name": "flights"})
    meters.force_flush()  # running sums: the second export says 1250, not 250 more
    predictions.add(250, {"mlsec.model.name": "flights"})
    predictions.add(7, {"mlsec.model.name": "other"})
    processed.add(40)
    processed.add(3, {"error.type": "queue_full"})
    meters.get_meter("test").create_counter("mlsec.agent.errors").add(2, {"mlsec.agent.site": "detect"})
    meters.shutdown()
    spans.shutdown()

    assert listening.tail.tally.line() == (
        "1,257 predictions, 2 findings (1 high, 1 low), 2 spans, 3 calls that detection did not see, 2 errors of the agent itself"
    )


def test_calls_of_language_models_are_counted_beside_predictions_or_alone(listening):
    reader = PeriodicExportingMetricReader(
        OTLPMetricExporter(endpoint=f"{listening.receiver.url}/v1/metrics"), export_interval_millis=1e9
    )
    meters = MeterProvider([reader], shutdown_on_exit=False)
    duration = meters.get_meter("test").create_histogram("gen_ai.client.operation.duration")

    duration.record(0.5, {"gen_ai.request.model": "small"})
    duration.record(1.5, {"gen_ai.request.model": "large"})
    meters.force_flush()
    alone = listening.tail.tally.line()
    duration.record(2.5, {"gen_ai.request.model": "large"})
    meters.get_meter("test").create_counter("mlsec.model.predictions").add(10)
    meters.shutdown()

    assert alone == "2 calls of language models, 0 findings, 0 spans"
    assert listening.tail.tally.line() == "10 predictions, 3 calls of language models, 0 findings, 0 spans"


def test_findings_about_texts_rest_on_no_rows_and_say_how_often_they_came_again(listening):
    emit(listening.receiver.url, **{"security_rule.name": "llm/injection", "mlsec.finding.count": 1})
    emit(listening.receiver.url, **{"security_rule.name": "llm/injection", "mlsec.finding.count": 10})

    assert "rows" not in listening.printed.replace("50,173 rows", "")
    assert "UTC · llm/injection" in listening.printed
    assert "UTC · 10 times · llm/injection" in listening.printed


def test_predictions_reported_as_deltas_are_added_up(listening):
    exporter = OTLPMetricExporter(
        endpoint=f"{listening.receiver.url}/v1/metrics", preferred_temporality={Counter: AggregationTemporality.DELTA}
    )
    meters = MeterProvider([PeriodicExportingMetricReader(exporter, export_interval_millis=1e9)], shutdown_on_exit=False)
    predictions = meters.get_meter("test").create_counter("mlsec.model.predictions")

    for rows in (1000, 250):
        predictions.add(rows)
        meters.force_flush()
    meters.shutdown()

    assert listening.tail.tally.predictions.total == 1250


def test_trace_ids_become_links_where_a_url_is_given():
    listening = Listening(trace_url="http://localhost:16686/trace/{trace_id}")
    listening.tail.console = Console(file=listening.paper, force_terminal=True, width=200)
    with listening.receiver:
        emit(listening.receiver.url)

    assert re.search(r"\x1b\]8;id=\d+;http://localhost:16686/trace/([0-9a-f]{32})\x1b\\\S*?\1", listening.printed)


HOSTILE = "\x1b[2J\x1b]0;owned\x07\x9b31m\r\n[bold red]markup[/] \u202egnp.exe \u200b\ud7ff :smile:"


def test_hostile_text_reaches_the_terminal_written_out():
    listening = Listening(evidence=True)
    with listening.receiver:
        emit(
            listening.receiver.url,
            HOSTILE,
            **{name: HOSTILE for name in FINDING if isinstance(FINDING[name], str) and not name.endswith("status")},
            **{f"mlsec.evidence.{HOSTILE}": HOSTILE},
        )

    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u200b]", listening.printed)
    assert r"\x1b[2J\x1b]0;owned\x07\x9b31m\r\n[bold red]markup[/] \u202egnp.exe \u200b" in listening.printed
    assert ":smile:" in listening.printed


def test_a_value_of_a_megabyte_is_cut_on_the_screen(listening):
    emit(listening.receiver.url, "x" * 1_000_000)

    assert len(listening.printed) < 2000
    assert "x…" in listening.printed


def test_other_log_records_are_counted_and_only_printed_on_request():
    quiet, everything = Listening(), Listening(everything=True)
    for listening in (quiet, everything):
        with listening.receiver:
            emit(listening.receiver.url, "user 7 \x1b[1mlogged in", event=None)

    assert (quiet.printed, quiet.tail.tally.others) == ("", 1)
    assert everything.printed.endswith(r"user 7 \x1b[1mlogged in" + "\n")


def test_json_is_one_object_a_line_with_everything_in_it():
    listening = Listening(as_lines=True)
    with listening.receiver:
        emit(listening.receiver.url, HOSTILE, **{"mlsec.finding.score": float("inf")})

    [line] = listening.printed.splitlines()
    told = json.loads(line)
    assert line.isascii()
    assert told["body"] == HOSTILE
    assert told["attributes"] == {**FINDING, "mlsec.finding.score": "inf", "mlsec.evidence.features": ["temp", "dewp"]}
    assert re.fullmatch(r"[0-9a-f]{32}", told["trace_id"])
    assert told["resource"]["telemetry.sdk.language"] == "python"


def test_a_port_in_use_is_said_in_one_sentence(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        status = main(["tail", "--port", str(port)])

    assert status == 2
    said = capsys.readouterr()
    assert said.err == f"otel-mlsec tail: port {port} on 127.0.0.1 is in use; choose another with --port\n"
    assert said.out == ""


@pytest.mark.parametrize("port", ["-1", "65536", "http", "９"])
def test_a_port_that_is_none_is_refused_with_its_value(port, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["tail", f"--port={port}"])

    assert f"must be 0 to 65535, got {port!r}" in capsys.readouterr().err


def listening_at(process: subprocess.Popen[str]) -> str:
    """The URL, out of the two lines that tell how to send there."""
    told = process.stderr.readline() + process.stderr.readline()
    [url] = re.findall(r"OTEL_EXPORTER_OTLP_ENDPOINT=(http://127\.0\.0\.1:\d+)$", told, re.MULTILINE)
    assert f"listening on {url}," in told
    return url


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_the_line_of_what_was_seen(number):
    process = subprocess.Popen(
        [sys.executable, "-c", "import sys; from otel_mlsec.cli import main; sys.exit(main())", "tail", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": ""},
    )
    with process:
        try:
            url = listening_at(process)
            emit(url)
            process.send_signal(number)
            printed, complaints = process.communicate(timeout=20)
        finally:
            process.kill()

    assert process.returncode == 0
    assert complaints == ""
    assert printed.splitlines()[0] == "HIGH  Data drift  flights 2013.02"
    assert printed.splitlines()[-1] == "otel-mlsec tail: 0 predictions, 1 finding (1 high), 0 spans"


def test_a_reader_that_has_seen_enough_ends_it_quietly():
    process = subprocess.Popen(
        [sys.executable, "-c", "import sys; from otel_mlsec.cli import main; sys.exit(main())", "tail", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            url = listening_at(process)
            process.stdout.close()
            emit(url)
            process.wait(timeout=20)
            complaints = process.stderr.read()
        finally:
            process.kill()

    assert (process.returncode, complaints) == (0, "")
