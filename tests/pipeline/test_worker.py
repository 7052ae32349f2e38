import contextlib
import threading
import time
from dataclasses import dataclass

from otel_mlsec import errors
from otel_mlsec.pipeline.inbox import Inbox
from otel_mlsec.pipeline.worker import Worker


@dataclass
class Item:
    number: int
    n_bytes: int = 1


def worker(handle, **limits):
    limits = {"items": 10_000, "n_bytes": 1 << 20} | limits
    return Worker(Inbox[Item](**limits), handle, quiet=contextlib.nullcontext, idle=lambda last: None)


def test_items_come_in_order_in_one_thread_of_its_own():
    seen, threads = [], set()

    def handle(items):
        seen.extend(item.number for item in items)
        threads.add(threading.current_thread().name)

    work = worker(handle)
    for number in range(1000):
        work.put(Item(number))

    assert work.stop()
    assert seen == list(range(1000))
    assert threads == {"otel-mlsec"}


def test_no_thread_before_the_first_item():
    before = threading.active_count()

    worker(lambda items: None)

    assert threading.active_count() == before


def test_a_caller_never_waits_for_a_slow_detector():
    release = threading.Event()
    work = worker(lambda items: release.wait(10), items=50)

    began = time.thread_time()
    accepted = sum(work.put(Item(n)) for n in range(1000))
    spent = time.thread_time() - began

    assert 50 <= accepted < 1000
    assert spent < 1  # seconds of this thread's CPU; no waiting is in it
    release.set()
    work.stop()


def test_our_own_bug_in_handling_is_counted_and_the_next_batch_is_handled(monkeypatch):
    monkeypatch.setattr(errors, "raising", False)
    seen = []

    def handle(items):
        if not seen:
            seen.append("broken")
            raise RuntimeError("ours")
        seen.extend(item.number for item in items)

    work = worker(handle)
    work.put(Item(1))
    work.drain(5)
    work.put(Item(2))

    assert work.stop()
    assert seen == ["broken", 2]
    assert errors.counts["worker handle"] == 1


def test_a_drain_from_the_worker_itself_does_not_wait_for_itself():
    results = []
    work = worker(lambda items: results.append(work.drain(5)))

    began = time.monotonic()
    work.put(Item(1))
    work.stop()

    assert results == [True]
    assert time.monotonic() - began < 4


def test_after_stop_items_are_dropped_and_counted():
    work = worker(lambda items: None)
    work.put(Item(1))
    work.stop()

    assert not work.put(Item(2))


def test_where_no_thread_can_be_had_the_next_call_tries_again(monkeypatch):
    monkeypatch.setattr(errors, "raising", False)
    seen, start = [], threading.Thread.start

    def refuse(thread):
        monkeypatch.setattr(threading.Thread, "start", start)
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    work = worker(lambda items: seen.extend(item.number for item in items))
    work.put(Item(1))
    work.put(Item(2))

    assert work.stop()
    assert seen == [1, 2]


def test_a_thread_that_a_panic_ended_is_begun_anew_by_the_next_call(monkeypatch):
    class Panic(BaseException):
        """As libraries in Rust raise it."""

    ended = []
    monkeypatch.setattr(threading, "excepthook", ended.append)
    seen = []

    def handle(items):
        if not ended:
            raise Panic
        seen.extend(item.number for item in items)

    work = worker(handle)
    work.put(Item(1))
    end = time.monotonic() + 10
    while not ended and time.monotonic() < end:
        time.sleep(0.01)
    work.put(Item(2))

    assert work.stop()
    assert seen == [2]
