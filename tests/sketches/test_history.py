"""The past, finer the nearer: nothing is lost, and it stays small."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_mlsec.sketches.history import A_SIZE, MOST, History

D, BINS = 2, 4


def past(n: int, start: float = 0.0) -> History:
    history = History(D, BINS)
    for i in range(n):
        history.append(start + i, np.full((D, BINS), 1, np.int64), np.array([i, 1.0]))
    return history


def total(history: History) -> int:
    return sum(int(bucket.counts.sum()) for bucket in history.buckets)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 3000))
def test_every_block_is_in_one_bucket_and_there_are_few(n: int):
    history = past(n)
    sizes = [bucket.blocks for bucket in history.buckets]

    assert sum(sizes) == n
    assert total(history) == n * D * BINS
    assert len(sizes) <= A_SIZE * max(n, 1).bit_length()
    assert sizes == sorted(sizes, reverse=True)
    assert [bucket.start for bucket in history.buckets] == np.cumsum([0, *sizes])[:-1].tolist()


def test_suffixes_are_sums_of_everything_since():
    history = past(100)

    starts, counts, sums = history.suffixes(0)

    np.testing.assert_array_equal(counts[:, 0], 100 - starts)
    np.testing.assert_array_equal(sums, [sum(range(int(start), 100)) for start in starts])


def test_the_last_three_blocks_are_told_apart():
    starts, _, _ = past(1000).suffixes(0)

    assert starts[-1] == 999
    assert starts[-3] >= 996


def test_what_is_appended_is_copied():
    counts = np.ones((D, BINS), np.int64)
    history = History(D, BINS)
    history.append(0.0, counts, np.zeros(D))
    counts[:] = 9

    assert total(history) == D * BINS


def test_restored_is_the_same():
    history, restored = past(300), History(D, BINS)
    restored.restore(history.snapshot())

    for left, right in zip(history.buckets, restored.buckets, strict=True):
        assert (left.blocks, left.start) == (right.blocks, right.start)
        np.testing.assert_array_equal(left.counts, right.counts)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 400), min_size=1, max_size=12))
def test_merging_keeps_every_row_and_the_bound(sizes: list[int]):
    history = History(D, BINS)
    for i, n in enumerate(sizes):
        history.merge(past(n, start=0.5 * i).snapshot())

    assert total(history) == sum(sizes) * D * BINS
    assert len(history.buckets) <= MOST
    history.append(1e6, np.ones((D, BINS), np.int64), np.zeros(D))
    assert total(history) == (sum(sizes) + 1) * D * BINS
    assert len(history.buckets) <= MOST


def test_nothing_merges_as_nothing():
    history = past(300)
    before = history.snapshot()

    history.merge(History(D, BINS).snapshot())

    for name, part in history.snapshot().items():
        np.testing.assert_array_equal(part, before[name])
