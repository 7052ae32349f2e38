"""`llm/cost`: who takes far more than others and than before, once an hour; answers without end."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from tests.detectors.llm.spoken import NOON, turn

from otel_mlsec.detectors.llm.consumption import PRINCIPALS, Consumption
from otel_mlsec.detectors.llm.cost import Cost
from otel_mlsec.finding import Severity


def call(principal: str, tokens: int | None, time: float = NOON, *answers: str, **fields):
    return turn(answers=answers, principal=principal, output_tokens=tokens, time=time, **fields)


def with_peers(detector: Cost, n: int = 40, time: float = NOON) -> Cost:
    rng = random.Random(1)
    for i in range(n):
        for _ in range(5):
            assert detector.update(call(f"user:{i}", rng.randrange(100, 1500), time)) == []
    return detector


def until_found(detector: Cost, principal: str, tokens: int, time: float = NOON, most: int = 1000):
    for i in range(most):
        findings = detector.update(call(principal, tokens, time))
        if findings:
            return i + 1, findings
    return most, []


def test_far_more_than_others_is_found_once_an_hour():
    detector = with_peers(Cost())

    n, [finding] = until_found(detector, "user:greedy", 4000)
    later = [detector.update(call("user:greedy", 4000)) for _ in range(50)]

    assert finding.kind == "llm.cost" and finding.severity is Severity.MEDIUM
    assert finding.evidence["tokens"] == 4000 * n >= 50_000
    assert finding.evidence["peers"] == 40
    assert finding.principal == "user:greedy"
    assert not any(later)
    assert until_found(detector, "user:greedy", 4000, NOON + 3600)[0] > 0


def test_many_small_calls_are_found_by_their_number():
    n, [finding] = until_found(with_peers(Cost()), "user:scraper", 2)

    assert finding.subject == ("calls",)
    assert n >= 300


def test_a_heavy_user_who_always_was_one_is_not_told_again():
    detector = with_peers(Cost())
    told = 0
    for hour in range(6):
        for peer in range(40):
            detector.update(call(f"user:{peer}", 1000, NOON + 3600 * hour))
        told += bool(until_found(detector, "user:batch", 5000, NOON + 3600 * hour, most=20)[1])

    assert told == 1


def test_without_peers_only_an_absolute_amount_is_told():
    assert until_found(Cost(), "user:1", 4000, most=400) == (400, [])
    assert len(until_found(Cost(), "user:1", 400_000)[1]) == 1


def test_volume_of_nobody_says_nothing():
    detector = Cost()

    assert until_found(detector, "", 400_000, most=50) == (50, [])


def test_tokens_are_estimated_from_characters_where_nobody_counted():
    detector = Cost()
    detector.update(call("user:1", None, NOON, "word " * 800))

    assert detector.snapshot()["now"].sum(axis=0).tolist() == [1000.0, 1.0, 0.0]


def test_calls_that_run_into_their_limit_are_counted():
    _, [finding] = until_found(with_peers(Cost(floor_tokens=4000)), "user:x", 200_000)
    detector = Cost(alone_tokens=1e5)
    [cut] = detector.update(call("user:1", 150_000, finish_reasons=("length",)))

    assert finding.evidence["cut_at_limit"] == 0
    assert cut.evidence["cut_at_limit"] == 1


@pytest.mark.parametrize("unit", ["poem ", "AAAA", "the company keeps its data safe. " * 3, "\n"])
def test_an_answer_that_repeats_itself_for_ever_is_found(unit: str):
    [finding] = Cost().update(call("", 10, NOON, "Sure: " + unit * (40_000 // len(unit))))

    assert finding.subject == ("repetition",)
    assert finding.evidence["ratio"] > 25


def test_prose_tables_and_short_repetition_are_not():
    rng = random.Random(2)
    words = ["".join(rng.choices("abcdefghijklmnopqrst", k=rng.randrange(2, 9))) for _ in range(800)]
    prose = " ".join(rng.choices(words, k=5000))
    table = "\n".join(f"| {i} | {rng.randrange(10**6)} | 0.{rng.randrange(100)} | yes |" for i in range(2000))

    for text in (prose, table, "poem " * 300):
        assert Cost().update(call("", 10, NOON, text)) == []


def test_memory_is_bounded_and_the_heavy_stay():
    detector = Cost()
    detector.update(call("user:heavy", 40_000))
    for i in range(PRINCIPALS + 500):
        detector.update(call(f"user:{i}", 1))

    state = detector.snapshot()

    assert sum(array.nbytes for array in state.values()) < 1 << 20
    assert (state["who"] != 0).sum() == PRINCIPALS
    assert state["now"][:, 0].max() == 40_000


def test_the_state_goes_on_in_another_detector_and_stays_as_taken():
    first = with_peers(Cost())
    for _ in range(8):
        first.update(call("user:greedy", 4000))
    state = first.snapshot()
    kept = {key: array.copy() for key, array in state.items()}
    second = Cost()
    second.restore(state)

    assert until_found(first, "user:greedy", 4000) == until_found(second, "user:greedy", 4000)
    assert all((state[key] == kept[key]).all() for key in kept)


@pytest.mark.parametrize("time", [math.nan, math.inf, -1.0, 0.0, 1e300])
def test_any_time_and_any_count_are_survived(time: float):
    for tokens in (-5, 10**30, 0):
        assert Cost().update(call("user:\ud800", tokens, time)) == []


def test_what_comes_late_counts_to_the_hour_at_hand():
    consumption = Consumption()
    row = consumption.add("a", 7200.0, 10.0, cut=False)

    assert consumption.add("a", 3599.0, 5.0, cut=True) == row
    assert consumption.counts(row) == (15.0, 2.0, 1.0)


def test_a_question_that_is_not_answered_is_not_counted():
    detector = Cost()
    detector.update(turn(principal="user:1", answered=False))

    assert not np.any(detector.snapshot()["who"])


def test_a_wrong_parameter_is_named():
    with pytest.raises(ValueError, match="spread must be in"):
        Cost(spread=-1)
