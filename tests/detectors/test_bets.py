"""Bounds and bets that the detectors of errors rest on, against their definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import beta

from otel_mlsec.detectors.drift import bounds
from otel_mlsec.detectors.drift.bets import BETTER, SHARES, SIDES, WORSE, A, Bets, blamed, on_mean, on_rate
from otel_mlsec.detectors.drift.concept_adwin import Adwin
from otel_mlsec.detectors.drift.concept_charts import PageHinkley, siegmund

RNG = np.random.default_rng
NOTHING = np.zeros((0, 0), np.int64)


def test_bounds_of_a_rate_are_those_of_clopper_and_pearson():
    rows = np.round(10 ** RNG(1).uniform(0.5, 7, 200))
    hits = np.round(rows * RNG(2).random(200) ** 3)
    hits[:4], rows[:4] = [0, 5, 0, 7], [10, 5, 1, 7]

    low, high = bounds.of_rate(hits, rows)

    inside = (hits > 0, hits < rows)
    np.testing.assert_allclose(low[inside[0]], beta.ppf(bounds.DOUBT, hits, rows - hits + 1)[inside[0]], rtol=1e-6)
    np.testing.assert_allclose(high[inside[1]], beta.ppf(1 - bounds.DOUBT, hits + 1, rows - hits)[inside[1]], rtol=1e-6)
    assert (low[~inside[0]] == 0).all()
    assert (high[~inside[1]] == 1).all()


def test_bounds_of_a_mean_hold_it():
    held = 0
    for seed in range(300):
        x = RNG(seed).beta(0.5, 3, 400)
        low, high = bounds.of_mean(float(x.mean()), float(x.var(ddof=1)), len(x))
        held += low < 0.5 / 3.5 < high
    assert held >= 299
    assert bounds.of_mean(0.5, 0.1, 1) == (0.0, 1.0)


@pytest.mark.parametrize("rate", [0.08, 0.1, 0.12])
def test_no_bet_on_a_rate_gains_while_the_rate_is_allowed(rate: float):
    gains = np.array([1 - rate, rate]) @ np.exp(on_rate(0.08, 0.12))

    assert (gains <= 1 + 1e-12).all()
    assert (np.array([0.6, 0.4]) @ np.exp(on_rate(0.08, 0.12)))[SIDES == WORSE].min() > 1
    assert (np.array([0.99, 0.01]) @ np.exp(on_rate(0.08, 0.12)))[SIDES == BETTER].min() > 1


def test_no_bet_on_a_mean_gains_while_the_mean_is_allowed():
    values = np.linspace(0, 1, 32)
    bets = np.exp(on_mean(values, 0.2, 0.25, 0.3))
    law = RNG(3).dirichlet(np.ones(32), 4000)
    means = law @ values

    gains = law @ bets

    assert (gains[means <= 0.25][:, SIDES == WORSE] <= 1 + 1e-9).all()
    assert (gains[means >= 0.2][:, SIDES == BETTER] <= 1 + 1e-9).all()
    assert (bets > 0).all()


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.001), (0.999, 1.0), (0.0, 1.0)])
def test_bets_on_rates_at_the_ends_are_finite(low: float, high: float):
    assert np.isfinite(on_rate(low, high)).all()
    assert np.isfinite(on_mean(np.linspace(0, 1, 32), low, high, 0.0)).all()


def test_evidence_is_at_most_the_number_of_rows_on_average_while_nothing_changes():
    """E M_t <= t is all that the promise of false alarms rests on."""
    seen = []
    for seed in range(400):
        bets = Bets(on_rate(0.1, 0.1)[None], np.ones(1))
        for wrong in (RNG((4, seed)).random((20, 25)) < 0.1).sum(axis=1):
            total = bets.absorb(np.array([[25 - wrong, wrong]]), 25)
        seen.append(total)
    assert np.mean(seen) < 500 * 1.25  # it is heavy above; twenty blocks keep it tame
    assert np.median(seen) < 500


def test_counts_of_two_processes_add_up_to_the_same_bet():
    table = on_rate(0.1, 0.1)[None]
    one, other, both = Bets(table, np.ones(1)), Bets(table, np.ones(1)), Bets(table, np.ones(1))
    one.sums[:], other.sums[:], both.sums[:] = 3.0, 3.0, 3.0
    counts = np.array([[40, 10]])

    one.absorb(counts, 0)
    other.absorb(counts, 0)
    both.absorb(2 * counts, 0)

    np.testing.assert_allclose(both.sums * 3.0, one.sums * other.sums)


def test_shares_sum_to_one_and_blame_needs_evidence():
    assert SHARES.sum() == pytest.approx(1.0)
    assert len(SHARES) == A
    assert list(blamed(np.array([1.0, 5e6, 3e6, 0.0]), np.full(4, 0.25), 1e6)) == [1, 2]
    assert list(blamed(np.array([1.0, 10.0, 2.0]), np.full(3, 1 / 3), 1e6)) == [1]


def test_adwin_cuts_where_its_definition_says():
    """With a bucket for every row the cuts are all there are, as in the paper."""
    for seed in range(20):
        rng = RNG((5, seed))
        rows = np.concatenate([(rng.random(60) < 0.1), rng.random(int(rng.integers(10, 60))) < rng.uniform(0.2, 0.9)]).astype(
            float
        )
        window = Adwin(0.01, a_size=10_000)
        window.append(rows)

        window.cut()

        left = rows
        while _differs(left, 0.01):
            left = left[1:]
        assert window.buckets[:, 0].sum() == len(left)
        assert window.mean == pytest.approx(left.mean())


def _differs(x: np.ndarray, delta: float) -> bool:
    n = len(x)
    log = math.log(2 * math.log(n) / delta)
    for cut in range(5, n - 4):
        harmonic = 1 / (1 / cut + 1 / (n - cut))
        bound = math.sqrt(2 / harmonic * x.var() * log) + 2 / (3 * harmonic) * log
        if abs(x[:cut].mean() - x[cut:].mean()) > bound:
            return True
    return False


def test_adwin_remembers_rows_in_as_many_buckets_as_their_logarithm():
    window = Adwin(1e-5)
    x = (RNG(6).random(100_000) < 0.1).astype(float)

    for at in range(0, len(x), 1000):
        window.append(x[at : at + 1000])

    assert window.buckets[:, 0].sum() == len(x)
    assert window.buckets[:, 1].sum() == x.sum()
    assert len(window.buckets) <= 5 * 17
    with pytest.raises(ValueError, match=r"delta must be in \(0, 1\)"):
        Adwin(1.0)


def test_page_and_hinkley_alarm_as_often_as_siegmund_says_of_normal_rows():
    rows, alarms = 400_000, 0
    chart = PageHinkley(4000.0)
    z = RNG(7).standard_normal(rows)
    for at in range(0, rows, 25):
        chart.absorb(NOTHING, NOTHING, z[at : at + 25], z[at : at + 25])
        if chart.score() >= chart.threshold:
            alarms += 1
            chart.mute(np.ones((2, 2), np.bool_))
    assert 60 < alarms < 145  # 100 asked; where the rest of a block is lost after an alarm it is a little fewer


def test_page_and_hinkley_do_not_depend_on_blocks():
    z = RNG(8).standard_normal(1000) + 0.3
    whole, blocks = PageHinkley(1e9), PageHinkley(1e9)
    whole.absorb(NOTHING, NOTHING, z, z)
    for at in range(0, 1000, 25):
        blocks.absorb(NOTHING, NOTHING, z[at : at + 25], z[at : at + 25])

    np.testing.assert_allclose(whole.snapshot()["sums"], blocks.snapshot()["sums"])
    up = 0.0
    for each in z:
        up = max(0.0, up + each - 0.125)
    assert whole.snapshot()["sums"][WORSE] == pytest.approx(up)
    assert siegmund(0.5, 2e6) == pytest.approx(12.6, abs=0.05)
