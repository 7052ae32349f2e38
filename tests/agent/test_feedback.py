"""The application tells the truth of its predictions: from the call to what a backend receives."""

from __future__ import annotations

import asyncio
import datetime as dt
import decimal
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import polars as pl
import pytest

import otel_mlsec
from otel_mlsec import current_prediction, feedback, prediction_id, told

linear_model = pytest.importorskip("sklearn.linear_model")

BERLIN = dt.timezone(dt.timedelta(hours=2))


@pytest.fixture
def judged(watched):
    """A model whose reference knows how often it errs, and what is true of a row."""
    rng = np.random.default_rng(3)

    def truth(rows):
        return np.where(rows[:, 0] + rng.normal(scale=0.3, size=len(rows)) > 0, "late", "on time")

    def model(name="flights"):
        rows, fitted_on = watched.rows(4000), watched.rows(2000)
        fitted = linear_model.LogisticRegression().fit(fitted_on, truth(fitted_on))
        reference = otel_mlsec.Reference.fit(rows, truth(rows), fitted, name=name, version="1")
        return otel_mlsec.watch(fitted, name=name, version="1", reference=reference)

    watched.truth, watched.judged = truth, model
    return watched


def labels(watched):
    """By what became of them, whatever model."""
    counted = {}
    for key, value in watched.series("mlsec.feedback.labels").items():
        outcome = dict(key)["mlsec.feedback.outcome"]
        counted[outcome] = counted.get(outcome, 0) + value
    return counted


def test_labels_that_say_that_the_model_errs_are_a_finding_with_the_trace_of_a_prediction(judged):
    judged.instrument()
    model = judged.judged()
    traces = {}
    for i in range(30):
        rows = judged.rows(50)
        with judged.tracers.get_tracer("app").start_as_current_span("request") as span, prediction_id(f"order-{i}"):
            model.predict_proba(rows)
            model.predict(rows)
        traces[span.get_span_context().trace_id] = i
        answers = judged.truth(rows)
        wrong = np.where(answers == "late", "on time", "late") if i >= 10 else answers
        assert feedback(f"order-{i}", wrong, source="crm")

    findings = [found for found in judged.findings() if found.attributes["security_rule.name"] == "drift/concept"]
    assert findings
    assert findings[0].trace_id in traces
    assert traces[findings[0].trace_id] >= 10
    assert findings[0].attributes["mlsec.model.name"] == "flights"
    assert "order-" not in str(findings)
    assert labels(judged) == {"joined": 1500}  # once each, though two methods answered
    assert list(judged.series("mlsec.feedback.coverage").values()) == [1.0]


def test_a_slice_that_decays_is_named_from_columns_that_have_no_name(judged):
    judged.instrument(model=otel_mlsec.ModelSettings(slices=("x2",)))
    model = judged.judged()
    for i in range(60):
        rows = judged.rows(50)
        model.predict_proba(rows)
        answers = judged.truth(rows)
        if i >= 10:
            wrong = rows[:, 2] == 3.0
            answers[wrong] = np.where(answers[wrong] == "late", "on time", "late")
        assert feedback(current_prediction(), answers)

    findings = [found for found in judged.findings() if found.attributes["security_rule.name"] == "drift/concept"]
    assert any("x2" in slice for found in findings for slice in found.attributes["mlsec.evidence.slices"])


def test_a_model_that_is_as_it_was_is_no_finding(judged):
    judged.instrument()
    model = judged.judged()
    for _ in range(30):
        rows = judged.rows(50)
        model.predict_proba(rows)
        assert feedback(current_prediction(), judged.truth(rows))

    assert [found for found in judged.findings() if found.attributes["security_rule.name"] == "drift/concept"] == []
    assert labels(judged) == {"joined": 1500}


def test_what_cannot_be_used_is_counted_and_never_raised(judged):
    judged.instrument()
    model = judged.judged()
    with prediction_id("a"):
        model.predict(judged.rows(3))
    with prediction_id("big"):
        model.predict(judged.rows(1000))

    assert feedback("a", ["late", "on time", float("nan")])
    assert feedback("a", ["late", "late", "cancelled"])
    assert feedback("big", ["late"] * 1000)
    assert feedback("nobody", "late")
    assert feedback("", "late")
    assert feedback("a", np.array([object()]), index=2)
    assert feedback("a", "late", time=dt.datetime(1999, 1, 1, tzinfo=BERLIN), index=1)

    assert labels(judged) == {
        "joined": 3 + 250, "invalid": 3, "duplicate": 1, "contradictory": 2, "new_class": 1, "thinned": 750, "early": 1
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "settings", "error", "words"),
    [
        (("a",), {}, TypeError, "needs a label, or a table"),
        (("a", 1), {"index": -1}, ValueError, "index must be the number of a row, from 0 on, got -1"),
        (("a", 1), {"index": True}, ValueError, "index must be"),
        (("a", 1), {"time": dt.datetime(2026, 1, 1)}, ValueError, "time must have a time zone"),  # noqa: DTZ001 - the case
        (("a", 1), {"time": "yesterday"}, TypeError, "time must be seconds"),
        (("a", 1), {"time": float("nan")}, ValueError, "time must be finite"),
        (({"prediction_id": ["a"]},), {}, ValueError, "must have a column 'label'"),
        (({"prediction_id": ["a"], "label": [1, 2]},), {}, ValueError, "must be of one length"),
    ],
)
def test_a_callers_mistake_is_a_clear_error(arguments, settings, error, words):
    with pytest.raises(error, match=words):
        feedback(*arguments, **settings)


def test_without_an_agent_nothing_happens():
    assert feedback(current_prediction(), 1) is False


TABLE = {
    "prediction_id": ["a", "a", "b", None, 7.0],
    "label": ["late", "on time", "late", "late", "late"],
    "index": [1, 0, 0, 0, 0],
    "source": ["crm", "crm", None, "crm", "crm"],
    "time": [
        dt.datetime(2027, 1, 1, 12, tzinfo=BERLIN), dt.datetime(2027, 1, 1, 10, tzinfo=dt.UTC),
        dt.datetime(1999, 1, 1, tzinfo=BERLIN), None, None,
    ],
}  # fmt: skip


@pytest.mark.parametrize("made", [dict, pd.DataFrame, lambda table: pd.DataFrame(table).astype({"label": "category"})])
def test_a_table_of_labels_is_told_in_one_call(made, judged):
    judged.instrument()
    model = judged.judged()
    for name, n in (("a", 2), ("b", 1), ("7", 1)):
        with prediction_id(name):
            model.predict(judged.rows(n))

    assert feedback(made(TABLE))

    assert labels(judged) == {"joined": 4, "invalid": 1, "backwards": 1}


def test_a_table_of_polars_and_more_labels_than_go_together(judged):
    judged.instrument()
    model = judged.judged()
    for i in range(12):
        with prediction_id(f"r{i}"):
            model.predict(judged.rows(250))

    frame = pl.DataFrame(
        {"prediction_id": [f"r{i}" for i in range(12) for _ in range(250)], "label": ["late"] * 3000, "index": [*range(250)] * 12}
    )
    assert feedback(frame)

    assert labels(judged) == {"joined": 3000}


@pytest.mark.parametrize(
    "label",
    [
        np.array([1, 0]), np.array([[1], [0]]), [True, False], ("1", "0"), pd.Series([1, 0]), pl.Series([1, 0]),
        [np.float32(1), np.int8(0)], [decimal.Decimal(1), b"0"], pd.Series([1, 0], dtype="Int64"),
    ],
)  # fmt: skip
def test_labels_in_any_container_are_the_classes_of_the_model(label, watched):
    watched.instrument()
    rows = watched.rows(2000)
    fitted = linear_model.LogisticRegression().fit(rows, rows[:, 0] > 0)
    live = watched.rows(2000)
    model = otel_mlsec.watch(fitted, name="m", reference=otel_mlsec.Reference.fit(live, live[:, 0] > 0, fitted))
    model.predict(watched.rows(2))

    assert feedback(current_prediction(), label)

    assert labels(watched) == {"joined": 2}


def test_ids_are_made_of_the_trace_and_its_own_id_names_the_last_call(judged):
    judged.instrument()
    model = judged.judged()
    with judged.tracers.get_tracer("app").start_as_current_span("request") as span:
        model.predict(judged.rows(1))
        first = current_prediction()
        model.predict(judged.rows(1))
        second = current_prediction()
    trace = f"{span.get_span_context().trace_id:032x}"

    assert first.startswith(f"{trace}-")
    assert second.startswith(f"{trace}-")
    assert first != second
    assert feedback(trace, "late")
    assert feedback(second, "late")
    assert feedback(first, "late")
    assert labels(judged) == {"joined": 2, "duplicate": 1}


def test_tasks_and_threads_have_ids_of_their_own(judged):
    judged.instrument()
    model = judged.judged()
    rows = judged.rows(1)

    async def task(name):
        with prediction_id(name):
            await asyncio.sleep(0.01)
            model.predict(rows)
            await asyncio.sleep(0.01)
            return current_prediction()

    async def both():
        return await asyncio.gather(task("a"), task("b"))

    def thread(_):
        model.predict(rows)
        mine = current_prediction()
        time.sleep(0.001)
        return mine if mine == current_prediction() else "changed"

    assert asyncio.run(both()) == ["a", "b"]
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(thread, range(200)))
    assert len(set(made)) == 200
    tellers = [threading.Thread(target=feedback, args=(name, "late")) for name in made]
    for teller in tellers:
        teller.start()
    for teller in tellers:
        teller.join()

    assert labels(judged) == {"joined": 200}


def test_a_label_is_told_before_its_prediction_and_after_the_agent_was_switched_off(judged):
    judged.instrument()
    model = judged.judged()
    model.predict(judged.rows(1))
    assert feedback("soon", "late", time=dt.datetime(2100, 1, 1, tzinfo=BERLIN))
    assert labels(judged) == {"early": 1}
    with prediction_id("soon"):
        model.predict(judged.rows(1))

    assert labels(judged) == {"early": 1, "joined": 1}
    otel_mlsec.uninstrument()
    assert not feedback("soon", "late")


def test_labels_of_models_that_nobody_wants_to_judge_are_counted_as_that(watched):
    watched.instrument()
    watched.model().predict(watched.rows())

    assert feedback(current_prediction(), ["True"] * 100)

    assert labels(watched) == {"unwanted": 100}


def test_a_full_queue_says_so(judged):
    judged.instrument(queue_items=2)
    model = judged.judged()
    model.predict(judged.rows(1))

    said = [feedback(current_prediction(), ["late"] * 5000) for _ in range(20)]

    assert not all(said)
    assert sum(judged.series("mlsec.detection.processed").values()) > 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_fork_does_not_know_its_parents_predictions_and_counts_anew(judged):
    judged.instrument()
    model = judged.judged()
    model.predict(judged.rows(1))
    mine = current_prediction()
    assert judged.tracers.force_flush()

    read, write = os.pipe()
    child = os.fork()
    if not child:  # pragma: no cover - another process
        try:
            feedback(mine, "late")
            model.predict(judged.rows(1))
            feedback(current_prediction(), "late")
            os.write(write, f"{sorted(labels(judged).items())} {current_prediction() != mine}".encode())
        finally:
            os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    with os.fdopen(read, "rb") as pipe:
        said = pipe.read().decode()

    assert said == "[('early', 1), ('joined', 1)] True"
    assert feedback(mine, "late")
    assert labels(judged) == {"joined": 1}


def test_one_cell_that_is_no_id_does_not_cost_the_others_of_a_table(judged):
    judged.instrument()
    model = judged.judged()
    with prediction_id("a"):
        model.predict(judged.rows(1))

    assert feedback({"prediction_id": ["a", ["y"], {"z": 1}, 10**5000], "label": ["late"] * 4})

    assert labels(judged) == {"joined": 1, "invalid": 3}


@pytest.mark.parametrize(("name", "label"), [(None, 1), (["a"], 1), (float("nan"), 1), ("a", {1}), ("a", object())])
def test_an_id_or_a_label_that_is_none_is_counted_and_raises_nothing(judged, name, label):
    judged.instrument()
    model = judged.judged()
    with prediction_id("a"):
        model.predict(judged.rows(1))

    assert feedback(name, label)

    assert labels(judged) == {"invalid": 1}


def test_what_waits_is_counted_with_its_texts_and_a_name_has_an_end():
    rows = told._of_table({"prediction_id": ["a"] * 4, "label": ["x" * 1000] * 4, "source": ["s" * 10**6] * 4}, "", None)
    [piece] = told._pieces(rows)

    assert {len(source) for source in piece.sources} == {told.SOURCE}
    assert piece.n_bytes > 4 * (1000 + told.SOURCE)
