"""What the application sees of a patched class: nothing."""

import copy
import inspect
import io
import os
import pickle
import random
import subprocess
import sys
import threading
import time
import traceback
from unittest import mock

import numpy as np
import pytest

pytest.importorskip("sklearn")
import joblib
import sklearn
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from otel_mlsec import capture, errors

IN_PYTHON = bool(os.environ.get("WRAPT_DISABLE_EXTENSIONS"))  # then wrapt has frames of its own
X = np.random.default_rng(0).normal(size=(120, 6))
Y = (X[:, 0] > 0).astype(int)


@pytest.fixture
def model(calls):
    return LogisticRegression().fit(X, Y)


def joblib_bytes(value):
    buffer = io.BytesIO()
    joblib.dump(value, buffer)
    return buffer.getvalue()


def cloudpickle_bytes(value):
    return pytest.importorskip("cloudpickle").dumps(value)


DUMPS = {
    "pickle": pickle.dumps,
    "pickle 2": lambda value: pickle.dumps(value, 2),
    "joblib": joblib_bytes,
    "cloudpickle": cloudpickle_bytes,
}
PICKLED = {
    "model": lambda m: m,
    "pipeline": lambda m: make_pipeline(StandardScaler(), m).fit(X, Y),
    "search": lambda m: GridSearchCV(m, {"C": [1.0]}, cv=3).fit(X, Y),
    "bound method": lambda m: m.predict,
    "bound method of a pipeline": lambda m: make_pipeline(StandardScaler(), m).fit(X, Y).predict_proba,
    "unbound method": lambda m: type(m).predict,
    "methods and their model": lambda m: [m.predict, m.predict_proba, m],
    "xgboost": lambda m: pytest.importorskip("xgboost").XGBClassifier(n_estimators=2).fit(X, Y),
    "bound method of lightgbm": lambda m: (
        pytest.importorskip("lightgbm").LGBMClassifier(n_estimators=2, verbose=-1).fit(X, Y).predict
    ),
}


@pytest.mark.parametrize("dumps", DUMPS)
@pytest.mark.parametrize("what", PICKLED)
def test_what_is_pickled_does_not_know_us(what, dumps, model):
    value = PICKLED[what](model)

    blob = DUMPS[dumps](value)

    assert b"otel_mlsec" not in blob
    assert b"wrapt" not in blob
    assert joblib.load(io.BytesIO(blob)) is not None if dumps == "joblib" else pickle.loads(blob) is not None  # noqa: S301 - ours


def test_a_blob_loads_where_we_are_not_installed(model, tmp_path):
    path = tmp_path / "model"
    path.write_bytes(pickle.dumps([model, model.predict]))
    code = f"""
import pickle, sys
sys.modules["otel_mlsec"] = sys.modules["wrapt"] = None
model, predict = pickle.load(open({str(path)!r}, "rb"))
print(predict([[1.0] * 6]).shape, predict.__self__ is model)
"""

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.stdout == "(1,) True\n", done.stderr


def test_a_class_pickled_by_value_is_observed_where_it_arrives(asked):
    pytest.importorskip("cloudpickle")
    code = """
import sys, cloudpickle, numpy as np
from sklearn.base import BaseEstimator
class Mine(BaseEstimator):
    def fit(self, X, y=None): return self
    def predict(self, X): return np.zeros(len(X))
sys.stdout.buffer.write(cloudpickle.dumps(Mine().fit(0)))
"""
    blob = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout

    mine = pickle.loads(blob)  # noqa: S301 - made above

    assert [seen.model.name for seen in asked(lambda: mine.predict(X))] == ["Mine"]


def test_loky_workers_take_bound_methods(model):
    answers = joblib.Parallel(2)(joblib.delayed(model.predict)(X) for _ in range(3))

    np.testing.assert_array_equal(answers, [model.predict(X)] * 3)


def test_a_method_looks_as_it_did(model):
    assert str(inspect.signature(LogisticRegression.predict)) == "(self, X)"
    assert str(inspect.signature(model.predict)) == "(X)"
    assert inspect.isfunction(LogisticRegression.predict)
    assert inspect.ismethod(model.predict)
    assert inspect.getsource(model.predict).strip().startswith("def predict")
    assert model.predict.__name__ == "predict"
    assert "Predict class labels" in model.predict.__doc__
    assert model.predict.__self__ is model
    assert model.predict.__func__.__module__.startswith("sklearn")
    assert model.predict == model.predict
    assert hash(model.predict) == hash(model.predict)
    assert joblib.hash(model.predict) == joblib.hash(model.predict)


def test_methods_that_are_not_there_are_not_there(calls):
    assert not hasattr(SVC(), "predict_proba")
    assert not hasattr(LocalOutlierFactor(), "predict")
    assert not hasattr(make_pipeline(StandardScaler()), "predict")
    assert hasattr(make_pipeline(StandardScaler(), SVC()), "predict")


def test_metadata_routing_reads_the_same_signatures(calls):
    class Weighted(LogisticRegression):
        def predict(self, X, sample_weight=None):
            return super().predict(X)

    with sklearn.config_context(enable_metadata_routing=True):
        assert LogisticRegression().set_fit_request(sample_weight=True).get_metadata_routing()
        assert "sample_weight" in str(Weighted().get_metadata_routing().predict.requests)
        assert hasattr(Weighted, "set_predict_request")


def test_clones_and_copies_are_observed_too(model, asked):
    cloned = clone(make_pipeline(FunctionTransformer(model.predict)))
    copied = copy.deepcopy(model.predict)

    assert cloned.fit_transform(X).shape == (120,)
    assert copied.__self__ is not model
    assert len(asked(lambda: copied(X))) == 1
    assert copy.copy(model.predict)(X[:1]).shape == (1,)


def test_mocks_work_and_go(model, asked):
    mock.create_autospec(model)

    with mock.patch.object(LogisticRegression, "predict", return_value=1):
        assert model.predict(X) == 1
    assert len(asked(lambda: model.predict(X))) == 1


def test_the_result_is_the_object_that_the_model_made(calls):
    made = object()

    class Odd(BaseEstimator):
        def predict(self, X):
            return made

    assert Odd().predict(X) is made


def test_an_exception_is_the_users_own(asked):
    error = KeyError("mine")

    class Raises(BaseEstimator):
        def predict(self, X):
            raise error

    def ask():
        with pytest.raises(KeyError) as caught:
            Raises().predict(X)
        frames = [frame.filename for frame in traceback.extract_tb(caught.value.__traceback__)]
        assert caught.value is error
        assert error.__context__ is None
        assert error.__cause__ is None
        assert sum("otel_mlsec" in frame for frame in frames) == 1
        assert IN_PYTHON or not any("wrapt" in frame for frame in frames)

    [seen] = asked(ask)
    assert (seen.error, seen.outputs, seen.n_rows) == ("KeyError", None, 120)


def test_errors_of_libraries_are_named_in_full(asked):
    def ask():
        with pytest.raises(NotFittedError):
            LogisticRegression().predict(X)

    [seen] = asked(ask)

    assert seen.error == "sklearn.exceptions.NotFittedError"


@pytest.mark.parametrize("wrong", [(), (X, 1, 2, 3)])
def test_wrong_arguments_are_refused_as_before(wrong, model):
    with pytest.raises(TypeError, match=r"predict\(\)"):
        model.predict(*wrong)


@pytest.mark.parametrize("fails", ["private", "describe"])
def test_our_own_errors_are_contained_counted_and_harmless(fails, model, asked, monkeypatch, caplog):
    from otel_mlsec.capture import _observe  # noqa: PLC0415 - private, so not at import

    def bug(*_):
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(errors, "raising", False)
    monkeypatch.setattr(_observe, fails, bug)

    assert asked(lambda: np.testing.assert_array_equal(model.predict(X), (model.decision_function(X) > 0).astype(int))) == []
    assert errors.counts == {"capture.predict": 1, "capture.decision_function": 1}
    assert "ours" not in caplog.text


def test_a_submit_that_raises_is_contained(monkeypatch):
    monkeypatch.setattr(errors, "raising", False)
    patches = capture.Patches()

    def submit(call, /):
        raise OSError

    capture.patch(patches, submit)
    try:
        assert LogisticRegression().fit(X, Y).predict(X).shape == (120,)
    finally:
        patches.undo()
    assert errors.counts == {"capture.predict": 1}


def test_the_common_random_numbers_are_the_applications(model):
    random.seed(1)
    np.random.seed(1)
    expected = random.random(), np.random.rand()

    random.seed(1)
    np.random.seed(1)
    model.predict(np.zeros((5000, 6)))

    assert (random.random(), np.random.rand()) == expected


def test_threads_that_ask_while_it_is_patched_and_undone_get_their_answers():
    model = LogisticRegression().fit(X, Y)
    expected, wrong, stop = model.predict(X), [], threading.Event()

    def ask():
        while not stop.is_set():
            try:
                if not np.array_equal(model.predict(X), expected):
                    wrong.append("another answer")
            except Exception as error:  # noqa: BLE001 - any is one too many
                wrong.append(error)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    seen = 0
    for _ in range(20):
        handed, patches = [], capture.Patches()
        capture.patch(patches, lambda call, handed=handed: not handed.append(call))
        time.sleep(0.01)
        patches.undo()
        seen += len(handed)
    stop.set()
    for thread in threads:
        thread.join()

    assert wrong == []
    assert seen > 0


ODD = {
    "nothing": None,
    "a number": 3,
    "a text": "text",
    "a dict": {"a": [1.0], "b": ["x", "y"]},
    "ragged": [[1.0], [1.0, 2.0]],
    "empty": [],
    "no rows": np.empty((0, 6)),
    "not numbers": np.full((3, 6), np.nan),
    "infinities": np.full((3, 6), np.inf),
    "texts": [["a"] * 6],
    "objects": np.array([[object()] * 6], dtype=object),
    "a structure": np.zeros(3, dtype=[("a", float), ("o", object)]),
    "an iterator": iter([1.0]),
    "a class": dict,
    "a table in cells": [[np.eye(2)] * 6],
    "complex": np.full((2, 6), 1j),
    "too many dimensions": np.zeros((2, 3, 4)),
    "wide": np.zeros((2, 100_000)),
    "a huge number": [[10**400] * 6],
}


class Returns(BaseEstimator):
    def predict(self, X):
        return X


@pytest.mark.parametrize("odd", ODD)
def test_bad_input_comes_back_as_it_went_in(odd, asked):
    data, returned = ODD[odd], []

    [seen] = asked(lambda: returned.append(Returns().predict(data)))

    assert returned[0] is data
    assert seen.inputs is None or seen.inputs.ndim == 2
    if seen.inputs is not None and seen.outputs is not None:
        assert len(seen.inputs) == len(seen.outputs)


@pytest.mark.parametrize("odd", ODD)
def test_bad_input_is_refused_in_the_same_words(odd, model):
    bare = type(model).predict.__wrapped__

    with pytest.raises(Exception) as expected:
        bare(model, ODD[odd])
    with pytest.raises(type(expected.value)) as ours:
        model.predict(ODD[odd])
    assert str(ours.value) == str(expected.value)
