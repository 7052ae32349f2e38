"""One attack is told when it begins, at ten times the rows, again after a while, and when it is over."""

from __future__ import annotations

import io

import numpy as np

from otel_mlsec.detectors.incident import AGAIN, MAX_PRINCIPALS, QUIET, Incident, packed, unpacked
from otel_mlsec.finding import Status


def incident(rows: int = 8, at: float = 1000.0) -> Incident:
    made = Incident(name="i", began=at, last=at)
    made.add(rows, at, "user:1")
    return made


def test_it_is_new_until_it_was_told_and_asking_does_not_tell():
    made = incident()

    assert made.due(1000.0) is Status.NEW
    assert made.due(1000.0) is Status.NEW
    made.told(1000.0)
    assert made.due(1000.0) is None


def test_it_is_told_again_at_ten_times_the_rows():
    made = incident(8)
    made.told(1000.0)
    made.add(71, 1001.0)
    assert made.due(1001.0) is None

    made.add(1, 1001.0)

    assert made.due(1001.0) is Status.ONGOING


def test_what_goes_on_is_told_again_after_a_while_and_what_does_not_is_not():
    made = incident(8)
    made.told(1000.0)
    assert made.due(1000.0 + 2 * AGAIN) is None

    made.add(1, 1000.0 + AGAIN)

    assert made.due(1000.0 + AGAIN - 1) is None
    assert made.due(1000.0 + AGAIN) is Status.ONGOING


def test_it_is_over_after_an_hour_of_silence():
    made = incident()
    made.add(1, 1500.0)

    assert not made.over(1500.0 + QUIET - 1)
    assert made.over(1500.0 + QUIET)


def test_a_clock_that_jumps_back_ends_nothing():
    made = incident()
    made.told(1000.0)
    made.add(1, -1e9)

    assert made.last == 1000.0
    assert not made.over(-1e9)
    assert made.due(-1e9) is None


def test_principals_are_counted_one_by_one_up_to_a_bound():
    made = Incident(name="i", began=0.0, last=0.0)
    for i in range(3 * MAX_PRINCIPALS):
        made.add(1, 0.0, f"user:{i}")
    made.add(5, 0.0, "user:0")

    assert len(made.principals) == MAX_PRINCIPALS
    assert made.principals["user:0"] == 6
    assert made.others == 2 * MAX_PRINCIPALS
    assert made.rows == 3 * MAX_PRINCIPALS + 5


def test_incidents_come_back_from_arrays_without_pickle():
    one, two = incident(), Incident(name="other", began=2.0, last=3.0, rows=4, told_rows=2, told_at=2.5, others=1)
    one.add(2, 1001.0, "user:2")
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **packed([one, two]))
    file.seek(0)

    with np.load(file, allow_pickle=False) as state:
        assert unpacked(dict(state)) == [one, two]
    assert unpacked(packed([])) == []
