"""One observation for what the application asks, none for what libraries ask each other."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

sklearn = pytest.importorskip("sklearn")
from joblib import Parallel, delayed  # noqa: E402 - needs the line above
from sklearn.base import BaseEstimator, ClassifierMixin  # noqa: E402
from sklearn.calibration import CalibratedClassifierCV  # noqa: E402
from sklearn.ensemble import (  # noqa: E402
    AdaBoostClassifier,
    BaggingClassifier,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.frozen import FrozenEstimator  # noqa: E402
from sklearn.inspection import permutation_importance  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score  # noqa: E402
from sklearn.multiclass import OneVsRestClassifier  # noqa: E402
from sklearn.multioutput import MultiOutputClassifier  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.svm import SVC  # noqa: E402
from sklearn.utils import all_estimators  # noqa: E402

from otel_mlsec import errors  # noqa: E402

METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function", "score_samples")
X = np.random.default_rng(0).normal(size=(200, 6))
Y = (X[:, 0] > 0).astype(int)


def xgboost_model(name: str) -> Any:
    return getattr(pytest.importorskip("xgboost"), name)(n_estimators=3)


MODELS = {
    "Pipeline": lambda: make_pipeline(StandardScaler(), LogisticRegression()),
    "GridSearchCV": lambda: GridSearchCV(LogisticRegression(), {"C": [0.1, 1]}, cv=3),
    "GridSearchCV over threads": lambda: GridSearchCV(RandomForestClassifier(8, n_jobs=2), {"max_depth": [2, 3]}, cv=3),
    "Voting": lambda: VotingClassifier([("a", LogisticRegression()), ("b", SVC())]),
    "Bagging": lambda: BaggingClassifier(LogisticRegression(), 8, n_jobs=2),
    "RandomForest": lambda: RandomForestClassifier(20, n_jobs=2),
    "Stacking": lambda: StackingClassifier([("a", LogisticRegression()), ("b", RandomForestClassifier(5, n_jobs=2))], cv=3),
    "Calibrated": lambda: CalibratedClassifierCV(SVC(), cv=3),
    "AdaBoost": lambda: AdaBoostClassifier(n_estimators=5),
    "OneVsRest": lambda: OneVsRestClassifier(LogisticRegression(), n_jobs=2),
    "HistGradientBoosting that stops early": lambda: HistGradientBoostingClassifier(early_stopping=True, max_iter=20),
    "IsolationForest with contamination": lambda: IsolationForest(n_estimators=10, contamination=0.1, n_jobs=2),
    "XGBClassifier": lambda: xgboost_model("XGBClassifier"),
    "XGBRFClassifier": lambda: xgboost_model("XGBRFClassifier"),
    "LGBMClassifier": lambda: pytest.importorskip("lightgbm").LGBMClassifier(n_estimators=3, verbose=-1),
}


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")  # lightgbm's own, of its own name for arrays
@pytest.mark.filterwarnings("ignore:divide by zero")  # a forest's logarithm of a chance of none
@pytest.mark.filterwarnings("ignore:.*is deprecated and will be removed:FutureWarning")  # of xgboost, of a class that is to go
@pytest.mark.parametrize("name", MODELS)
def test_one_call_is_one_observation_and_fitting_is_none(name, asked):
    model = MODELS[name]()

    assert asked(lambda: model.fit(X, Y)) == []
    for method in METHODS:
        if hasattr(model, method):
            [seen] = asked(lambda method=method: getattr(model, method)(X))
            assert (seen.method, seen.n_rows) == (method, 200)
            np.testing.assert_array_equal(seen.inputs, X)


def test_several_targets_are_one_observation_with_all_their_outputs(asked):
    model = MultiOutputClassifier(LogisticRegression(), n_jobs=2).fit(X, np.c_[Y, 1 - Y])

    [labels] = asked(lambda: model.predict(X))
    [chances] = asked(lambda: model.predict_proba(X))

    assert labels.outputs.shape == (200, 2)
    assert chances.outputs.shape == (200, 4)


def test_a_frozen_model_is_the_model_in_it(asked):
    frozen = FrozenEstimator(LogisticRegression().fit(X, Y))

    [seen] = asked(lambda: frozen.predict(X))

    assert seen.model.name == "LogisticRegression"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # 200 estimators on data that suits few of them
def test_every_estimator_of_scikit_learn(asked, monkeypatch):
    monkeypatch.setattr(errors, "raising", False)  # ours are told from the estimators' own by being counted
    from sklearn.utils._test_common.instance_generator import _construct_instances  # noqa: PLC0415 - private, so not at import

    observed, wrong = 0, []
    for name, cls in all_estimators():
        try:
            model = next(iter(_construct_instances(cls)))
        except Exception:  # noqa: BLE001 - not every one can be made without a choice
            continue
        data = abs(X[:60]) + 0.1
        for target in (Y[:60], np.c_[Y[:60], 1 - Y[:60]]):
            try:
                fitting = asked(lambda m=model, d=data, t=target: m.fit(d, t))
                break
            except Exception:  # noqa: BLE001 - nor fitted on these
                fitting = None
        if fitting is None:
            continue
        wrong += [(name, "fit")] if fitting else []
        for method in METHODS:
            if not hasattr(model, method):
                continue
            try:
                seen = asked(lambda m=method, o=model, d=data: getattr(o, m)(d))
            except Exception:  # noqa: BLE001 - nor asked with these
                continue
            observed += 1
            wrong += [(name, method, len(seen))] if [p.method for p in seen] != [method] else []

    assert wrong == []
    assert observed > 200
    assert not errors.counts


def test_validation_is_no_traffic(asked):
    model = RandomForestClassifier(5, n_jobs=2).fit(X, Y)

    assert asked(lambda: cross_val_score(model, X, Y, cv=3, n_jobs=2)) == []
    assert asked(lambda: cross_val_predict(model, X, Y, cv=3)) == []
    assert asked(lambda: model.score(X, Y)) == []
    assert asked(lambda: permutation_importance(model, X, Y, n_repeats=2)) == []


class Outer(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.inner_ = LogisticRegression().fit(X, y)
        self.predict(X)
        return self

    def predict(self, X):
        return self.inner_.predict(X)


class Child(LogisticRegression):
    def predict(self, X):
        return super().predict(X)


@pytest.mark.parametrize("cls", [Outer, Child])
@pytest.mark.parametrize("ask", [lambda m: m.predict(X), lambda m: m.predict(X=X), lambda m: type(m).predict(m, X)])
def test_classes_of_the_user_count_once_at_the_outside(cls, ask, asked):
    model = cls()

    assert asked(lambda: model.fit(X, Y)) == []
    [seen] = asked(lambda: ask(model))
    assert seen.model.name == cls.__name__


def test_a_class_defined_later_is_observed(asked):
    class Later(Outer):
        def predict_proba(self, X):
            return self.inner_.predict_proba(X)

    later = Later().fit(X, Y)

    assert [seen.method for seen in asked(lambda: later.predict_proba(X))] == ["predict_proba"]


def test_threads_of_the_application_count_each(asked):
    model = LogisticRegression().fit(X, Y)

    with ThreadPoolExecutor(2) as pool:
        assert len(asked(lambda: list(pool.map(model.predict, [X] * 4)))) == 4
    assert len(asked(lambda: Parallel(2, prefer="threads")(delayed(model.predict)(X) for _ in range(4)))) == 4


def test_xgboost_boosters(asked):
    xgboost = pytest.importorskip("xgboost")
    names = list("abcdef")
    data = xgboost.DMatrix(X, Y, feature_names=names)
    holes = X.copy()
    holes[0, 0], holes[1, 1] = np.nan, 0

    booster = xgboost.train({"objective": "binary:logistic"}, data, 3)
    [matrix] = asked(lambda: booster.predict(xgboost.DMatrix(holes, feature_names=names)))
    [in_place] = asked(lambda: booster.inplace_predict(X, validate_features=False))
    [bins] = asked(lambda: booster.predict(xgboost.QuantileDMatrix(X, feature_names=names)))
    [margin] = asked(lambda: booster.predict(data, output_margin=True))

    np.testing.assert_allclose(matrix.inputs, holes, rtol=1e-6)
    assert (matrix.features, matrix.model.name, matrix.meaning) == (tuple(names), "Booster", "value")
    assert (in_place.method, in_place.outputs.shape) == ("inplace_predict", (200, 1))
    assert (bins.inputs, bins.n_rows) == (None, 200)
    assert margin.meaning == "margin"


def test_learning_of_boosters_is_no_traffic(asked):
    xgboost = pytest.importorskip("xgboost")
    data = xgboost.DMatrix(X, Y)

    class Peeks(xgboost.callback.TrainingCallback):
        def after_iteration(self, model, epoch, evals_log):
            model.predict(data)
            return False

    assert asked(lambda: xgboost.train({}, data, 3, evals=[(data, "e")], callbacks=[Peeks()], verbose_eval=False)) == []
    assert asked(lambda: xgboost.cv({}, data, 2, nfold=3)) == []


def test_lightgbm_boosters_and_their_learning(asked, tmp_path):
    lightgbm = pytest.importorskip("lightgbm")
    quiet = {"verbose": -1}

    def peeks(env):
        env.model.predict(X)

    assert asked(lambda: lightgbm.train(quiet, lightgbm.Dataset(X, Y), 3, callbacks=[peeks])) == []
    assert asked(lambda: lightgbm.engine.train(quiet, lightgbm.Dataset(X, Y), 3, callbacks=[peeks])) == []
    assert asked(lambda: lightgbm.cv(quiet, lightgbm.Dataset(X, Y), 2, nfold=3)) == []
    booster = lightgbm.train(quiet, lightgbm.Dataset(X, Y, feature_name=list("abcdef")), 3)
    np.savetxt(tmp_path / "rows.csv", X, delimiter=",")
    [seen] = asked(lambda: booster.predict(X))
    [raw] = asked(lambda: booster.predict(X, raw_score=True))
    [leaves] = asked(lambda: booster.predict(X, pred_leaf=True))
    [file] = asked(lambda: booster.predict(str(tmp_path / "rows.csv")))
    assert (seen.features, seen.outputs.shape) == (tuple("abcdef"), (200, 1))
    assert (raw.meaning, leaves.meaning) == ("margin", "raw")
    assert (file.inputs, file.n_rows) == (None, 200)


def test_suppressed_calls_are_not_observed(asked):
    from opentelemetry.instrumentation.utils import suppress_instrumentation  # noqa: PLC0415 - beside its only use

    model = LogisticRegression().fit(X, Y)

    def quietly():
        with suppress_instrumentation():
            model.predict(X)

    assert asked(quietly) == []
