"""Who asks and when is told in a context, kept apart by kind of claim, and leaves only as a keyed pseudonym."""

import asyncio
import datetime as dt
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from opentelemetry import baggage, context
from opentelemetry.sdk.trace import TracerProvider

pytest.importorskip("sklearn")
from sklearn.linear_model import LogisticRegression

from otel_mlsec.capture import identity
from otel_mlsec.capture.identity import Asked, event_time, principal, pseudonym

X = np.eye(4)
KEY = b"k" * 32
AFTERNOON = dt.datetime(2013, 1, 31, 13, 0, 0, 500_000, tzinfo=dt.timezone(dt.timedelta(hours=1)))


@pytest.fixture
def model(calls):
    return LogisticRegression().fit(X, [0, 1, 0, 1])


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setattr(identity, "_key", KEY)


def test_what_the_application_says_reaches_the_observation(model, asked):
    with principal("alice"):
        [told] = asked(lambda: model.predict(X))
    [nobody] = asked(lambda: model.predict(X))

    assert told.principal == pseudonym(Asked("app", "alice"))
    assert told.principal.startswith("app:")
    assert len(told.principal) == len("app:") + 12
    assert "alice" not in told.principal
    assert nobody.principal == ""


def test_principals_nest_and_follow_tasks_and_threads_that_carry_the_context(model, asked):
    async def task(name):
        with principal(name):
            await asyncio.sleep(0.01)
            model.predict(X)

    async def both():
        await asyncio.gather(task("a"), task("b"))

    def nested():
        with principal("outer"), principal("inner"):
            model.predict(X)

    def in_a_thread():
        with principal("carried"), ThreadPoolExecutor(1) as pool:
            here = context.get_current()
            pool.submit(lambda: (context.attach(here), model.predict(X))).result()

    assert {seen.principal for seen in asked(lambda: asyncio.run(both()))} == {pseudonym(Asked("app", name)) for name in "ab"}
    assert [seen.principal for seen in asked(nested)] == [pseudonym(Asked("app", "inner"))]
    assert [seen.principal for seen in asked(in_a_thread)] == [pseudonym(Asked("app", "carried"))]


def test_kinds_of_claims_are_kept_apart_and_the_surest_wins(model, asked):
    tracer = TracerProvider().get_tracer("test")
    token = context.attach(baggage.set_baggage("user.id", "mallory"))
    try:
        [claimed] = asked(lambda: model.predict(X))
        with tracer.start_as_current_span("s", attributes={"user.id": "bob", "enduser.pseudo.id": "bob-1"}):
            [on_span] = asked(lambda: model.predict(X))
            with principal("alice"):
                [told] = asked(lambda: model.predict(X))
    finally:
        context.detach(token)

    assert [claimed.principal, on_span.principal, told.principal] == [
        pseudonym(Asked("baggage", "mallory")),
        pseudonym(Asked("user", "bob-1")),
        pseudonym(Asked("app", "alice")),
    ]


def test_the_application_can_say_that_it_is_nobody(model, asked):
    token = context.attach(baggage.set_baggage("user.id", "mallory"))
    try:
        with principal(""):
            [seen] = asked(lambda: model.predict(X))
    finally:
        context.detach(token)

    assert seen.principal == ""


def test_claims_are_cut_before_they_are_hashed():
    assert pseudonym(Asked("header", "x" * 5_000_000)) == pseudonym(Asked("header", "x" * 1024))
    assert pseudonym(Asked("header", "\ud800\x00\n")).startswith("header:")


def test_the_key_decides_the_pseudonym(monkeypatch):
    first = pseudonym(Asked("app", "alice"))
    identity.set_key(b"another key of enough bytes" * 9)

    assert pseudonym(Asked("app", "alice")) not in (first, "")
    identity.set_key(KEY)
    assert pseudonym(Asked("app", "alice")) == first


def test_a_short_key_is_refused():
    with pytest.raises(ValueError, match="at least 16 bytes, got 3"):
        identity.set_key(b"abc")


def test_without_a_key_every_process_has_its_own():
    code = "from otel_mlsec.capture.identity import *; print(pseudonym(Asked('app', 'alice')))"
    run = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout for _ in range(2)]

    assert run[0] != run[1]


@pytest.mark.parametrize("when", [1359633600.5, AFTERNOON])
def test_event_time_replaces_the_clock_but_not_the_spans_times(when, model, asked):
    with event_time(when):
        [seen] = asked(lambda: model.predict(X))
    [now] = asked(lambda: model.predict(X))

    assert seen.time == 1359633600.5
    assert seen.start_ns > 1.7e18
    assert now.time == now.start_ns / 1e9


@pytest.mark.parametrize(
    ("when", "words"),
    [
        (dt.datetime(2013, 1, 31), "must have a time zone, got 2013-01-31"),  # noqa: DTZ001 - the case
        (float("nan"), "must be finite, got nan"),
        (float("inf"), "must be finite, got inf"),
    ],
)
def test_a_time_that_is_none_is_refused(when, words):
    with pytest.raises(ValueError, match=words), event_time(when):
        raise AssertionError("entered")
