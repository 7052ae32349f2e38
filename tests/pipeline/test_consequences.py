"""What an attack's own rows do to the traffic is no second finding, and a fault behind it is told all the same."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from otel_mlsec.detectors.drift.effect import distance
from otel_mlsec.finding import Finding, Severity, Status
from otel_mlsec.observation import Meaning, Model, Prediction
from otel_mlsec.pipeline.consequences import LONG, OPEN, Consequences, reach

np = pytest.importorskip("numpy")
MODEL = Model(name="m")


def call(who: str, rows: int = 1, time: float = 1000.0) -> Prediction:
    return Prediction(model=MODEL, method="predict", meaning=Meaning.LABEL, n_rows=rows, principal=who, time=time)


def finding(detector: str, severity: Severity = Severity.HIGH, time: float = 1000.0, **fields: object) -> Finding:
    return Finding(**{
        "kind": detector.replace("/", "."), "detector": detector, "title": "", "summary": "", "severity": severity, "score": 2.0,
        "threshold": 1.0, "model": MODEL, "time": time, "first_seen": time, **fields,
    })  # pyright: ignore[reportArgumentType]  # fmt: skip


ATTACK = finding("extraction/account", principal="thief")
OVER = replace(ATTACK, status=Status.RESOLVED)


def drift(low: float, detector: str = "drift/data") -> Finding:
    return finding(detector, Severity.HIGH, subject=("x",), evidence={"js_distance_low": low})


def anomaly(share: float = 0.9) -> Finding:
    return finding("anomaly/input", evidence={"largest_share": share})


def found(consequences: Consequences, calls: list[Prediction], *findings: Finding) -> tuple[list[Finding], list[Finding]]:
    told, late = consequences.admitted(calls, [(each, calls[-1]) for each in findings])
    return [each for each, _ in told], [each for each, _ in late]


HALF = [call("customer", 100), call("thief", 100)]


def test_what_the_rows_of_an_attack_can_make_is_held_back_also_when_it_is_found_before_the_attack():
    held: Counter[str] = Counter()
    consequences = Consequences(lambda each: held.update([each.kind]))

    told = found(consequences, HALF, drift(0.5), anomaly(), drift(0.5, "drift/prediction"), ATTACK)

    assert told == ([ATTACK], [])
    assert held == {"drift.data": 1, "anomaly.input": 1, "drift.prediction": 1}


def test_what_is_critical_is_told_whatever_else_goes_on():
    worst = replace(drift(0.5), severity=Severity.CRITICAL)

    assert found(Consequences(), HALF, ATTACK, worst) == ([ATTACK, worst], [])


def test_what_they_cannot_make_and_what_others_do_is_told():
    consequences = Consequences()

    larger, others, facts = drift(0.6), anomaly(share=0.4), finding("drift/facts", kind="drift.missing", subject=("x",))
    assert found(consequences, HALF, ATTACK, larger, others, facts) == ([ATTACK, larger, others, facts], [])
    assert found(consequences, [call("customer")], anomaly()) == ([anomaly()], [])


def test_where_most_principals_are_taken_for_thieves_a_drift_is_told():
    consequences = Consequences()
    listed = replace(ATTACK, detector="extraction/coordinated", principal="", evidence={"principals": ("a", "b")})

    calls = [call("a"), call("b"), call("c")]
    assert found(consequences, calls, listed, drift(0.1), anomaly()) == ([listed, drift(0.1), anomaly()], [])
    assert found(consequences, [call("d"), call("a")], drift(0.1), anomaly()) == ([], [])


def test_without_an_attack_all_is_told():
    assert found(Consequences(), HALF, drift(0.3), anomaly()) == ([drift(0.3), anomaly()], [])


def test_when_the_attack_is_over_what_still_stands_is_told_and_what_has_gone_never():
    consequences = Consequences()
    found(consequences, HALF, ATTACK, drift(0.5), drift(0.5, "drift/prediction"))
    gone = replace(drift(0.5), status=Status.RESOLVED)

    assert found(consequences, HALF, gone) == ([], [])
    told, late = found(consequences, HALF, OVER)

    assert told == [OVER]
    assert [(each.detector, each.call) for each in late] == [("drift/prediction", -1)]


def test_what_comes_when_the_thief_asks_no_more_is_told_and_what_he_has_made_is_not():
    consequences = Consequences()
    found(consequences, HALF, ATTACK, drift(0.5))

    told, late = found(consequences, [call("customer", 100, time=1001.0)] * 41, drift(0.5, "drift/prediction"))

    assert ([each.detector for each in told], late) == (["drift/prediction"], [])


@pytest.mark.parametrize("goes_on", [True, False])
def test_nothing_is_held_back_for_ever_whether_the_attack_goes_on_or_nobody_says_more_of_it(goes_on: bool):
    consequences = Consequences()
    found(consequences, HALF, ATTACK, drift(0.5))
    if goes_on:
        found(consequences, [call("thief", time=1000.0 + LONG - 1)], replace(ATTACK, time=1000.0 + LONG - 1))

    _, before = found(consequences, [call("customer", time=1000.0 + LONG - 1)])
    _, late = found(consequences, [call("customer", time=1000.0 + LONG)])

    assert (before, [each.detector for each in late]) == ([], ["drift/data"])


def test_the_end_of_a_drift_that_was_told_is_told():
    consequences, gone = Consequences(), replace(drift(0.3), status=Status.RESOLVED)
    found(consequences, HALF, drift(0.3))

    assert found(consequences, HALF, ATTACK, gone) == ([ATTACK, gone], [])


def test_attacks_and_findings_that_are_remembered_are_bounded():
    consequences = Consequences()
    for number in range(2 * OPEN):
        thief = call(f"thief {number}", 100)
        found(consequences, [thief], replace(ATTACK, principal=f"thief {number}"))
        found(consequences, [thief], replace(anomaly(), subject=(f"{number}",)))

    [of] = consequences._models.values()
    assert (len(of.attacks), len(of.held)) == (OPEN, OPEN)
    assert of.rows <= 4096


@pytest.mark.parametrize("share", [0.0, 0.1, 0.25, 0.5, 0.75, 1.0])
def test_no_foreign_rows_make_more_than_the_reach_and_those_from_elsewhere_make_just_that(share: float):
    own, n = np.array([0.4, 0.3, 0.3, 0.0]) * 1e9, 1e9
    elsewhere, near = np.array([0.0, 0.0, 0.0, 1.0]) * n, np.array([0.1, 0.0, 0.9, 0.0]) * n

    assert abs(distance((1 - share) * own + share * elsewhere, own) - reach(share)) < 1e-3
    assert distance((1 - share) * own + share * near, own) <= reach(share) + 1e-3
