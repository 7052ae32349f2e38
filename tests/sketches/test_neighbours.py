"""The nearest row before, if it is near."""

from __future__ import annotations

import tracemalloc

import numpy as np
import numpy.typing as npt
import pytest

from otel_mlsec.sketches.neighbours import NOBODY, Neighbours

Float32s = npt.NDArray[np.float32]


def rows(seed: int, n: int, d: int) -> Float32s:
    return np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)


def spacing(d: int) -> float:
    """Median distance of a row to the nearest of two thousand others."""
    x = rows(99, 2000, d).astype(np.float64)
    apart = ((x[:200, None] - x[None]) ** 2).sum(axis=2)
    apart[np.arange(200), np.arange(200)] = np.inf
    return float(np.sqrt(np.median(apart.min(axis=1))))


def near(x: Float32s, seed: int, radius: float) -> Float32s:
    away = rows(seed, len(x), x.shape[1])
    return x + away * (radius / np.linalg.norm(away, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("d", [1, 3, 9, 20, 64])
def test_a_probe_finds_its_row_among_thousands(d: int):
    s = spacing(d)
    known = Neighbours(d, s, seed=1)
    x = rows(1, 4096, d)
    for at in range(0, 4096, 256):
        known.nearest(x[at : at + 256], 0.7 * s)
    asked = x[::16]

    found = known.nearest(near(asked, 2, 0.1 * s), 0.7 * s)

    places = np.arange(0, 4096, 16)
    assert (found.of != NOBODY).mean() > 0.95
    if d > 3:  # else other rows may be as near
        assert (found.of == places).mean() > 0.95


def test_within_one_batch_the_nearest_before_is_exact():
    x = rows(1, 200, 4)
    found = Neighbours(4, 1.0, seed=1).nearest(x, 1.0)

    for i in range(1, 200):
        apart = np.linalg.norm(x[:i] - x[i], axis=1)
        if apart.min() < 1.0:
            assert found.of[i] == apart.argmin()
            assert found.distance[i] == pytest.approx(apart.min(), rel=1e-3, abs=1e-5)
        else:
            assert found.of[i] == NOBODY
            assert np.isinf(found.distance[i])


def test_nothing_beyond_the_reach_is_a_neighbour():
    s = spacing(8)
    known = Neighbours(8, s, seed=1)
    x = rows(1, 2000, 8)
    for at in range(0, 2000, 100):
        found = known.nearest(x[at : at + 100], 0.5 * s)
        one = found.of != NOBODY
        np.testing.assert_allclose(
            np.linalg.norm(known.rows[found.of[one]] - known.rows[found.rows[one]], axis=1), found.distance[one], rtol=1e-3
        )
        assert (found.distance[one] < 0.5 * s).all()


def test_a_row_is_never_its_own_neighbour_nor_a_later_one():
    x = np.repeat(rows(1, 1, 6), 50, axis=0)
    found = Neighbours(6, 1.0, seed=1).nearest(x, 1.0)

    assert found.of[0] == NOBODY
    assert (found.of[1:] < found.rows[1:]).all()
    assert not found.distance[1:].any()


def test_what_was_overwritten_is_nobodys_neighbour():
    known = Neighbours(2, 0.01, seed=1)
    first = np.array([[50.0, 50.0]], np.float32)
    known.nearest(first, 0.01)
    for at in range(0, known.n_rows, 1024):
        known.nearest(rows(at, 1024, 2), 0.0)

    assert known.nearest(first + np.float32(1e-3), 0.005).of.tolist() == [NOBODY]


def test_no_rows_and_one_row():
    known = Neighbours(3, 1.0, seed=1)

    assert len(known.nearest(np.empty((0, 3), np.float32), 1.0).of) == 0
    assert known.nearest(rows(1, 1, 3), 1.0).of.tolist() == [NOBODY]
    assert known.nearest(rows(1, 1, 3), 1.0).of.tolist() == [0]


def test_restored_it_goes_on_as_if_nothing_had_been():
    known, restored = Neighbours(5, 0.5, seed=1), Neighbours(5, 0.5, seed=1)
    known.nearest(rows(1, 900, 5), 0.5)
    state = known.snapshot()
    restored.restore(state)
    for part in state.values():
        part[...] = 0

    left, right = known.nearest(rows(2, 900, 5), 0.5), restored.nearest(rows(2, 900, 5), 0.5)

    for a, b in zip(left, right, strict=True):
        np.testing.assert_array_equal(a, b)
    assert (left.of != NOBODY).any()


@pytest.mark.parametrize(("d", "mebibytes"), [(20, 10), (32, 14), (64, 14)])
def test_its_size_is_bounded(d: int, mebibytes: int):
    assert sum(part.nbytes for part in Neighbours(d, 1.0, seed=1).snapshot().values()) <= mebibytes << 20


def test_a_piece_needs_little_memory():
    known, x = Neighbours(20, 1.0, seed=1), rows(1, 256, 20)
    known.nearest(x, 1.0)

    tracemalloc.start()
    known.nearest(x, 1.0)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert most < 16 << 20
