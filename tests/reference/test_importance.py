"""What a model leans on: whatever it is and whatever its rows come in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.svm import LinearSVC

from otel_mlsec import errors
from otel_mlsec.reference.importance import ASKED, measured
from otel_mlsec.reference.reference import Reference

RNG = np.random.default_rng(1)
X = RNG.normal(size=(1000, 4)) * [1, 1, 1000, 1]
Y = X[:, 0] + 0.3 * X[:, 1] > 0  # and neither the large column nor the last
FRAME = pd.DataFrame(X, columns=list("abcd"))

MODELS = {
    "forest": RandomForestClassifier(20, random_state=0),
    "regression of labels": LogisticRegression(),
    "regression behind a scaler": make_pipeline(StandardScaler(), LogisticRegression()),
    "columns are not what was given": make_pipeline(StandardScaler(), PolynomialFeatures(2), LogisticRegression()),
    "margins": LinearSVC(),
    "regression": LinearRegression(),
}


@pytest.mark.parametrize("kind", MODELS)
def test_of_every_model_the_shares_follow_what_decides(kind: str):
    model = MODELS[kind].fit(FRAME, Y)

    importance = Reference.fit(FRAME, model=model).importance

    assert importance is not None
    assert importance.names == ("a", "b", "c", "d")
    assert importance.shares.sum() == pytest.approx(1)
    a, b, c, d = importance.relative().values()
    assert a > b > 0.3
    assert max(c, d) < 0.35
    assert a > 2


CONTAINERS: dict[str, Any] = {
    "array": X, "frame": FRAME, "polars": pl.DataFrame(X, schema=list("abcd")), "lists": X.tolist(),
    "sparse": sparse.csr_matrix(X),
}  # fmt: skip


@pytest.mark.parametrize("kind", CONTAINERS)
def test_rows_may_come_in_any_container_and_stay_what_they_are(kind: str):
    rows = CONTAINERS[kind]
    before = rows.copy() if hasattr(rows, "copy") else rows.clone()

    def ask(asked: Any) -> Any:
        assert type(asked) is type(rows)
        array = asked.toarray() if sparse.issparse(asked) else np.asarray(asked)
        return array[:, 0] + 0.25 * array[:, 1]

    importance = measured(ask, rows, ("a", "b", "c", "d"))

    assert importance is not None
    np.testing.assert_allclose(importance.shares, [0.8, 0.2, 0, 0], atol=0.03)
    left, right = (np.asarray(each.toarray() if sparse.issparse(each) else each) for each in (rows, before))
    np.testing.assert_array_equal(left, right)


def test_text_columns_keep_their_type_and_labels_are_compared():
    frame = pd.DataFrame({"city": pd.Categorical(["Graz", "Linz"] * 500), "noise": RNG.normal(size=1000)})

    def ask(asked: pd.DataFrame) -> Any:
        assert asked["city"].dtype == frame["city"].dtype
        return np.where(asked["city"] == "Graz", "yes", "no")

    importance = measured(ask, frame, ("city", "noise"))

    assert importance is not None
    assert importance.shares.tolist() == [1.0, 0.0]


def test_how_much_is_asked_is_bounded():
    asked: list[int] = []

    def ask(rows: Any) -> Any:
        asked.append(len(rows))
        return rows.sum(axis=1)

    importance = measured(ask, RNG.normal(size=(5000, 500)), tuple(map(str, range(500))))

    assert importance is not None
    assert len(asked) == 501
    assert sum(asked) <= 1.01 * ASKED


def test_a_model_that_nothing_changes_has_no_importance():
    assert measured(lambda rows: np.zeros(len(rows)), X, ("a", "b", "c", "d")) is None
    assert measured(lambda rows: None, X, ("a", "b", "c", "d")) is None


def test_a_model_that_refuses_shuffled_rows_gets_a_reference_without(monkeypatch: pytest.MonkeyPatch):
    class Strict:
        def predict(self, rows: Any) -> Any:
            if not np.array_equal(rows, X[: len(rows)]):
                raise RuntimeError("a secret value")
            return rows[:, 0]

    monkeypatch.setattr(errors, "raising", False)

    assert Reference.fit(X, model=Strict()).importance is None


def test_it_comes_back_from_a_file_and_what_does_not_fit_is_refused(tmp_path: Path):
    known = Reference.fit(FRAME, model=LogisticRegression().fit(FRAME, Y))
    known.save(tmp_path / "m.ref")
    back = Reference.load(tmp_path / "m.ref").importance

    assert back is not None
    assert known.importance is not None
    assert back.names == known.importance.names
    np.testing.assert_array_equal(back.shares, known.importance.shares)
    for shares in ([1.0, 0.0, 0.0], [2.0, -1.0, 0.0, 0.0], [np.nan, 0.0, 0.0, 0.0], [0.5, 0.0, 0.0, 0.0]):
        object.__setattr__(known.importance, "shares", np.array(shares))
        known.save(tmp_path / "m.ref")
        with pytest.raises(ValueError, match="damaged"):
            Reference.load(tmp_path / "m.ref")
