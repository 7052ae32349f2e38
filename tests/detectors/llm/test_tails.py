"""How rare a score is among benign ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_mlsec.detectors.llm.fusion import judge
from otel_mlsec.detectors.llm.tails import Tail, smooth_tail, step_tail
from otel_mlsec.text.artefact import artefact

SCORES = np.random.default_rng(0).exponential(1.0, 20_000)
EVEN = np.full(20_000, 1 / 20_000)
STEPS = np.repeat([0.0, 1.5, 3.0, 5.0], [9_000, 900, 90, 10])


def as_shipped() -> list[Tail]:
    return [
        Tail(scores=np.array(numbers["scores"]), digits=np.array(numbers["digits"]), start=float(numbers["start"]),
             mean_excess=float(numbers["mean_excess"]), slope=float(numbers["slope"]))
        for parts in artefact().about["calibration"].values() for numbers in parts.values()
    ]  # fmt: skip


@pytest.mark.parametrize("digits", [0.5, 1.0, 1.5, 2.0, 3.0, 4.0])
def test_of_an_exponential_score_the_tail_is_known(digits: float):
    tail = smooth_tail(SCORES, EVEN)

    assert tail(digits * np.log(10.0)) == pytest.approx(digits, abs=0.05 + 0.04 * digits)


def test_beyond_what_was_seen_it_goes_on():
    tail = smooth_tail(SCORES, EVEN)

    assert tail(SCORES.max() + 5) > tail(SCORES.max()) + 1


def test_weights_say_how_much_a_source_counts():
    scores = np.concatenate([np.linspace(0, 1, 900), np.linspace(5, 6, 100)])  # the second source scores high
    as_it_is = smooth_tail(scores, np.full(1000, 1 / 1000))
    alike = smooth_tail(scores, np.concatenate([np.full(900, 0.5 / 900), np.full(100, 0.5 / 100)]))

    assert as_it_is(5.0) == pytest.approx(1.0, abs=0.06)
    assert alike(5.0) == pytest.approx(0.3, abs=0.06)


def test_steps_have_the_share_that_reaches_them():
    tail = step_tail(STEPS, np.full(10_000, 1e-4), 0.0)

    assert [round(tail(score), 1) for score in (0.0, 1.5, 3.0)] == [0.0, 1.0, 2.0]
    assert 2.9 <= tail(5.0) <= 3.01


def test_a_step_that_nobody_reached_is_one_text_in_all_of_them_and_heavier_ones_are_rarer():
    tail = step_tail(STEPS, np.full(10_000, 1e-4), 0.12)

    assert tail(6.0) >= 4.0
    assert tail(8.0) == pytest.approx(tail(6.0) + 0.24)


@pytest.mark.parametrize("tail", [smooth_tail(SCORES, EVEN), step_tail(STEPS, np.full(10_000, 1e-4), 0.12), *as_shipped()])
def test_a_higher_score_is_never_more_common(tail: Tail):
    digits = [tail(score) for score in np.linspace(-30, 60, 2_000)]

    assert (np.diff(digits) >= -1e-9).all()
    assert np.isfinite(digits).all()


def test_there_is_one_scale_for_users_and_one_for_documents():
    assert set(artefact().about["calibration"]) == {"user", "document"}
    assert judge() is judge()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(-50, 50, width=32), min_size=1, max_size=200), st.floats(-100, 100))
def test_tails_of_few_and_equal_scores_are_finite(scores: list[float], asked: float):
    weights = np.full(len(scores), 1 / len(scores))

    for tail in (smooth_tail(np.array(scores), weights), step_tail(np.array(scores), weights, 0.12)):
        assert np.isfinite(tail(asked))


def test_numbers_that_are_stored_are_the_tail():
    tail = smooth_tail(SCORES, EVEN)
    numbers = tail.to_numbers()
    again = Tail(scores=np.array(numbers["scores"]), digits=np.array(numbers["digits"]), start=tail.start,
                 mean_excess=tail.mean_excess)  # fmt: skip

    assert [again(x) for x in (0.1, 1, 3, 9)] == pytest.approx([tail(x) for x in (0.1, 1, 3, 9)], abs=1e-3)
