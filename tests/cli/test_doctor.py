"""`otel-mlsec doctor`, in processes of environments that are well, poor and wrong."""

import pytest
from tests.emit.spool.conftest import Sink

from otel_mlsec.cli import main

pytest.importorskip("sklearn")
pytest.importorskip("opentelemetry.distro")


@pytest.fixture
def doctor(monkeypatch, capsys, tmp_path):
    """In a directory and an environment of this test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def doctor(*words, **environ):
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        status = main(["doctor", *words])
        return status, capsys.readouterr().out

    return doctor


@pytest.fixture
def sink():
    sink = Sink()
    yield sink
    sink.stop()


def test_all_is_well(doctor, sink, tmp_path):
    status, out = doctor(
        OTEL_EXPORTER_OTLP_ENDPOINT=sink.url.removesuffix("/v1/logs"), OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
        OTEL_MLSEC_KEY="k" * 32,
    )  # fmt: skip

    assert status == 0
    assert "well  agent: on, in a process started by opentelemetry-instrument" in out
    assert "well  logs: LoggerProvider exports by OTLPLogExporter" in out
    assert "its calls are observed" in out
    assert f"well  findings: OTLP (http/protobuf) to {sink.url}, which answers" in out
    assert f"well  spool: {tmp_path}/otel-mlsec/spool, nothing left behind in it" in out
    assert "well  key" in out
    assert "note  references: none" in out


def test_nobody_listens(doctor):
    status, out = doctor(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1")

    assert status == 1
    assert "wrong  findings: OTLP (grpc) to http://127.0.0.1:1, which does not answer" in out


def test_without_the_launcher_nothing_is_set_up(doctor):
    status, out = doctor("--no-launcher")

    assert status == 1
    assert "note  agent: nobody turns it on here" in out
    assert "note  logs: the SDK is not set up" in out
    assert "wrong  findings: nowhere but to the log of the process" in out


def test_an_application_that_sets_itself_up(doctor, tmp_path):
    (tmp_path / "shop.py").write_text(
        "from opentelemetry import _logs\n"
        "from opentelemetry.sdk._logs import LoggerProvider\n"
        "from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, ConsoleLogRecordExporter\n"
        "import otel_mlsec\n"
        "logs = LoggerProvider()\n"
        "logs.add_log_record_processor(BatchLogRecordProcessor(ConsoleLogRecordExporter()))\n"
        "_logs.set_logger_provider(logs)\n"
        "otel_mlsec.instrument(disabled_instrumentations=('xgboost',))\n"
        "print('otel-mlsec doctor: not this line')\n"
    )
    status, out = doctor("--no-launcher", "--import", "shop")

    assert status == 0
    assert "well  agent: on, in a process started importing shop" in out
    assert "well  logs: LoggerProvider exports by ConsoleLogRecordExporter" in out
    assert "note  findings: by the application's logger provider" in out


def test_an_application_that_cannot_be_imported(doctor, tmp_path):
    (tmp_path / "shop.py").write_text("raise SystemExit('no database')\n")
    status, out = doctor("--no-launcher", "--import", "shop")

    assert status == 1
    assert "importing shop failed with SystemExit: no database" in out


def test_a_setting_that_nobody_knows(doctor):
    status, out = doctor(OTEL_MLSEC_TOLERANZ="1")

    assert status == 1
    assert "wrong  configuration: OTEL_MLSEC_TOLERANZ is not a setting" in out


def test_a_reference_that_is_none_and_a_spool_that_cannot_be_written(doctor, tmp_path):
    (tmp_path / "file").write_text("")
    status, out = doctor(
        OTEL_MLSEC_REFERENCE=str(tmp_path / "file"), OTEL_MLSEC_SPOOL=str(tmp_path / "file" / "spool"), OTEL_LOGS_EXPORTER="otlp"
    )

    assert status == 1
    assert "wrong  reference of any model" in out
    assert "cannot be written" in out
