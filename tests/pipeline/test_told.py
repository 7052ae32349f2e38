"""One attack is one finding."""

from __future__ import annotations

from typing import Any

from otel_mlsec.finding import Finding, Severity, Status
from otel_mlsec.observation import Model
from otel_mlsec.pipeline.told import LASTS, MAX_ATTACKS, Told


def finding(kind: str = "llm.jailbreak", severity: Severity = Severity.MEDIUM, time: float = 0.0, **fields: Any) -> Finding:
    return Finding(
        kind=kind, detector="llm/jailbreak", title="", summary="", severity=severity, score=3.0, threshold=2.0,
        model=Model(name="m"), time=time, first_seen=time, **fields,
    )  # fmt: skip


def test_a_repetition_is_counted_and_told_when_there_are_ten_and_a_hundred():
    told = Told()

    news = [each for i in range(120) for each in told.admitted([finding(time=float(i))], "app:1")]

    assert [(each.status, each.count, each.first_seen) for each in news] == [
        (Status.NEW, 1, 0.0),
        (Status.ONGOING, 10, 0.0),
        (Status.ONGOING, 100, 0.0),
    ]
    assert told.held_back == 117


def test_what_gets_worse_is_told_at_once_and_what_is_less_bad_then_is_not():
    told = Told()
    told.admitted([finding()], "app:1")

    [worse] = told.admitted([finding(severity=Severity.HIGH)], "app:1")

    assert (worse.status, worse.severity, worse.count) == (Status.ONGOING, Severity.HIGH, 2)
    assert told.admitted([finding()], "app:1") == []


def test_somebody_else_another_kind_and_another_hour_are_other_attacks():
    told = Told()
    told.admitted([finding()], "app:1")

    assert told.admitted([finding()], "app:2") == [finding()]
    assert told.admitted([finding("llm.hidden_text")], "app:1") == [finding("llm.hidden_text")]
    late = finding(time=LASTS + 1)
    assert told.admitted([late], "app:1") == [late]


def test_an_attack_that_goes_on_for_hours_is_one():
    told = Told()

    news = [told.admitted([finding(time=i * LASTS)], "app:1") for i in range(5)]

    assert [len(each) for each in news] == [1, 0, 0, 0, 0]


def test_a_flood_of_little_things_does_not_make_a_severe_one_forgotten():
    told = Told()
    told.admitted([finding(severity=Severity.HIGH)], "app:1")
    for i in range(2 * MAX_ATTACKS):
        told.admitted([finding(severity=Severity.LOW)], f"address:{i}")

    assert told.admitted([finding(severity=Severity.HIGH)], "app:1") == []
    assert told.admitted([finding(severity=Severity.LOW)], "address:0") == [finding(severity=Severity.LOW)]


def test_another_subject_is_another_attack_as_its_key_says():
    told = Told()
    keys, passwords = finding("llm.secret_leak", subject=("aws key",)), finding("llm.secret_leak", subject=("password",))

    assert told.admitted([keys, passwords], "app:1") == [keys, passwords]
    assert keys.dedup_key != passwords.dedup_key
    assert told.admitted([keys, passwords], "app:1") == []
