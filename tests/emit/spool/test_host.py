"""What a spool takes from its host, and what the host does to it: descriptors, threads, files that are cut or removed."""

from __future__ import annotations

import os
import shutil
import threading
import time

import pytest
from tests.emit.spool.conftest import Sink, ids, record, until

from otel_mlsec.emit.spool.home import Home, path_of
from otel_mlsec.emit.spool.store import ADOPTED

pytestmark = pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="descriptors are counted in /proc")


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture
def away():
    gone = Sink()
    gone.stop()
    return gone.url, gone.server_address[1]


def test_many_processes_that_left_little_take_few_descriptors_and_all_of_it_arrives(spooling, tmp_path, away, fast):
    url, port = away
    for number in range(100):
        home = Home(path_of(tmp_path, "otlp", url), "otlp", url)
        disk = home.claim()
        disk.append(record(number), "low")
        home.release(disk)
    before = descriptors()
    spool = spooling(url=url)
    spool.start()
    until(lambda: spool.waiting == ADOPTED, "the first of them")
    assert descriptors() < before + 2 * ADOPTED
    alive = Sink(port)
    until(lambda: set(alive.taken) == set(ids(100)), "all of them")
    alive.stop()


def test_hundreds_of_files_that_wait_take_few_descriptors(spooling, away):
    spool = spooling(url=away[0], limit=1 << 30)
    before = descriptors()
    for number in range(2000):
        spool.put(record(number, text="x" * 5000))
    until(lambda: descriptors() < before + 20, "files that are synced to be closed")


@pytest.mark.parametrize("how", ["cut", "removed", "all of it removed"])
def test_what_somebody_does_to_the_files_of_a_process_that_lives_is_survived(how, spooling, tmp_path, away, fast):
    url, port = away
    spool = spooling(url=url)
    for number in range(100):
        spool.put(record(number))
    for path in list(tmp_path.rglob("*.jsonl")):
        os.truncate(path, 0) if how == "cut" else path.unlink()
    if how.startswith("all"):
        shutil.rmtree(tmp_path / os.listdir(tmp_path)[0])
    for number in range(100, 200):
        spool.put(record(number))
    alive = Sink(port)
    until(lambda: set(alive.taken) >= set(ids(200)[100:]), "what came afterwards")
    until(lambda: not spool.waiting, "nothing to wait")
    alive.stop()


def test_a_home_that_cannot_be_locked_leaks_nothing(tmp_path, monkeypatch):
    home = Home(tmp_path / "otlp", "otlp", "url")
    home.path.mkdir()
    before = descriptors()

    def no_lock(*_):
        raise OSError(37, "No locks available")

    monkeypatch.setattr("fcntl.flock", no_lock)
    for _ in range(20):
        with pytest.raises(OSError, match="No locks"):
            home.claim()

    assert descriptors() < before + 20  # one a try, if any leaked; spools of earlier tests may still be closing theirs
    assert [path.name for path in home.path.iterdir()] == ["receiver.json"]


def test_a_spool_that_is_closed_in_the_middle_of_a_send_sends_no_more(spooling, sink, tmp_path):
    def slow(_sink, handler, _ids):
        time.sleep(1.0)
        return False

    sink.fault = slow
    spool = spooling(timeout=5.0)
    for number in range(300):
        spool.put(record(number))
    until(lambda: sink.requests > 0)
    spool.close(0.0)
    time.sleep(2.5)

    assert sink.requests == 1
    assert not [thread for thread in threading.enumerate() if thread.name == "otel-mlsec otlp"]


def test_a_receiver_that_cannot_be_read_is_written_down_anew(tmp_path):
    home = Home(tmp_path / "otlp", "otlp", "url")
    home.path.mkdir()
    (home.path / "receiver.json").write_text("")
    home.release(home.claim())

    assert (home.path / "receiver.json").read_text() == '{"name": "otlp", "url": "url"}\n'
