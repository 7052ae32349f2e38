"""What a fact has said of a column is not said again by a statistic."""

from __future__ import annotations

from dataclasses import replace

from otel_mlsec.finding import Finding, Severity, Status
from otel_mlsec.observation import Model
from otel_mlsec.pipeline.gate import STEADY, Gate


def finding(detector: str, *columns: str, status: Status = Status.NEW, kind: str = "drift.unseen", time: float = 0.0) -> Finding:
    return Finding(
        kind=kind if detector == "drift/facts" else "drift.data", detector=detector, title="", summary="", severity=Severity.LOW,
        score=2.0, threshold=1.0, model=Model(name="m"), time=time, first_seen=time, status=status, subject=columns,
    )  # fmt: skip


LATER = STEADY  # s, the time of the last row
FACT = finding("drift/facts", "month", "dest")
DRIFT = finding("drift/data", "month")


def test_a_fact_and_then_the_statistic_of_its_columns_is_one_finding():
    gate = Gate()

    assert gate.admitted([FACT, DRIFT, finding("drift/data", "dest", "month")], LATER) == [FACT]
    assert gate.held_back.total() == 2


def test_a_statistic_that_names_another_column_too_is_told():
    both = finding("drift/data", "month", "temp")

    assert Gate().admitted([FACT, both], LATER) == [FACT, both]


def test_what_was_never_told_is_not_resolved_and_what_was_told_is():
    gate = Gate()
    gate.admitted([FACT, DRIFT], LATER)
    told = finding("drift/data", "temp")
    gate.admitted([told], LATER)

    gone = [finding("drift/data", name, status=Status.RESOLVED) for name in ("month", "temp", "month")]

    assert gate.admitted(gone[:2], LATER) == [gone[1]]
    assert gate.admitted(gone[2:], LATER) == []


def test_when_the_fact_is_resolved_statistics_are_told_again():
    gate = Gate()
    gate.admitted([FACT, DRIFT], LATER)

    resolved = finding("drift/facts", "month", "dest", status=Status.RESOLVED)

    assert gate.admitted([resolved], LATER) == [resolved, DRIFT]


def test_facts_of_another_kind_stay_open():
    gate = Gate()
    gate.admitted([FACT, finding("drift/facts", "month", kind="drift.missing")], LATER)
    gate.admitted([finding("drift/facts", "month", "dest", status=Status.RESOLVED)], LATER)

    assert gate.admitted([DRIFT], LATER) == []
    assert gate.admitted([finding("drift/data", "dest")], LATER) != []


def test_other_detectors_pass():
    other = finding("drift/prediction", "month")

    assert Gate().admitted([FACT, other], LATER) == [FACT, other]


def test_rows_repeated_name_no_column_and_hold_nothing_back():
    repeated = finding("drift/facts", kind="drift.repeated")

    assert Gate().admitted([repeated, DRIFT], LATER) == [repeated, DRIFT]


def test_what_goes_and_comes_within_the_hour_is_one_finding_that_is_resolved_later():
    gate = Gate()
    gone, back = finding("drift/data", "month", status=Status.RESOLVED), finding("drift/data", "month", status=Status.REOPENED)

    assert gate.admitted([DRIFT], 0.0) == [DRIFT]
    for _ in range(100):
        assert gate.admitted([gone], 60.0) == []
        assert gate.admitted([back], 120.0) == []
    assert gate.admitted([gone], 180.0) == []
    assert gate.admitted([], STEADY - 1) == []
    assert gate.admitted([], STEADY) == [gone]
    assert gate.admitted([back], STEADY + 1) == [back]
    assert gate.held_back.total() == 100


def test_what_is_worse_than_the_fact_says_is_told():
    gate, worse = Gate(), replace(DRIFT, severity=Severity.CRITICAL)

    assert gate.admitted([FACT, DRIFT], LATER) == [FACT]
    assert gate.admitted([worse], LATER) == [worse]


def test_what_comes_back_worse_within_the_hour_is_told():
    gate = Gate()
    gate.admitted([DRIFT], 0.0)
    gate.admitted([finding("drift/data", "month", status=Status.RESOLVED)], 10.0)
    worse = replace(DRIFT, severity=Severity.CRITICAL, status=Status.REOPENED)

    assert gate.admitted([worse], 20.0) == [worse]


def test_the_end_of_one_principals_attack_holds_no_other_principal_back():
    one, other = (replace(finding("extraction/account"), kind="extraction.account", principal=f"app:{i}") for i in range(2))
    gate = Gate()

    assert gate.admitted([one], 0.0) == [one]
    assert gate.admitted([replace(one, status=Status.RESOLVED), other], 1.0) == [other]
    assert [each.principal for each in gate.admitted([], LATER)] == ["app:0"]
