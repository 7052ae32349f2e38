"""Models that the real MLflow loads: named, found by their reference, and refused a reference of another model."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of MLflow, about itself
    mlflow = pytest.importorskip("mlflow")
    for name in ("mlflow.pyfunc", "mlflow.sklearn"):
        import_module(name)
from mlflow.models import infer_signature
from sklearn.linear_model import LogisticRegression
from tests.agent.conftest import Watched

import otel_mlsec
from otel_mlsec import capture
from otel_mlsec.capture.mlflow import REFERENCE, name_in
from otel_mlsec.cli import main
from otel_mlsec.reference.reference import Reference

COLUMNS = ["amount", "age", "colour"]
pytestmark = pytest.mark.filterwarnings("ignore")  # of MLflow, about itself


def rows(n: int = 2000, colour: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(n)
    frame = pd.DataFrame(rng.normal(size=(n, 3)), columns=COLUMNS)
    frame["colour"] = rng.integers(0, 5, n) + colour
    return frame


def saved(folder: Path, seed: int = 0, columns: list[str] = COLUMNS) -> Path:
    frame = rows().set_axis(columns, axis=1)
    model = LogisticRegression(C=1.0 + seed).fit(frame, np.where(frame.iloc[:, 0] > 0, "yes", "no"))
    signature = infer_signature(frame, model.predict(frame))
    mlflow.sklearn.save_model(model, folder, signature=signature, pip_requirements=[])
    return folder


def fit(model: Path, data: Path, *words: str) -> int:
    rows().to_csv(data, index=False)
    return main(["reference", "fit", str(data), "--model", str(model), *words])


@pytest.fixture
def watched() -> Iterator[Watched]:
    watched = Watched()
    yield watched
    otel_mlsec.uninstrument()


def types(watched: Watched) -> list[str]:
    return [finding.attributes["mlsec.finding.type"] for finding in watched.findings()]


def load(flavor: Any, model: Path | str) -> Any:
    return flavor.load_model(str(model))


@pytest.mark.parametrize("flavor", [mlflow.pyfunc, mlflow.sklearn], ids=["pyfunc", "sklearn"])
def test_a_reference_among_the_artifacts_is_found_and_judges(flavor: Any, watched: Watched, tmp_path: Path):
    model = saved(tmp_path / "model")
    assert fit(model, tmp_path / "rows.csv") == 0
    assert (model / REFERENCE).is_file()
    watched.instrument()

    load(flavor, model).predict(rows(100, colour=100.0))

    assert [span.name for span in watched.spans()] == ["predict LogisticRegression"]
    assert types(watched) == ["drift.unseen"]


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ("model", "it was fitted with another model (mlflow:"),
        ("columns", "data of other columns than the model's signature has"),
        ("classes", "a model of other columns or classes"),
    ],
)
def test_a_reference_of_something_else_is_refused_once(
    other: str, why: str, watched: Watched, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    model = saved(tmp_path / "model")
    fit(model, tmp_path / "rows.csv")
    served = saved(tmp_path / "served", seed=1, columns=COLUMNS if other != "columns" else ["a", "b", "c"])
    (served / REFERENCE).parent.mkdir()
    match other:
        case "model":
            shutil.copy(model / REFERENCE, served / REFERENCE)
        case "columns":
            Reference.fit(rows()).save(served / REFERENCE)
        case "classes":
            frame = rows()
            Reference.fit(frame, model=LogisticRegression().fit(frame, frame["age"] > 0)).save(served / REFERENCE)
    watched.instrument()
    loaded = load(mlflow.pyfunc, served)
    given = rows(100, colour=100.0).set_axis(loaded.metadata.signature.inputs.input_names(), axis=1)

    with caplog.at_level(logging.ERROR, "otel_mlsec"):
        loaded.predict(given)
        loaded.predict(given)
        found = types(watched)

    said = [record.getMessage() for record in caplog.records if record.name == "otel_mlsec"]
    assert found == []
    assert len(said) == 1
    assert why in said[0]
    assert "a provisional one is learned instead" in said[0]
    assert [dict(labels)["error.type"] for labels in watched.series("mlsec.reference.refused")] == ["mismatch"]


def test_a_reference_of_the_settings_is_held_to_the_loaded_model_too(
    watched: Watched, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    fit(saved(tmp_path / "model"), tmp_path / "rows.csv", "-o", str(tmp_path / "m.mlsec"))
    other = saved(tmp_path / "other", seed=1)
    watched.instrument(reference=str(tmp_path / "m.mlsec"))

    load(mlflow.pyfunc, other).predict(rows(100, colour=100.0))

    assert types(watched) == []
    assert "it was fitted with another model" in caplog.text


def test_a_flavor_that_nobody_knows_is_observed_at_the_wrapper(tmp_path: Path):
    class Own(mlflow.pyfunc.PythonModel):
        def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> Any:
            return model_input["amount"] * 2

    mlflow.pyfunc.save_model(str(tmp_path / "own"), python_model=Own(), pip_requirements=[])
    handed: list[capture.Call] = []
    patches = capture.Patches()
    capture.patch(patches, lambda call: not handed.append(call))
    try:
        load(mlflow.pyfunc, tmp_path / "own").predict(rows(7))
    finally:
        patches.undo()

    [call] = map(capture.prediction, handed)
    assert (call.method, call.n_rows, call.features) == ("predict", 7, tuple(COLUMNS))
    np.testing.assert_array_equal(call.outputs.ravel(), call.inputs[:, 0] * 2)


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("models:/fraud/14", ("fraud", "14")),
        ("models:/fraud@champion", ("fraud", "")),
        ("models:/fraud/Production", ("fraud", "")),
        ("models:/m-17b9e3d8329b48778f8049187cd214f1", ("", "")),
        ("runs:/1f/model", ("", "")),
        ("/srv/model", ("", "")),
        ("models:/", ("", "")),
    ],
)
def test_a_registered_model_is_called_what_the_registry_calls_it(uri: str, name: tuple[str, str]):
    assert name_in(uri) == name


REGISTRY = """
import logging, sys, warnings
warnings.simplefilter("ignore")
logging.disable(logging.WARNING)
import mlflow, mlflow.pyfunc, mlflow.sklearn, pandas as pd
from mlflow.models import infer_signature
from sklearn.linear_model import LogisticRegression
from otel_mlsec import capture
from otel_mlsec.cli import main
folder, data = sys.argv[1:]
mlflow.set_tracking_uri(f"file:{folder}")
x = pd.read_csv(data)
model = LogisticRegression().fit(x, x["age"] > 0)
with mlflow.start_run():
    info = mlflow.sklearn.log_model(model, name="m", registered_model_name="fraud", pip_requirements=[],
                                    signature=infer_signature(x, model.predict(x)))
assert main(["reference", "fit", data, "-o", f"{folder}/plain.mlsec"]) == 0
assert main(["reference", "attach", f"{folder}/plain.mlsec", info.model_uri]) == 0
handed, patches = [], capture.Patches()
capture.patch(patches, lambda call: not handed.append(call))
for uri in ("models:/fraud/1", info.model_uri):
    mlflow.pyfunc.load_model(uri, suppress_warnings=True).predict(x)
mlflow.sklearn.load_model("models:/fraud/1").predict_proba(x)
for call in map(capture.prediction, handed):
    print("observed:", call.model.name, call.model.version != "", call.method, open(call.reference.beside, "rb").read(10))
"""


def test_from_the_registry_it_has_its_name_and_an_attached_reference(tmp_path: Path):
    rows(300).to_csv(tmp_path / "rows.csv", index=False)

    done = subprocess.run(
        [sys.executable, "-c", REGISTRY, str(tmp_path / "store"), str(tmp_path / "rows.csv")], cwd=tmp_path,
        env=os.environ | {"MLFLOW_ALLOW_FILE_STORE": "true"}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert [line for line in done.stdout.splitlines() if line.startswith("observed:")] == [
        "observed: fraud True predict b'otel-mlsec'",
        "observed: LogisticRegression True predict b'otel-mlsec'",
        "observed: fraud True predict_proba b'otel-mlsec'",
    ], done.stderr
