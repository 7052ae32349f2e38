"""Rows that were asked before."""

from __future__ import annotations

import numpy as np

from otel_mlsec.arrays import Floats
from otel_mlsec.observation import text_code
from otel_mlsec.sketches.asked import PLACES, Asked


def rows(seed: int, n: int, d: int = 5) -> Floats:
    return np.random.default_rng(seed).standard_normal((n, d))


def test_the_first_time_is_new_and_the_second_is_not():
    asked = Asked(5, seed=1)

    assert not asked.seen(rows(1, 1000)).any()
    assert asked.seen(rows(1, 1000)).mean() > 0.99  # some took the place of another
    assert not asked.seen(rows(2, 1000)).any()


def test_repeats_within_a_batch_are_repeats_of_the_first():
    x = rows(1, 4)

    assert Asked(5, seed=1).seen(x[[0, 1, 0, 2, 1, 0]]).tolist() == [False, False, True, False, True, True]


def test_cutting_a_stream_into_other_batches_changes_nothing():
    x = rows(1, 500)[np.random.default_rng(2).integers(0, 500, 2000)]
    whole, cut = Asked(5, seed=1), Asked(5, seed=1)

    np.testing.assert_array_equal(whole.seen(x), np.concatenate([cut.seen(x[at : at + 37]) for at in range(0, 2000, 37)]))


def test_one_cell_makes_a_row_another():
    x = np.zeros((6, 5))
    x[np.arange(1, 6), np.arange(5)] = 1.0

    assert not Asked(5, seed=1).seen(x).any()
    assert not Asked(5, seed=1).seen(np.array([[1.0, 2.0, 0, 0, 0], [2.0, 1.0, 0, 0, 0]])).any()


def test_missing_and_infinite_cells_and_text_are_compared_as_any_other():
    codes = text_code("VIE"), text_code("GRZ")
    x = np.array([[np.nan, 1], [np.inf, 1], [-np.inf, 1], [0, 1], [codes[0], 1], [1e308, 1]])
    asked = Asked(2, seed=1)

    assert asked.seen(x).tolist()[:5] == [False] * 5
    assert asked.seen(x).all()


def test_no_rows_and_no_columns():
    asked = Asked(5, seed=1)

    assert asked.seen(np.empty((0, 5))).tolist() == []
    assert Asked(0, seed=1).seen(np.empty((3, 0))).tolist() == [False, True, True]


def test_what_is_remembered_is_bounded_and_recent():
    asked = Asked(5, seed=1)
    first = rows(0, 1000)
    asked.seen(first)
    for seed in range(1, 9):
        wrong = asked.seen(rows(seed, PLACES // 8))
        assert wrong.mean() < 1e-4

    assert len(asked.places) == PLACES
    assert asked.seen(rows(8, PLACES // 8)).mean() > 0.9
    assert 0.1 < asked.seen(first).mean() < 0.7  # one of e, in expectation


def test_rows_that_differ_do_not_collide_however_regular_they_are():
    grid = np.stack(np.meshgrid(*[np.arange(16.0)] * 4), axis=-1).reshape(-1, 4)

    assert not Asked(4, seed=3).seen(grid).any()
