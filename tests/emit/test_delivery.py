"""Which way findings take: one that loses none where there is one, and never two to the same place."""

import logging
from contextlib import nullcontext

import pytest
from opentelemetry.context import Context
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from tests.emit.spool.conftest import Sink, until

from otel_mlsec.config import Config, ConfigError
from otel_mlsec.emit.delivery import delivery, root
from otel_mlsec.emit.emitter import Emitter


@pytest.fixture
def sink():
    sink = Sink()
    yield sink
    sink.stop()


@pytest.fixture
def environ(sink, tmp_path):
    return {
        "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": sink.url, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "XDG_STATE_HOME": str(tmp_path),
    }  # fmt: skip


@pytest.fixture
def sending(call, finding):
    """Sends one finding by the emitter of an agent of its own; gives what the application's provider got."""

    def send(config, environ, provider=None):
        ways = delivery(config, environ, nullcontext, otlp=True)
        exported = InMemoryLogRecordExporter()
        logs = LoggerProvider(shutdown_on_exit=False)
        logs.add_log_record_processor(SimpleLogRecordProcessor(exported))
        emitter = Emitter(
            version="0", delivery=ways, logger_provider=logs if provider else None, queue=lambda: (0, 1), errors=dict
        )
        emitter.finding(finding, call, Context())
        ways.flush(10.0)
        ways.close(1.0)
        return exported.get_finished_logs()

    return send


def test_a_finding_arrives_once_and_not_through_the_applications_provider_too(sending, environ, sink):
    assert sending(Config(), environ, provider=True) == ()
    until(lambda: len(sink.taken) == 1)


def test_where_the_spool_is_off_the_applications_provider_has_it(sending, environ, sink):
    [log] = sending(Config(spool="off"), environ, provider=True)

    assert log.log_record.event_name == "mlsec.finding"
    assert sink.requests == 0


def test_where_otlp_is_nobodys_way_the_applications_provider_has_it(sending, sink):
    assert len(sending(Config(), {}, provider=True)) == 1


def test_a_sink_does_not_silence_the_log(sending, tmp_path, caplog):
    with caplog.at_level(logging.WARNING, "otel_mlsec"):
        sending(
            Config(sinks=(f"file://{tmp_path}/findings.jsonl",), spool=str(tmp_path / "spool")), {"OTEL_LOGS_EXPORTER": "none"}
        )

    assert len(caplog.records) == 1


def test_without_any_way_out_it_is_a_line_of_the_log(sending, caplog):
    with caplog.at_level(logging.WARNING, "otel_mlsec"):
        sending(Config(), {})

    assert len(caplog.records) == 1


def test_a_sink_is_a_way_besides(sending, tmp_path, caplog):
    file = tmp_path / "findings.jsonl"
    config = Config(sinks=(f"file://{file}",), spool=str(tmp_path / "spool"))
    with caplog.at_level(logging.WARNING, "otel_mlsec"):
        logs = sending(config, {"OTEL_LOGS_EXPORTER": "console"}, provider=True)

    assert len(logs) == 1
    assert file.read_text().count("\n") == 1


def test_a_sink_that_there_cannot_be_is_said_at_the_start_without_its_secrets():
    with pytest.raises(ConfigError, match="sinks") as raised:
        delivery(Config(sinks=("gopher://user:password@host",)), {}, lambda: None)

    assert "password" not in str(raised.value)


def test_spools_are_where_state_belongs(tmp_path):
    assert root(Config(), {"XDG_STATE_HOME": str(tmp_path)}) == tmp_path / "otel-mlsec" / "spool"
    assert root(Config(spool="off"), {}) is None
    assert root(Config(spool=str(tmp_path)), {}) == tmp_path
    relative = root(Config(), {"XDG_STATE_HOME": "relative"})
    assert relative is None or relative.is_absolute()
