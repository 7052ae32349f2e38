"""How improbable a jump is, by the jumps that were seen."""

from __future__ import annotations

import numpy as np
import pytest

from otel_mlsec.sketches.jumps import LEAST, MOST, Jumps

ONE = 0


def learned(jumps: np.ndarray) -> Jumps:
    sketch = Jumps(1)
    sketch.add(np.zeros(len(jumps), np.int64), jumps)
    return sketch


@pytest.mark.parametrize("scale", [0.3, 1.0])
def test_of_exponential_jumps_the_tail_is_found_and_never_thought_lighter_than_it_is(scale: float):
    sketch = learned(np.random.default_rng(1).exponential(scale, 10_000))

    for surprise in (3.0, 8.0, 13.8):
        found = sketch.surprise(ONE, surprise * scale)
        assert 0.6 * surprise < found < 1.1 * surprise + 0.2


def test_new_jumps_surprise_as_seldom_as_they_say():
    rng = np.random.default_rng(2)
    for draw in (
        rng.standard_normal,
        rng.standard_exponential,
        lambda n: rng.standard_t(4, n),
        lambda n: np.log(rng.pareto(1.1, n) + 1),
    ):
        sketch, then = learned(draw(3000)), draw(200_000)
        alarms = np.mean([sketch.surprise(ONE, float(jump)) >= np.log(1000) for jump in np.sort(then)[-2000:]]) * 2000 / 200_000
        assert alarms <= 2e-3


def test_while_little_is_known_nothing_surprises_and_then_less_than_later():
    few = learned(np.zeros(LEAST - 1))
    some, many = (learned(np.random.default_rng(3).exponential(0.3, n)) for n in (50, 5000))

    assert few.surprise(ONE, 30.0) == 0.0
    assert 0 < some.surprise(ONE, 4.0) < many.surprise(ONE, 4.0)


def test_equal_jumps_are_a_tail_too():
    assert learned(np.zeros(200)).surprise(ONE, 3.0) > 15
    assert learned(np.zeros(200)).surprise(ONE, 0.0) == pytest.approx(0.0, abs=0.1)


def test_groups_are_apart_old_jumps_fade_and_a_snapshot_is_a_copy():
    sketch, restored = Jumps(2), Jumps(2)
    for _ in range(5):
        sketch.add(np.ones(MOST, np.int64), np.full(MOST, 1.0))
    taken = sketch.snapshot()
    restored.restore(taken)
    before = restored.surprise(1, 9.0)
    taken["counts"][:] = 0

    assert sketch.surprise(0, 9.0) == 0.0
    assert sketch.surprise(1, 9.0) == before == restored.surprise(1, 9.0) > 0
    assert sketch.snapshot()["counts"].sum() <= MOST


@pytest.mark.parametrize("jump", [-1e9, 1e9, 0.0])
def test_whatever_comes_is_counted(jump: float):
    assert np.isfinite(learned(np.full(100, jump)).surprise(ONE, 5.0))
