"""What `drift/cycle` says: of columns that are other ones every day, of days that are unlike those of the reference."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.detectors import streams
from tests.detectors.streams import DAY, DISTANCE, NEW_YEAR, TEMP, batch, move_by_day, serve, table

from otel_mlsec.arrays import Floats
from otel_mlsec.config import FeatureSettings, ModelSettings
from otel_mlsec.detectors.drift.cycle import CycleDrift
from otel_mlsec.detectors.drift.cycle_evidence import table as e_values
from otel_mlsec.detectors.drift.data import DataDrift
from otel_mlsec.detectors.drift.reach import sights
from otel_mlsec.finding import Finding, Severity, Status
from otel_mlsec.reference.reference import Reference

KNOWN = streams.reference(by_day=True)
A_DAY = streams.ROWS_A_DAY


def detector(known: Reference = KNOWN, settings: ModelSettings | None = None) -> CycleDrift:
    built = CycleDrift.build(known, settings or ModelSettings())
    assert built is not None
    return built


def days(n: int, seed: int) -> Floats:
    rows = table(seed, n * A_DAY)
    move_by_day(rows, seed)
    return rows


def test_only_what_moves_by_the_day_is_judged_by_it_and_the_budget_is_shared():
    data, plain = DataDrift.build(KNOWN, ModelSettings()), DataDrift.build(streams.reference(), ModelSettings())
    assert data is not None
    assert plain is not None

    assert KNOWN.rhythm is not None
    assert KNOWN.rhythm.names == ("distance", "temp")
    assert {"distance", "temp"}.isdisjoint(data._columns[i].name for i in range(len(data._columns)))
    assert data._changes.threshold == 2 * plain._changes.threshold
    assert CycleDrift.build(streams.reference(), ModelSettings()) is None


@pytest.mark.parametrize("seed", range(50, 54))
def test_a_hundred_days_like_those_of_the_reference_raise_no_alarm(seed: int):
    watching = detector()

    assert serve(watching, days(100, seed)) == []
    assert watching.small_changes() == 0


def test_a_mean_that_moves_by_four_days_sd_is_told_once_with_its_numbers():
    watching = detector()
    rows = days(40, 60)
    rows[20 * A_DAY :, TEMP] += 12

    found = serve(watching, rows)

    [finding] = [f for f in found if f.subject == ("temp",)]
    assert finding.kind == "drift.cycle"
    assert finding.status is Status.NEW
    assert finding.severity >= Severity.HIGH
    assert NEW_YEAR + 20 * DAY < finding.time < NEW_YEAR + 24 * DAY
    assert abs(finding.first_seen - (NEW_YEAR + 20 * DAY)) < 2 * DAY
    assert finding.evidence["shift_cycles"] > 2
    assert "designed for at most one false alarm in 2,000 days" in finding.evidence["judged"][0]


def test_what_has_gone_for_a_fortnight_is_resolved_and_then_told_again_as_the_same():
    watching = detector()
    rows = days(120, 61)
    for start, end in ((10, 25), (80, 120)):
        rows[start * A_DAY : end * A_DAY, TEMP] += 16

    found = [f for f in serve(watching, rows) if f.subject == ("temp",)]

    assert [f.status for f in found] == [Status.NEW, Status.RESOLVED, Status.REOPENED]
    assert found[1].time < NEW_YEAR + 60 * DAY
    assert len({f.dedup_key for f in found}) == 1


def test_two_columns_of_which_the_same_is_said_at_once_are_one_finding():
    names = ("celsius", "fahrenheit", "other")
    rows = days(90, 62)[:, [TEMP, TEMP, DISTANCE]] * [1.0, 1.8, 1.0] + [0.0, 32.0, 0.0]
    known = Reference.of_matrix(rows[: 60 * A_DAY], names, streams.moments(60 * A_DAY), created=0.0)
    live = rows[60 * A_DAY :].copy()
    live[10 * A_DAY :] += [12, 12 * 1.8, 0]
    watching = detector(known)

    parts = [live[at : at + 50] for at in range(0, len(live), 50)]
    found = [f for i, part in enumerate(parts) for f in watching.update(batch(part, streams.moments(50, i * 50), features=names))]

    [finding] = found
    assert finding.subject == ("celsius", "fahrenheit")
    assert 12 <= finding.evidence["shift"] / (1.8 if finding.evidence["features"][0] == "fahrenheit" else 1) + 3 <= 18


def test_a_feature_that_is_off_is_not_told_of():
    rows = days(30, 63)
    rows[10 * A_DAY :, TEMP] += 40
    settings = ModelSettings(features={"temp": FeatureSettings(off=True)})

    assert serve(detector(settings=settings), rows) == []
    both = ModelSettings(features={"temp": FeatureSettings(off=True), "distance": FeatureSettings(off=True)})
    assert CycleDrift.build(KNOWN, both) is None


def test_a_tolerance_is_what_is_nobodys_business():
    rows = days(40, 64)
    rows[10 * A_DAY :, TEMP] += 12

    assert serve(detector(), rows)
    assert serve(detector(settings=ModelSettings(features={"temp": FeatureSettings(tolerance=1.5)})), rows) == []


def test_a_service_that_starts_at_noon_or_serves_an_hour_a_day_is_not_compared_with_whole_days():
    swing = lambda n: 1.5 * np.sin(2 * np.pi * np.arange(n) / A_DAY)  # noqa: E731 - of the hour
    rows = table(1, 60 * A_DAY)
    rows[:, TEMP] += 8 * swing(len(rows))
    known = Reference.of_matrix(rows, streams.NAMES, streams.moments(len(rows)), created=0.0)
    assert known.rhythm is not None
    assert known.rhythm.names == ("temp",)
    live = table(2, 60 * A_DAY)
    live[:, TEMP] += 8 * swing(len(live))
    hour = np.arange(len(live)) % A_DAY * 24 // A_DAY
    times = streams.moments(len(live))
    watching = detector(known)

    kept = hour >= 18
    found = [f for at in np.flatnonzero(kept).reshape(-1, 50) for f in watching.update(batch(live[at], times[at]))]

    assert found == []


def test_one_row_from_the_year_3000_does_not_end_it():
    watching = detector()
    rows = days(40, 65)
    rows[10 * A_DAY :, TEMP] += 24
    watching.update(batch(rows[:1], np.array([3.2e10])))

    found = serve(watching, rows)

    assert [f.subject for f in found] == [("temp",)]


def test_rows_of_yesterday_stay_in_the_day_that_is_open():
    watching = detector()
    rows = days(10, 66)
    serve(watching, rows)
    before = watching.snapshot()["cycle"]

    watching.update(batch(rows[:50], streams.moments(50, 9 * A_DAY) - DAY))

    assert watching.snapshot()["cycle"] == before


def test_expected_e_values_are_at_most_one_over_all_that_the_reference_leaves_open():
    rng = np.random.default_rng(7)
    draws = rng.standard_t(8, 400_000)
    for cycles in (10, 59, 365):
        tabled = e_values(cycles)
        for mean in (-2 / np.sqrt(cycles), 0.0, 2 / np.sqrt(cycles)):
            for scale in (1.0, 1 + 2 / np.sqrt(2 * cycles)):
                at = np.clip(np.rint((mean + scale * draws + 60) / 0.025), 0, 4800).astype(int)
                means = np.exp(tabled[:, at]).mean(axis=1)
                assert (means[:3] < 1.03).all()  # of larger sizes, a sample's mean rests on a handful of draws


def test_without_times_a_cycle_is_a_thousand_rows():
    rng = np.random.default_rng(8)
    walk = np.repeat(rng.standard_normal(130), 1000)
    rows = np.column_stack([walk + 0.3 * rng.standard_normal(len(walk)), rng.standard_normal(len(walk))])
    known = Reference.of_matrix(rows[:60_000], ("a", "b"), None, created=0.0)
    assert known.rhythm is not None
    live = rows[60_000:].copy()
    live[40_000:, 0] += 8

    watching = detector(known)
    found = [
        f
        for at in range(0, len(live), 100)
        for f in watching.update(batch(live[at : at + 100], np.arange(at, at + 100.0), features=("a", "b")))
    ]

    assert [f.subject for f in found] == [("a",)]
    assert 40_000 < found[0].time < 45_000
    assert "cycles of 1,000 rows" in found[0].evidence["judged"][0]


def test_what_a_reference_can_see_is_seen_within_a_week():
    seen = sights(KNOWN)
    assert {name: sight.judged for name, sight in seen.items()} == {
        "distance": "slow", "temp": "slow", "wind": "row scale", "month": "facts only", "country": "row scale",
        "gate": "row scale",
    }  # fmt: skip
    assert seen["temp"].week <= seen["temp"].cycle
    rows = days(30, 67)
    rows[15 * A_DAY :, TEMP] += 1.2 * seen["temp"].week

    found: list[Finding] = serve(detector(), rows)

    assert [f.subject for f in found] == [("temp",)]
    assert found[0].time < NEW_YEAR + 22 * DAY


def test_fewer_than_ten_days_have_no_rhythm():
    rows = days(9, 68)

    known = Reference.of_matrix(rows, streams.NAMES, streams.moments(len(rows)), created=0.0)

    assert known.rhythm is None
    assert CycleDrift.build(known, ModelSettings()) is None


def test_weekends_are_compared_with_weekends_where_there_are_eight(tmp_path: Path):
    n = 140 * A_DAY
    rows, times = days(140, 69), streams.moments(n)
    weekend = (np.floor(times / DAY).astype(int) + 3) % 7 >= 5
    rows[weekend, TEMP] += 20
    few, many = (Reference.of_matrix(rows[:k], streams.NAMES, times[:k], created=0.0, strata="weekend") for k in (21 * A_DAY, n))
    assert few.rhythm is not None
    assert list(few.rhythm.members) == [21]
    assert many.rhythm is not None
    assert list(many.rhythm.members) == [100, 40]
    many.save(tmp_path / "w.ref")
    one_kind = Reference.of_matrix(rows, streams.NAMES, times, created=0.0)
    assert one_kind.rhythm is not None

    assert many.rhythm.upper[-1, 0:12].max() < one_kind.rhythm.upper[-1, 0:12].max()
    loaded = Reference.load(tmp_path / "w.ref")
    assert loaded.rhythm is not None
    np.testing.assert_array_equal(loaded.rhythm.centre, many.rhythm.centre)


def test_a_forged_rhythm_is_refused(tmp_path: Path):
    assert KNOWN.rhythm is not None
    replace(KNOWN, rhythm=replace(KNOWN.rhythm, upper=KNOWN.rhythm.upper[:, 1:])).save(tmp_path / "f.ref")

    with pytest.raises(ValueError, match="its rhythm has arrays that do not fit"):
        Reference.load(tmp_path / "f.ref")


def test_strata_that_nobody_knows_are_said_so():
    with pytest.raises(ValueError, match="strata must be 'weekend'"):
        Reference.fit(np.zeros((200, 2)), strata="tenant")
