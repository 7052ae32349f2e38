"""What is usual in one application."""

from __future__ import annotations

import numpy as np
import pytest

from otel_mlsec.detectors.llm.own_traffic import FLOOR, LESS, LESS_OF_NOBODY, MORE, PRINCIPALS, SHARE, WARM, OwnTraffic


def noted(scores: np.ndarray[tuple[int], np.dtype[np.float64]], principals: int = 500) -> OwnTraffic:
    """Texts of so many principals by turns; of nobody known where there are none."""
    own = OwnTraffic()
    for i, score in enumerate(scores):
        own.note(float(score), f"user:{i % principals}" if principals else "")
    return own


def rare(n: int, times: float = 1.0, seed: int = 0) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Digits of texts that reach each level `times` as often as public ones."""
    return -np.log10(np.random.default_rng(seed).random(n) / times)


def test_nothing_is_concluded_before_two_thousand_texts():
    assert noted(np.full(WARM - 1, 5.0), principals=0).shift() == 0.0
    assert noted(np.full(WARM, 5.0), principals=0).shift() < 0.0


def test_where_texts_are_as_public_ones_scores_hardly_move():
    assert -0.25 < noted(rare(5_000)).shift() <= 0.0


def test_where_attacks_are_ten_times_as_usual_a_digit_is_taken_off():
    assert noted(rare(5_000, times=10)).shift() == pytest.approx(-1.2, abs=0.1)


def test_where_texts_are_tamer_half_a_digit_is_added_at_most():
    assert noted(np.zeros(20_000), principals=5_000).shift() == MORE


def test_two_digits_are_taken_off_at_most():
    assert noted(np.full(5_000, 4.0)).shift() == -LESS


def test_a_flood_of_nobody_known_takes_one_digit_at_most():
    assert noted(np.full(5_000, 4.0), principals=0).shift() == -LESS_OF_NOBODY


def test_one_principal_who_floods_does_not_decide_what_is_usual():
    own = noted(rare(3_000))
    before = own.shift()
    for _ in range(10_000):
        own.note(4.0, "user:evil")

    assert own.snapshot()["n"][0] <= 3_000 + max(FLOOR, 1 + SHARE * 3_100)
    assert own.shift() > before - 0.3


def test_principals_are_remembered_up_to_a_bound():
    own = noted(np.zeros(2 * PRINCIPALS), principals=2 * PRINCIPALS)

    assert len(own.snapshot()["principals"]) == PRINCIPALS


def test_it_goes_on_where_it_was_restored():
    first, second = noted(rare(3_000, times=3)), OwnTraffic()
    second.restore(first.snapshot())
    for own in (first, second):
        for score in rare(500, seed=1):
            own.note(float(score), "user:3")

    assert second.shift() == first.shift()
    assert all(np.array_equal(second.snapshot()[key], array) for key, array in first.snapshot().items())
