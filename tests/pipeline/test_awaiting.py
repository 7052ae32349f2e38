"""Each label is joined once or counted, whatever order labels and predictions come in; memory is bounded."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.trace import SpanContext

from otel_mlsec.observation import Meaning, Model, Prediction, Truths, text_code
from otel_mlsec.pipeline.answers import Wanted
from otel_mlsec.pipeline.awaiting import MAX_MODELS, Awaiting

DAY = 86400.0
CLASSES = ("no", "yes")
FRAUD = Model(name="fraud")
FINAL = ("joined", "duplicate", "contradictory", "thinned", "too_late", "invalid", "unknown")  # a label ends as one of them


def digest(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def awaiting(**settings_: Any) -> Awaiting:
    given_ = {
        "digest": digest,
        "wants": lambda _: Wanted(("colour",), ("colour", "size")),
        "horizon": 30 * DAY,
        "n_bytes": 32 << 20,
    }
    return Awaiting(**{**given_, **settings_})


def call(name: str = "r", p: Any = (0.9,), time: float = 1000.0, **changes: Any) -> Prediction:
    """Probabilities of "yes"."""
    p = np.array(p, float)
    given_: dict[str, Any] = {
        "model": FRAUD, "method": "predict_proba", "meaning": Meaning.PROBABILITY, "outputs": np.stack([1 - p, p], axis=1),
        "inputs": np.stack([np.arange(len(p)), p], axis=1), "features": ("colour", "size"), "classes": CLASSES,
        "n_rows": len(p), "id": name, "time": time,
    }  # fmt: skip
    return Prediction(**{**given_, **changes})


def labels_only(name: str = "r", answers: Any = (1,), **changes: Any) -> Prediction:
    said = np.array(answers, float)[:, None]
    return call(name, np.zeros(len(said)), method="predict", meaning=Meaning.LABEL, outputs=said, **changes)


def told(name: str = "r", label: Any = "yes", row: int = 0, time: float = 2000.0, source: str = "") -> Truths:
    return Truths(ids=(name,), labels=(label,), rows=(row,), times=(time,), sources=(source,))


def counts(of: Awaiting) -> Counter[str]:
    summed: Counter[str] = Counter()
    for (_, outcome), count in of.counts.items():
        summed[outcome] += count
    return summed


def test_an_answer_and_its_truth_are_one_outcome():
    of = awaiting()
    of.answered([call("a", (0.9, 0.2), principal="app:0123456789ab")], 0.0)

    [joined] = of.told([told("a", "no", 1, source="crm")], 1.0)

    outcomes = joined.outcomes
    assert (outcomes.model, outcomes.meaning, outcomes.classes) == (FRAUD, Meaning.PROBABILITY, CLASSES)
    assert outcomes.outputs.tolist() == [[0.8, 0.2]]
    assert (outcomes.features, outcomes.inputs.tolist()) == (("colour",), [[1.0]])
    assert (outcomes.truth.tolist(), outcomes.times.tolist(), outcomes.told.tolist()) == ([0.0], [1000.0], [2000.0])
    assert (outcomes.sources, outcomes.coverage) == (("crm",), 0.5)
    assert joined.records["who"].tolist() == [b"app:0123456789ab"]
    assert counts(of) == {"joined": 1}


def test_rows_without_names_have_those_of_the_reference():
    of = awaiting()
    of.answered([call("a", features=()), call("b", features=(), inputs=np.ones((1, 7)))], 0.0)

    joined = of.told([told("a"), told("b")], 1.0)

    assert sorted(each.outcomes.features for each in joined) == [(), ("colour",)]


def test_outcomes_are_in_the_order_of_their_predictions():
    of = awaiting()
    of.answered([call("late", time=900.0), call("early", time=100.0), call("middle", time=500.0)], 0.0)

    [joined] = of.told([told("middle"), told("late", "no"), told("early")], 1.0)

    assert joined.outcomes.times.tolist() == [100.0, 500.0, 900.0]
    assert joined.outcomes.truth.tolist() == [1.0, 1.0, 0.0]


@pytest.mark.parametrize(
    ("label", "truth", "outcome"),
    [
        ("yes", [1.0], {"joined": 1}),
        ("perhaps", [-1.0], {"joined": 1, "new_class": 1}),
        (float("nan"), [], {"invalid": 1}),
        (None, [], {"invalid": 1}),
        (object(), [], {"invalid": 1}),
        ("", [], {"invalid": 1}),
        pytest.param(10**5000, [], {"invalid": 1}, id="huge"),
    ],
)
def test_a_label_of_any_kind_is_joined_or_counted(label, truth, outcome):
    of = awaiting()
    of.answered([call()], 0.0)

    joined = of.told([told(label=label)], 1.0)

    assert [value for each in joined for value in each.outcomes.truth] == truth
    assert counts(of) == outcome


@pytest.mark.parametrize(("label", "known"), [(3.5, True), ("3.5", True), (True, True), ("three", False), (float("inf"), False)])
def test_without_classes_a_truth_is_a_number(label, known):
    of = awaiting()
    of.answered([call(meaning=Meaning.VALUE, outputs=np.array([[3.0]]), classes=())], 0.0)

    assert len(of.told([told(label=label)], 1.0)) == known
    assert counts(of) == ({"joined": 1} if known else {"invalid": 1})


@pytest.mark.parametrize("first", ["prediction", "label"])
def test_repetitions_are_counted_and_the_first_label_is_kept(first):
    of = awaiting()
    steps = [lambda: of.answered([call()], 0.0), lambda: of.told([told(label="yes"), told(label="yes")], 0.0)]
    joined = [each for step in (steps if first == "prediction" else steps[::-1]) for each in step()]

    joined += of.told([told(label="yes", source="other")], 1.0)
    joined += of.told([told(label="no")], 1.0)

    assert [each.outcomes.truth.tolist() for each in joined] == [[1.0]]
    assert {name: n for name, n in counts(of).items() if name != "early"} == {"joined": 1, "duplicate": 2, "contradictory": 1}


def test_a_label_before_its_prediction_waits_for_it_and_not_for_ever():
    of = awaiting(horizon=100.0)
    of.told([told("a"), told("never")], 0.0)
    [joined] = of.answered([call("a")], 50.0)
    assert of.told([], 151.0) == []
    assert of.answered([call("never")], 152.0) == []

    assert joined.outcomes.truth.tolist() == [1.0]
    assert counts(of) == {"early": 2, "joined": 1, "unknown": 1}


def test_a_label_that_has_waited_too_long_is_not_joined_though_it_is_still_there():
    of = awaiting(horizon=100.0)
    of.told([told("a")], 0.0)
    of.told([told("b")], 60.0)  # in the same segment

    assert of.answered([call("a")], 110.0) == []
    assert len(of.answered([call("b")], 110.0)) == 1


def test_after_the_horizon_a_label_is_too_late_and_then_unknown():
    of = awaiting(horizon=100.0)
    of.answered([call("a")], 0.0)
    of.answered([call("b")], 99.0)  # in the same segment, so that the first is still there

    assert of.told([told("a")], 101.0) == []
    assert counts(of) == {"too_late": 1}
    assert len(of.told([told("b")], 101.0)) == 1
    of.told([], 500.0)
    assert of.forgotten == {(FRAUD, "horizon"): 1}
    assert of.told([told("b")], 501.0) == []
    of.told([], 1000.0)
    assert counts(of) == {"too_late": 1, "joined": 1, "early": 1, "unknown": 1}


def test_a_row_that_was_not_kept_is_told_from_one_that_is_not_there():
    of = awaiting()
    rows = 1000
    kept = np.linspace(0, 1, len(range(3, rows, 4)))
    of.answered([call("big", kept, start=3, step=4, n_rows=rows)], 0.0)

    joined = of.told([told("big", "no", row) for row in range(rows + 5)], 1.0)

    assert [len(each.outcomes.times) for each in joined] == [250]
    assert joined[0].outcomes.outputs[:, 1].tolist() == kept.tolist()
    assert counts(of) == {"joined": 250, "thinned": 750, "early": 5}
    assert joined[0].outcomes.coverage == 1.0


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("together", [True, False])
def test_of_two_answers_to_a_request_the_probabilities_are_meant_and_a_label_counts_once(order, together):
    of = awaiting()
    both = [call(), labels_only()]
    asked = [both[i] for i in order]
    for calls in [asked] if together else [[each] for each in asked]:
        of.answered(calls, 0.0)

    joined = of.told([told()], 1.0)

    assert [each.outcomes.meaning for each in joined] == [Meaning.PROBABILITY]
    assert joined[0].outcomes.coverage == 1.0
    assert counts(of) == {"joined": 1}


def test_once_its_truth_is_told_an_answer_stands():
    of = awaiting()
    of.answered([labels_only()], 0.0)
    of.told([told()], 1.0)
    of.answered([call()], 2.0)

    assert of.told([told()], 3.0) == []
    assert counts(of) == {"joined": 1, "duplicate": 1}
    assert dict(of.coverage()) == {FRAUD: 1.0}


def test_an_id_that_is_used_again_means_the_last_answer():
    of = awaiting()
    of.answered([call(p=(0.1,)), call(p=(0.2,))], 0.0)
    of.answered([call(p=(0.3,))], 1.0)

    [joined] = of.told([told()], 2.0)

    assert joined.outcomes.outputs[:, 1].tolist() == [0.3]
    assert joined.outcomes.coverage == 1.0


def test_a_trace_names_its_last_prediction_whose_id_nobody_set():
    of = awaiting()
    span = SpanContext(0xABC, 0xDEF, is_remote=False)
    made = {"span": span, "made": True}
    calls = [call("1", (0.1,), **made), labels_only("2", **made), call("3", (0.3,), **made), call("set", (0.4,), span=span)]
    of.answered(calls, 0.0)

    [by_trace] = of.told([told(f"{0xABC:032x}")], 1.0)
    [by_id] = of.told([told("1")], 1.0)
    of.told([told("3")], 1.0)

    assert by_trace.outcomes.outputs[:, 1].tolist() == [0.3]
    assert by_id.outcomes.outputs[:, 1].tolist() == [0.1]
    assert counts(of) == {"joined": 2, "duplicate": 1}
    assert int(by_trace.records["span"][0]) == 0xDEF


def test_an_id_and_its_trace_told_together_are_one_label():
    of = awaiting()
    of.answered([call("1", span=SpanContext(0xABC, 1, is_remote=False), made=True)], 0.0)

    [joined] = of.told([told("1"), told(f"{0xABC:032x}")], 1.0)

    assert joined.outcomes.n_rows == 1
    assert counts(of) == {"joined": 1, "duplicate": 1}


@pytest.mark.parametrize("last", ["predict", "predict_proba"])
def test_the_last_of_a_trace_may_be_any_kind_of_answer(last):
    of = awaiting()
    made = {"span": SpanContext(0xABC, 1, is_remote=False), "made": True}
    calls = [call("1", **made), labels_only("2", **made)]
    of.answered(calls if last == "predict" else calls[::-1], 0.0)

    [joined] = of.told([told(f"{0xABC:032x}")], 1.0)

    assert joined.method == last


def test_a_label_of_a_trace_that_waits_is_of_its_last_prediction():
    of = awaiting()
    made = {"span": SpanContext(0xABC, 1, is_remote=False), "made": True}
    of.told([told(f"{0xABC:032x}")], 0.0)

    [joined] = of.answered([call("1", (0.1,), **made), call("2", (0.2,), **made)], 1.0)

    assert joined.outcomes.outputs[:, 1].tolist() == [0.2]


def test_coverage_is_of_the_days_of_the_predictions_concerned():
    of = awaiting()
    of.answered([call(f"mon-{i}", time=i) for i in range(4)] + [call(f"tue-{i}", time=DAY + i) for i in range(10)], 0.0)

    [first] = of.told([told(f"mon-{i}") for i in range(3)], 1.0)
    [second] = of.told([told("mon-3"), told("tue-0")], 2.0)

    assert first.outcomes.coverage == 0.75
    assert second.outcomes.coverage == pytest.approx(5 / 14)
    assert dict(of.coverage()) == {FRAUD: pytest.approx(5 / 14)}


def test_time_that_goes_backwards_is_counted_and_loses_nothing():
    of = awaiting()
    of.answered([call("a", time=5e9), call("b", time=-1e9)], 10.0)

    [joined] = of.told([told("a", time=4e9), told("b", time=-2e9)], 5.0)

    assert joined.outcomes.times.tolist() == [-1e9, 5e9]
    assert counts(of) == {"joined": 2, "backwards": 2}


def test_nothing_is_kept_of_a_model_whose_outcomes_nobody_wants():
    of = awaiting(wants=lambda _: None)

    of.answered([call(f"r{i}") for i in range(100)], 0.0)

    assert of.n_bytes == 0
    assert not of


@pytest.mark.parametrize(
    "changes",
    [
        {"outputs": None}, {"error": "ValueError"}, {"id": ""}, {"outputs": np.zeros((1, 5000))}, {"n_rows": 7},
        {"outputs": np.zeros((0, 2)), "n_rows": 0}, {"outputs": np.zeros((1, 0))},
    ],
)  # fmt: skip
def test_an_answer_that_cannot_be_judged_is_not_kept(changes):
    of = awaiting()

    of.answered([call(**changes)], 0.0)

    assert of.told([told()], 1.0) == []
    assert counts(of) == {"early": 1}


def test_models_share_an_id_and_each_gets_the_label():
    of = awaiting()
    other = Model(name="churn")
    of.answered([call(), call(model=other, classes=("yes", "no"))], 0.0)

    joined = of.told([told()], 1.0)

    assert {each.outcomes.model.name: each.outcomes.truth.tolist() for each in joined} == {"fraud": [1.0], "churn": [0.0]}


def test_more_models_than_are_watched_and_a_flood_of_ids_stay_within_the_memory():
    limit = 1 << 20
    of = awaiting(n_bytes=limit)
    for i in range(2 * MAX_MODELS):
        of.answered([call(f"{i}", model=Model(name=f"m{i}"))], float(i))
        assert of.n_bytes <= limit
    for i in range(60):
        of.answered([call(f"f{i}", np.full(256, 0.5))], 1000.0 + i)
        of.told([told(f"nobody {i} {k}") for k in range(500)], 1000.0 + i)
        assert of.n_bytes <= limit

    assert sum(of.forgotten.values()) > 0
    assert counts(of)["unknown"] > 0
    assert len(of.told([told("f59", "yes", 255)], 2000.0)) == 1  # the newest are there


def test_wide_answers_stay_within_the_memory():
    limit = 1 << 20
    of = awaiting(n_bytes=limit)
    classes = tuple(map(str, range(1000)))
    for i in range(20):
        of.answered([call(f"r{i}", outputs=np.random.default_rng(i).random((20, 1000)), n_rows=20, classes=classes)], float(i))
        assert of.n_bytes <= limit

    [joined] = of.told([told("r19", 7, 3)], 20.0)

    assert joined.outcomes.truth.tolist() == [7.0]


EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("call"), st.integers(0, 9), st.integers(1, 4), st.sampled_from(("proba", "label"))),
        st.tuples(st.just("label"), st.integers(0, 9), st.integers(0, 5), st.sampled_from(("yes", "no", "perhaps", None))),
        st.tuples(st.just("wait"), st.integers(1, 60), st.just(0), st.just("")),
    ),
    max_size=60,
)


@settings(max_examples=200, deadline=None)
@given(events=EVENTS, batch=st.integers(1, 7))
def test_in_any_order_each_label_ends_once_and_no_row_is_judged_twice(events, batch):
    of = awaiting(horizon=100.0, segment=4)
    now, told_labels, answered = 0.0, 0, set()
    outcomes: Counter[tuple[float, float]] = Counter()
    joined = []
    for start in range(0, len(events), batch):
        piece = events[start : start + batch]
        calls = [
            (call if kind == "proba" else labels_only)(f"r{name}", [0.5] * n, time=float(name)) for what, name, n, kind in piece
            if what == "call"
        ]  # fmt: skip
        labels = [told(f"r{name}", label, row) for what, name, row, label in piece if what == "label"]
        now += sum(name for what, name, _, _ in piece if what == "wait")
        answered |= {(each.id, row) for each in calls for row in range(each.n_rows)}
        told_labels += len(labels)
        joined += of.answered(calls, now) + of.told(labels, now)
    of.told([], now + 1000.0)

    ended = counts(of)
    assert sum(ended[name] for name in FINAL) == told_labels
    assert ended["joined"] == sum(each.outcomes.n_rows for each in joined)
    keys = [key for each in joined for key in each.records["key"].tolist()]
    outcomes.update(keys)
    forgets = now > 100.0  # an id may be used anew when it has been forgotten
    assert forgets or max(outcomes.values(), default=1) == 1
    assert len(set(keys)) <= len(answered)


def test_replacing_an_answer_keeps_its_text_inputs():
    of = awaiting()
    of.answered([replace(call(), inputs=np.array([[text_code("red"), 1.0]]))], 0.0)

    [joined] = of.told([told()], 1.0)

    assert joined.outcomes.inputs.tolist() == [[text_code("red")]]


def test_ids_of_any_size_do_not_cost_the_others_their_labels():
    of = awaiting()
    odd = SpanContext(trace_id=1 << 130, span_id=-1, is_remote=False)
    of.answered([call("a"), call("b", span=odd)], 0.0)

    joined = of.told([told("a"), told("b")], 1.0)

    assert sum(each.outcomes.n_rows for each in joined) == 2
