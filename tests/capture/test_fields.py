"""What an observation says: which model, what its outputs are, when, under which span."""

import asyncio
import time

import numpy as np
import pytest

pytest.importorskip("sklearn")
from opentelemetry.sdk.trace import TracerProvider
from sklearn.base import BaseEstimator
from sklearn.cluster import KMeans
from sklearn.ensemble import IsolationForest, RandomForestRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from otel_mlsec import capture, errors
from otel_mlsec.observation import Meaning, text_code

X = np.random.default_rng(0).normal(size=(60, 4))
Y = np.where(X[:, 0] > 0, "yes", "no")
NAMES = list("abcd")


def frame():
    return pytest.importorskip("pandas").DataFrame(X, columns=NAMES)


@pytest.mark.parametrize(
    ("method", "meaning", "shape"),
    [
        ("predict", Meaning.LABEL, (60, 1)),
        ("predict_proba", Meaning.PROBABILITY, (60, 2)),
        ("predict_log_proba", Meaning.LOG_PROBABILITY, (60, 2)),
        ("decision_function", Meaning.MARGIN, (60, 1)),
    ],
)
def test_a_method_says_what_its_outputs_mean(method, meaning, shape, asked):
    model = LogisticRegression().fit(X, Y)

    [seen] = asked(lambda: getattr(model, method)(X))

    assert (seen.method, seen.meaning, seen.outputs.shape, seen.classes) == (method, meaning, shape, ("no", "yes"))


def test_labels_are_positions_in_the_classes(asked):
    model = LogisticRegression().fit(X, Y)

    [seen] = asked(lambda: model.predict(X))

    np.testing.assert_array_equal(seen.outputs[:, 0], (model.decision_function(X) > 0).astype(float))


def test_a_label_that_the_model_does_not_list_is_minus_one(asked):
    class Odd(LogisticRegression):
        def predict(self, X):
            return np.array(["no", "maybe", None], dtype=object)

    model = Odd().fit(X, Y)

    [seen] = asked(lambda: model.predict(X[:3]))

    assert seen.outputs[:, 0].tolist() == [0.0, -1.0, -1.0]


@pytest.mark.parametrize(
    ("model", "meaning"),
    [
        (LinearRegression(), Meaning.VALUE),
        (RandomForestRegressor(3), Meaning.VALUE),
        (KMeans(2, n_init=1), Meaning.LABEL),
        (IsolationForest(n_estimators=3), Meaning.LABEL),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_kind_of_estimator_it_is_tells_labels_from_values(model, meaning, asked):
    model.fit(X, X[:, 0])

    [seen] = asked(lambda: model.predict(X))

    assert (seen.meaning, seen.classes) == (meaning, ())


def test_arguments_that_change_the_output_change_its_meaning(asked):
    xgboost = pytest.importorskip("xgboost")
    gaussian = pytest.importorskip("sklearn.gaussian_process").GaussianProcessRegressor().fit(X, X[:, 0])
    model = xgboost.XGBClassifier(n_estimators=2).fit(X, Y == "yes")

    [margin] = asked(lambda: model.predict(X, output_margin=True))
    [spread] = asked(lambda: gaussian.predict(X, return_std=True))

    assert margin.meaning is Meaning.MARGIN
    assert (spread.meaning, spread.outputs.shape) == (Meaning.RAW, (60, 2))


NAMED = {
    "a model": (lambda: LogisticRegression(), "LogisticRegression"),
    "a pipeline": (lambda: make_pipeline(StandardScaler(), LogisticRegression()), "LogisticRegression"),
    "a search": (lambda: GridSearchCV(LogisticRegression(), {"C": [1.0]}, cv=3), "LogisticRegression"),
    "a search over a pipeline": (
        lambda: GridSearchCV(make_pipeline(StandardScaler(), LogisticRegression()), {"logisticregression__C": [1.0]}, cv=3),
        "LogisticRegression",
    ),
}


@pytest.mark.parametrize("kind", NAMED)
def test_the_name_is_that_of_the_class_that_does_the_work(kind, asked):
    make, name = NAMED[kind]
    model = make().fit(frame(), Y)

    [seen] = asked(lambda: model.predict(frame()))

    assert (seen.model.name, seen.model.framework) == (name, "sklearn")
    assert (seen.features, seen.classes) == (tuple(NAMES), ("no", "yes"))


def test_the_version_is_a_digest_of_columns_and_classes(asked):
    def version(data, target):
        model = LogisticRegression().fit(data, target)
        return asked(lambda: model.predict(data))[0].model.version

    versions = [version(X, Y), version(X[:, :3], Y), version(frame(), Y), version(X, Y == "yes")]

    assert len(set(versions)) == 4
    assert version(X * 2, Y) == versions[0]
    assert all(len(each) == 8 for each in versions)


def test_a_model_that_fails_to_describe_itself_is_observed_by_its_class(asked, monkeypatch):
    class Shy(BaseEstimator):
        def predict(self, X):
            return X[:, 0]

        @property
        def classes_(self):
            raise ZeroDivisionError

    monkeypatch.setattr(errors, "raising", False)
    [seen] = asked(lambda: Shy().predict(X))

    assert (seen.model.name, seen.meaning) == ("Shy", Meaning.VALUE)
    assert errors.counts == {"capture.describe": 1}


def test_boosters_have_versions_too(asked):
    xgboost = pytest.importorskip("xgboost")

    def version(x):
        data = xgboost.DMatrix(x, X[:, 0])
        booster = xgboost.train({}, data, 1)
        return asked(lambda: booster.predict(data))[0].model.version

    assert len({version(X), version(X * 2), version(X[:, :2])}) == 2


def test_fitting_again_is_noticed(asked):
    model = LogisticRegression().fit(X, Y)
    [before] = asked(lambda: model.predict(X))

    model.fit(X[:, :2], np.where(X[:, 0] > 0, "late", "early"))
    [after] = asked(lambda: model.predict(X[:, :2]))

    assert before.model.version != after.model.version
    assert after.classes == ("early", "late")


def test_a_model_asked_before_it_was_fitted_is_described_once_it_is(asked):
    model = LogisticRegression()
    with pytest.raises(Exception, match="not fitted"):
        model.predict(X)
    model.fit(frame(), Y)

    [seen] = asked(lambda: model.predict(frame()))

    assert seen.classes == ("no", "yes")


def test_names_come_from_the_model_where_rows_have_none(asked):
    model = LogisticRegression().fit(frame(), Y)

    with pytest.warns(UserWarning, match="feature names"):
        [seen] = asked(lambda: model.predict(X))

    assert seen.features == tuple(NAMES)


def test_texts_are_rows_of_one_column(asked):
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(["aa bb", "cc dd", "aa dd"], [0, 1, 0])

    [seen] = asked(lambda: model.predict(["aa", "zz"]))

    assert seen.inputs[:, 0].tolist() == [text_code("aa"), text_code("zz")]


def test_times_are_those_of_the_call_itself(asked):
    class Slow(BaseEstimator):
        def predict(self, X):
            time.sleep(0.05)
            return X[:, 0]

    before = time.time_ns()
    [seen] = asked(lambda: Slow().predict(X))
    after = time.time_ns()

    assert before <= seen.start_ns < seen.end_ns <= after
    assert seen.end_ns - seen.start_ns >= 45_000_000
    assert seen.time == seen.start_ns / 1e9


def test_the_span_is_the_callers(asked):
    model = LogisticRegression().fit(X, Y)
    tracer = TracerProvider().get_tracer("test")

    with tracer.start_as_current_span("request") as span:
        [seen] = asked(lambda: model.predict(X))
    [outside] = asked(lambda: model.predict(X))

    assert seen.span == span.get_span_context()
    assert not outside.span.is_valid


class Plain:
    """Of no library."""

    def fit(self, X):
        self.predict(X)
        return self

    def predict(self, rows):
        return [sum(row) for row in rows]


class Slotted:
    __slots__ = ()

    def predict(self, X):
        return X[:, 0]


def test_watch_names_a_model_and_keeps_its_reference(asked):
    reference = object()
    model = LogisticRegression().fit(X, Y)

    assert capture.watch(model, name="fraud", version="3", reference=reference) is model
    [seen] = asked(lambda: model.predict(X))
    [other] = asked(lambda: LogisticRegression().fit(X, Y).predict(X))

    assert (seen.model.name, seen.model.version, seen.reference) == ("fraud", "3", reference)
    assert (other.model.name, other.reference) == ("LogisticRegression", None)


def test_what_watch_does_not_say_is_inferred(asked):
    model = capture.watch(LogisticRegression().fit(X, Y), name="fraud")

    [seen] = asked(lambda: model.predict(X))

    assert len(seen.model.version) == 8


def test_watch_observes_classes_of_no_library(asked):
    rows = [[1.0, 2.0], [3.0, 4.0]]
    assert asked(lambda: Plain().predict(rows)) == []

    model = capture.watch(Plain(), name="sums")

    assert asked(lambda: model.fit(rows)) == []
    [seen] = asked(lambda: model.predict(rows=rows))
    assert (seen.model.name, seen.meaning, seen.outputs[:, 0].tolist()) == ("sums", Meaning.VALUE, [3.0, 7.0])


def test_a_method_that_is_awaited_is_one_observation_with_its_outputs(asked):
    inner = LogisticRegression().fit(X, Y)

    class Served:
        async def predict(self, X):
            if len(X) == 1:
                raise LookupError
            await asyncio.sleep(0.01)
            return inner.predict(X)

    async def ask(model, rows):
        answers = model.predict(rows)
        assert asyncio.iscoroutine(answers)
        return await answers

    model = capture.watch(Served(), name="served")

    [seen] = asked(lambda: asyncio.run(ask(model, X)))
    assert (seen.model.name, seen.outputs.shape) == ("served", (60, 1))
    assert seen.end_ns - seen.start_ns >= 9_000_000

    def fail():
        with pytest.raises(LookupError):
            asyncio.run(ask(model, X[:1]))

    assert [seen.error for seen in asked(fail)] == ["LookupError"]


def test_watch_works_before_and_after_instrumenting_and_is_undone():
    class Early(Plain):
        def predict(self, rows):
            return [0.0 for _ in rows]

    own = Early.__dict__["predict"]
    model = capture.watch(Early(), name="early")
    for _ in range(2):
        handed, patches = [], capture.Patches()
        capture.patch(patches, lambda call, handed=handed: not handed.append(call))
        model.predict([[1.0]])
        patches.undo()
        model.predict([[1.0]])

        assert [capture.prediction(call).model.name for call in handed] == ["early"]
        assert Early.__dict__["predict"] is own


def test_watch_takes_models_that_cannot_be_referenced_weakly(asked):
    model = capture.watch(Slotted(), name="slots")

    [seen] = asked(lambda: model.predict(X))

    assert seen.model.name == "slots"


def test_a_model_that_is_gone_leaves_nothing(calls):
    from otel_mlsec.capture import _describe  # noqa: PLC0415 - private, so not at import

    before = len(_describe._known), len(_describe._said)
    for _ in range(50):
        capture.watch(LogisticRegression().fit(X, Y), name="fraud").predict(X)

    assert (len(_describe._known), len(_describe._said)) == before
