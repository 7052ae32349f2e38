"""A small seeded slice of `make evaluate-attacks`, so that a change that costs false incidents or queries is seen at once."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.attacks import tasks
from evaluation.attacks.__main__ import AROUND, _answers, _part, calm, stream, upper
from evaluation.attacks.streams import Watch, first_told, reference_of
from otel_mlsec.attack.families import carry_out
from otel_mlsec.attack.traffic import mix

ROWS = 40_000


@pytest.fixture(scope="module")
def diamonds():
    task = tasks.diamonds(1)
    return task, reference_of(task), *stream(task, ROWS, 11)


def found_at(diamonds, family: str, accounts: int, budget: int) -> float | None:
    task, reference, traffic, answers = diamonds
    trace = carry_out(family, task.ask, task.knowledge, seed=5, budget=budget)
    part, first = _part(traffic, 0)
    mixture = mix(part, [trace], accounts=accounts, gap=10.0, seed=0)
    found = first_told(Watch.of(reference), mixture, _answers(mixture, answers[first : first + AROUND], trace))
    return found[0] / accounts if found else None


def test_a_day_of_benign_traffic_tells_of_no_attack(diamonds):
    task, reference, traffic, answers = diamonds

    told = calm(task, reference, traffic, answers)["told"]

    assert [each for each in told if each[0] != "anomaly/input"] == []


def test_sensors_that_move_slowly_are_no_attack(diamonds):
    task, reference, _, _ = diamonds
    g = np.random.default_rng(3)
    path = task.pool[0] + np.cumsum(g.normal(0, 0.02, (4000, 9)) * task.numeric * task.fitted.std(axis=0), axis=0)
    path = np.clip(path, task.fitted.min(axis=0), task.fitted.max(axis=0))

    told = list(Watch.of(reference).told(path, task.ask(path), np.zeros(4000, np.int64), np.arange(4000.0)))

    assert [finding.kind for _, finding in told if finding.detector.startswith("evasion/near")] == []


@pytest.mark.parametrize("accounts", [1, 50])
def test_rows_from_anywhere_are_found_within_ten_queries_of_an_account(diamonds, accounts: int):
    at = found_at(diamonds, "uniform_box", accounts, 10 * accounts if accounts > 1 else 100)

    assert at is not None
    assert at <= 10


def test_a_search_by_labels_is_found_within_a_hundred_queries(diamonds):
    at = found_at(diamonds, "hop_skip_jump_rounded", 1, 200)

    assert at is not None
    assert at <= 100


def test_natural_rows_are_a_batch_job(diamonds):
    assert found_at(diamonds, "natural", 1, 600) is None


def test_the_bound_of_no_alarm_is_three():
    assert upper(0) == pytest.approx(3.0, abs=0.01)
