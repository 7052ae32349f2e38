"""What a receiver can do to findings on their way: nothing is lost, what comes twice has the same id, what is given up counts."""

import logging
import socket
import time

import pytest
from tests.emit.spool.conftest import Sink, ids, record, rejected, times, until

N = 1000


def put(spool, n=N, first=0):
    for number in range(first, first + n):
        spool.put(record(number))


def endless(handler):
    handler.send_response(200)
    handler.send_header("content-type", "application/x-protobuf")
    handler.end_headers()
    try:
        for _ in range(200):
            handler.wfile.write(b"\0")
            handler.wfile.flush()
            time.sleep(0.05)
    except OSError:
        pass
    handler.close_connection = True


FAULTS = {
    "500": times(3, lambda h: h.answer(500)),
    "503": times(3, lambda h: h.answer(503, retry_after="0")),
    "429": times(3, lambda h: h.answer(429)),
    "302": times(3, lambda h: h.answer(302, location="/elsewhere")),
    "401": times(3, lambda h: h.answer(401)),
    "413 to everything for a while": times(12, lambda h: h.answer(413)),
    "never ends": times(1, endless),
    "closes": times(3, lambda h: h.connection.shutdown(socket.SHUT_RDWR)),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_thousand_findings_survive(name, spooling, sink, fast):
    sink.fault = FAULTS[name]
    spool = spooling(timeout=0.3 if name == "never ends" else 2.0, again=0.05)
    put(spool)
    until(lambda: set(sink.taken) == set(ids(N)), "all of them")

    assert len(sink.taken) <= N + 128  # at most one request comes twice
    assert spool.counts["evicted", "low"] == 0


def test_a_receiver_that_asks_to_wait_is_left_alone_that_long(spooling, sink, fast):
    asked: list[float] = []

    def fault(sink, handler, _ids):
        asked.append(time.monotonic())
        if len(asked) > 1:
            return False
        handler.answer(503, retry_after="1")
        return True

    sink.fault = fault
    spool = spooling()
    put(spool, 10)
    until(lambda: len(sink.taken) == 10)

    assert asked[1] - asked[0] >= 1.0


def test_one_record_that_is_rejected_does_not_hold_up_the_others(spooling, sink, fast):
    def fault(_sink, handler, ids):
        if "id-500" not in ids:
            return False
        handler.answer(200, rejected(1))
        return True

    sink.fault = fault
    spool = spooling()
    put(spool)
    until(lambda: set(sink.taken) >= set(ids(N)) - {"id-500"}, "all but one")
    until(lambda: spool.counts["refused", "low"] == 1)

    assert "id-500" not in sink.taken
    assert spool.flush(5.0)


def test_what_was_refused_is_kept_and_tried_again(spooling, sink, fast):
    sink.fault = times(1, lambda h: h.answer(400))
    spool = spooling(again=0.2)
    put(spool, 1)
    until(lambda: sink.taken == ids(1))

    assert sum(count for (outcome, _), count in spool.counts.items() if outcome == "refused") == 1


def test_a_receiver_that_is_down_for_long_gets_all_of_it_when_it_is_up(spooling, tmp_path, fast):
    dead = Sink()
    url, port = dead.url, dead.server_address[1]
    dead.stop()
    spool = spooling(url=url)
    put(spool)
    assert not spool.flush(0.5)
    alive = Sink(port)
    until(lambda: set(alive.taken) == set(ids(N)), "all of them")
    alive.stop()

    assert len(alive.taken) == N


def test_the_worst_is_sent_first(spooling, fast):
    dead = Sink()
    url, port = dead.url, dead.server_address[1]
    dead.stop()
    spool = spooling(url=url)
    put(spool, 40)
    until(lambda: not spool.flush(0.1))
    alive = Sink(port)
    until(lambda: len(alive.taken) == 40)
    alive.stop()

    assert alive.taken[:10] == [each for each in ids(40) if int(each[3:]) % 4 == 3]


def test_a_full_spool_gives_up_the_mildest_and_says_how_many(spooling, fast):
    dead = Sink()
    url, port = dead.url, dead.server_address[1]
    dead.stop()
    spool = spooling(url=url, limit=2 << 20)
    for number in range(3000):
        spool.put(record(number, text="x" * 500))
    evicted = {severity: spool.counts["evicted", severity] for severity in ("low", "medium", "high", "critical")}
    assert spool.size <= 2 << 20
    alive = Sink(port)
    until(lambda: len(alive.taken) == 3000 - sum(evicted.values()), "all that was not given up")
    alive.stop()

    assert evicted["low"] > 0
    assert evicted["critical"] == 0
    assert {f"id-{number}" for number in range(3, 3000, 4)} <= set(alive.taken)


def test_a_disk_that_cannot_be_written_is_said_once_and_memory_takes_its_place(spooling, sink, tmp_path, caplog):
    file = tmp_path / "file"
    file.write_text("no directory")
    spool = spooling(root=file)
    with caplog.at_level(logging.WARNING):
        put(spool)
        until(lambda: len(sink.taken) == N)

    assert [each.message for each in caplog.records if "in memory only" in each.message and "cannot be written" in each.message]
    assert sum("in memory only" in each.message for each in caplog.records) == 1


def test_nothing_is_written_where_nothing_was_found(spooling, sink, tmp_path):
    spool = spooling()
    spool.start()
    spool.flush(1.0)
    spool.close(1.0)

    assert not list(tmp_path.iterdir())
    assert sink.requests == 0


def test_what_was_delivered_leaves_no_file(spooling, sink, tmp_path):
    spool = spooling()
    put(spool)
    assert spool.flush(20.0)
    spool.close(1.0)

    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["receiver.json"]
