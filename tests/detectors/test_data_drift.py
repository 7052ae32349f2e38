"""What `drift/data` says, on seeded streams; indices of alarms are golden numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from tests.detectors.streams import (
    COUNTRIES,
    COUNTRY,
    DAY,
    DEFAULTS,
    DISTANCE,
    GATE,
    MONTH,
    NEW_YEAR,
    ROWS_A_DAY,
    TEMP,
    WIND,
    batch,
    reference,
    serve,
    table,
)  # fmt: skip

from otel_mlsec.arrays import Floats
from otel_mlsec.config import FeatureSettings, ModelSettings
from otel_mlsec.detectors.drift.data import DataDrift
from otel_mlsec.finding import Finding, Severity, Status
from otel_mlsec.observation import Model
from otel_mlsec.reference.reference import Reference

REFERENCE = reference()
BEFORE = 1000  # clean rows
Change = Callable[[Floats], None]


def detector(settings: ModelSettings = DEFAULTS, known: Reference = REFERENCE) -> DataDrift:
    built = DataDrift.build(known, settings)
    assert built is not None
    return built


def row_of(seconds: float) -> int:
    return round((seconds - NEW_YEAR) * ROWS_A_DAY / DAY)


def after(change: Change, n: int = 3000, *, seed: int = 2, size: int = 64, of: DataDrift | None = None) -> list[Finding]:
    """Findings of `n` rows that begin, after a thousand clean ones, with the change."""
    watching = of or detector()
    assert serve(watching, table(seed, BEFORE)) == []
    rows = table(seed + 100, n, first_row=BEFORE)
    change(rows)
    return serve(watching, rows, size=size, first_row=BEFORE)


def warmer(rows: Floats, by: float = 0.5) -> None:
    rows[:, TEMP] += 8 * by  # sd


def kilometres(rows: Floats) -> None:
    rows[:, DISTANCE] *= 1.609344


@pytest.mark.parametrize(("seed", "rows"), [(2, 119), (3, 151), (4, 119), (5, 151), (6, 151), (7, 183)])
def test_half_a_standard_deviation_is_found_after_these_rows(seed: int, rows: int):
    finding, *_ = after(warmer, seed=seed, size=1)

    assert row_of(finding.time) - BEFORE == rows
    assert finding.subject == ("temp",)


def test_a_finding_says_what_how_much_how_sure_and_since_when():
    [finding] = after(warmer)

    assert (finding.kind, finding.title, finding.status) == ("drift.data", "Data drift", Status.NEW)
    assert finding.summary == "temp +0.64 sd (+5.08) JS 0.24 [0.19, 0.30]"
    assert finding.severity is Severity.MEDIUM
    assert finding.threshold == 1e6
    assert finding.score > 1e6
    assert 0 <= row_of(finding.first_seen) - BEFORE <= 32
    assert finding.count == 96
    assert finding.evidence["features"] == ("temp",)
    assert finding.evidence["judged"] == ("temp: row by row",)
    assert finding.evidence["reference_rows"] == 12_000
    low, distance, high = (finding.evidence[f"js_distance{part}"] for part in ("_low", "", "_high"))
    assert (round(float(low), 2), round(float(distance), 2), round(float(high), 2)) == (0.19, 0.24, 0.30)  # type: ignore[arg-type]


@pytest.mark.parametrize("factor", [7.0, 365.0, 1000.0, -1.0])
def test_where_all_is_beyond_the_range_no_unit_is_guessed(factor: float):
    def change(rows: Floats) -> None:
        rows[:, TEMP] = 1000.0 + factor * rows[:, TEMP]

    finding, *_ = after(change)

    assert finding.severity is Severity.CRITICAL
    assert "as if" not in finding.summary


@pytest.mark.parametrize("share", [0.4, 1.0])
def test_what_goes_missing_is_said_to_be_missing_and_no_shift_of_what_is_left(share: float):
    def change(rows: Floats) -> None:
        rows[np.random.default_rng(1).random(len(rows)) < share, TEMP] = np.nan

    finding, *_ = after(change)

    assert finding.subject == ("temp",)
    assert "temp missing 0% -> " in finding.summary
    assert "sd" not in finding.summary


def test_a_changed_unit_is_named():
    [finding] = after(kilometres)

    assert finding.subject == ("distance",)
    assert "as if x 1.609 (miles to kilometres)" in finding.summary
    assert finding.severity is Severity.HIGH


@pytest.mark.parametrize(("change", "at_least"), [(1000.0, True), (-100.0, True), (1.609344, False), (0.5, False)])
def test_where_numbers_are_clipped_the_shift_is_said_to_be_at_least_so_large(change: float, at_least: bool):
    def scaled(rows: Floats) -> None:
        rows[:, DISTANCE] *= change

    finding, *_ = after(scaled)

    assert ("distance at least " in finding.summary) is at_least


def test_a_few_numbers_that_are_far_out_do_not_clip_the_shift():
    def some(rows: Floats) -> None:
        warmer(rows, 1.0)
        rows[::300, TEMP] = 1e6

    finding, *_ = after(some)

    assert "temp +" in finding.summary


CHANGES: dict[str, Change] = {
    "distance": kilometres,
    "temp": warmer,
    "wind": lambda rows: np.copyto(rows[:, WIND], np.nan, where=np.arange(len(rows)) % 5 == 0),
    "country": lambda rows: np.copyto(rows[:, COUNTRY], COUNTRIES[4], where=np.arange(len(rows)) % 5 == 0),
    "gate": lambda rows: np.copyto(rows[:, GATE], 1.0, where=np.arange(len(rows)) % 5 == 0),
}


@pytest.mark.parametrize("column", CHANGES)
def test_the_column_that_changed_is_named_and_no_other(column: str):
    found = after(CHANGES[column])

    assert [f.subject for f in found] == [(column,)]


def test_two_columns_that_change_together_are_one_finding_or_two_but_each_is_told_once():
    def both(rows: Floats) -> None:
        rows[:, TEMP] += 16
        rows[:, DISTANCE] *= 2.2

    found = after(both)

    assert sorted(name for f in found for name in f.subject) == ["distance", "temp"]


def test_one_change_is_one_finding_with_a_life():
    watching = detector()
    [new] = after(warmer, 6000, of=watching)

    gone = serve(watching, table(3, 6000), first_row=7000)
    again = table(4, 3000)
    warmer(again)
    back = serve(watching, again, first_row=13_000)

    assert [f.status for f in (*gone, *back)] == [Status.RESOLVED, Status.REOPENED]
    assert {f.dedup_key for f in (new, *gone, *back)} == {new.dedup_key}
    assert gone[0].summary.startswith("back to the reference: temp")
    assert gone[0].severity is new.severity
    assert row_of(back[0].first_seen) >= 13_000 - 32  # the closed change is no part of the new one


@pytest.mark.parametrize("by", [0.3, 0.5, 1.0])
def test_a_change_that_stays_is_not_said_to_have_gone(by: float):
    watching = detector()
    clean, changed = table(6, 6000), table(56, 10_000)
    warmer(changed, by)

    found = serve(watching, clean) + serve(watching, changed, first_row=6000)

    assert [(f.status, f.subject) for f in found] == [(Status.NEW, ("temp",))]


@pytest.mark.parametrize("seed", [0, 1, 4, 5, 7])
def test_a_change_that_grew_from_too_small_to_show_is_told_once(seed: int):
    watching = detector()
    small, large = table(seed, 6000), table(seed + 100, 3000)
    warmer(small, 0.17)
    warmer(large, 1.2)

    found = serve(watching, small) + serve(watching, large, first_row=6000)

    assert watching.small_changes() > 0
    assert [(f.status, f.subject) for f in found] == [(Status.NEW, ("temp",))]


def test_a_tenth_of_a_standard_deviation_is_a_number_and_no_finding():
    watching = detector()

    found = after(lambda rows: warmer(rows, 0.1), 20_000, of=watching)

    assert found == []
    assert watching.small_changes() > 0
    assert 0.0 < watching.scores()["temp"] < 0.1


def test_the_score_of_a_column_starts_anew_when_its_change_has_gone():
    flags = np.where(np.random.default_rng(0).random((12_000, 2)) < 0.4, 1.0, 0.0)
    known = Reference.of_matrix(flags, ("flag", "coin"), None, categorical=("flag", "coin"), created=0.0)
    watching = detector(known=known)
    rng = np.random.default_rng(1)

    def serve_until(share: float, status: Status) -> None:
        for _ in range(200):
            rows = np.where(rng.random((64, 2)) < [share, 0.4], 1.0, 0.0)
            if any(f.status is status for f in watching.update(batch(rows, features=("flag", "coin")))):
                return
        raise AssertionError(f"never {status}")

    serve_until(0.9, Status.NEW)
    serve_until(0.4, Status.RESOLVED)

    scores = watching.scores()
    assert scores["flag"] == 0.0
    assert scores["coin"] < 0.05


def test_no_score_before_there_are_rows_to_tell_one():
    watching = detector()
    serve(watching, table(2, 200))

    assert watching.scores() == {}


def of_temp(**own: float | bool) -> ModelSettings:
    return ModelSettings(features={"temp": FeatureSettings(**own)})  # type: ignore[arg-type]


def test_a_change_within_the_tolerance_is_nobodys_business():
    assert after(lambda rows: warmer(rows, 0.25), of=detector(of_temp(tolerance=0.4))) == []
    assert after(lambda rows: warmer(rows, 0.25), of=detector(ModelSettings(tolerance=0.4))) == []
    assert [f.subject for f in after(lambda rows: warmer(rows, 0.25))] == [("temp",)]
    assert [f.subject for f in after(lambda rows: warmer(rows, 1.2), of=detector(of_temp(tolerance=0.4)))] == [("temp",)]


def test_a_column_that_is_off_is_not_watched_and_the_others_are():
    watching = detector(of_temp(off=True))

    def everything(rows: Floats) -> None:
        warmer(rows, 2)
        kilometres(rows)

    assert [f.subject for f in after(everything, of=watching)] == [("distance",)]
    assert "temp" not in watching.scores()


def test_with_every_column_off_nothing_is_built():
    names = [c.name for c in REFERENCE.inputs]

    assert DataDrift.build(REFERENCE, ModelSettings(features={n: FeatureSettings(off=True) for n in names})) is None


def test_false_alarms_asked_for_are_the_threshold():
    [model] = after(warmer, of=detector(ModelSettings(false_alarms_per_million=0.01)))
    [feature] = after(warmer, of=detector(of_temp(false_alarms_per_million=9.2)))

    assert model.threshold == pytest.approx(1e8)
    assert feature.threshold == pytest.approx(1e6 / (9.2 + 4 / 5))  # four other columns share one fifth each


def test_fewer_false_alarms_cost_rows_and_more_save_them():
    def rows(rate: float) -> int:
        return row_of(after(warmer, of=detector(of_temp(false_alarms_per_million=rate)), size=1)[0].time) - BEFORE

    assert rows(0.0001) > rows(1.0) > rows(100.0)


def test_a_column_that_tells_the_calendar_is_left_to_facts():
    assert next(c for c in REFERENCE.inputs if c.name == "month").calendar

    assert after(lambda rows: rows[:, MONTH].fill(7.0)) == []


def test_a_column_that_hangs_together_is_judged_by_what_its_rows_are_worth():
    rng = np.random.default_rng(5)

    def series(n: int) -> Floats:
        z = rng.standard_normal(n)
        for i in range(1, n):
            z[i] = 0.8 * z[i - 1] + 0.6 * z[i]
        return z[:, None]

    known = Reference.of_matrix(series(20_000), ("level",), None, model=Model(name="m"), created=0.0)
    [column] = known.inputs
    naive = replace(known, inputs=(replace(column, independent=True, variance_inflation=1.0),))
    tempered, untempered = detector(known=known), detector(known=naive)
    live = series(40_000)

    def serve_level(watching: DataDrift, rows: Floats) -> list[Finding]:
        return [f for at in range(0, len(rows), 64) for f in watching.update(batch(rows[at : at + 64], features=("level",)))]

    assert column.variance_inflation == pytest.approx(9.0, rel=0.2)  # (1 + .8)/(1 - .8)
    assert not column.independent
    assert serve_level(tempered, live) == []
    assert tempered.small_changes() == 0
    assert len(serve_level(untempered, live)) + untempered.small_changes() > 10
    [finding] = serve_level(tempered, series(4000) + 1.0)
    assert finding.evidence["judged"] == (f"level: evidence divided by {1.3 * column.variance_inflation:.3g}",)


def test_a_provisional_reference_must_be_ten_times_as_sure_and_says_what_it_is_worth():
    provisional = replace(REFERENCE, provisional=True, principals=3, largest_share=0.5)

    [finding] = after(warmer, of=detector(known=provisional))

    assert finding.threshold == 1e7
    assert {k: v for k, v in finding.evidence.items() if k.startswith("reference")} == {
        "reference": "provisional",
        "reference_rows": 12_000,
        "reference_principals": 3,
        "reference_largest_share": 0.5,
    }


@pytest.mark.parametrize(
    ("by", "severity"), [(0.27, Severity.LOW), (0.5, Severity.MEDIUM), (1.0, Severity.HIGH), (2.5, Severity.CRITICAL)]
)
def test_severity_follows_the_size_of_the_change(by: float, severity: Severity):
    found = after(lambda rows: warmer(rows, by))

    assert [f.severity for f in found if f.subject == ("temp",)] == [severity]


def test_columns_are_found_by_name_in_whatever_order_they_come():
    watching, turned = detector(), detector()
    rows = table(2, 2000)
    warmer(rows)
    order = [4, 2, 0, 5, 1, 3]
    names = np.array(["distance", "temp", "wind", "month", "country", "gate"])

    found = [f.subject for f in serve(watching, rows)]
    live = [
        f.subject
        for at in range(0, 2000, 64)
        for f in turned.update(batch(rows[at : at + 64, order], features=tuple(names[order])))
    ]

    assert live == found == [("temp",)]


def test_clean_rows_are_silent():
    watching = detector()

    assert serve(watching, table(77, 100_000), size=512) == []
    assert watching.small_changes() == 0


def test_the_reference_served_back_is_silent():
    watching = detector()

    assert serve(watching, table(1, 12_000)) == []
