"""Bursts of inputs unlike the reference's are one finding each, and ordinary rows are none."""

from __future__ import annotations

import numpy as np
import pytest

from otel_mlsec.arrays import Floats
from otel_mlsec.config import ModelSettings
from otel_mlsec.detectors.anomaly.input import Input
from otel_mlsec.detectors.incident import QUIET
from otel_mlsec.detectors.rows import FRESH
from otel_mlsec.finding import Finding, Severity, Status
from otel_mlsec.observation import Batch, Meaning, Model, text_code
from otel_mlsec.reference.reference import Reference

NAMES = ("amount", "age", "height", "weight", "country")
AMOUNT, AGE, HEIGHT, WEIGHT, COUNTRY = range(5)
CODES = np.array([text_code(name) for name in ("AT", "CH", "DE")])


def rows(seed: int, n: int) -> Floats:
    """(n, 5): an amount with a long tail, weight that follows height, a category."""
    rng = np.random.default_rng((5, seed))
    height = rng.normal(170, 10, n)
    weight = 70 + 0.9 * (height - 170) + rng.normal(0, 3, n)
    return np.column_stack(
        [np.exp(rng.normal(3, 0.7, n)), rng.integers(18, 80, n), height, weight, rng.choice(CODES, n, p=[0.5, 0.3, 0.2])]
    )


REFERENCE = Reference.of_matrix(rows(0, 10_000), NAMES, None, created=0.0, model=Model(name="m"))


def detector(reference: Reference = REFERENCE, **settings: object) -> Input:
    built = Input.build(reference, ModelSettings(**settings))
    assert built is not None
    return built


def batch(part: Floats, times: Floats, who: tuple[str, ...], names: tuple[str, ...] = NAMES) -> Batch:
    return Batch(
        model=Model(name="m"), meaning=Meaning.RAW, features=names, inputs=part, outputs=None, times=times,
        calls=np.arange(len(part)), principals=who,
    )  # fmt: skip


def serve(
    watching: Input, asked: Floats, *, start: float = 0.0, pace: float = 1.0, who: tuple[str, ...] = ("user:a",), size: int = 64
) -> list[Finding]:
    """All findings of rows that come every `pace` s, each a call of the next of `who`."""
    found: list[Finding] = []
    for at in range(0, len(asked), size):
        part = asked[at : at + size]
        times = start + pace * (at + np.arange(len(part)))
        found += watching.update(batch(part, times, tuple(who[(at + i) % len(who)] for i in range(len(part))), NAMES))
    return found


def torn(seed: int, n: int) -> Floats:
    """Rows whose cells are each ordinary, and which belong to different rows."""
    rng = np.random.default_rng(seed)
    mixed = rows(seed, n)
    mixed[:, HEIGHT] = rng.permutation(np.concatenate([rng.uniform(145, 155, n // 2), rng.uniform(185, 195, n - n // 2)]))
    mixed[:, WEIGHT] = 70 - 0.9 * (mixed[:, HEIGHT] - 170)
    return mixed


def test_a_quarter_of_a_million_ordinary_rows_are_no_finding():
    assert serve(detector(), rows(1, 250_000), size=2048) == []


def test_a_burst_is_one_finding_that_grows_by_tens_and_ends_when_it_has_been_quiet():
    watching = detector()
    serve(watching, rows(2, 500))

    burst = serve(watching, torn(3, 1200), start=500)
    after = serve(watching, rows(4, 500), start=2000, pace=10.0)

    assert [f.status for f in burst] == [Status.NEW, Status.ONGOING, Status.ONGOING]
    assert [f.status for f in after] == [Status.RESOLVED]
    assert len({f.dedup_key for f in burst + after}) == 1
    assert burst[0].count <= 8
    assert burst[0].time - burst[0].first_seen < 20
    assert [f.count // burst[0].count for f in burst] == [1, 10, 100]
    assert after[0].count > 1000


def test_reasons_are_names_and_distances_and_never_a_value():
    asked = rows(5, 40)
    asked[7, AMOUNT] = 987_654.0

    [finding] = serve(detector(), asked)

    assert finding.count == 1
    assert finding.evidence["features"] == ("amount",)
    assert "amount" in finding.summary and "widths above its range" in finding.summary
    assert "987" not in repr(finding)


def test_what_is_strange_beside_the_others_is_said_so_and_they_are_not_blamed():
    asked = rows(6, 64)
    asked[:, HEIGHT], asked[:, WEIGHT] = 160, 95  # each is ordinary

    found = serve(detector(), asked)

    assert found[0].status is Status.NEW
    assert set(found[0].evidence["features"]) <= {"weight", "height"}
    assert "from what the other features let expect" in found[0].summary
    assert "age" not in found[0].summary


@pytest.mark.parametrize(("times", "severity"), [(1.0, Severity.LOW), (300.0, Severity.HIGH)])
def test_severity_is_how_far(times: float, severity: Severity):
    asked = torn(7, 64)
    asked[:, AGE] = 50 + times * (asked[:, AGE] - 50)

    assert max(f.severity for f in serve(detector(), asked)) is severity


def test_who_asked_is_a_number_and_a_share():
    who = ("user:a", "user:a", "user:a", "user:b")

    last = serve(detector(), torn(8, 200), who=who)[-1]

    assert last.evidence["n_principals"] == 2
    assert last.evidence["largest_share"] == pytest.approx(0.75, abs=0.1)


def test_one_strange_row_asked_a_thousand_times_is_one_row():
    watching, asked = detector(), np.repeat(torn(9, 1), 1000, axis=0)
    seen = batch(asked, np.arange(1000.0), ("user:a",) * 1000)
    fresh = np.zeros(1000, np.bool_)
    fresh[0] = True
    seen.derived[FRESH] = fresh

    assert watching.update(seen) == []


@pytest.mark.parametrize("column", range(5))
def test_a_missing_column_is_no_anomaly(column: int):
    asked = rows(10, 1000)
    asked[:, column] = np.nan

    assert serve(detector(), asked) == []


def test_rows_of_nothing_are_no_anomaly():
    assert serve(detector(), np.full((1000, 5), np.nan)) == []


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e308, text_code("forty")])
def test_cells_that_are_no_ages_are_told_at_once_and_with_finite_numbers(value: float):
    asked = rows(11, 32)
    asked[5, AGE] = value

    [finding] = serve(detector(), asked)

    assert finding.severity is Severity.HIGH
    assert "age far" in finding.summary
    assert all(np.isfinite(v) for v in finding.evidence.values() if isinstance(v, float))


def test_a_tenth_of_the_traffic_is_found_among_ordinary_rows():
    asked = rows(12, 2000)
    asked[::10] = torn(13, 200)

    found = serve(detector(), asked)

    assert found[0].status is Status.NEW
    assert found[0].time < 1000
    assert 20 >= found[0].evidence["rows_seen"] / found[0].count >= 5


def test_levels_never_seen_are_a_burst_and_one_alone_is_none():
    alone, many = rows(14, 1000), rows(15, 1000)
    alone[500, COUNTRY] = text_code("XX")
    many[:, COUNTRY] = [text_code(f"country {i}") for i in range(1000)]

    assert serve(detector(), alone) == []
    assert "country a level never seen" in serve(detector(), many)[0].summary


def test_rare_rows_that_come_in_bunches_in_the_reference_are_bunches_that_are_ordinary():
    def stormy(seed: int, n: int) -> Floats:
        """A hundred rows in two thousand are of another kind, one after another."""
        made, rng = rows(seed, n), np.random.default_rng(seed)
        for at in rng.integers(0, n - 100, n // 2000):
            made[at : at + 100, HEIGHT] += 35.0
        return made

    ordered = stormy(16, 40_000)
    shuffled = np.random.default_rng(1).permutation(ordered)
    known, unordered = (Reference.of_matrix(made, NAMES, None, created=0.0) for made in (ordered, shuffled))

    counts = [len(serve(detector(each), stormy(17, 40_000), size=2048)) for each in (known, unordered)]

    assert counts[0] == 0
    assert counts[1] > 0  # the same rows, of which nobody knows that they come so


def test_a_lone_row_long_after_a_burst_is_not_another():
    watching = detector()
    serve(watching, torn(18, 500))
    watching.update(batch(rows(19, 1), np.array([500 + 2 * QUIET]), ("user:a",)))

    assert serve(watching, torn(20, 1), start=500 + 3 * QUIET) == []


def test_a_clock_that_jumped_far_ahead_does_not_keep_an_incident_open():
    watching = detector()
    asked = rows(21, 3)
    asked[1, AGE] = 1e9
    watching.update(batch(asked, np.array([0.0, 1e15, 1.0]), ("user:a",) * 3))

    found = serve(watching, rows(22, 200), start=10.0, pace=60.0)

    assert [f.status for f in found] == [Status.RESOLVED]


def test_the_budget_moves_the_threshold():
    loose, strict = (
        serve(detector(false_alarms_per_million=budget), torn(23, 64))[0].count for budget in (10_000.0, 0.001)
    )  # fmt: skip

    assert loose < strict


def test_ways_to_compare_are_chosen_by_settings():
    assert Input.build(REFERENCE, ModelSettings(anomaly=())) is None
    assert Input.build(REFERENCE, ModelSettings(anomaly=("forest",))) is None  # the reference has none
    asked = torn(24, 200)

    assert serve(detector(anomaly=("range", "zscore")), asked) == []  # each cell is ordinary
    assert serve(detector(anomaly=("mahalanobis",)), asked)[0].evidence["compared"] == ("mahalanobis",)


def test_a_z_score_finds_what_is_far_in_one_column():
    asked = rows(25, 200)
    asked[:, HEIGHT] += 60

    assert "height" in serve(detector(anomaly=("zscore",)), asked)[0].evidence["features"]


ODD_REFERENCES = {
    "constant columns": np.ones((500, 3)),
    "categories only": np.random.default_rng(0).choice(CODES, (500, 3)),
    "all missing": np.full((500, 3), np.nan),
    "a single row": np.ones((1, 3)),
    "few rows": np.random.default_rng(0).normal(size=(100, 3)),
    "infinite": np.full((500, 3), np.inf),
    "one column": np.random.default_rng(0).normal(size=(500, 1)),
    "wide": np.random.default_rng(0).normal(size=(300, 5000)),
    "wider than is looked at": np.random.default_rng(0).normal(size=(120, 8200)),
}


@pytest.mark.parametrize("kind", ODD_REFERENCES)
def test_odd_references_raise_nothing_and_accept_their_own_rows(kind: str):
    known = ODD_REFERENCES[kind]
    names = tuple(f"x{i}" for i in range(known.shape[1]))
    reference = Reference.of_matrix(known, names, None, created=0.0)
    watching = Input.build(reference, ModelSettings(anomaly=("range", "mahalanobis", "class", "nearest", "zscore")))
    assert kind == "a single row" or watching is not None
    if watching is None:
        return

    def asked(rows: Floats) -> list[Finding]:
        times = np.arange(len(rows), dtype=np.float64)
        return watching.update(batch(rows, times, ("user:a",) * len(rows), names))

    assert asked(known[:100]) == []
    asked(np.full((100, len(names)), 1e9))
    asked(np.full((100, len(names)), text_code("x")))
    asked(np.full((100, len(names)), np.nan))


def test_a_wide_table_names_the_column():
    rng = np.random.default_rng(3)
    names = tuple(f"x{i}" for i in range(1000))
    reference = Reference.of_matrix(rng.normal(size=(1000, 1000)), names, None, created=0.0)
    watching = Input.build(reference, ModelSettings())
    assert watching is not None
    asked = rng.normal(size=(5, 1000))
    asked[2, 700] = 1e4

    [finding] = watching.update(batch(asked, np.arange(5.0), ("user:a",) * 5, names))

    assert finding.evidence["features"] == ("x700",)
