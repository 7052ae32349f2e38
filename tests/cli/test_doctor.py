"""`otel-mlsec doctor`, in processes of environments that are well, poor and wrong."""

import http.server
import threading
from functools import partial

import numpy as np
import pytest
from tests.emit.spool.conftest import Sink

from otel_mlsec.cli import main
from otel_mlsec.reference import store
from otel_mlsec.reference.reference import Reference

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


def test_whose_references_are_and_how_old(doctor, tmp_path):
    rows = np.random.default_rng(1).normal(size=(200, 2))
    Reference.fit(rows, name="fraud").save(tmp_path / "fraud.mlsec")
    Reference.fit(rows, name="wines", time=np.arange(200.0) + 1e9).save(tmp_path / "old.mlsec")
    (tmp_path / "shop.py").write_text("import otel_mlsec\nclass M:\n    def predict(self, x): return x\n"
                                      "m = otel_mlsec.watch(M(), name='fraud')\n")  # fmt: skip
    _, out = doctor("--import", "shop", OTEL_MLSEC_REFERENCE="fraud=fraud.mlsec,wines=old.mlsec,whine=fraud.mlsec")

    assert "well  reference of fraud: fraud.mlsec, not signed, version 1, 0 days old" in out
    assert "note  reference of wines: old.mlsec, not signed, version 1, 9," in out
    assert "days old: it is stale" in out
    assert "note  reference of whine: fraud.mlsec, not signed, version 1, 0 days old, fitted for a model called fraud" in out
    assert "reference of whine: no model of that name is watched in the application; those are fraud" in out


def test_references_in_a_directory_and_behind_a_url(doctor, tmp_path):
    folder = tmp_path / "store"
    reference = Reference.fit(np.random.default_rng(1).normal(size=(200, 2)), name="fraud")
    for name in ("fraud", "wines"):
        store.add(folder, name, lambda path, _: reference.save(path))
    (folder / "wines" / "current").write_text("0007")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder / "fraud")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    try:
        _, out = doctor(OTEL_MLSEC_REFERENCE=f"*={folder},a={url}/0001.mlsec,b={url}/none.mlsec?token=secret")
    finally:
        server.shutdown()
        server.server_close()

    assert f"well  reference of fraud: {folder}/fraud/0001.mlsec, not signed" in out
    assert "wrong  reference of wines" in out
    assert "names version 7, which is not there (there are: 1)" in out
    assert f"note  reference of a: {url}/0001.mlsec, which nobody asks to be signed" in out
    assert f"wrong  reference of b: {url}/none.mlsec answers with status 404" in out
    assert "secret" not in out
