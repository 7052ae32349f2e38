"""What a reference says of the rows that it was learned from."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.cluster import KMeans
from sklearn.ensemble import IsolationForest, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.svm import LinearSVC

from otel_mlsec.arrays import Floats
from otel_mlsec.observation import text_code
from otel_mlsec.reference.column import HUGE, Column
from otel_mlsec.reference.reference import Reference

N = 3000
DAY = 86400.0


def rows(n: int = N) -> Floats:
    return np.random.default_rng(1).standard_normal((n, 3))


def same(left: Column, right: Column) -> None:
    assert (left.name, left.mean, left.sd, left.independent) == (right.name, right.mean, right.sd, right.independent)
    np.testing.assert_array_equal(left.bins.edges, right.bins.edges)
    np.testing.assert_array_equal(left.counts, right.counts)


def test_the_same_rows_in_any_container_are_the_same_reference():
    names = ["a", "b", "c"]
    frames = [
        pd.DataFrame(rows(), columns=names),
        pl.DataFrame(rows(), schema=names),
        {name: rows()[:, i] for i, name in enumerate(names)},
        [dict(zip(names, row, strict=True)) for row in rows().tolist()],
    ]

    fitted = [Reference.fit(frame).inputs for frame in frames]

    for columns in fitted[1:]:
        for left, right in zip(fitted[0], columns, strict=True):
            same(left, right)


def test_rows_without_names_are_named_by_their_place():
    for data in (rows(), rows().tolist()):
        assert [c.name for c in Reference.fit(data).inputs] == ["x0", "x1", "x2"]


def test_rows_are_put_in_the_order_of_their_times():
    x = np.sort(rows(), axis=0)
    times = np.arange(N) * 300.0
    mixed = np.random.default_rng(2).permutation(N)

    sorted_first, shuffled, untimed = (
        Reference.fit(x, time=times),
        Reference.fit(x[mixed], time=times[mixed]),
        Reference.fit(x[mixed]),
    )

    assert not sorted_first.inputs[0].independent
    assert shuffled.inputs[0].variance_inflation == sorted_first.inputs[0].variance_inflation > 100
    assert shuffled.timed
    assert (untimed.timed, untimed.inputs[0].independent) == (False, True)


def test_dates_are_times():
    times = pd.date_range("2026-01-01", periods=N, freq="h")

    assert Reference.fit(rows(), time=times).n_cycles == Reference.fit(rows(), time=np.arange(N) * 3600.0).n_cycles == N // 24


def test_a_cycle_is_a_day_where_there_are_times_and_a_thousand_rows_where_not():
    timed, untimed = Reference.fit(rows(), time=np.arange(N) * DAY / 100), Reference.fit(rows())

    assert (timed.n_cycles, timed.cycle_rows, timed.cycle_seconds) == (30, 100.0, DAY)
    assert (untimed.n_cycles, untimed.cycle_rows, untimed.cycle_seconds) == (3, 1000.0, 0.0)


def test_what_is_the_same_all_day_and_not_every_day_is_calendar():
    x = rows()
    x[:, 1] = np.arange(N) // 100 // 7
    x[:, 2] = 4.0

    assert [c.calendar for c in Reference.fit(x, time=np.arange(N) * DAY / 100).inputs] == [False, True, False]
    assert not any(c.calendar for c in Reference.fit(x).inputs)


def test_text_is_a_category_and_codes_are_when_they_are_named():
    frame = pd.DataFrame({"city": ["Graz", "Wien", "Linz"] * 1000, "code": [1, 2, 3] * 1000, "size": rows()[:, 0]})

    plain, named = Reference.fit(frame), Reference.fit(frame, categorical=["code"])

    assert [c.numeric for c in plain.inputs] == [False, True, True]
    assert [c.numeric for c in named.inputs] == [False, False, True]
    assert set(plain.inputs[0].bins.levels) == {text_code(c) for c in ("Graz", "Wien", "Linz")}
    assert plain.inputs[1].values.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("model", "answers"),
    [
        (LogisticRegression(), ["probability[yes]", "margin", "label"]),
        (LinearSVC(), ["margin", "label"]),
        (RandomForestClassifier(n_estimators=3, random_state=0), ["probability[yes]", "label"]),
    ],
)
def test_a_classifier_is_asked_by_every_method_that_it_has(model: LogisticRegression, answers: list[str]):
    x = rows()
    model.fit(x, np.where(x[:, 0] > 0, "yes", "no"))

    reference = Reference.fit(x, model=model)

    assert [c.name for c in reference.outputs] == answers
    assert reference.classes == ("no", "yes")
    assert reference.model.name == type(model).__name__


def test_a_regressor_has_values():
    x = rows()

    reference = Reference.fit(x, model=LinearRegression().fit(x, x[:, 0]), name="price", version="2")

    assert [c.name for c in reference.outputs] == ["value"]
    assert (reference.model.name, reference.model.version) == ("price", "2")


@pytest.mark.parametrize(
    ("model", "answers"),
    [
        (RandomForestClassifier(n_estimators=3, random_state=0), ["label[0]", "label[1]"]),  # its probabilities are a list
        (KMeans(3, n_init=1, random_state=0), ["label"]),
        (IsolationForest(n_estimators=5, random_state=0), ["margin", "score", "label"]),
    ],
)
def test_models_without_one_list_of_classes_are_asked_too(model: RandomForestClassifier, answers: list[str]):
    x = rows()
    model.fit(x, (x[:, :2] > 0).astype(int))

    reference = Reference.fit(x, model=model)

    assert [c.name for c in reference.outputs] == answers
    assert all(c.name.startswith(("margin", "score")) or not c.numeric for c in reference.outputs)
    assert reference.classes == ()


def test_answers_go_with_their_rows_when_times_sort_them():
    x = rows()
    model = LinearRegression().fit(x, x[:, 0])
    ordered, times = np.sort(x, axis=0), np.arange(N) * 1.0
    mixed = np.random.default_rng(2).permutation(N)

    [direct] = Reference.fit(ordered, model=model, time=times).outputs
    [sorted_back] = Reference.fit(ordered[mixed], model=model, time=times[mixed]).outputs

    assert sorted_back.variance_inflation == pytest.approx(direct.variance_inflation)
    assert not direct.independent


def test_at_most_512_columns_are_watched():
    assert len(Reference.fit(np.ones((100, 600))).inputs) == 512


def test_numbers_at_the_end_of_what_a_float_can_hold():
    x = rows()
    x[:, 0] *= 1e300
    x[:, 1] = np.where(x[:, 1] > 0, 1.7e308, -1.7e308)
    x[:5, 2] = [np.inf, -np.inf, np.nan, 5e-324, 0.0]

    columns = Reference.fit(x).inputs

    assert all(np.isfinite([c.mean, c.sd, c.low, c.high]).all() for c in columns)
    assert columns[0].sd <= HUGE


@pytest.mark.parametrize(
    ("data", "times", "says"),
    [
        (np.ones((99, 3)), None, r"at least 100 rows, got ndarray of \(99, 3\)"),
        (np.ones((100, 0)), None, r"got ndarray of \(100, 0\)"),
        (object(), None, "got object"),
        ([[1, 2], [3]], None, "got list"),
        (np.ones((100, 1)), np.ones(99), r"one time a row \(100\), got \(99,\)"),
        (np.ones((100, 1)), [np.nan] * 3 + [1.0] * 97, "3 of 100 are not"),
        (np.ones((100, 1)), ["yesterday"] * 100, "100 of 100 are not"),
        (np.ones((100, 1)), np.full(100, 1.76e12), "100 of 100 are not"),  # milliseconds
    ],
)
def test_what_cannot_be_a_reference_is_refused_with_a_sentence(data: object, times: object, says: str):
    with pytest.raises(ValueError, match=says):
        Reference.fit(data, time=times)
