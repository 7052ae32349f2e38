"""References of models that the application fits, made by the agent where it is asked to, at nobody's cost."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import otel_mlsec
from otel_mlsec import errors
from otel_mlsec.capture import fitted
from otel_mlsec.reference.reference import Reference

KEY = "a key of sixteen bytes"


def rows(n: int = 12_000) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(1).normal(size=(n, 3))
    return x, x[:, 0] > 0


def made(folder) -> dict[str, Reference]:
    otel_mlsec.uninstrument()  # what waits is handled
    return {path.name: Reference.load(path) for path in folder.iterdir()} if folder.is_dir() else {}


def test_a_fit_leaves_a_reference_that_says_whose_rows_it_saw(watched, tmp_path):
    x, y = rows()
    watched.instrument(reference_at_fit=str(tmp_path / "new"), reference_key=KEY)

    model = LogisticRegression().fit(x, y)

    [(name, reference)] = made(tmp_path / "new").items()
    assert name == "LogisticRegression.mlsec"
    assert reference.n_rows == 4000  # every third
    assert reference.origin.in_sample
    assert [c.name for c in reference.outputs] == ["probability[True]", "margin", "label"]
    assert reference.truth is None  # errors on rows that it was fitted on say nothing
    assert Reference.load(tmp_path / "new" / name, key=KEY.encode()).n_rows == 4000
    assert model.coef_.shape == (1, 3)


def test_it_judges_the_model_in_the_next_process(watched, tmp_path):
    x, y = rows(3000)
    watched.instrument(reference_at_fit=str(tmp_path))
    model = LogisticRegression().fit(x, y)
    made(tmp_path)
    watched.instrument(reference=str(tmp_path))

    model.predict(np.full((300, 3), 1e9))

    findings = watched.findings()
    assert findings
    assert all(finding.attributes["mlsec.evidence.reference_rows"] == 3000 for finding in findings)


def test_one_reference_a_fit_of_the_application_and_none_of_what_libraries_fit(watched, tmp_path):
    x, y = rows(600)
    handed = []
    watched.instrument(reference_at_fit=str(tmp_path))
    fitted._submit = handed.append  # what is handed over, instead of the worker

    cross_val_score(LogisticRegression(), x, y, cv=3)
    GridSearchCV(make_pipeline(StandardScaler(copy=False), LogisticRegression()), {"logisticregression__C": [1, 2]}, cv=2).fit(
        x, y
    )
    StandardScaler().fit(x)
    LogisticRegression().fit(x.tolist(), y)
    LogisticRegression().fit(x[:50], y[:50])

    assert [type(each.model).__name__ for each in handed] == ["GridSearchCV"]


def test_rows_are_those_before_the_fit_and_nobody_elses(watched, tmp_path):
    frame = pd.DataFrame(rows(500)[0], columns=["a", "b", "c"])
    before = frame.copy()
    watched.instrument(reference_at_fit=str(tmp_path))

    class Scales(BaseEstimator):
        def fit(self, X, y=None):
            X["a"] = 0.0
            return self

        def predict(self, X):
            return np.asarray(X)[:, 0]

    Scales().fit(frame)

    reference = made(tmp_path)["Scales.mlsec"]
    assert reference.inputs[0].sd == pytest.approx(before["a"].std(ddof=0))
    assert (frame["a"] == 0).all()


def test_what_cannot_be_made_costs_nobody_anything(watched, tmp_path, monkeypatch):
    x, y = rows(500)
    monkeypatch.setattr(errors, "raising", False)
    watched.instrument(reference_at_fit=str(tmp_path / "file"))
    (tmp_path / "file").write_text("in the way")

    model = LogisticRegression().fit(x, y)
    with pytest.raises(ValueError, match="inconsistent numbers"):
        LogisticRegression().fit(x, y[:100])
    made(tmp_path / "nowhere")

    assert model.predict(x).shape == (500,)
    assert errors.counts["at_fit"] == 1


def test_without_being_asked_nothing_is_kept_of_a_fit(watched, tmp_path):
    watched.instrument()

    LogisticRegression().fit(*rows(500))

    assert not fitted.listening()
    assert made(tmp_path) == {}


def test_rows_of_a_file_in_memory_are_rows(watched, tmp_path):
    x, y = rows(500)
    held = np.memmap(tmp_path / "rows", dtype="f8", mode="w+", shape=x.shape)
    held[:] = x
    watched.instrument(reference_at_fit=str(tmp_path / "references"))

    LogisticRegression().fit(held, y)

    assert made(tmp_path / "references")["LogisticRegression.mlsec"].n_rows == 500


@pytest.mark.parametrize("frame", [False, True])
def test_rows_that_are_too_wide_are_not_copied(frame):
    wide = np.zeros((200, 90_000))

    tracemalloc.start()
    noted = fitted.begin(LogisticRegression(), pd.DataFrame(wide, copy=False) if frame else wide)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert noted is None
    assert most < wide.nbytes / 2
