"""Rows that were asked before, among the last 256."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_mlsec.sketches.repeats import WINDOW, Repeats


def naive(rows: list[int]) -> list[bool]:
    return [row in rows[max(0, i - WINDOW) : i] for i, row in enumerate(rows)]


@settings(max_examples=50, deadline=None)
@given(rows=st.lists(st.integers(0, 400), max_size=900), cut=st.integers(1, 500))
def test_it_says_what_comparing_every_row_would_however_they_are_cut(rows: list[int], cut: int):
    table = np.array([[row, -row] for row in rows], np.float64).reshape(-1, 2)
    repeats = Repeats()

    said = [bool(again) for at in range(0, len(rows), cut) for again in repeats.seen(table[at : at + cut])]

    assert said == naive(rows)
    assert len(repeats.recent) <= WINDOW


def test_the_256th_row_before_counts_and_the_257th_does_not():
    rows = np.arange(600.0)[:, None]
    rows[256], rows[300 + 257] = rows[0], rows[300]

    assert np.flatnonzero(Repeats().seen(rows)).tolist() == [256]


def test_the_same_values_in_other_columns_are_another_row():
    assert Repeats().seen(np.array([[1.0, 2.0], [2.0, 1.0], [1.0, 2.0]])).tolist() == [False, False, True]


def test_rows_with_missing_values_repeat_too():
    assert Repeats().seen(np.array([[np.nan, 1.0], [np.nan, 1.0]])).tolist() == [False, True]


def test_half_a_million_rows_do_not_collide():
    rows = np.arange(1_000_000.0).reshape(-1, 2)

    assert not Repeats().seen(rows).any()
    assert len(np.unique(Repeats()._hash(rows))) == len(rows)
