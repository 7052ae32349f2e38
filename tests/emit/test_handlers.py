"""Functions of the application that are told of findings: none of them can hurt detection, the application, or another one."""

import logging
import os
import threading
from contextlib import contextmanager, nullcontext

import pytest
from tests.emit.spool.conftest import until

from otel_mlsec.emit import handlers
from otel_mlsec.emit.handlers import Handlers


@pytest.fixture
def told():
    made = Handlers()
    yield made
    made.close(5.0)
    made.clear()


def test_each_handler_gets_every_finding_in_order(told, finding):
    one, two = [], []
    told.add(one.append)
    told.add(two.append)
    for _ in range(100):
        told.tell(finding, nullcontext)
    told.close(5.0)

    assert one == two == [finding] * 100
    assert told.counts == {"": 200}


def test_an_error_is_counted_each_time_logged_once_and_nobody_elses(told, finding, caplog):
    well = []

    def fails(_finding):
        raise ValueError("a value that must not be logged")

    told.add(fails)
    told.add(well.append)
    with caplog.at_level(logging.ERROR):
        for _ in range(5):
            told.tell(finding, nullcontext)
        told.close(5.0)

    assert len(well) == 5
    assert told.counts == {"": 5, "ValueError": 5}
    [line] = [record.message for record in caplog.records]
    assert "fails" in line
    assert "must not be logged" not in line


def test_one_that_exits_does_not_end_its_thread(told, finding):
    def leaves(_finding):
        raise SystemExit

    told.add(leaves)
    for _ in range(3):
        told.tell(finding, nullcontext)
    told.close(5.0)

    assert told.counts == {"SystemExit": 3}


def test_one_that_hangs_misses_findings_and_holds_up_nobody(told, finding, monkeypatch):
    monkeypatch.setattr(handlers, "LIMIT", 0.05)
    well, goes_on = [], threading.Event()

    def hangs(_finding):
        goes_on.wait(20)

    told.add(hangs)
    told.add(well.append)
    told.tell(finding, nullcontext)

    def dropped():
        told.tell(finding, nullcontext)
        return told.counts["timeout"] > 0

    until(dropped, "the time limit")
    n = told.counts["timeout"]
    told.tell(finding, nullcontext)
    assert told.counts["timeout"] == n + 1
    goes_on.set()
    told.close(5.0)
    assert len(well) >= 3


def test_a_flood_is_bounded(told, finding):
    goes_on = threading.Event()
    told.add(lambda _finding: goes_on.wait(20))
    for _ in range(handlers.WAITING + 100):
        told.tell(finding, nullcontext)

    assert told.counts["dropped"] in (99, 100)  # one may have been taken already
    goes_on.set()


def test_what_a_handler_does_is_not_observed(told, finding):
    inside = threading.local()
    seen = []

    @contextmanager
    def quiet():
        inside.quiet = True
        yield

    told.add(lambda _finding: seen.append(inside.quiet))
    told.tell(finding, quiet)
    told.close(5.0)

    assert seen == [True]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_fork_has_handlers_of_its_own(told, finding):
    got = []
    told.add(got.append)
    told.tell(finding, nullcontext)
    told.close(5.0)
    child = os.fork()
    if child == 0:
        told.forked()
        told.tell(finding, nullcontext)
        told.close(5.0)
        os._exit(0 if len(got) == 2 and told.counts == {"": 1} else 1)

    assert os.waitpid(child, 0)[1] == 0
    assert len(got) == 1


async def coroutine(_finding):
    pass


@pytest.mark.parametrize("wrong", [None, "text", coroutine])
def test_what_cannot_be_called_is_refused(told, wrong):
    with pytest.raises(TypeError, match="on_finding takes a function"):
        told.add(wrong)


def test_there_may_not_be_too_many(told):
    for _ in range(handlers.MOST):
        told.add(print)
    with pytest.raises(ValueError, match="at most 16"):
        told.add(print)


def test_a_thread_that_cannot_be_had_is_asked_for_again_and_holds_up_no_other_handler(told, finding, monkeypatch):
    monkeypatch.setattr("otel_mlsec.errors.raising", False)
    start, left = threading.Thread.start, [1]

    def fails_once(self):
        if self.name == "otel-mlsec handler" and left:
            left.pop()
            raise RuntimeError("can't start new thread")
        start(self)

    monkeypatch.setattr(threading.Thread, "start", fails_once)
    one, two = [], []
    told.add(one.append)
    told.add(two.append)
    for _ in range(3):
        told.tell(finding, nullcontext)
    told.close(5.0)

    assert (len(one), len(two)) == (3, 3)


def test_who_is_cleared_ends_his_thread(told, finding):
    told.add(lambda _finding: None)
    told.tell(finding, nullcontext)
    told.close(5.0)
    told.clear()

    until(lambda: not [each for each in threading.enumerate() if each.name == "otel-mlsec handler"])
