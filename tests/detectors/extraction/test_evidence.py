"""Bets against p-values, votes, the pool of new accounts and what somebody could have learned."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from tests.detectors.attacked import answers, reference, rows

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.detectors.extraction.evidence import ENOUGH, MOST, N_STATISTICS, VOTES, Votes, log_e, runs, shiryaev_roberts
from otel_mlsec.detectors.extraction.exposure import LEAST, TRACKED, Exposure
from otel_mlsec.detectors.extraction.pool import STRETCH, STRETCHES, Pool, membership
from otel_mlsec.reference.geometry import Float32s

UNIFORM = (np.arange(200_000) + 0.5) / 200_000


def plainly(before: Floats, steps: Floats, groups: Ints) -> Floats:
    """M = (M + 1) e, one row after another; in logarithms, since 60 rows of e**9 are no number."""
    after = np.empty_like(steps)
    latest: dict[int, Floats] = {}
    for i, group in enumerate(groups.tolist()):
        m = latest.get(group, before[i])
        latest[group] = np.logaddexp(m, 0.0) + steps[i]
        after[i] = latest[group]
    return np.minimum(after, MOST)


@settings(max_examples=60, deadline=None)
@given(n=st.integers(0, 300), principals=st.integers(1, 40), seed=st.integers(0, 1000), bias=st.sampled_from([-1.0, 0.0, 2.0]))
def test_many_principals_at_once_are_as_one_row_after_another(n: int, principals: int, seed: int, bias: float):
    rng = np.random.default_rng(seed)
    order, groups, _ = runs(rng.integers(0, principals, n))
    steps = np.clip(rng.normal(bias, 2.0, (n, N_STATISTICS)), -2.5, 9.0)
    before = rng.normal(0, 10, (principals, N_STATISTICS))[groups]

    after = shiryaev_roberts(before, steps, groups)

    assert len(order) == n
    np.testing.assert_allclose(after, plainly(before, steps, groups), rtol=1e-6, atol=1e-6)


def test_a_long_run_of_one_principal_among_many_loses_no_precision():
    steps = np.full((100_000, N_STATISTICS), -0.7)
    steps[-20:] = 1.5
    groups = np.r_[np.zeros(50_000, np.int64), np.ones(50_000, np.int64)]

    after = shiryaev_roberts(np.zeros_like(steps), steps, groups)

    np.testing.assert_allclose(after[-1], plainly(np.zeros_like(steps), steps, groups)[-1], rtol=1e-6)


def test_runs_put_rows_of_a_slot_together_in_their_order():
    order, groups, last = runs(np.array([7, 3, 7, 3, 9]))

    assert order.tolist() == [1, 3, 0, 2, 4]
    assert groups.tolist() == [0, 0, 1, 1, 2]
    assert last.tolist() == [False, True, False, True, True]


def test_a_bet_on_a_uniform_p_value_gains_nothing_on_average():
    assert 0.8 < np.exp(log_e(UNIFORM)).mean() <= 1.0
    assert log_e(np.array([1.0, 1.0])).max() < 0
    assert np.isfinite(log_e(np.array([0.0, -1.0, 2.0]))).all()
    assert (np.diff(log_e(np.linspace(0.001, 1, 100))) < 0).all()


def test_where_all_have_moved_nobody_is_strange():
    votes = Votes()
    assert votes.corrected(np.full((1, 3), 0.01)).tolist() == [[0.01] * 3]  # before there are enough

    for _ in range(ENOUGH // 64 + 1):
        votes.cast(np.full((64, 3), 0.01))

    assert votes.corrected(np.array([[0.01, 0.5, 0.0001]])).tolist() == [[1.0, 1.0, pytest.approx(1 / 321)]]


def test_a_few_voters_do_not_change_what_is_ordinary_and_votes_are_bounded():
    votes, rng = Votes(), np.random.default_rng(1)
    for _ in range(200):
        votes.cast(rng.random((64, 3)))
    votes.cast(np.full((50, 3), 1e-4))

    assert votes.corrected(np.full((1, 3), 0.001)).max() < 0.1
    assert sum(part.nbytes for part in votes.snapshot().values()) <= 2 * VOTES * 3 * 8 + 16


def test_a_large_cast_of_votes_keeps_the_latest():
    votes = Votes()
    votes.cast(np.concatenate([np.full((5000, 3), 0.9), np.full((VOTES, 3), 0.1)]))

    assert votes.corrected(np.full((1, 3), 0.1)).tolist() == [[1.0] * 3]
    assert votes.corrected(np.full((1, 3), 0.05)).max() < 0.06


def pooled(log_es: Floats) -> Pool:
    pool = Pool()
    stretches = pool.stretches(len(log_es))
    pool.add(stretches, np.zeros(len(log_es)), log_es)
    return pool


def account_es(rng: np.random.Generator, n: int) -> Floats:
    """Log e-values of ordinary accounts of ten rows."""
    return log_e(rng.random((n, 10))).sum(axis=1)


def test_the_pool_is_not_moved_by_ordinary_accounts():
    best = [pooled(account_es(np.random.default_rng(seed), 1000)).evidence()[0] for seed in range(400)]

    assert np.exp(np.minimum(best, 300)).mean() < 20  # its expectation is at most one; of 400 runs
    assert (np.array(best) > np.log(100)).mean() <= 0.02


def test_a_few_accounts_of_a_stretch_that_are_each_a_little_strange_are_found_together():
    es = account_es(np.random.default_rng(1), 1000)
    es[::40] = 6.0  # none of which would be told alone

    score, stretch, share = pooled(es).evidence()

    assert score > 13.8
    assert stretch == 1
    assert share in (0.01, 0.03)
    assert membership(es, share)[::40].min() > 0.5
    assert (membership(es, share)[np.arange(1000) % 40 > 0] > 0.5).mean() < 0.01


def test_evidence_that_changes_counts_once():
    pool = Pool()
    stretches = pool.stretches(100)
    pool.add(stretches, np.zeros(100), np.full(100, 5.0))
    pool.add(stretches, np.full(100, 5.0), np.full(100, 1.0))
    once = Pool()
    once.add(once.stretches(100), np.zeros(100), np.full(100, 1.0))

    assert pool.evidence()[0] == pytest.approx(once.evidence()[0])


def test_stretches_are_remembered_and_forgotten_in_turn():
    pool = Pool()
    first = pool.stretches(STRETCH)
    assert np.unique(first).tolist() == [1]
    pool.add(first[:50], np.zeros(50), np.full(50, 5.0))
    for _ in range(STRETCHES - 1):
        pool.add(pool.stretches(STRETCH), np.zeros(STRETCH), account_es(np.random.default_rng(2), STRETCH))
    assert pool.evidence()[1] == 1

    pool.stretches(STRETCH)

    assert pool.evidence()[0] < 5
    before = pool.snapshot()["sums"]
    pool.add(first[:50], np.full(50, 5.0), np.full(50, 9.0))  # of a stretch that is forgotten
    np.testing.assert_array_equal(pool.snapshot()["sums"], before)


def test_accounts_of_no_stretch_do_not_count():
    pool = Pool()
    pool.add(np.zeros(50, np.int64), np.zeros(50), np.full(50, 9.0))

    assert pool.evidence()[0] == pytest.approx(0.0)


def core() -> tuple[Floats, Ints]:
    x = rows(900, 512)
    return x, answers(x).argmax(axis=1)


def exposed(asked: Floats, labels: Ints, size: int = 100) -> float:
    x, truth = core()
    exposure = Exposure(truth)
    for at in range(0, len(asked), size):
        part = asked[at : at + size]
        squares: Float32s = (np.square(part[:, None] - x[None]).sum(axis=2)).astype(np.float32)
        exposure.add(7, at + len(part), squares, labels[at : at + size])
    return exposure.of(7)


def test_natural_rows_expose_a_model_bit_by_bit():
    easy = rows(901, 4000)
    x, _ = core()
    simple = (x[:, 0] > 0).astype(np.int64)
    found = []
    for n in (50, 400, 4000):
        exposure = Exposure(simple)
        squares: Float32s = np.square(easy[:n, None, :1] - x[None, :, :1]).sum(axis=2).astype(np.float32)
        exposure.add(7, n, squares, (easy[:n, 0] > 0).astype(np.int64))
        found.append(exposure.of(7))

    assert found[0] > 0.8
    assert found[-1] > 0.98
    assert 0.2 < exposed(easy[:200], answers(easy[:200]).argmax(axis=1)) < exposed(easy, answers(easy).argmax(axis=1)) < 0.95


def test_it_is_a_lower_bound_of_what_a_better_learner_gets():
    asked = rows(902, 2000)
    labels = answers(asked).argmax(axis=1)
    x, truth = core()
    agreed = [
        model.fit(asked, labels).predict(x) == truth
        for model in (LogisticRegression(), RandomForestClassifier(50, random_state=0))
    ]

    assert exposed(asked, labels) < min(2 * float(each.mean()) - 1 for each in agreed) + 0.05


def test_nobody_and_too_few_rows_and_unknown_labels_expose_nothing():
    x = rows(903, 200)

    assert Exposure(core()[1]).of(7) == 0.0
    assert exposed(x[: LEAST - 1], answers(x[: LEAST - 1]).argmax(axis=1)) == 0.0
    assert exposed(x, np.full(200, -1)) == 0.0
    assert exposed(x, np.zeros(200, np.int64)) == 0.0  # one answer for all tells nothing
    unknown = Exposure(np.full(512, -1))
    unknown.add(7, 1000, np.ones((100, 512), np.float32), np.zeros(100, np.int64))
    assert unknown.of(7) == 0.0


def test_those_with_the_most_rows_are_tracked():
    exposure, squares, labels = Exposure(core()[1]), np.ones((1, 512), np.float32), np.zeros(1, np.int64)
    for slot in range(TRACKED):
        exposure.add(slot, 100 + slot, squares, labels)

    exposure.add(1000, 150, squares, labels)  # not twice as many as anybody
    assert 1000 not in exposure.slots
    exposure.add(1000, 250, squares, labels)

    assert 1000 in exposure.slots
    assert 0 not in exposure.slots
    assert len(exposure.slots) == TRACKED


def test_the_reference_knows_the_labels_that_exposure_is_measured_by():
    geometry = reference().geometry
    assert geometry is not None

    assert set(np.unique(geometry.core_labels)) == {0, 1}
