"""Values go to bins: every one to exactly one, and what is no number or no level to bins of its own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from otel_mlsec.observation import TEXT, text_code
from otel_mlsec.sketches.bins import INVALID, MAX_LEVELS, MISSING, N_BINS, REST, UNSEEN, category_bins, is_text, numeric_bins

NORMAL = np.random.default_rng(1).standard_normal(10_000)
anything = npst.arrays(np.float64, st.integers(0, 50), elements=st.floats(allow_nan=True, allow_infinity=True))
finite = npst.arrays(np.float64, st.integers(1, 50), elements=st.floats(-1e15, 1e15))


@given(learned=finite, live=anything)
def test_every_value_has_one_bin(learned: np.ndarray, live: np.ndarray):
    for bins in (numeric_bins(learned), category_bins(learned)):
        index = bins.index(live)

        assert index.dtype == np.uint8
        assert len(index) == len(live)
        assert (index < N_BINS).all()
        np.testing.assert_array_equal(index == MISSING, np.isnan(live))


@given(learned=finite)
def test_what_was_learned_is_between_the_extremes(learned: np.ndarray):
    bins = numeric_bins(learned)
    index = bins.index(learned)

    assert (np.diff(bins.edges) > 0).all()
    assert len(bins.edges) <= 29
    assert index.min() >= 1
    assert index.max() < len(bins.edges)


@given(learned=finite, live=finite)
def test_larger_values_have_no_smaller_bin(learned: np.ndarray, live: np.ndarray):
    assert (np.diff(numeric_bins(learned).index(np.sort(live)).astype(int)) >= 0).all()


def test_quantile_bins_hold_what_their_levels_say():
    counts = np.bincount(numeric_bins(NORMAL).index(NORMAL), minlength=N_BINS) / len(NORMAL)

    assert counts[0] == 0
    assert counts[14] == pytest.approx(0.05, abs=0.002)  # between the middle deciles
    assert counts.sum() == 1


def test_what_lies_beyond_the_extremes_has_bins_of_its_own():
    bins = numeric_bins(NORMAL)

    assert bins.index(np.array([NORMAL.min(), np.nextafter(NORMAL.min(), -np.inf)])).tolist() == [1, 0]
    assert bins.index(np.array([NORMAL.max(), np.nextafter(NORMAL.max(), np.inf)])).tolist() == [28, 29]


def test_infinities_and_text_are_invalid_in_a_column_of_numbers():
    assert numeric_bins(NORMAL).index(np.array([np.inf, -np.inf, text_code("seven")])).tolist() == [INVALID] * 3


def test_a_number_is_invalid_in_a_column_of_text_and_another_text_unseen():
    bins = category_bins(np.repeat([text_code("a"), text_code("b")], 500))

    assert bins.text
    assert bins.index(np.array([1.0, np.inf, text_code("c"), np.nan])).tolist() == [INVALID, INVALID, UNSEEN, MISSING]


def test_frequent_levels_have_bins_of_their_own_and_the_rare_share_one():
    codes = np.concatenate([np.repeat(np.arange(5.0), [4000, 3000, 2000, 900, 50]), np.arange(100.0, 150.0)])
    bins = category_bins(codes)

    assert bins.index(np.arange(5.0)).tolist() == [0, 1, 2, 3, 4]
    assert set(bins.index(np.arange(100.0, 150.0))) == {REST}


def test_a_remainder_too_small_to_estimate_counts_as_unseen():
    codes = np.concatenate([np.repeat([1.0, 2.0], 500), [3.0] * 5])

    assert category_bins(codes).index(np.array([3.0])).tolist() == [UNSEEN]


def test_levels_are_bounded():
    assert len(category_bins(np.arange(MAX_LEVELS + 5000.0)).levels) == MAX_LEVELS


@given(st.text())
def test_text_is_told_from_numbers(cell: str):
    assert is_text(np.array([text_code(cell), 0.0, -1e15, 1e300, np.inf, np.nan])).tolist() == [True] + [False] * 5
    assert -(2 * TEXT) < text_code(cell) <= -TEXT
