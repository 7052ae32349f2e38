"""`otel-mlsec reference fit --label` with a model: what labels say of it."""

from __future__ import annotations

import re
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from otel_mlsec.cli import main
from otel_mlsec.reference.reference import Reference

FEATURES = ["amount", "age"]


def frame(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame({"amount": rng.normal(3, 1, 1000), "age": rng.normal(40, 10, 1000)})
    rows["late"] = np.where(rows["amount"] + rng.normal(0, 0.5, 1000) > 3, "yes", "no")
    rows["minutes"] = rows["amount"] + rng.normal(0, 0.5, 1000)
    return rows


@pytest.fixture
def data(tmp_path: Path) -> Path:
    frame(1).to_csv(tmp_path / "rows.csv", index=False)
    return tmp_path / "rows.csv"


def fit(data: Path, model: object, label: str) -> tuple[int, Path]:
    drop = [name for name in ("late", "minutes") if name != label]
    frame(1).drop(columns=drop).to_csv(data, index=False)
    joblib.dump(model, data.with_name("m.joblib"))
    out = data.with_name("m.ref")
    words = ["reference", "fit", str(data), "--model", str(data.with_name("m.joblib")), "--label", label, "-o", str(out)]
    return main(words), out


def test_the_error_is_said_and_kept(data: Path, capsys: pytest.CaptureFixture[str]):
    model = LogisticRegression().fit(frame(2)[FEATURES], frame(2)["late"])

    code, out = fit(data, model, "late")
    shown = main(["reference", "show", str(out)])

    wrong = (model.predict(frame(1)[FEATURES]) != frame(1)["late"]).mean()
    assert (code, shown) == (0, 0)
    assert Reference.load(out).truth.error(0) == pytest.approx(wrong)
    said = " ".join(capsys.readouterr().out.split())
    assert said.count(f"Labels of 1,000 rows, which the model must not have been fitted on: {100 * wrong:.3g} %") == 2
    assert "log loss" in said


def test_of_a_regression_the_absolute_error(data: Path, capsys: pytest.CaptureFixture[str]):
    model = LinearRegression().fit(frame(2)[FEATURES], frame(2)["minutes"])

    code, _ = fit(data, model, "minutes")

    said = re.search(r"absolute error ([\d.]+), in one row of ten", " ".join(capsys.readouterr().out.split()))
    assert code == 0
    assert said is not None
    assert float(said[1]) == pytest.approx(np.abs(model.predict(frame(1)[FEATURES]) - frame(1)["minutes"]).mean(), rel=0.05)


def test_labels_of_other_classes_are_refused_with_a_sentence(data: Path, capsys: pytest.CaptureFixture[str]):
    code, _ = fit(data, LogisticRegression().fit(frame(2)[FEATURES], frame(2)["late"] == "yes"), "late")

    assert code == 2
    assert "y must hold classes of the model, False, True" in " ".join(capsys.readouterr().err.split())
