"""Rows are copied privately, within bounds, aligned with their outputs, from every container."""

import tracemalloc
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from otel_mlsec import capture
from otel_mlsec.capture import _copy
from otel_mlsec.table import table

NAMES = list("abcdef")
X = np.random.default_rng(0).normal(size=(300, 6))
Y = (X[:, 0] > 0).astype(int)


class Echo(BaseEstimator):
    """Answers with the first column, or with what it was told to."""

    answer: Any = None

    def predict(self, X):
        return X[:, 0] if self.answer is None else self.answer


def pandas_over_numpy(a):
    return pytest.importorskip("pandas").DataFrame(a, columns=NAMES, copy=False)


def mixed_frame(a):
    frame = pandas_over_numpy(a.copy())
    frame["when"] = np.datetime64("2013-01-31")
    frame["text"] = ["JFK", "LGA"] * (len(a) // 2)
    frame["object"] = frame["text"].astype(object)
    frame["category"] = frame["text"].astype("category")
    return frame


def polars_over_numpy(a):
    return pytest.importorskip("polars").DataFrame({name: a[:, i] for i, name in enumerate(NAMES)})


def sparse(kind):
    return lambda a: getattr(pytest.importorskip("scipy.sparse"), kind)(a)


def spoil_frame(frame):
    frame.iloc[:, 0] = frame.iloc[::-1, 0].to_numpy() + 9


# container -> (from an array, what the caller does to it after the call)
KINDS = {
    "ndarray": (lambda a: a, lambda v: v.fill(9)),
    "view": (lambda a: a[:10], lambda v: v.base.fill(9)),
    "strided": (lambda a: np.asfortranarray(a)[::2], lambda v: v.fill(9)),
    "integers": (lambda a: (a * 10).astype(np.int32), lambda v: v.fill(9)),
    "object ndarray": (lambda a: a.astype(object), lambda v: v.fill(9)),
    "pandas": (lambda a: pandas_over_numpy(a.copy()), spoil_frame),
    "pandas with texts and times": (mixed_frame, spoil_frame),
    "csr": (sparse("csr_matrix"), lambda v: v.data.fill(9)),
    "csr array": (sparse("csr_array"), lambda v: v.data.fill(9)),
    "csc": (sparse("csc_matrix"), lambda v: v.data.fill(9)),
    "list": (lambda a: a.tolist(), lambda v: v[0].__setitem__(0, 9.0)),
    "list of arrays": (list, lambda v: v[0].fill(9)),
    "records": (lambda a: [dict(zip(NAMES, row, strict=True)) for row in a.tolist()], lambda v: v[0].clear()),
    "columns": (lambda a: dict(zip(NAMES, a.T.copy(), strict=True)), lambda v: v["a"].fill(9)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_caller_does_later_changes_nothing(kind, calls):
    make, spoil = KINDS[kind]
    data, expected = make(X[:20].copy()), table(make(X[:20].copy()))
    answer = np.arange(20.0)
    model = Echo()
    model.answer = answer

    model.predict(data)
    spoil(data)
    answer.fill(9)

    seen = capture.prediction(calls[0])
    np.testing.assert_array_equal(seen.inputs, expected[0])
    assert seen.features == expected[1]
    assert len(expected[0]) != 20 or seen.outputs[:, 0].tolist() == list(range(20))


@pytest.mark.parametrize("over", [pandas_over_numpy, polars_over_numpy])
def test_a_frame_over_an_ndarray_is_copied_to_the_bottom(over, calls):
    columns = np.asfortranarray(X[:20])
    frame = over(columns)
    model = Echo()
    model.answer = np.zeros(20)

    model.predict(frame)
    columns.fill(9)

    seen = capture.prediction(calls[0])
    np.testing.assert_array_equal(seen.inputs, X[:20])
    assert seen.features == tuple(NAMES)


def test_polars_columns_of_several_types_keep_them(asked):
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({"n": [1, None], "t": ["a", None], "b": [True, False]})
    frame = frame.with_columns(when=pl.lit("2013-01-31").str.to_datetime(time_unit="ns"))
    model = Echo()
    model.answer = np.zeros(2)

    [seen] = asked(lambda: model.predict(frame))

    np.testing.assert_array_equal(seen.inputs, table(frame)[0])


def test_rows_are_those_that_were_passed_even_if_the_model_writes_on_them(asked):
    model = make_pipeline(StandardScaler(copy=False), LogisticRegression()).fit(X.copy(), Y)
    rows = X[:50] * 3 + 7
    passed = rows.copy()

    [seen] = asked(lambda: model.predict(rows))

    assert not np.array_equal(rows, passed)
    np.testing.assert_array_equal(seen.inputs, passed)


BIG = {
    "ndarray": lambda a: a,
    "pandas": pandas_over_numpy,
    "pandas of several types": lambda a: pandas_over_numpy(a).assign(g=1, h="x", i=True),
    "pandas with objects nobody knows": lambda a: pandas_over_numpy(a).assign(
        **{f"z{i}": 1 for i in range(60)}, o=pytest.importorskip("pandas").Series([set()] * len(a), dtype=object)
    ),
    "polars": polars_over_numpy,
    "csr": lambda a: pytest.importorskip("scipy.sparse").csr_array(a),
    "list": lambda a: a.tolist(),
    "records": lambda a: [dict(zip(NAMES, row, strict=True)) for row in a.tolist()],
    "columns": lambda a: dict(zip(NAMES, a.T, strict=True)),
}


@pytest.mark.parametrize("kind", BIG)
def test_a_large_batch_is_thinned_evenly_and_stays_aligned(kind, asked):
    rows = np.arange(1.0, 30_001.0).reshape(5000, 6)
    model = Echo()
    model.answer = rows[:, 0].copy()
    data = BIG[kind](rows)

    seen = [asked(lambda: model.predict(data))[0] for _ in range(4)]

    for each in seen:
        assert each.n_rows == 5000
        assert 40 < len(each.inputs) <= 256
        np.testing.assert_array_equal(each.inputs[:, 0], each.outputs[:, 0])
        assert len(set(np.diff(each.inputs[:, 0]))) == 1
    assert len({each.inputs[0, 0] for each in seen}) > 1  # nobody can know which rows are looked at


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function", "predict_log_proba"])
def test_outputs_are_those_of_the_rows_that_were_kept(method, asked):
    rows = np.linspace(-1, 1, 30_000).reshape(5000, 6)
    model = LogisticRegression().fit(X, Y)
    answers = []

    [seen] = asked(lambda: answers.append(getattr(model, method)(rows)))

    kept = np.searchsorted(rows[:, 0], seen.inputs[:, 0])
    np.testing.assert_array_equal(seen.outputs.reshape(len(kept), -1), answers[0][kept].reshape(len(kept), -1))


def test_outputs_much_wider_than_their_rows_thin_both(asked):
    model = Echo()
    model.answer = np.repeat(X[:, :1], 4000, axis=1)

    [seen] = asked(lambda: model.predict(X))

    assert seen.outputs.nbytes <= _copy.BYTES
    np.testing.assert_array_equal(seen.inputs[:, 0], seen.outputs[:, 0])


def test_outputs_of_other_rows_are_not_taken_for_those_of_these(asked):
    model = Echo()
    model.answer = np.zeros(7)

    [seen] = asked(lambda: model.predict(X))

    assert len(seen.inputs) > 7
    assert seen.outputs is None


@pytest.mark.parametrize(
    "huge",
    [
        lambda: np.zeros((1_000_000, 10)),
        lambda: np.zeros((4, 100_000)),
        lambda: np.zeros((2, 3_000_000), dtype=np.int8),
        lambda: pytest.importorskip("pandas").DataFrame(np.zeros((200_000, 10))).assign(text="x"),
        lambda: pytest.importorskip("pandas").Series(["x"] * 300_000),
        lambda: pytest.importorskip("pandas").DataFrame(
            {"t": pytest.importorskip("pandas").date_range("2013", periods=300_000, tz="UTC")}
        ),
        lambda: [["a" * 50_000] * 4] * 300,
        lambda: ["b" * 100_000] * 300,
        lambda: np.array(["c" * 10_000] * 300),
        lambda: [[object()] * 50] * 1000,
        lambda: pytest.importorskip("scipy.sparse").random_array((1000, 100_000), density=1e-4, format="csr"),
    ],
)
def test_what_waits_is_bounded(huge, calls):
    data = huge()
    model = Echo()
    model.answer = np.zeros(3)
    capture.TABLE  # noqa: B018 - loaded before memory is measured
    model.predict(X)

    tracemalloc.start()
    model.predict(data)
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()

    assert taken < 3 << 20
    assert calls[-1].n_bytes < 3 << 20
    assert calls[-1].inputs.n_rows == (len(data) if not hasattr(data, "shape") else data.shape[0])


def test_objects_in_cells_are_not_kept_alive(calls):
    class Heavy:
        alive = 0

        def __init__(self):
            Heavy.alive += 1

        def __del__(self):
            Heavy.alive -= 1

    frame = pytest.importorskip("pandas").DataFrame({"a": [1.0, 2.0], "heavy": [Heavy(), Heavy()]})
    model = Echo()
    model.answer = np.zeros(2)

    model.predict(frame)
    expected = table(frame)[0]
    del frame

    assert Heavy.alive == 0
    np.testing.assert_array_equal(capture.prediction(calls[0]).inputs, expected)
