"""Files that are not as they were written: what can be read is sent and says so, what cannot is counted."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest
from tests.emit.spool.conftest import Sink, ids, record, until

from otel_mlsec.emit.spool import spool as spools

N = 1000


@pytest.fixture
def left(spooling, tmp_path) -> tuple[str, int, list[Path]]:
    """1,000 findings of a process that is gone: the URL they are for, its port, and the files."""
    gone = Sink()
    gone.stop()
    spool = spooling(url=gone.url)
    for number in range(N):
        spool.put(record(number))
    spool.close(0.0)
    return gone.url, gone.server_address[1], sorted(tmp_path.rglob("*.jsonl"))


def sent(spooling, url, port, **settings):
    """What a new process sends, and its spool."""
    sink = Sink(port)
    spool = spooling(url=url, **settings)
    spool.start()
    until(lambda: spool.size == 0 and sink.requests > 0, "all of it")
    sink.stop()
    return sink, spool


def lost(spool) -> int:
    return sum(count for (outcome, _), count in spool.counts.items() if outcome == "corrupt")


@pytest.mark.parametrize("seed", range(5))
def test_of_a_flipped_bit_only_its_own_record_suffers(seed, spooling, left):
    url, port, files = left
    rng = random.Random(seed)
    touched = set()
    for _ in range(20):
        path = rng.choice(files)
        data = bytearray(path.read_bytes())
        at = rng.randrange(len(data))
        touched |= {number for number in range(N) if f'"id-{number}"'.encode() in _lines_at(data, at)}
        data[at] ^= 1 << rng.randrange(8)
        path.write_bytes(data)
    sink, spool = sent(spooling, url, port)

    whole = set(ids(N)) - {f"id-{number}" for number in touched}
    assert whole <= set(sink.taken)
    assert N - len(set(sink.taken) & set(ids(N))) <= lost(spool) + len(sink.integrity)
    assert not whole & {name for name, fault in sink.integrity.items() if fault == "damaged"}


def _lines_at(data: bytearray, at: int) -> bytes:
    """The line, and the next where its end is what is hit."""
    begin = data.rfind(b"\n", 0, at) + 1
    end = data.find(b"\n", at + 1)
    return bytes(data[begin : end if end >= 0 else len(data)])


@pytest.mark.parametrize("seed", range(5))
def test_of_a_file_that_is_cut_off_all_before_the_cut_is_sent(seed, spooling, left):
    url, port, files = left
    rng = random.Random(seed)
    path = rng.choice(files)
    data = path.read_bytes()
    at = rng.randrange(len(data))
    path.write_bytes(data[:at])
    gone = {f"id-{number}" for number in range(N) if f'"id-{number}"'.encode() in data[data.rfind(b"\n", 0, at) + 1 :]}
    sink, spool = sent(spooling, url, port)

    assert set(ids(N)) - gone <= set(sink.taken) <= set(ids(N))
    assert lost(spool) <= 1


def test_acknowledgements_that_cannot_be_read_mean_twice_and_never_not_at_all(spooling, left):
    url, port, files = left
    (files[0].parent / "acknowledged.json").write_bytes(b'{"sent": {"critical-000001.jsonl": 1000000}, "crc": "00000000"}')
    sink, _ = sent(spooling, url, port)

    assert set(sink.taken) == set(ids(N))


@pytest.mark.parametrize("years", [-30, 30])
def test_a_clock_that_is_set_changes_nothing(years, spooling, left, monkeypatch):
    url, port, _ = left
    then = time.time() + years * 31_536_000
    monkeypatch.setattr("otel_mlsec.emit.spool.spool.time.time", lambda: then)
    sink, _ = sent(spooling, url, port)

    assert set(sink.taken) == set(ids(N))


def test_what_is_too_old_is_given_up_and_counted_if_the_receiver_was_away_for_long(spooling, left, monkeypatch):
    url, _, files = left
    for path in files:
        os.utime(path, (0, time.time() - 8 * 86_400))
    monkeypatch.setattr(spools, "PATIENCE", 0.0)
    monkeypatch.setattr(spools, "LOOK", 0.05)
    monkeypatch.setattr(spools, "FIRST_WAIT", 0.01)
    spool = spooling(url=url)
    spool.start()

    until(lambda: sum(count for (outcome, _), count in spool.counts.items() if outcome == "evicted") == N)
