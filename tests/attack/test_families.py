"""Attacks ask what they say they ask, within their budget, and the same for the same seed."""

from __future__ import annotations

import contextlib
import warnings
from importlib.util import find_spec

import numpy as np
import pytest

from otel_mlsec.attack.families import LEARNED, TABLE, Trace, carry_out, nearest
from otel_mlsec.attack.knowledge import Knowledge, Spent
from otel_mlsec.attack.record import Recorder, written
from otel_mlsec.attack.surrogate import Surrogate

BUDGET = 300
MIX = np.random.default_rng(1).normal(size=(6, 6)) / 2
ROWS = (np.random.default_rng(2).normal(size=(2000, 6)) @ MIX).round(2)
KNOWN = Knowledge.of(ROWS, n_classes=2)
CHOICE = [
    pytest.param(name, marks=pytest.mark.skipif(family.library and not find_spec("art"), reason="needs the extra `attack`"))
    for name, family in TABLE.items()
]


def target(x):
    yes = 1 / (1 + np.exp(-4 * x[:, 0] - 2 * x[:, 1]))
    return np.column_stack([1 - yes, yes])


def labels(x):
    return np.eye(2)[target(x).argmax(axis=1)]


def made(name: str, ask=target, knowledge: Knowledge = KNOWN, seed: int = 3, budget: int = BUDGET) -> Trace:
    return carry_out(name, ask, knowledge, seed=seed, budget=budget)


@pytest.mark.parametrize("name", CHOICE)
def test_an_attack_keeps_to_its_budget_and_to_the_box(name):
    trace = made(name)

    assert 0 < len(trace.rows) <= BUDGET
    assert trace.answers.shape == (len(trace.rows), 2)
    assert not trace.error
    assert np.array_equal(trace.answers, target(trace.rows))
    if name != "gauss_box":
        assert (trace.rows >= KNOWN.low - 1e-9).all()
        assert (trace.rows <= KNOWN.high + 1e-9).all()


@pytest.mark.parametrize("name", CHOICE)
def test_an_attack_is_the_same_for_the_same_seed_only_and_leaves_the_global_generator_alone(name):
    np.random.seed(5)
    expected = np.random.random()
    np.random.seed(5)

    first, second, other = made(name), made(name), made(name, seed=4)

    assert np.array_equal(first.rows, second.rows)
    assert first.effect == second.effect
    assert first.rows.shape != other.rows.shape or not np.array_equal(first.rows, other.rows)
    assert np.random.random() == expected


@pytest.mark.parametrize("name", CHOICE)
def test_what_is_rounded_is_written_as_the_data_is(name):
    trace = made(name)

    rounded = np.abs(trace.rows - trace.rows.round(2)).max() < 1e-9
    assert KNOWN.decimals == (2,) * 6
    assert rounded == (TABLE[name].rounded or name == "natural")


@pytest.mark.parametrize("name", CHOICE)
def test_three_classes_and_labels_only_are_attacked_too(name):
    cuts = np.quantile(ROWS[:, 0], [0.3, 0.7])

    def three(x):
        return np.eye(3)[np.digitize(x[:, 0], cuts)]

    trace = made(name, three, Knowledge.of(ROWS, n_classes=3))

    assert len(trace.rows) >= 2
    assert not trace.error


@pytest.mark.parametrize("name", CHOICE)
def test_a_target_that_always_says_the_same_is_survived(name):
    trace = made(name, lambda x: np.tile([1.0, 0.0], (len(x), 1)))

    assert not trace.success
    assert len(trace.rows) <= BUDGET


@pytest.mark.parametrize("name", CHOICE)
@pytest.mark.parametrize(
    "rows",
    [np.ones((1, 1)), np.ones((30, 4)), np.arange(60.0).reshape(30, 2), np.column_stack([np.ones(40), np.arange(40) % 2])],
    ids=["one cell", "constant", "thirty rows", "codes"],
)
def test_small_tables_are_survived(name, rows):
    knowledge = Knowledge.of(rows, n_classes=2)

    trace = carry_out(name, lambda x: np.eye(2)[(x[:, -1] > rows[:, -1].mean()).astype(int)], knowledge, seed=0, budget=60)

    assert len(trace.rows) <= 60
    assert trace.rows.shape[1] == rows.shape[1]


@pytest.mark.parametrize("name", [name for name, family in TABLE.items() if family.threat == "extraction" and not family.library])
def test_an_extraction_succeeds_on_a_simple_model(name):
    trace = made(name, budget=1000)

    assert trace.success
    assert trace.effect > 0.9


@pytest.mark.parametrize(
    "name",
    [param for param in CHOICE if TABLE[str(param.values[0])].threat == "evasion"],
)
def test_an_evasion_starts_from_a_natural_row_and_its_effect_is_the_nearest_change(name):
    trace = made(name, budget=600)

    other = trace.answers.argmax(axis=1) != trace.answers[0].argmax()
    assert (np.abs(ROWS - trace.rows[0]).max(axis=1) < 1e-9).any()
    assert trace.success == other.any()
    if trace.success:
        distance = np.linalg.norm(KNOWN.unit(trace.rows[other]) - KNOWN.unit(trace.rows[:1]), axis=1).min()
        assert trace.effect == pytest.approx(distance)


@pytest.mark.parametrize("name", ["hop_skip_jump_rounded", "oars_r3"])
def test_a_search_gets_closer_than_another_natural_row(name):
    trace = made(name, labels, budget=800)

    natural = np.vstack([trace.rows[:1], KNOWN.own])
    assert trace.effect < nearest(natural, target(natural), KNOWN)


def test_attacks_with_one_seed_have_victims_of_their_own():
    starts = {made(name, budget=5).rows[0].tobytes() for name in ("zoo", "nes", "simba", "square")}

    assert len(starts) == 4


def test_oars_asks_further_apart():
    def reach(name: str) -> float:
        recorder = Recorder(labels, 600)
        with contextlib.suppress(Spent):
            TABLE[name].run(recorder, KNOWN, np.random.default_rng(7))  # one victim for all three
        rows = KNOWN.unit(recorder.rows)
        gaps = np.linalg.norm(rows[:, None] - rows[None], axis=2) + 9 * np.eye(len(rows))
        return float(np.median(gaps.min(axis=1)))

    assert reach("hop_skip_jump_rounded") < reach("oars_r3") < reach("oars_r6")


def test_a_trigger_is_fixed_on_two_features_and_takes_a_poisoned_model_over():
    def poisoned(x):
        features = [j for j in range(6) if np.ptp(x[:, j]) == 0]
        answers = target(x)
        if len(features) == 2:  # one value in a whole round: the trigger
            answers[:] = [0.0, 1.0]
        return answers

    trace, clean = made("feature_poisoning", poisoned, budget=40), made("feature_poisoning", budget=40)

    assert sum(np.ptp(trace.rows[:, j]) == 0 for j in range(6)) == 2
    assert trace.effect > clean.effect
    assert trace.effect > 0.3


def test_a_copy_that_always_says_the_most_frequent_label_is_no_success():
    def rare(x):
        return np.eye(2)[(x[:, 0] > np.quantile(ROWS[:, 0], 0.99)).astype(int)]

    trace = made("natural", rare, budget=20)

    assert trace.effect > 0.9
    assert not trace.success
    assert LEARNED > 0.5


def test_answers_that_are_no_probabilities_of_classes_are_refused():
    for odd in (lambda x: x[:, :1], lambda x: x[:3, :2], lambda x: np.full((len(x), 2), np.nan)):
        with pytest.raises(ValueError, match="target"):
            made("uniform_box", odd)


def test_what_the_target_raises_reaches_the_user():
    def broken(x):
        raise RuntimeError("out of order")

    with pytest.raises(RuntimeError, match="out of order"):
        made("square", broken)


def test_the_gradient_of_a_copy_is_that_of_its_answers():
    g = np.random.default_rng(0)
    for k in (2, 4):
        answers = np.eye(k)[np.digitize(ROWS[:, 0], np.quantile(ROWS[:, 0], np.arange(1, k) / k))]
        copy = Surrogate(Knowledge.of(ROWS, n_classes=k))
        copy.fit(ROWS, answers)
        rows = ROWS[g.permutation(len(ROWS))[:50]] + 1e-3
        own = copy.labels(rows)
        up = copy.uphill(rows)
        for j in range(6):
            step = np.eye(6)[j] * 1e-6
            at = np.arange(50)
            slope = np.log(copy.answers(rows + step)[at, own]) - np.log(copy.answers(rows - step)[at, own])
            clear = np.abs(slope) > 1e-9
            assert (np.sign(slope[clear]) == up[clear, j]).mean() > 0.95


def test_knowledge_learns_decimals_and_fills_what_is_missing():
    rows = np.column_stack([ROWS[:200, 0], np.arange(200.0), np.random.default_rng(0).normal(size=200)])
    gappy = rows.copy()
    gappy[:10, 1] = np.nan
    mostly = rows.copy()
    mostly[:150, 1] = np.nan

    assert Knowledge.of(rows, n_classes=2).decimals == (2, 0, None)
    assert len(Knowledge.of(gappy, n_classes=2).rows) == 190
    assert len(Knowledge.of(mostly, n_classes=2).rows) == 200
    assert np.isfinite(Knowledge.of(mostly, n_classes=2).rows).all()
    assert written(np.array([[1.234, 1.5]]), (1, None)).tolist() == [[1.2, 1.5]]


def test_knowledge_that_does_not_fit_is_refused():
    good = {"rows": ROWS, "low": ROWS.min(axis=0), "high": ROWS.max(axis=0), "decimals": (2,) * 6, "n_classes": 2}
    for name, bad in (("low", ROWS[0, :3]), ("decimals", (2,)), ("n_classes", 1), ("rows", ROWS[:0]), ("high", ROWS.min(0) - 1)):
        with pytest.raises(ValueError, match=name):
            Knowledge(**{**good, name: bad})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match="finite"):
            Knowledge(**{**good, "rows": np.full_like(ROWS, np.nan)})
