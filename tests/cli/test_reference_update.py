"""`otel-mlsec reference update`, `list`, `rollback` and `attach`; where `fit` writes, and what it warns of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from otel_mlsec.cli import main
from otel_mlsec.reference import store
from otel_mlsec.reference.envelope import fingerprint
from otel_mlsec.reference.origin import file_digest
from otel_mlsec.reference.reference import Reference

FEATURES = ["amount", "age", "shop"]
DAY = 86400


def rows(n: int = 1500, shift: float = 0.0, start: str = "2026-01-01") -> pd.DataFrame:
    rng = np.random.default_rng(n)
    frame = pd.DataFrame({"when": pd.date_range(start, periods=n, freq="h"), "amount": rng.normal(3 + shift, 1, n)})
    frame["age"] = rng.normal(40, 10, n)
    frame["shop"] = rng.choice(["north", "south"], n)
    frame["late"] = (frame["amount"] > 3).astype(int)
    return frame


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With a model, its reference, and a later period in which amounts are higher."""
    frame = rows()
    frame.to_csv(tmp_path / "old.csv", index=False)
    rows(1800, shift=1.0, start="2026-06-01").to_csv(tmp_path / "new.csv", index=False)
    model = make_pipeline(make_column_transformer(("passthrough", ["amount", "age"])), LogisticRegression())
    joblib.dump(model.fit(frame[FEATURES], frame["late"]), tmp_path / "m.joblib")
    assert run("fit", tmp_path / "old.csv", "--model", tmp_path / "m.joblib", *COLUMNS) == 0
    return tmp_path


COLUMNS = ("--label", "late", "--time", "when")


def run(*words: str | Path) -> int:
    return main(["reference", *map(str, words)])


def said(capsys: pytest.CaptureFixture[str]) -> str:
    told = capsys.readouterr()
    assert "Traceback" not in told.err
    return " ".join((told.out + told.err).split())


def moved(out: str, column: str) -> float:
    return float(out.partition(f"│ {column} ")[2].split("│")[1])


def update(folder: Path, *words: str | Path) -> int:
    return run("update", folder / "m.joblib.mlsec", folder / "new.csv", "--model", folder / "m.joblib", *COLUMNS, *words)


def test_fit_writes_beside_the_model_and_says_with_what(folder: Path, capsys: pytest.CaptureFixture[str]):
    reference = Reference.load(folder / "m.joblib.mlsec")

    assert reference.origin.file == file_digest(folder / "m.joblib")
    assert reference.model.name == "LogisticRegression"  # as capture calls the pipeline
    assert run("show", folder / "m.joblib.mlsec") == 0
    assert "with model file:" in (out := said(capsys))
    assert "data of 2026-01-01 to 2026-03-04" in out


def test_a_reviewed_period_takes_its_place_and_says_what_changes(folder: Path, capsys: pytest.CaptureFixture[str]):
    said(capsys)

    assert update(folder, "-o", folder / "m2.mlsec", "--yes", "--note", "June is clean, says Ana") == 0

    old, new = Reference.load(folder / "m.joblib.mlsec"), Reference.load(folder / "m2.mlsec")
    out = said(capsys)
    assert (new.origin.version, new.origin.parent) == (2, fingerprint(folder / "m.joblib.mlsec"))
    assert new.origin.note == "June is clean, says Ana"
    assert new.origin.file == old.origin.file
    assert new.n_rows == 1800
    assert [c.name for c in (*new.inputs, *new.outputs)] == [c.name for c in (*old.inputs, *old.outputs)]
    assert [c.numeric for c in new.inputs] == [c.numeric for c in old.inputs]
    assert new.inputs[0].mean - old.inputs[0].mean == pytest.approx(1.0, abs=0.1)
    assert "1,500 rows of version 1 become 1,800" in out
    assert "columns moved by 0.10 or more" in out
    assert moved(out, "age") < 0.06  # nothing happened to it
    assert 0.3 < moved(out, "amount") < 0.45  # the total variation of two normals one sd apart is .38


def test_of_the_data_only_the_last_days_are_adopted(folder: Path):
    assert update(folder, "-o", folder / "m2.mlsec", "--yes", "--days", "28") == 0

    new = Reference.load(folder / "m2.mlsec")
    assert new.n_rows == 28 * 24
    assert new.origin.last - new.origin.first < 28 * DAY


def test_versions_are_kept_and_an_earlier_one_can_count_again(folder: Path, capsys: pytest.CaptureFixture[str]):
    directory = folder / "store"
    fit = ("fit", folder / "old.csv", "--model", folder / "m.joblib", "--name", "fraud", *COLUMNS, "--store", directory)
    with_model = ("--model", folder / "m.joblib", *COLUMNS, "--store", directory, "--yes", "--note", "clean")

    assert run(*fit) == 0
    assert run("update", "fraud", folder / "new.csv", *with_model) == 0
    assert run("update", "fraud", folder / "old.csv", folder / "new.csv", *with_model) == 0
    assert run("rollback", "fraud", "--store", directory) == 0
    assert run("list", "--store", directory) == 0

    versions = [Reference.load(store.path_of(directory, "fraud", n)) for n in (1, 2, 3)]
    assert [v.origin.version for v in versions] == [1, 2, 3]
    assert versions[2].origin.parent == fingerprint(store.path_of(directory, "fraud", 2))
    assert versions[2].n_rows == 3300
    assert store.find(directory, "fraud") == store.path_of(directory, "fraud", 2)
    out = said(capsys)
    assert "version 2 counts again" in out
    assert "2 *" in out
    assert "3,300" in out


def test_nobody_is_asked_so_nothing_is_adopted(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert update(folder, "-o", folder / "m2.mlsec") == 2

    assert "nobody is there to be asked" in said(capsys)
    assert not (folder / "m2.mlsec").exists()


@pytest.mark.parametrize(("answer", "status"), [("y\n", 0), ("n\n", 1), ("\n", 1)])
def test_a_person_decides(folder: Path, monkeypatch: pytest.MonkeyPatch, answer: str, status: int):
    class Terminal:
        def isatty(self) -> bool:
            return True

        def readline(self, *_: int) -> str:
            return answer

        def fileno(self) -> int:
            raise OSError("no file")

    monkeypatch.setattr("sys.stdin", Terminal())

    assert update(folder, "-o", folder / "m2.mlsec") == status
    assert (folder / "m2.mlsec").exists() == (status == 0)


WRONG = {
    "no place": ([], "say where the new reference goes"),
    "two places": (["-o", "x", "--store", "y"], "say where the new reference goes"),
    "long note": (["-o", "x", "--note", "n" * 2000], "--note has 2000 characters"),
    "no days": (["-o", "x", "--days", "0"], "--days must be positive"),
    "no such model in the store": (["--store", "."], "has no reference of"),
    "other model": (["-o", "x", "--model", "other.joblib"], "is not the model that the reference was fitted with"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_adopted_ends_with_two_and_a_sentence(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(folder)
    joblib.dump(LogisticRegression(), "other.joblib")
    words, why = WRONG[name]

    assert update(folder, *words, "--yes") == 2

    assert why in said(capsys)
    assert not (folder / "x").exists()


def test_without_its_model_or_with_other_columns_it_is_not_the_same_reference(folder: Path, capsys: pytest.CaptureFixture[str]):
    old, new = folder / "m.joblib.mlsec", folder / "new.csv"

    assert run("update", old, new, *COLUMNS, "-o", folder / "x", "--yes") == 2
    assert "name the saved model by --model" in said(capsys)
    assert run("update", old, new, "--model", folder / "m.joblib", "--time", "when", "-o", folder / "x", "--yes") == 2
    assert "the data's columns are not the reference's, or in another order: late" in said(capsys)
    assert (
        run("update", old, new, "--model", folder / "m.joblib", "--label", "late", "--days", "3", "-o", folder / "x", "--yes")
        == 2
    )
    assert "--days needs --time" in said(capsys)
    assert not (folder / "x").exists()


def test_a_damaged_old_reference_is_said(folder: Path, capsys: pytest.CaptureFixture[str]):
    (folder / "m.joblib.mlsec").write_bytes(b"none")

    assert update(folder, "-o", folder / "x", "--yes") == 2
    assert "is not a reference of otel-mlsec" in said(capsys)


def test_list_says_what_is_damaged_and_what_is_not_there(folder: Path, capsys: pytest.CaptureFixture[str]):
    (folder / "store").mkdir()
    assert run("list", "--store", folder / "store") == 0
    assert "has no reference in it" in said(capsys)
    (folder / "store" / "fraud.mlsec").write_bytes(b"none")
    assert run("list", "--store", folder / "store") == 0
    assert "fraud" in said(capsys)
    assert run("list", "--store", folder / "nowhere") == 2
    assert "is no directory" in said(capsys)
    assert run("rollback", "fraud", "--store", folder / "store") == 2
    assert "has no versions of a reference of 'fraud'" in said(capsys)


def test_a_reference_is_attached_to_its_model_and_to_no_other(folder: Path, capsys: pytest.CaptureFixture[str]):
    joblib.dump(joblib.load(folder / "m.joblib"), folder / "copy.joblib", compress=3)
    plain = Reference.load(folder / "m.joblib.mlsec")
    replace(plain, origin=replace(plain.origin, file="")).save(folder / "plain.mlsec")

    assert run("attach", folder / "plain.mlsec", folder / "copy.joblib") == 0
    assert Reference.load(folder / "copy.joblib.mlsec").origin.file == file_digest(folder / "copy.joblib")
    assert run("attach", folder / "m.joblib.mlsec", folder / "copy.joblib") == 2
    assert "it was fitted with another model" in said(capsys)
    assert run("attach", folder / "plain.mlsec", folder / "none.joblib") == 2
    assert "does not exist" in said(capsys)


@pytest.mark.parametrize(
    ("column", "words"),
    [("y", ()), ("Label", ()), ("late", ("--model", "m.joblib"))],
    ids=["by its name", "in capitals", "by what the model predicts"],
)
def test_a_forgotten_label_is_warned_of(
    column: str, words: tuple[str, ...], folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(folder)
    rows().rename(columns={"late": column}).to_csv("rows.csv", index=False)
    said(capsys)

    assert run("fit", "rows.csv", "--time", "when", *words, "-o", "x.mlsec") == 0
    assert f"if it is the label, name it: --label {column}" in said(capsys)
    assert run("fit", "rows.csv", "--time", "when", "--label", column, *words, "-o", "x.mlsec") == 0
    assert "--label" not in said(capsys)


def test_rows_that_the_model_was_fitted_on_are_noted_and_their_labels_left(folder: Path, capsys: pytest.CaptureFixture[str]):
    out = folder / "x.mlsec"

    assert run("fit", folder / "old.csv", "--model", folder / "m.joblib", *COLUMNS, "--in-sample", "-o", out) == 0

    reference = Reference.load(out)
    assert reference.origin.in_sample
    assert reference.truth is None
    assert Reference.load(folder / "m.joblib.mlsec").truth is not None
    assert "The model was fitted on the same rows" in said(capsys)


def test_fit_wants_to_know_where_it_goes(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert run("fit", folder / "old.csv", *COLUMNS) == 2
    assert "say where it goes" in said(capsys)
    assert run("fit", folder / "old.csv", *COLUMNS, "-o", folder / "x", "--store", folder) == 2
    assert "name one" in said(capsys)
    assert run("fit", folder / "old.csv", *COLUMNS, "--store", folder / "s") == 2
    assert "give it one by --name" in said(capsys)
    (folder / "d").mkdir()
    assert run("fit", folder / "old.csv", *COLUMNS, "--model", folder / "d") == 2
    assert "no model of MLflow" in said(capsys)


def test_where_chance_may_move_a_column_as_far_no_distance_is_claimed(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    rng = np.random.default_rng(7)

    def frame(days: int, start: str, shift: float) -> pd.DataFrame:
        n = 100 * days
        held = {"when": pd.date_range(start, periods=n, freq="864s"), "steady": rng.normal(shift, 1, n)}
        return pd.DataFrame({**held, "temp": np.repeat(rng.normal(15, 8, days), 100) + rng.normal(0, 1, n)})

    frame(20, "2026-01-01", 0.0).to_csv(tmp_path / "old.csv", index=False)
    frame(12, "2026-03-01", 1.0).to_csv(tmp_path / "new.csv", index=False)
    assert run("fit", tmp_path / "old.csv", "--time", "when", "-o", tmp_path / "m.ref") == 0
    said(capsys)

    assert run("update", tmp_path / "m.ref", tmp_path / "new.csv", "--time", "when", "-o", tmp_path / "n.ref", "--yes") == 0

    out = said(capsys)
    assert "│ temp │ ? │" in out
    assert "chance alone may move it as far" in out
    assert moved(out, "steady") > 0.3
