"""Rows' times go on as they went, whoever sets the clock."""

from __future__ import annotations

from dataclasses import dataclass

from otel_mlsec.finding import Finding, Severity
from otel_mlsec.observation import Meaning, Model, Prediction
from otel_mlsec.pipeline.clock import Clock


@dataclass
class Times:
    wall: float = 1.7e9
    steady: float = 50.0

    def clock(self) -> Clock:
        return Clock(wall=lambda: self.wall, steady=lambda: self.steady)

    def passes(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


def call(time: float, told: float | None = None) -> Prediction:
    start_ns = int(time * 1e9)
    at = start_ns / 1e9 if told is None else told
    return Prediction(model=Model(name="m"), method="predict", meaning=Meaning.LABEL, time=at, start_ns=start_ns)


def finding(time: float) -> Finding:
    return Finding(
        kind="drift.data", detector="drift/data", title="", summary="", severity=Severity.LOW, score=2.0, threshold=1.0,
        model=Model(name="m"), time=time, first_seen=time - 10.0,
    )  # fmt: skip


def test_while_nobody_sets_it_nothing_is_changed():
    times = Times()
    clock, made = times.clock(), call(times.wall)
    times.passes(86400.0)
    times.wall += 0.9  # slowed down or sped up by NTP
    clock.look()

    assert clock.steadied(made) is made
    assert clock.shown(finding(1.0), made) == finding(1.0)


def test_a_clock_that_is_set_moves_no_row_and_people_read_the_time_that_it_has():
    for jump in (7200.0, -7200.0):
        times = Times()
        clock, start = times.clock(), times.wall
        times.passes(60.0)
        times.wall += jump
        clock.look()
        made = call(times.wall)

        steadied = clock.steadied(made)

        assert abs(steadied.time - (start + 60.0)) < 1e-3
        assert abs(clock.shown(finding(steadied.time), made).time - times.wall) < 1e-3
        assert clock.shown(finding(steadied.time), steadied) == clock.shown(finding(steadied.time), made)
        assert clock.shown(finding(steadied.time), made).first_seen == clock.shown(finding(steadied.time), made).time - 10.0


def test_a_call_from_before_the_clock_was_set_back_is_not_in_the_future():
    times = Times()
    clock, before = times.clock(), call(times.wall)
    times.wall -= 7200.0
    clock.look()

    assert abs(clock.steadied(before).time - (times.wall + 7200.0)) < 1e-3


def test_times_that_the_application_tells_are_its_own():
    times = Times()
    clock = times.clock()
    times.wall += 7200.0
    clock.look()
    made = call(times.wall, told=1.0)

    assert clock.steadied(made) is made
    assert clock.shown(finding(1.0), made) == finding(1.0)
