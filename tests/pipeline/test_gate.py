"""What a fact has said of a column is not said again by a statistic."""

from __future__ import annotations

from otel_mlsec.finding import Finding, Severity, Status
from otel_mlsec.observation import Model
from otel_mlsec.pipeline.gate import Gate


def finding(detector: str, *columns: str, status: Status = Status.NEW, kind: str = "drift.unseen") -> Finding:
    return Finding(
        kind=kind if detector == "drift/facts" else "drift.data", detector=detector, title="", summary="", severity=Severity.LOW,
        score=2.0, threshold=1.0, model=Model(name="m"), time=0.0, first_seen=0.0, status=status, subject=columns,
    )  # fmt: skip


FACT = finding("drift/facts", "month", "dest")
DRIFT = finding("drift/data", "month")


def test_a_fact_and_then_the_statistic_of_its_columns_is_one_finding():
    gate = Gate()

    assert gate.admitted([FACT, DRIFT, finding("drift/data", "dest", "month")]) == [FACT]
    assert gate.held_back == 2


def test_a_statistic_that_names_another_column_too_is_told():
    both = finding("drift/data", "month", "temp")

    assert Gate().admitted([FACT, both]) == [FACT, both]


def test_what_was_never_told_is_not_resolved_and_what_was_told_is():
    gate = Gate()
    gate.admitted([FACT, DRIFT])
    told = finding("drift/data", "temp")
    gate.admitted([told])

    gone = [finding("drift/data", name, status=Status.RESOLVED) for name in ("month", "temp", "month")]

    assert gate.admitted(gone[:2]) == [gone[1]]
    assert gate.admitted(gone[2:]) == [gone[2]]  # held back once, and so forgotten once


def test_when_the_fact_is_resolved_statistics_are_told_again():
    gate = Gate()
    gate.admitted([FACT, DRIFT])

    resolved = finding("drift/facts", "month", "dest", status=Status.RESOLVED)

    assert gate.admitted([resolved, DRIFT]) == [resolved, DRIFT]


def test_facts_of_another_kind_stay_open():
    gate = Gate()
    gate.admitted([FACT, finding("drift/facts", "month", kind="drift.missing")])
    gate.admitted([finding("drift/facts", "month", "dest", status=Status.RESOLVED)])

    assert gate.admitted([DRIFT]) == []
    assert gate.admitted([finding("drift/data", "dest")]) != []


def test_other_detectors_pass():
    other = finding("drift/prediction", "month")

    assert Gate().admitted([FACT, other]) == [FACT, other]


def test_rows_repeated_name_no_column_and_hold_nothing_back():
    repeated = finding("drift/facts", kind="drift.repeated")

    assert Gate().admitted([repeated, DRIFT]) == [repeated, DRIFT]
