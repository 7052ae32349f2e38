"""`otel-mlsec feedback`: labels that came later, against what was recorded; whatever is wrong with them is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from otel_mlsec.cli import main
from otel_mlsec.observation import Meaning, Model
from otel_mlsec.reference.reference import Reference

CLASSES = ("no", "yes")
ROWS = 4000
DECAY = 2000  # row from which on what is true is not what it was


def _proba(x: Any) -> Any:
    yes = 1 / (1 + np.exp(-3 * x[:, 0]))
    return np.column_stack([1 - yes, yes])


def _truth(x: Any, rng: Any) -> Any:
    return (rng.random(len(x)) < _proba(x)[:, 1]).astype(float)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(6000, 2))
    answers = [(Meaning.PROBABILITY, _proba(x)), (Meaning.LABEL, _proba(x)[:, 1].round())]
    reference = Reference.of_matrix(
        x, ("a", "b"), None, answers=answers, classes=CLASSES, truth=_truth(x, rng), created=0.0,
        model=Model(name="credit", version="7"),
    )  # fmt: skip
    path = tmp_path_factory.mktemp("references") / "credit.ref"
    reference.save(path)
    return path


@pytest.fixture(scope="module")
def frames() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Recorded answers, and labels of nine tenths of them, shuffled."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(ROWS, 2))
    p, truth = _proba(x), _truth(x, rng)
    flipped = (np.arange(ROWS) >= DECAY) & (rng.random(ROWS) < 0.3)
    truth = np.where(flipped, 1 - truth, truth).astype(int)
    when = pd.Timestamp("2026-03-01", tz="UTC") + pd.to_timedelta(np.arange(ROWS) * 60, unit="s")
    ids = [f"order-{i}" for i in range(ROWS)]
    predictions = pd.DataFrame(
        {"prediction_id": ids, "a": x[:, 0], "b": x[:, 1], "proba.no": p[:, 0], "proba.yes": p[:, 1], "at": when}
    )
    labels = pd.DataFrame({"prediction_id": ids, "label": [CLASSES[i] for i in truth], "known": when + pd.Timedelta(days=3)})
    return predictions, labels.sample(frac=0.9, random_state=3)


def written(folder: Path, name: str, frame: pd.DataFrame) -> Path:
    path = folder / name
    if name.endswith("parquet"):
        frame.to_parquet(path)
    elif name.endswith("jsonl"):
        frame.astype({c: str for c in ("at", "known") if c in frame}).to_json(path, orient="records", lines=True)
    else:
        frame.to_csv(path, index=False)
    return path


def pieces(frame: pd.DataFrame, n: int) -> list[pd.DataFrame]:
    return [frame.iloc[rows] for rows in np.array_split(np.arange(len(frame)), n)]


def feedback(*words: Any) -> int:
    return main(["feedback", *map(str, words)])


@pytest.fixture
def files(tmp_path: Path, frames: Any) -> tuple[Path, Path]:
    return written(tmp_path, "p.csv", frames[0]), written(tmp_path, "l.csv", frames[1])


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl", "csv.gz"])
def test_decay_is_found_in_the_rows_in_which_it_is_whatever_file_it_is_in(kind, tmp_path, frames, saved, capsys):
    predictions, labels = (written(tmp_path, f"{name}.{kind}", frame) for name, frame in zip("pl", frames, strict=True))

    status = feedback(
        labels, "--predictions", predictions, "--reference", saved, "--prediction-time", "at", "--time", "known",
        "--source", "crm", "--json",
    )  # fmt: skip

    *findings, counts = map(json.loads, capsys.readouterr().out.splitlines())
    assert status == 0
    assert {found["detector"] for found in findings} == {"drift/concept"}
    assert DECAY - 200 <= findings[0]["first_row"] <= DECAY + 200
    assert DECAY < findings[0]["row"] < DECAY + 800
    assert counts == {"predictions": ROWS, "labels": 3600, "joined": 3600, "coverage": {"credit 7": 0.9}}


def test_people_read_a_table_and_what_became_of_the_labels(files, saved, capsys):
    predictions, labels = files

    status = feedback(labels, "--predictions", predictions, "--reference", saved, "--prediction-time", "at")

    said = capsys.readouterr()
    assert status == 0
    assert "drift.concept" in said.out
    assert "credit 7: labels of 90.0% of the predictions" in said.err
    assert "3,600 labels joined" in said.err
    assert "order-" not in said.out + said.err


def test_every_label_is_accounted_for(tmp_path, frames, saved, capsys):
    predictions, labels = frames
    labels = labels.sort_values("prediction_id").reset_index(drop=True).astype({"label": object})
    n = len(labels)
    labels.loc[0, "label"] = None
    labels.loc[1, "prediction_id"] = None
    labels.loc[2, "prediction_id"] = "never asked"
    labels.loc[3, "label"] = "perhaps"
    other = labels.iloc[[10]].assign(label=["no" if labels.loc[10, "label"] == "yes" else "yes"])
    odd = pd.concat([labels, labels.iloc[[9]], other])
    twice = pd.concat([predictions, predictions[predictions.prediction_id == labels.loc[20, "prediction_id"]]])

    status = feedback(
        written(tmp_path, "l.parquet", odd), "--predictions", written(tmp_path, "p.parquet", twice), "--reference", saved,
        "--prediction-time", "at", "--time", "known", "--json",
    )  # fmt: skip

    said = capsys.readouterr()
    counts = json.loads(said.out.splitlines()[-1])
    del counts["coverage"]
    assert status == 0
    assert counts == {
        "predictions": ROWS + 1, "labels": n + 2, "joined": n - 3, "duplicate": 1, "contradictory": 1, "invalid": 2,
        "unknown": 1, "new_class": 1, "answered_again": 1,
    }  # fmt: skip


def test_rows_of_one_call_have_an_index_and_zones_may_be_mixed(tmp_path, frames, saved, capsys):
    predictions, labels = (frame.sort_values("prediction_id").reset_index(drop=True) for frame in frames)
    for frame in (predictions, labels):
        number = frame.prediction_id.str[6:].astype(int)
        frame["row"], frame["prediction_id"] = number % 8, "batch-" + (number // 8).astype(str)
    zones = ["Europe/Berlin", "UTC", "Asia/Tokyo"]
    labels["known"] = [when.tz_convert(zones[i % 3]).isoformat() for i, when in enumerate(labels.known)]
    predictions = predictions.sort_values("at")

    status = feedback(
        written(tmp_path, "l.csv", labels), "--predictions", written(tmp_path, "p.csv", predictions), "--reference", saved,
        "--index", "row", "--prediction-time", "at", "--time", "known", "--json",
    )  # fmt: skip

    counts = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert status == 0
    assert counts["joined"] == 3600
    assert "backwards" not in counts


def test_several_files_are_one_traffic_and_one_list_of_labels(tmp_path, frames, saved, capsys):
    predictions, labels = frames
    cut = [written(tmp_path, f"p{i}.parquet", part) for i, part in enumerate(pieces(predictions, 3))]
    told = [written(tmp_path, f"l{i}.csv", part) for i, part in enumerate(pieces(labels, 2))]

    status = feedback(*told, *(word for path in cut for word in ("--predictions", path)), "--reference", saved, "--json")

    assert status == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["joined"] == 3600


def test_the_answer_may_be_a_label(tmp_path, frames, saved, capsys):
    predictions, labels = frames
    said = predictions.assign(answer=np.where(predictions["proba.yes"] > 0.5, "yes", "no"))[["prediction_id", "answer"]]

    status = feedback(
        written(tmp_path, "l.csv", labels), "--predictions", written(tmp_path, "p.csv", said), "--reference", saved,
        "--answer", "answer", "--json",
    )  # fmt: skip

    lines = capsys.readouterr().out.splitlines()
    assert status == 0
    assert json.loads(lines[-1])["joined"] == 3600
    assert json.loads(lines[0])["kind"] == "drift.concept"


def test_slices_of_a_feature_are_judged_apart(tmp_path, frames, saved, capsys):
    predictions, labels = frames
    ordered = labels.set_index("prediction_id").reindex(predictions.prediction_id)
    rng = np.random.default_rng(5)
    truth = np.array(CLASSES)[(rng.random(ROWS) < predictions["proba.yes"].to_numpy()).astype(int)]
    of_slice = (predictions.b > 1.0).to_numpy() & (np.arange(ROWS) > 500)
    truth[of_slice] = np.where(predictions["proba.yes"][of_slice] > 0.5, "no", "yes")
    told = ordered.assign(label=truth).reset_index()

    status = feedback(
        written(tmp_path, "l.csv", told), "--predictions", written(tmp_path, "p.csv", predictions), "--reference", saved,
        "--slices", "b", "--json",
    )  # fmt: skip
    nowhere = feedback(tmp_path / "l.csv", "--predictions", tmp_path / "p.csv", "--reference", saved, "--slices", "c")

    said = capsys.readouterr()
    assert (status, nowhere) == (0, 2)
    assert any(name.startswith("b") for line in said.out.splitlines()[:-1] for name in json.loads(line)["evidence"]["slices"])
    assert "--slices names 'c'" in said.err


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("l.csv", b"prediction_id;label\norder-1;yes\n", "are its columns separated by a semicolon?"),
        ("l.csv", b"prediction_id\tlabel\norder-1\tyes\n", "are its columns separated by a tab?"),
        ("l.csv", "prediction_id,label\norder-1,yes\n".encode("utf-16"), "'utf-8' codec can't decode byte 0xff"),
        ("l.csv", "prediction_id,label\norder-1,yes\n".encode("utf-16-le"), "is it UTF-8?"),
        ("l.csv", b"id,label\norder-1,yes\n", "--id names 'prediction_id', which is no column; those are id, label"),
        ("l.csv", b"prediction_id,truth\norder-1,yes\n", "--label names 'label', which is no column"),
        ("l.csv", b"", "cannot be read as rows"),
        ("l.parquet", b"prediction_id,label\n", "cannot be read as rows"),
        ("l.xlsx", b"prediction_id,label\n", "must end in"),
        ("l.csv", b"prediction_id,label\nnobody,yes\n", "no label is of a prediction"),
        ("l.csv", "prediction_id,label\norder-1,är\n".encode("latin-1"), "is it the right column, and UTF-8?"),
        ("l.jsonl", b"[1]\nnot json\n", "which is no column; those are none"),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_a_sentence(name, content, words, tmp_path, files, saved, capsys):
    (tmp_path / name).write_bytes(content)

    status = feedback(tmp_path / name, "--predictions", files[0], "--reference", saved)

    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said
    assert status == (0 if "right column" in words else 2)


def test_predictions_without_an_answer_and_references_without_labels_are_a_sentence(tmp_path, files, frames, saved, capsys):
    predictions, labels = files
    bare = written(tmp_path, "bare.csv", frames[0][["prediction_id", "a"]])
    Reference.of_matrix(np.random.default_rng(0).normal(size=(500, 2)), ("a", "b"), None, created=0.0).save(tmp_path / "old.ref")

    statuses = [
        feedback(labels, "--predictions", bare, "--reference", saved),
        feedback(labels, "--predictions", predictions, "--reference", tmp_path / "old.ref"),
        feedback(labels, "--predictions", predictions),
        feedback(labels, "--predictions", predictions, "--reference", tmp_path / "nowhere.ref"),
        feedback(labels, "--predictions", tmp_path / "nowhere.csv", "--reference", saved),
    ]

    said = capsys.readouterr().err
    assert statuses == [2] * 5
    for words in ("no column is an answer", "was told labels", "--reference is needed", "nowhere.ref", "nowhere.csv is no file"):
        assert words in said


def test_labels_that_are_no_classes_of_the_model_are_no_verdict(tmp_path, files, frames, saved, capsys):
    frames[1].assign(label=lambda known: known["label"].map({"no": "0", "yes": "1"})).to_csv(tmp_path / "l.csv", index=False)

    assert feedback(tmp_path / "l.csv", "--predictions", files[0], "--reference", saved) == 2

    told = capsys.readouterr()
    assert "no label is one of the model's classes, no, yes" in told.err
    assert "Concept drift" not in told.out


def test_probabilities_of_other_classes_are_not_taken_by_their_order(tmp_path, files, frames, saved, capsys):
    renamed = frames[0].rename(columns={"proba.no": "proba.b", "proba.yes": "proba.a"})
    renamed.to_parquet(tmp_path / "p.parquet")

    assert feedback(files[1], "--predictions", tmp_path / "p.parquet", "--reference", saved) == 2

    assert "probabilities are of b, a; the model's classes are no, yes" in capsys.readouterr().err
