"""Each word of `drift/facts`: told once and at once, with its columns; resolved after a quiet fortnight."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from tests.detectors.streams import (
    COUNTRY,
    DAY,
    DEFAULTS,
    DISTANCE,
    GATE,
    MONTH,
    NAMES,
    NEW_YEAR,
    ROWS_A_DAY,
    TEMP,
    WIND,
    batch,
    moments,
    reference,
    serve,
    table,
)  # fmt: skip

from otel_mlsec.arrays import Floats
from otel_mlsec.config import FeatureSettings, ModelSettings
from otel_mlsec.detectors.drift.facts import Facts
from otel_mlsec.finding import Finding, Severity, Status
from otel_mlsec.observation import text_code
from otel_mlsec.reference.reference import Reference

REFERENCE = reference()
Change = Callable[[Floats], None]


def detector(settings: ModelSettings = DEFAULTS, known: Reference = REFERENCE) -> Facts:
    built = Facts.build(known, settings)
    assert built is not None
    return built


def days(n: int, first_day: int = 0, change: Change | None = None, seed: int = 2) -> tuple[Floats, int]:
    rows = table(seed + first_day, n * ROWS_A_DAY, first_row=first_day * ROWS_A_DAY)
    if change is not None:
        change(rows)
    return rows, first_day * ROWS_A_DAY


def told(watching: Facts, n: int, first_day: int = 0, change: Change | None = None, size: int = 16) -> list[Finding]:
    rows, first_row = days(n, first_day, change)
    return serve(watching, rows, first_row=first_row, size=size)


def day_of(finding: Finding) -> float:
    return (finding.time - NEW_YEAR) / DAY


def put(column: int, value: float, every: int = 1) -> Change:
    return lambda rows: rows[::every, column].fill(value)


def new_gates(rows: Floats) -> None:
    rows[:, GATE] += 70.0  # and not one of them all the time, which would be a stuck feed as well


def stuck(rows: Floats) -> None:
    rows[:, TEMP] = 3.25


def repeated(rows: Floats) -> None:
    rows[1::4] = rows[0:-1:4]


# change -> kind, columns, severity, and the number of rows at the latest
WORDS: dict[str, tuple[Change, str, tuple[str, ...], Severity, int]] = {
    "unseen level": (put(COUNTRY, text_code("US")), "drift.unseen", ("country",), Severity.CRITICAL, 16),
    "unseen code": (put(GATE, 77.0), "drift.unseen", ("gate",), Severity.CRITICAL, 16),
    "one in twenty unseen": (put(GATE, 77.0, 20), "drift.unseen", ("gate",), Severity.HIGH, 112),
    "missing": (put(TEMP, np.nan), "drift.missing", ("temp",), Severity.CRITICAL, 32),
    "text for a number": (put(TEMP, text_code("n/a")), "drift.type", ("temp",), Severity.CRITICAL, 16),
    "a number for text": (put(COUNTRY, 5.0), "drift.type", ("country",), Severity.CRITICAL, 16),
    "infinite": (put(DISTANCE, np.inf), "drift.infinite", ("distance",), Severity.CRITICAL, 16),
    "out of range": (put(TEMP, 900.0), "drift.range", ("temp",), Severity.HIGH, 16),
    "stuck": (stuck, "drift.stuck", ("temp",), Severity.HIGH, 80),
    "repeated": (repeated, "drift.repeated", (), Severity.HIGH, 32),
}


@pytest.mark.parametrize("word", WORDS)
def test_every_word_is_told_once_at_once_with_its_column(word: str):
    change, kind, columns, severity, rows = WORDS[word]
    watching = detector()
    clean = told(watching, 5)

    found = [f for f in told(watching, 3, 5, change) if f.kind == kind]

    assert clean == []
    [finding] = found
    assert (finding.subject, finding.status, finding.severity) == (columns, Status.NEW, severity)
    assert (day_of(finding) - 5) * ROWS_A_DAY < rows
    assert finding.score >= finding.threshold > 0
    assert finding.first_seen == pytest.approx(NEW_YEAR + 5 * DAY, abs=0.01 * DAY)
    assert 0 < float(finding.evidence["share"]) <= 1  # type: ignore[arg-type]


def test_an_absent_column_is_gone_and_not_missing():
    watching = detector()
    told(watching, 2)
    rows, _ = days(1, 2)
    kept = [DISTANCE, MONTH, COUNTRY, GATE]

    found = watching.update(batch(rows[:, kept], moments(len(rows), 400), features=tuple(NAMES[i] for i in kept)))

    assert [(f.kind, f.subject, f.severity) for f in found] == [("drift.column_gone", ("temp", "wind"), Severity.CRITICAL)]
    assert found[0].summary == "temp, wind: absent, 100 % of rows"


def test_columns_that_fail_together_are_one_finding():
    def weather(rows: Floats) -> None:
        rows[:, [TEMP, WIND]] = np.nan

    [finding] = [f for f in told(detector(), 2, 5, weather) if f.kind == "drift.missing"]

    assert finding.subject == ("temp", "wind")
    assert finding.evidence["n_features"] == 2


def test_no_captured_value_is_in_the_words():
    [finding] = [f for f in told(detector(), 1, 5, put(GATE, 31337.0)) if f.kind == "drift.unseen"]

    assert finding.summary == "gate: values never in the reference, 100 % of rows"
    assert "31337" not in repr(finding)


def test_missing_where_it_always_was_missing_is_no_fact():
    rows = table(1, 12_000)
    rows[::5, WIND] = np.nan
    known = Reference.of_matrix(rows, NAMES, moments(12_000), created=0.0)

    assert told(detector(known=known), 5, 0, lambda live: live[::5, WIND].fill(np.nan)) == []
    assert [f.kind for f in told(detector(known=known), 2, 0, put(WIND, np.nan))] == ["drift.missing"]


def test_a_few_rows_are_no_fact():
    def four(rows: Floats) -> None:
        rows[:4, GATE] = 77.0

    assert told(detector(), 1, 5, four) == []


def test_a_fact_is_resolved_after_fourteen_quiet_days_and_reopened_when_it_returns():
    watching = detector()
    [new] = told(watching, 2, 0, new_gates)

    quiet = told(watching, 20, 2)
    back = told(watching, 1, 22, new_gates)

    assert [f.status for f in quiet] == [Status.RESOLVED]
    assert int(day_of(quiet[0])) == 2 + 14
    assert quiet[0].summary == "gate: values never in the reference: no more"
    assert [f.status for f in back] == [Status.REOPENED]
    assert {new.dedup_key, quiet[0].dedup_key, back[0].dedup_key} == {new.dedup_key}
    assert quiet[0].severity is new.severity


def test_a_fact_that_comes_back_within_the_fortnight_stays_one():
    watching = detector()
    told(watching, 1, 0, new_gates)

    later = [told(watching, 5, day, new_gates if day % 10 == 6 else None) for day in range(1, 41, 5)]

    assert [f for found in later for f in found] == []


def test_a_calendar_column_says_only_that_a_value_was_never_seen():
    assert REFERENCE.inputs[MONTH].calendar
    watching = detector()

    months = told(watching, 3, 0, put(MONTH, 7.0))
    others = [told(detector(), 3, 0, put(MONTH, value)) for value in (np.nan, np.inf, text_code("May"))]

    assert [(f.kind, f.subject) for f in months] == [("drift.unseen", ("month",))]
    assert [f for found in others for f in found if f.kind != "drift.unseen"] == []


def test_without_times_a_cycle_is_a_thousand_rows():
    known = reference(timed=False)
    watching = detector(known=known)

    [new] = told(watching, 1, 0, new_gates)
    gone = told(watching, 80, 1)

    assert new.kind == "drift.unseen"
    [resolved] = gone
    rows = round((resolved.time - NEW_YEAR) / DAY * ROWS_A_DAY)
    assert rows == 15_000  # the cycle of the fact, and fourteen without


def test_a_column_that_is_off_says_nothing():
    off = ModelSettings(features={"gate": FeatureSettings(off=True)})

    assert told(detector(off), 2, 0, new_gates) == []
    assert Facts.build(REFERENCE, ModelSettings(features={n: FeatureSettings(off=True) for n in NAMES})) is None


def test_an_identifier_is_never_unseen():
    rows = table(1, 12_000)
    rows[:, COUNTRY] = [text_code(f"order {i}") for i in range(12_000)]
    known = Reference.of_matrix(rows, NAMES, moments(12_000), created=0.0)

    def orders(live: Floats) -> None:
        live[:, COUNTRY] = [text_code(f"later {i}") for i in range(len(live))]

    assert told(detector(known=known), 3, 0, orders) == []


def test_a_provisional_reference_says_so():
    [finding] = told(detector(known=replace(REFERENCE, provisional=True, principals=2, largest_share=0.5)), 1, 0, new_gates)

    assert finding.evidence["reference"] == "provisional"
    assert finding.evidence["reference_principals"] == 2


def test_time_that_goes_back_stays_in_the_day():
    watching = detector()
    told(watching, 2, 10)

    assert told(watching, 2, 3) == []
    assert [f.kind for f in told(watching, 1, 4, new_gates)] == ["drift.unseen"]


def test_the_reference_served_back_is_silent():
    assert serve(detector(), table(1, 12_000)) == []
