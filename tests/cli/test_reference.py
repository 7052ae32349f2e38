"""`otel-mlsec reference`: fitted from files with every kind of saved model, and refused with a sentence."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer

from otel_mlsec.cli import main
from otel_mlsec.reference.reference import Reference

FEATURES = ["amount", "age"]


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    n = 1200
    rows = pd.DataFrame({"when": pd.date_range("2026-01-01", periods=n, freq="h"), "amount": rng.exponential(3, n)})
    rows["age"] = rng.normal(40, 10, n).round(1)
    rows["late"] = (rows["amount"] > 2).astype(int)
    return rows.iloc[rng.permutation(n)]


@pytest.fixture
def data(tmp_path: Path, frame: pd.DataFrame) -> Path:
    frame.to_csv(tmp_path / "rows.csv", index=False)
    return tmp_path / "rows.csv"


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> bytes:
    monkeypatch.setenv("OTEL_MLSEC_REFERENCE_KEY", "a key of sixteen bytes")
    return b"a key of sixteen bytes"


def fit(data: Path, *words: str | Path) -> tuple[int, Path]:
    out = data.with_name("m.ref")
    return main(["reference", "fit", str(data), *map(str, words), "-o", str(out)]), out


def save_model(kind: str, folder: Path, frame: pd.DataFrame) -> Path:
    """A model of the frame in a file as its library writes it."""
    x, y = frame[FEATURES], frame["late"]
    path = folder / f"model{kind.rpartition(' ')[2]}"
    match kind.split():
        case ["sklearn", ".joblib"]:
            joblib.dump(LogisticRegression().fit(x, y), path)
        case ["sklearn", ".skops"]:
            skops.io.dump(LogisticRegression().fit(x, y), path)
        case ["lightgbm", ".txt"]:
            lightgbm = pytest.importorskip("lightgbm")
            lightgbm.LGBMClassifier(n_estimators=3, verbose=-1).fit(x, y).booster_.save_model(str(path))
        case ["classifier", _]:
            pytest.importorskip("xgboost").XGBClassifier(n_estimators=3).fit(x, y).save_model(path)
        case ["regressor", _]:
            pytest.importorskip("xgboost").XGBRegressor(n_estimators=3).fit(x, y).save_model(path)
        case _:
            xgboost = pytest.importorskip("xgboost")
            xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(x, y), 3).save_model(path)
    return path


MODELS = {
    "sklearn .joblib": ["probability[1]", "margin", "label"],
    "sklearn .skops": ["probability[1]", "margin", "label"],
    "classifier .ubj": ["probability[1]", "label"],
    "classifier .json": ["probability[1]", "label"],
    "regressor .json": ["value"],
    "booster .ubj": ["value"],
    "booster .json": ["value"],
    "lightgbm .txt": ["value"],
}


@pytest.mark.parametrize("kind", MODELS)
def test_a_saved_model_is_asked_about_every_row(data: Path, frame: pd.DataFrame, kind: str):
    model = save_model(kind, data.parent, frame)

    status, out = fit(data, "--model", model, "--label", "late", "--time", "when", "--name", "fraud", "--version", "3")

    reference = Reference.load(out)
    assert status == 0
    assert [c.name for c in reference.inputs] == FEATURES
    assert [c.name for c in reference.outputs] == MODELS[kind]
    assert (reference.model.name, reference.model.version, reference.timed, reference.n_rows) == ("fraud", "3", True, 1200)


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet"])
def test_every_format_is_the_same_reference(tmp_path: Path, frame: pd.DataFrame, suffix: str):
    path = tmp_path / f"rows{suffix}"
    frame.to_parquet(path) if suffix == ".parquet" else frame.to_csv(path, index=False)

    status, out = fit(path, "--label", "late", "--time", "when")

    direct = Reference.fit(frame[FEATURES], time=frame["when"])
    assert status == 0
    for ours, theirs in zip(Reference.load(out).inputs, direct.inputs, strict=True):
        np.testing.assert_array_equal(ours.counts, theirs.counts)
        assert ours.mean == theirs.mean


def test_show_says_what_is_in_it(data: Path, capsys: pytest.CaptureFixture[str]):
    fit(data, "--label", "late", "--name", "fraud", "--categorical", "age")
    capsys.readouterr()

    status = main(["reference", "show", str(data.with_name("m.ref"))])

    said = " ".join(capsys.readouterr().out.split())
    assert status == 0
    assert "fraud, 1,200 rows, 2 cycles of 1,000 rows, not signed" in said
    assert "No time column" in said
    for word in ("when", "amount", "age", "number", "category", "row by row"):
        assert word in said


def test_a_forest_is_grown_where_it_is_asked_for(data: Path, capsys: pytest.CaptureFixture[str]):
    status, out = fit(data, "--label", "late", "--forest")

    assert status == 0
    assert Reference.load(out).forest is not None
    assert "An isolation forest of 100 trees." in " ".join(capsys.readouterr().out.split())


def test_with_a_key_it_is_signed_and_shown_to_be(data: Path, key: bytes, capsys: pytest.CaptureFixture[str]):
    _, out = fit(data, "--label", "late")

    assert Reference.load(out, key=key).n_rows == 1200
    assert ", signed" in " ".join(capsys.readouterr().out.split())
    with pytest.raises(ValueError, match="signed with another key"):
        Reference.load(out, key=b"not that key, another")


def test_help_says_that_joblib_executes_code(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main(["reference", "fit", "--help"])

    assert ended.value.code == 0
    assert "EXECUTES CODE" in " ".join(capsys.readouterr().out.split())


def bad(name: str, folder: Path, data: Path) -> list[str]:
    """The words of a command that cannot succeed."""
    words = [str(data), "--label", "late", "--time", "when"]

    def model(suffix: str, content: bytes) -> list[str]:
        (folder / f"bad{suffix}").write_bytes(content)
        return [*words, "--model", str(folder / f"bad{suffix}")]

    match name:
        case "no data":
            return [str(folder / "none.csv")]
        case "empty data":
            (folder / "empty.csv").write_text("")
            return [str(folder / "empty.csv")]
        case "few rows":
            (folder / "few.csv").write_text("a,b\n1,2\n")
            return [str(folder / "few.csv")]
        case "binary data":
            (folder / "binary.csv").write_bytes(bytes(range(256)) * 50)
            return [str(folder / "binary.csv")]
        case "no parquet":
            (folder / "bad.parquet").write_bytes(b"PAR0" * 10)
            return [str(folder / "bad.parquet")]
        case "other suffix":
            return [str(folder / "rows.xlsx")]
        case "semicolons":
            (folder / "semi.csv").write_text("a;b\n" + "1;2\n" * 300)
            return [str(folder / "semi.csv")]
        case "no row":
            (folder / "empty.csv").write_text("a,b\n")
            return [str(folder / "empty.csv")]
        case "no UTF-8":
            (folder / "latin.csv").write_bytes(b"a,b\n" + b"1,caf\xe9\n" * 300)
            return [str(folder / "latin.csv")]
        case "no such label":
            return [str(data), "--label", "outcome"]
        case "no such time":
            return [str(data), "--time", "date"]
        case "times that are none":
            (folder / "times.csv").write_text("t,a\n" + "soon,1\n" * 200)
            return [str(folder / "times.csv"), "--time", "t"]
        case "times missing":
            (folder / "times.csv").write_text("t,a\n" + "2026-01-01,1\n" * 200 + ",1\n")
            return [str(folder / "times.csv"), "--time", "t"]
        case "no such category":
            return [str(data), "--categorical", "age,city"]
        case "no model":
            return [*words, "--model", str(folder / "none.joblib")]
        case "model of another suffix":
            return model(".onnx", b"x")
        case "model is no model":
            return model(".joblib", pickle.dumps({"not": "a model"}))
        case "untrusted skops":
            skops.io.dump(FunctionTransformer(len), folder / "bad.skops")
            return [*words, "--model", str(folder / "bad.skops")]
        case "model of other columns":
            other = pd.DataFrame(np.eye(4), columns=["p", "q", "r", "s"])
            joblib.dump(LogisticRegression().fit(other, [0, 1, 0, 1]), folder / "bad.joblib")
            return [*words, "--model", str(folder / "bad.joblib")]
        case _:
            return model(name.rpartition(" ")[2], b"garbage " * 40)


BAD = {
    "no data": "none.csv",
    "empty data": "empty.csv cannot be read as rows (EmptyDataError",
    "few rows": "at least 100 rows",
    "binary data": "binary.csv cannot be read as rows",
    "no parquet": "bad.parquet cannot be read as rows",
    "other suffix": "must be .csv, .csv.gz, .csv.zip, .parquet or .jsonl",
    "semicolons": "separated by semicolons",
    "no row": "has no row",
    "no UTF-8": "save it as UTF-8",
    "no such label": "has no column 'outcome'; it has when, amount, age, late",
    "no such time": "has no column 'date'",
    "times that are none": "soon",
    "times missing": "1 of 201 are not",
    "no such category": "--categorical names city",
    "no model": "none.joblib does not exist",
    "model of another suffix": "must end in one of .joblib, .pkl, .skops, .ubj, .json, .txt",
    "model is no model": "bad.joblib holds a dict, which has no predict",
    "untrusted skops": "types that skops does not trust",
    "model of other columns": "feature names",
    "garbage .joblib": "bad.joblib cannot be loaded as a model",
    "garbage .pkl": "bad.pkl cannot be loaded as a model",
    "garbage .skops": "bad.skops cannot be loaded as a model",
    "garbage .ubj": "bad.ubj cannot be loaded as a model",
    "garbage .json": "bad.json cannot be loaded as a model",
    "garbage .txt": "bad.txt cannot be loaded as a model",
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_done_ends_with_two_and_a_sentence(
    name: str, tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
):
    status = main(["reference", "fit", *bad(name, tmp_path, data), "-o", str(tmp_path / "m.ref")])

    told = capsys.readouterr()
    said = " ".join(told.err.split())
    assert status == 2
    assert said.startswith("otel-mlsec reference: ")
    assert BAD[name].replace(" ", "") in said.replace(" ", "")  # lines are folded anywhere
    assert "Traceback" not in told.err
    assert not (tmp_path / "m.ref").exists()


def test_a_damaged_reference_is_not_shown(data: Path, capsys: pytest.CaptureFixture[str]):
    _, out = fit(data, "--label", "late")
    out.write_bytes(out.read_bytes()[:-5] + b"12345")
    out.write_bytes(out.read_bytes()[:300] + b"x" + out.read_bytes()[301:])

    assert main(["reference", "show", str(out)]) == 2
    assert "is damaged" in " ".join(capsys.readouterr().err.split())


def test_the_command_prints_no_traceback_to_a_person(tmp_path: Path):
    command = "from otel_mlsec.cli import main; raise SystemExit(main())"

    done = subprocess.run(
        [sys.executable, "-c", command, "reference", "show", str(tmp_path / "none.ref")],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert done.returncode == 2
    assert "none.ref" in done.stderr.replace("\n", "")
    assert "Traceback" not in done.stderr
