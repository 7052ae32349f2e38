"""What `drift/anchor` says: of live days, where the reference's rows have lost theirs."""

from __future__ import annotations

import numpy as np
import pytest
from tests.detectors import streams
from tests.detectors.streams import DAY, DISTANCE, MONTH, NEW_YEAR, TEMP, batch, move_by_day, serve, table

from otel_mlsec.arrays import Floats
from otel_mlsec.config import ModelSettings
from otel_mlsec.detectors.drift.anchor import LEVEL, Anchor, differing
from otel_mlsec.detectors.drift.data import DataDrift
from otel_mlsec.detectors.drift.learned import MOST
from otel_mlsec.finding import Finding, Severity
from otel_mlsec.reference import student
from otel_mlsec.reference.cycle_statistics import Statistics
from otel_mlsec.reference.reference import Reference

KNOWN = streams.reference(timed=False, by_day=True, shuffled=True)
A_DAY = streams.ROWS_A_DAY


def detector(known: Reference = KNOWN) -> Anchor:
    built = Anchor.build(known, ModelSettings())
    assert built is not None
    return built


def days(n: int, seed: int) -> Floats:
    rows = table(seed, n * A_DAY)
    move_by_day(rows, seed)
    return rows


def test_it_serves_where_the_reference_has_no_days_in_order_and_only_there():
    few = days(9, 1)
    assert Anchor.build(Reference.of_matrix(few, streams.NAMES, streams.moments(len(few)), created=0.0), ModelSettings())
    assert Anchor.build(streams.reference(), ModelSettings()) is None
    assert Anchor.build(streams.reference(by_day=True), ModelSettings()) is None


@pytest.mark.parametrize("seed", range(20, 24))
def test_sixty_days_that_move_as_those_of_the_reference_did_are_not_told_of(seed: int):
    assert serve(detector(), days(60, seed)) == []


def test_what_was_different_from_the_first_row_on_is_told_once_after_some_days():
    rows = days(40, 30)
    rows[:, DISTANCE] *= np.exp(0.8)

    [finding] = serve(detector(), rows)

    assert finding.subject == ("distance",)
    assert finding.severity is Severity.MEDIUM
    assert "differs from the reference since the start" in finding.summary
    assert NEW_YEAR + 5 * DAY < finding.time <= NEW_YEAR + 12 * DAY
    assert 1.1 < finding.evidence["shift_sd"] < 1.7


def test_what_changes_after_days_were_learned_from_is_told_with_what_was_learned():
    rows = days(60, 31)
    rows[30 * A_DAY :, TEMP] += 12

    [finding] = serve(detector(), rows)

    assert finding.subject == ("temp",)
    assert NEW_YEAR + 30 * DAY < finding.time < NEW_YEAR + 45 * DAY
    assert "left the reference" in finding.summary
    assert 0.1 < finding.evidence["spread_learned"] < 1.0


def test_who_moves_a_column_every_day_while_it_learns_is_told_of_and_buys_no_width():
    rows = days(40, 32)
    rows[:, TEMP] += np.repeat(np.where(np.arange(40) % 2, 24.0, -24.0), A_DAY)
    watching = detector()

    found = serve(watching, rows)

    [finding] = [f for f in found if "temp" in f.subject]
    assert "moves more from day to day than the reference's rows do" in finding.summary
    assert watching.snapshot()["upper"].max() <= MOST


def test_a_date_among_the_columns_is_nobodys_drift():
    rows = days(60, 33)
    rows[:, MONTH] = np.repeat(np.arange(60) % 30, A_DAY)
    known = days(60, 34)
    known[:, MONTH] = np.repeat(np.arange(60) % 30, A_DAY)
    shuffled = np.random.default_rng(1).permutation(known)

    watching = detector(Reference.of_matrix(shuffled, streams.NAMES, None, created=0.0))

    assert serve(watching, rows) == []


def test_hours_of_a_day_that_began_before_the_service_are_no_day():
    watching = detector()
    rows = days(3, 35)

    serve(watching, rows[A_DAY // 2 :], first_row=A_DAY // 2)

    assert int(watching.snapshot()["days"]) == 1


def test_of_independent_days_that_are_like_the_reference_hardly_any_differ():
    rng = np.random.default_rng(3)
    of = Statistics(KNOWN.inputs)
    means = of.word == 0
    told = 0
    for _ in range(400):
        sample = 0.5 * rng.standard_normal((11, len(of)))
        told += bool((differing(sample, np.zeros(len(of)), of, worth=60.0, tolerances=np.zeros(6), level=0.05) & means).any())

    assert told / 400 < 0.05
    assert LEVEL == 1e-3


def test_students_law_is_that_of_the_tables():
    for nu, limit in ((4, 2.7764), (6, 2.4469), (8, 2.3060), (10, 2.2281), (26, 2.0555)):
        assert abs(student.quantile(0.025, nu) - limit) < 1e-3


HOURLY = tuple("abcdef")


def hours(n: int, seed: int) -> Floats:
    """(50 n, 6) rows of which fifty, of one hour, are nearly the same; `f` is another one in every row."""
    rng = np.random.default_rng((16, seed))
    rows = np.repeat(rng.standard_normal((n, 6)), 50, axis=0) + 0.05 * rng.standard_normal((50 * n, 6))
    rows[:, 5] = rng.standard_normal(50 * n)
    return rows


def told_of(watching: DataDrift, rows: Floats) -> list[Finding]:
    return [
        f
        for at in range(0, len(rows), 50)
        for f in watching.update(batch(rows[at : at + 50], np.arange(at, at + 50.0), features=HOURLY))
    ]


def test_a_reference_that_had_been_shuffled_is_found_out_by_rows_in_order_and_false_alarms_are_not_told():
    shuffled = np.random.default_rng(1).permutation(hours(400, 1))
    watching = DataDrift.build(Reference.of_matrix(shuffled, HOURLY, None, created=0.0), ModelSettings())
    assert watching is not None

    [finding] = told_of(watching, hours(200, 2))

    assert finding.kind == "drift.order"
    assert finding.severity is Severity.LOW
    assert set(finding.subject) <= set("abcde")
    assert finding.time < 200
    restored = DataDrift.build(Reference.of_matrix(shuffled, HOURLY, None, created=0.0), ModelSettings())
    assert restored is not None
    restored.restore(watching.snapshot())
    assert told_of(restored, hours(200, 3)) == []


def test_independent_rows_that_shift_narrow_and_go_stale_do_not_look_shuffled():
    rng = np.random.default_rng(4)
    known = rng.standard_normal((20_000, 6))
    known[:, 0], known[:, 1] = rng.random(20_000) < 0.001, np.where(rng.random(20_000) < 0.97, np.nan, known[:, 1])
    watching = DataDrift.build(Reference.of_matrix(known, HOURLY, None, created=0.0), ModelSettings())
    assert watching is not None
    live = rng.standard_normal((8000, 6))
    live[:, 0], live[:, 1] = rng.random(8000) < 0.001, np.where(rng.random(8000) < 0.97, np.nan, live[:, 1])
    live[2000:, 2] += 2
    live[3000:, 3] *= 0.3
    live[4000:, 4] = 1.0

    found = told_of(watching, live)

    assert {f.kind for f in found} == {"drift.data"}
    assert {name for f in found for name in f.subject} >= {"c", "d", "e"}
