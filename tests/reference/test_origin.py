"""Where a reference comes from is in its file, and the same for who fits it and for who watches the model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from otel_mlsec.capture._describe import describe
from otel_mlsec.reference.origin import NOTE, Origin, columns_digest, file_digest
from otel_mlsec.reference.reference import Reference

COLUMNS = ["amount", "age"]


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return pd.DataFrame(np.random.default_rng(1).normal(size=(400, 2)), columns=COLUMNS)


def test_it_comes_back_from_the_file(frame: pd.DataFrame, tmp_path: Path):
    model = LogisticRegression().fit(frame, frame["age"] > 0)
    reference = Reference.fit(frame, model=model, time=np.arange(400.0)[::-1] + 1e9)
    origin = replace(reference.origin, file="file:1f", parent="ab", version=7, note="clean, says Ana", in_sample=True)

    replace(reference, origin=origin).save(tmp_path / "m.mlsec")

    assert Reference.load(tmp_path / "m.mlsec").origin == origin
    assert (origin.first, origin.last) == (1e9, 1e9 + 399)
    assert origin.columns == columns_digest(COLUMNS)


def test_the_same_data_have_the_same_digest_and_one_changed_cell_another(frame: pd.DataFrame):
    changed = frame.copy()
    changed.iloc[399, 1] += 1e-12

    first, again, other = (Reference.fit(rows).origin for rows in (frame, frame.copy(), changed))

    assert first == again
    assert first.rows != other.rows
    assert first.columns == other.columns


MODELS = {
    "estimator": lambda: LogisticRegression(),
    "pipeline": lambda: make_pipeline(StandardScaler(), LogisticRegression()),
    "search": lambda: GridSearchCV(make_pipeline(StandardScaler(), LogisticRegression()), {"logisticregression__C": [1.0]}, cv=2),
}


@pytest.mark.parametrize("kind", MODELS)
def test_who_fits_and_who_watches_call_a_model_the_same(kind: str, frame: pd.DataFrame):
    model = MODELS[kind]().fit(frame, frame["age"] > 0)

    reference, seen = Reference.fit(frame, model=model), describe(model)

    assert reference.model.name == seen.model.name == "LogisticRegression"
    assert reference.origin.schema == seen.schema != ""


def test_a_model_in_a_file_keeps_its_digests_and_another_has_others(frame: pd.DataFrame, tmp_path: Path):
    model = LogisticRegression().fit(frame, frame["age"] > 0)
    joblib.dump(model, tmp_path / "a.joblib")
    joblib.dump(model, tmp_path / "b.joblib")
    joblib.dump(LogisticRegression(C=0.1).fit(frame, frame["age"] > 0), tmp_path / "c.joblib")

    a, b, c = (file_digest(tmp_path / f"{name}.joblib") for name in "abc")

    assert a == b != c
    assert describe(joblib.load(tmp_path / "a.joblib")).schema == describe(model).schema


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({}, ""),
        ({"schema": "12", "file": "file:34", "columns": COLUMNS}, ""),
        ({"file": "mlflow:99"}, "with another model (file:34; this one is mlflow:99)"),
        ({"columns": ["age", "amount"]}, ""),  # columns are found by their names
        ({"columns": ["age"]}, "of other columns than the model's signature"),
        ({"schema": "13"}, "of other columns or classes (12; this one's are 13)"),
    ],
)
def test_what_does_not_match_is_refused_with_a_reason(told: dict[str, str], why: str):
    origin = Origin(schema="12", file="file:34", columns=columns_digest(COLUMNS))

    refusal = origin.refusal(**told)

    assert why in refusal
    assert bool(why) == bool(refusal)
    assert Origin().refusal(**told) == ""  # nobody said with what it was fitted


@pytest.mark.parametrize(
    "wrong", [{"version": 0}, {"version": 10_000}, {"first": 2.0, "last": 1.0}, {"note": "n" * (NOTE + 1)}, {"file": "f" * 500}]
)
def test_an_origin_that_cannot_be_is_a_damaged_file(wrong: dict[str, object], frame: pd.DataFrame, tmp_path: Path):
    reference = Reference.fit(frame)
    replace(reference, origin=replace(reference.origin, **wrong)).save(tmp_path / "m.mlsec")

    with pytest.raises(ValueError, match="damaged: its origin"):
        Reference.load(tmp_path / "m.mlsec")


def test_a_file_of_an_earlier_release_says_nothing_of_it(frame: pd.DataFrame, tmp_path: Path):
    replace(Reference.fit(frame), origin=None).save(tmp_path / "m.mlsec")

    assert Reference.load(tmp_path / "m.mlsec").origin is None
