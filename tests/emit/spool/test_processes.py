"""What can become of a process and its disk: of 1,000 findings none is lost, and what comes twice has the same id."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.emit.spool.conftest import Sink, until

pytestmark = pytest.mark.skipif(os.name != "posix", reason="spools on disk need POSIX")
APPLICATION = Path(__file__).with_name("application.py")
N = 1000
OUTAGE = float(os.environ.get("OUTAGE", "5"))  # s that the Collector is down; CI takes 300
UNPRIVILEGED = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()  # root, but as others


@contextlib.contextmanager
def running(
    root: Path, url: str, *words: object, by: tuple[str, ...] = (), key: str = "", **more: str
) -> Iterator[subprocess.Popen[str]]:
    """A process that has found what it was told to find."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    environ |= {
        "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": url, "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL": "http/protobuf",
        "OTEL_MLSEC_SPOOL": str(root), "NO_PROXY": "127.0.0.1", "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip
    environ |= more
    if key:
        environ["OTEL_MLSEC_KEY"] = key
    process = subprocess.Popen(
        [*by, sys.executable, str(APPLICATION), *map(str, words)], env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        if said != "found\n":
            pytest.fail(f"said {said!r}: {process.communicate(timeout=30)[1]}")
        yield process
    finally:
        process.kill()
        process.communicate()


def down() -> tuple[str, int]:
    """A URL where nobody is, and the port for who will be."""
    gone = Sink()
    gone.stop()
    return gone.url, gone.server_address[1]


def all_there(sink: Sink, n: int = N, first: int = 0) -> None:
    wanted = set(range(first, first + n))
    until(lambda: set(sink.numbers) >= wanted, f"{n} findings")
    assert set(sink.numbers) == wanted
    assert len(set(sink.taken)) == n  # what came twice has the same id


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_findings_of_a_process_that_was_killed_are_sent_by_the_next(how, tmp_path):
    url, port = down()
    with running(tmp_path, url, "stays") as process:
        time.sleep(1.0)
        process.send_signal(how)
        process.wait(30)
    sink = Sink(port)
    with running(tmp_path, url, "waits"):
        all_there(sink)
        until(lambda: not list(tmp_path.rglob("*.jsonl")), "an empty spool")
    sink.stop()


def test_a_finding_of_a_real_model_survives_a_kill_after_a_second(tmp_path):
    pytest.importorskip("sklearn")
    url, port = down()
    with running(tmp_path, url, "attacked") as process:
        time.sleep(1.0)
        process.kill()
        process.wait(30)
    sink = Sink(port)
    with running(tmp_path, url, "waits"):
        until(lambda: len(set(sink.taken)) == 1)
    sink.stop()


def test_a_process_that_ends_has_sent_all_of_it(tmp_path, sink):
    with running(tmp_path, sink.url, "exits") as process:
        process.wait(30)

    assert sorted(sink.numbers) == list(range(N))
    assert not list(tmp_path.rglob("*.jsonl"))


def test_a_process_that_ends_while_nobody_listens_leaves_all_of_it(tmp_path):
    url, port = down()
    with running(tmp_path, url, "exits") as process:
        process.wait(30)
    sink = Sink(port)
    with running(tmp_path, url, "waits"):
        all_there(sink)
    sink.stop()


def test_the_collector_is_down_for_long(tmp_path):
    url, port = down()
    with running(tmp_path, url, "stays"):
        time.sleep(OUTAGE)
        sink = Sink(port)
        deadline = time.monotonic() + 90  # the longest wait between two tries is a minute
        while len(set(sink.numbers)) < N and time.monotonic() < deadline:
            time.sleep(0.1)
        all_there(sink)
        sink.stop()


def test_parent_and_child_each_send_their_own(tmp_path, sink):
    with running(tmp_path, sink.url, "forks") as process:
        process.wait(30)
    with running(tmp_path, sink.url, "waits"):
        all_there(sink)


def test_two_processes_on_one_directory(tmp_path):
    url, port = down()
    with running(tmp_path, url, "stays", 0, N), running(tmp_path, url, "stays", N, N) as second:
        second.kill()
        second.wait(30)
        sink = Sink(port)
        with running(tmp_path, url, "waits"):
            all_there(sink, 2 * N)
        sink.stop()


def test_a_full_disk(tmp_path):
    url, port = down()
    with running(tmp_path, url, "full") as process:
        sink = Sink(port)
        all_there(sink)
        process.kill()
        assert process.stderr is not None
        assert process.stderr.read().count("in memory only") == 1
    sink.stop()


def test_a_directory_that_is_read_only(tmp_path, sink):
    root = tmp_path / "locked"
    root.mkdir(mode=0o555)
    with running(root, sink.url, "stays", by=UNPRIVILEGED) as process:
        all_there(sink)
        process.kill()
        assert process.stderr is not None
        assert process.stderr.read().count("in memory only") == 1

    assert not list(root.iterdir())
