"""Commands that read plain columns say so of a reference whose columns are made, and never that these are gone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from otel_mlsec.cli import main
from otel_mlsec.reference.reference import Reference

WORDS = ["the", "room", "was", "clean", "staff", "friendly", "good", "breakfast"]
COMMANDS = {
    "report": ["report", "--reference", "R", "D", "--json"],
    "tune": ["tune", "--reference", "R", "D"],
    "sketch": ["drift", "sketch", "--reference", "R", "D", "-o", "S"],
    "replay": ["replay", "--reference", "R", "D"],
    "update": ["reference", "update", "R", "D", "-o", "S", "--yes"],
}


@pytest.fixture
def data() -> pd.DataFrame:
    chance = np.random.default_rng(0)
    return pd.DataFrame({"price": chance.normal(size=500), "review": [" ".join(chance.choice(WORDS, 8)) for _ in range(500)]})


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("kind", ["prompts and answers", "a table with free text"])
def test_it_is_said_and_nothing_is_written(
    command: str, kind: str, data: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    known, rows, out = tmp_path / "r.ref", tmp_path / "rows.csv", tmp_path / "out"
    data.to_csv(rows, index=False)
    free = kind == "a table with free text"
    (Reference.fit(data, texts=("review",)) if free else Reference.fit_texts(data["review"].tolist())).save(known)
    places = {"R": str(known), "D": str(rows), "S": str(out)}
    assert main([places.get(word, word) for word in COMMANDS[command]]) == 2
    assert f"is a reference of {kind}" in " ".join(capsys.readouterr().err.split())
    assert not out.exists()


def test_a_language_model_in_the_settings_does_not_keep_a_table_from_being_replayed(
    data: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    Reference.fit_texts(data["review"].tolist(), name="chat").save(tmp_path / "chat.ref")
    (tmp_path / "settings.toml").write_text(f'[reference]\nchat = "{tmp_path / "chat.ref"}"\n')
    Reference.fit(data[["price"]], name="stay").save(tmp_path / "stay.ref")
    data[["price"]].to_csv(tmp_path / "rows.csv", index=False)
    monkeypatch.setenv("OTEL_MLSEC_CONFIG", str(tmp_path / "settings.toml"))
    assert main(["replay", "--reference", f"stay={tmp_path / 'stay.ref'}", str(tmp_path / "rows.csv")]) == 0
    assert "is a reference of" not in capsys.readouterr().err


def test_embeddings_that_were_recorded_are_replayed_as_they_were_served(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    chance = np.random.default_rng(1)
    names = [f"d{i}" for i in range(32)]
    rows = pd.DataFrame(
        chance.normal(size=(6000, 4)) @ chance.normal(size=(4, 32)) + 0.3 * chance.normal(size=(6000, 32)), columns=names
    )
    Reference.fit(rows[:3000], embedding=True).save(tmp_path / "e.ref")
    rows[3000:].to_parquet(tmp_path / "same.parquet")
    (1.6 * rows[3000:]).to_parquet(tmp_path / "longer.parquet")

    assert main(["replay", "--reference", str(tmp_path / "e.ref"), str(tmp_path / "same.parquet"), "--detectors", "drift"]) == 0
    same = capsys.readouterr()
    assert main(["replay", "--reference", str(tmp_path / "e.ref"), str(tmp_path / "longer.parquet"), "--detectors", "drift"]) == 0
    longer = capsys.readouterr()

    assert "drift." not in same.out and "failed" not in same.err
    assert "drift.data" in longer.out and "norm" in longer.out
