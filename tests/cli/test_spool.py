"""`otel-mlsec spool`, on what real processes have left."""

import os

import pytest
from tests.emit.spool.conftest import Sink
from tests.emit.spool.test_processes import all_there, down, running

from otel_mlsec.cli import main

pytestmark = pytest.mark.skipif(os.name != "posix", reason="spools on disk need POSIX")


@pytest.fixture
def left(tmp_path):
    """1,000 findings of a process that is gone, for a receiver that was not there."""
    url, port = down()
    with running(tmp_path, url, "exits") as process:
        process.wait(30)
    return tmp_path, url, port


@pytest.fixture
def to(monkeypatch):
    def to(url):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "http/protobuf")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    return to


def spool(capsys, *words):
    status = main(["spool", *map(str, words)])
    return status, capsys.readouterr().out


def test_status_says_what_waits_for_whom(left, capsys):
    directory, url, _ = left
    status, out = spool(capsys, "status", "--directory", directory)

    assert status == 0
    assert f"for otlp {url}" in out
    assert "250 critical, 250 high, 250 medium, 250 low" in out
    assert "that is gone" in out


def test_status_of_a_process_that_runs(tmp_path, capsys):
    url, _ = down()
    with running(tmp_path, url, "stays"):
        _, out = spool(capsys, "status", "--directory", tmp_path)

    assert "that runs" in out


def test_verify_finds_nothing_where_nothing_is_wrong(left, capsys):
    assert spool(capsys, "verify", "--directory", left[0]) == (0, "1,000 of 1,000 records are as they were written\n")


def _swap(lines):
    lines[3], lines[4] = lines[4], lines[3]


FAULTS = {
    "gap": lambda lines: lines.pop(3),
    "gap, twice": _swap,
    "damaged": lambda lines: lines.__setitem__(3, lines[3].replace(b"HIGH", b"LOOW").replace(b"CRITICAL", b"LRITICAL")),
    "unreadable": lambda lines: lines.__setitem__(3, lines[3][:100]),
}


@pytest.mark.parametrize("name", FAULTS)
def test_verify_names_the_line(name, left, capsys):
    directory, _, _ = left
    file = min(directory.rglob("critical-*.jsonl"))
    lines = file.read_bytes().splitlines()
    FAULTS[name](lines)
    file.write_bytes(b"\n".join(lines) + b"\n")
    status, out = spool(capsys, "verify", "--directory", directory)

    assert status == 1
    assert f"{name.partition(',')[0]}: {file}, line 4" in out


def test_who_has_not_the_key_cannot_forge_a_line(tmp_path, capsys, monkeypatch):
    url, _ = down()
    monkeypatch.setenv("OTEL_MLSEC_KEY", "k" * 32)
    with running(tmp_path, url, "exits", key="k" * 32) as process:
        process.wait(30)
    assert spool(capsys, "verify", "--directory", tmp_path)[0] == 0
    monkeypatch.setenv("OTEL_MLSEC_KEY", "another" * 5)
    status, out = spool(capsys, "verify", "--directory", tmp_path)

    assert status == 1
    assert "0 of 1,000 records" in out
    assert "another OTEL_MLSEC_KEY" in out


def test_send_delivers_what_was_left(left, to, capsys):
    directory, url, port = left
    to(url)
    sink = Sink(port)
    status, out = spool(capsys, "send", "--directory", directory)
    sink.stop()

    assert (status, out) == (0, f"1,000 delivered to {url}\nnothing is left\n")
    all_there(sink)


def test_send_to_another_address_asks_first(left, to, capsys):
    directory, _, _ = left
    sink = Sink()
    to(sink.url)
    _, out = spool(capsys, "send", "--directory", directory)
    assert "1,000 wait for" in out
    assert not sink.taken
    status, _ = spool(capsys, "send", "--all", "--directory", directory)
    sink.stop()

    assert status == 0
    all_there(sink)


def test_send_says_what_is_left(left, to, capsys):
    directory, url, _ = left
    to(url)

    status, out = spool(capsys, "send", "--timeout", "1", "--directory", directory)
    assert (status, out) == (1, f"0 delivered to {url}\n1,000 wait for otlp {url}\n")


def test_a_spool_that_is_off_has_nothing_to_look_into(capsys, monkeypatch):
    monkeypatch.setenv("OTEL_MLSEC_SPOOL", "off")

    assert main(["spool", "status"]) == 2
    assert "is off" in capsys.readouterr().err


def test_what_the_receiver_refuses_is_left_and_nothing_is_given_up_for_room(left, to, capsys, monkeypatch):
    directory, url, port = left
    to(url)
    monkeypatch.setenv("OTEL_MLSEC_SPOOL_BYTES", str(1 << 20))
    sink = Sink(port)
    sink.fault = lambda _sink, handler, _ids: handler.answer(400) or True
    status, out = spool(capsys, "send", "--timeout", "2", "--directory", directory)
    sink.stop()  # or it would take what is still on its way
    sink = Sink(port)
    again, said = spool(capsys, "send", "--directory", directory)
    sink.stop()

    assert status == 1
    assert "1,000 wait for" in out
    assert (again, said) == (0, f"1,000 delivered to {url}\nnothing is left\n")


def test_what_was_left_for_a_sink_is_sent_to_it_and_to_nobody_else(tmp_path, to, capsys, monkeypatch):
    file = tmp_path / "late" / "findings.jsonl"
    url, _ = down()
    monkeypatch.setenv("OTEL_MLSEC_SINKS", f"file://{file}")
    more = {"OTEL_MLSEC_SINKS": f"file://{file}", "OTEL_LOGS_EXPORTER": "none"}
    with running(tmp_path / "spool", url, "exits", 0, 10, **more) as process:
        process.wait(30)
    file.parent.mkdir()
    other = Sink()
    to(other.url)
    status, out = spool(capsys, "send", "--all", "--directory", tmp_path / "spool")
    other.stop()

    assert (status, out) == (0, f"10 delivered to file://{file}\nnothing is left\n")
    assert file.read_text().count("\n") == 10
    assert not other.taken
