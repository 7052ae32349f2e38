"""What `drift/joint` says: of pairs of columns that go together otherwise, each of them being what it was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.detectors.streams import batch

from otel_mlsec.arrays import Floats
from otel_mlsec.config import FeatureSettings, ModelSettings
from otel_mlsec.detectors.drift.data import DataDrift
from otel_mlsec.detectors.drift.joint import JointDrift
from otel_mlsec.finding import Finding, Severity, Status
from otel_mlsec.reference.importance import Importance
from otel_mlsec.reference.pairs import MOST, Pairs
from otel_mlsec.reference.reference import Reference

NAMES = ("a", "b", "c", "d")


def rows(seed: int, n: int, rho: float = 0.0) -> Floats:
    """`a` and `b` are correlated by `rho`, `c` and `d` by 0.8; whatever that is, every column has the same law."""
    rng = np.random.default_rng((21, seed))
    x = rng.standard_normal((n, 4))
    x[:, 1] = rho * x[:, 0] + np.sqrt(1 - rho * rho) * x[:, 1]
    x[:, 3] = 0.8 * x[:, 2] + 0.6 * x[:, 3]
    x[:, 0] = np.exp(x[:, 0])
    return x


REFERENCE = Reference.of_matrix(rows(1, 10_000), NAMES, None, created=0.0)


def detector(settings: ModelSettings | None = None, known: Reference = REFERENCE) -> JointDrift:
    built = JointDrift.build(known, settings or ModelSettings())
    assert built is not None
    return built


def serve(watching: JointDrift | DataDrift, x: Floats, start: int = 0, names: tuple[str, ...] = NAMES) -> list[Finding]:
    found: list[Finding] = []
    for at in range(0, len(x), 64):
        part = x[at : at + 64]
        found += watching.update(
            batch(part, start + at + np.arange(float(len(part))), features=names, calls=np.arange(len(part)))
        )
    return found


@pytest.mark.parametrize("seed", range(4))
def test_two_columns_that_begin_to_go_together_are_found_though_neither_changed(seed: int):
    joint, data = detector(), DataDrift.build(REFERENCE, ModelSettings())
    assert data is not None
    assert serve(joint, rows(10 + seed, 1000)) == []

    changed = rows(20 + seed, 3000, rho=0.6)
    [finding] = serve(joint, changed, 1000)

    assert serve(data, changed) == []
    assert finding.subject == ("a × b",)
    assert finding.time - 1000 < 400
    assert finding.severity >= Severity.MEDIUM
    assert finding.summary.startswith("a × b: correlation ")
    assert abs(float(finding.summary.split()[6]) - 0.6) < 0.4


def test_two_columns_that_go_together_no_more_are_found():
    apart = rows(3, 3000)
    apart[:, 3] = np.random.default_rng(4).standard_normal(3000)

    finding, *_ = serve(detector(), apart)

    assert finding.subject == ("c × d",)
    assert "correlation +0.79 -> +0." in finding.summary
    assert finding.severity >= Severity.MEDIUM


def test_a_change_has_a_life():
    watching = detector()
    assert serve(watching, rows(4, 1000)) == []
    assert watching.scores() == {}
    told = serve(watching, rows(5, 3000, rho=0.6))
    assert list(watching.scores()) == ["a × b"]
    assert watching.scores()["a × b"] > 0.2
    told += serve(watching, rows(6, 6000), 3000)
    told += serve(watching, rows(7, 3000, rho=0.6), 9000)

    assert [f.status for f in told] == [Status.NEW, Status.RESOLVED, Status.REOPENED]
    assert len({f.dedup_key for f in told}) == 1


CHANGES = {
    "shift of one": lambda x: x[:, 2].__iadd__(1.0),
    "shift of two that go together": lambda x: x[:, 2:].__iadd__(1.5),
    "spread": lambda x: x[:, 2:].__imul__(2.0),
    "missing": lambda x: x[::3, 2:].fill(np.nan),
    "unit": lambda x: x[:, 0].__imul__(1000.0),
    "text": lambda x: x[:, 0].fill(-(2.0**53)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_a_column_itself_is_left_to_drift_data(change: str):
    watching = detector()
    serve(watching, rows(8, 1000))
    x = rows(9, 6000)
    CHANGES[change](x)

    assert serve(watching, x, 1000) == []


def test_what_was_set_aside_is_watched_again_when_its_column_is_what_it_was():
    watching = detector()
    moved = rows(9, 4000)
    moved[:, 2:] += 1.5
    assert serve(watching, moved) == []
    assert serve(watching, rows(10, 4000), 4000) == []
    apart = rows(11, 3000)
    apart[:, 3] = np.random.default_rng(4).standard_normal(3000)

    assert [f.subject for f in serve(watching, apart, 8000)] == [("c × d",)]


def test_clean_rows_and_the_reference_itself_are_silent():
    watching = detector()

    assert serve(watching, rows(12, 60_000)) == []
    assert serve(watching, rows(1, 10_000)) == []
    assert watching.small_changes() == 0


def test_settings_of_either_column_are_those_of_the_pair():
    changed = rows(13, 3000, rho=0.6)

    def of(**own: float | bool) -> JointDrift:
        return detector(ModelSettings(features={"b": FeatureSettings(**own)}))  # type: ignore[arg-type]

    found, tolerated, light = serve(of(), changed), serve(of(tolerance=2.0), changed), serve(of(importance=0.05), changed)

    assert tolerated == []
    assert serve(of(off=True), changed) == []
    assert light[0].severity < found[0].severity
    assert light[0].evidence["importance"] == 0.05
    fewer = serve(detector(ModelSettings(features={"a × b": FeatureSettings(false_alarms_per_million=1e-4)})), changed)
    assert fewer[0].time > found[0].time


def wide(d: int, importance: Importance | None = None) -> Pairs:
    x = np.random.default_rng(1).standard_normal((6000, d))
    x[:, 1] = 0.6 * x[:, 0] + 0.8 * x[:, 1]
    known = Reference.of_matrix(x, tuple(f"x{i}" for i in range(d)), None, created=0.0, importance=importance)
    assert known.pairs is not None
    return known.pairs


def test_of_many_columns_the_pairs_are_the_correlated_and_the_important_and_no_more_than_128():
    names = tuple(f"x{i}" for i in range(60))
    shares = np.where(np.isin(np.arange(60), [50, 55, 59]), 0.3, 0.1 / 57)

    pairs = wide(60, Importance(names=names, shares=shares))

    chosen = set(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True))
    assert len(chosen) == MOST
    assert {(0, 1), (50, 55), (50, 59), (55, 59)} <= chosen
    assert abs(pairs.moments[pairs.left.tolist().index(0), 0] - 0.6) < 0.1
    assert set(wide(60).left.tolist()) == set(wide(60).left.tolist())


def test_rows_that_chose_pairs_do_not_count_them():
    few, many = wide(10), wide(60)

    assert (few.counts.sum(axis=1) == 6000).all()
    assert (many.counts.sum(axis=1) == 4000).all()
    uncorrelated = np.abs(many.moments[1:, 0])  # chosen for being large among 1,770; counted, they are as any
    assert uncorrelated.max() < 4.5 / np.sqrt(4000)


def test_categories_constants_and_what_moves_by_the_day_are_in_no_pair():
    rng = np.random.default_rng(2)
    x = rng.standard_normal((10_000, 5))
    x[:, 1] = rng.integers(0, 5, 10_000)
    x[:, 2] = np.where(rng.random(10_000) < 0.95, 0.0, x[:, 2])
    x[:, 3] = np.repeat(rng.standard_normal(10), 1000) + 0.1 * x[:, 3]

    pairs = Reference.of_matrix(x, ("a", "code", "zero", "season", "b"), None, categorical=("code",), created=0.0).pairs

    assert pairs is not None
    assert [(pairs.names[i], pairs.names[j]) for i, j in zip(pairs.left, pairs.right, strict=True)] == [("a", "b")]
    assert Reference.of_matrix(x[:, :3], ("a", "code", "zero"), None, categorical=("code",), created=0.0).pairs is None


def test_pairs_come_back_from_a_file_and_what_does_not_fit_is_refused(tmp_path: Path):
    REFERENCE.save(tmp_path / "m.ref")
    back, pairs = Reference.load(tmp_path / "m.ref"), REFERENCE.pairs
    assert pairs is not None
    changed = rows(14, 3000, rho=0.6)
    assert serve(detector(known=back), changed) == serve(detector(), changed)

    spoilt = pairs.edges.copy()
    spoilt[0, 0] = -np.inf
    for wrong in (
        replace(pairs, left=pairs.left + 10), replace(pairs, counts=-pairs.counts), replace(pairs, right=pairs.right[:2]),
        replace(pairs, edges=spoilt), replace(pairs, edges=np.full_like(pairs.edges, np.nan)),
        replace(pairs, inflation=pairs.inflation * 0), replace(pairs, moments=pairs.moments * np.nan),
    ):  # fmt: skip
        replace(REFERENCE, pairs=wrong).save(tmp_path / "m.ref")
        with pytest.raises(ValueError, match="its pairs has arrays"):
            Reference.load(tmp_path / "m.ref")
