"""`otel-mlsec tune`: tolerances that a clean period asks for, as settings that the agent reads."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from otel_mlsec.cli import main
from otel_mlsec.config import Config
from otel_mlsec.detectors.drift.movement import movements
from otel_mlsec.reference.reference import Reference
from otel_mlsec.reference.sketch import Counting

DAYS, A_DAY = 40, 400
WILD = 'a "wild" näme'


def frame(seed: int, start: str, swing: float) -> pd.DataFrame:
    """`price` and a category move from day to day by `swing` standard deviations, the others never."""
    rng = np.random.default_rng(seed)
    n = DAYS * A_DAY
    rows = pd.DataFrame({"when": pd.date_range(start, periods=n, freq="216s", tz="UTC")})
    days = np.repeat(rng.standard_normal(DAYS), A_DAY)
    rows["price"] = rng.normal(100, 10, n) + swing * 10 * days
    rows["age"] = rng.normal(40, 10, n)
    share = np.repeat(np.clip(0.3 + 0.46 * swing * rng.standard_normal(DAYS), 0.05, 0.9), A_DAY)
    rows[WILD] = np.where(rng.random(n) < share, "yes", "no")
    rows["one"] = 1.0
    rows["number"] = np.arange(n) + 1e6 * seed
    rows["customer"] = [f"c{seed}-{i}" for i in range(n)]
    return rows


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("tune")
    known = frame(1, "2026-01-01", 0.0)
    Reference.fit(known.drop(columns="when"), time=known["when"], name="shop").save(where / "m.ref")
    frame(2, "2026-03-01", 0.2).to_parquet(where / "clean.parquet")
    frame(3, "2026-03-01", 0.0).drop(columns="number").to_parquet(where / "still.parquet")
    return where


def tune(folder: Path, *words: str) -> int:
    return main(["tune", "--reference", str(folder / "m.ref"), "--time", "when", *words])


def test_what_moves_gets_a_tolerance_with_which_the_clean_period_is_silent(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    out = folder / "settings.toml"

    assert tune(folder, str(folder / "clean.parquet"), "-o", str(out)) == 0

    said = capsys.readouterr().err
    proposed = tomllib.loads(out.read_text("utf-8"))["models"]["shop"]["features"]
    assert {"price", WILD} <= set(proposed)
    assert "age" not in proposed
    assert 0.1 <= proposed["price"]["tolerance"] <= 0.9
    config = Config.load({"OTEL_MLSEC_CONFIG": str(out)})
    assert config.of("shop").features["price"].tolerance == proposed["price"]["tolerance"]
    assert "with the proposal it has 0 findings" in said
    assert "drift/data had 0 findings" not in said
    assert "turn them off: customer, number" in said
    assert "have one value only: one\n" in said

    monkeypatch.setenv("OTEL_MLSEC_CONFIG", str(out))
    assert tune(folder, str(folder / "clean.parquet")) == 0
    again = capsys.readouterr()
    assert "drift/data had 0 findings" in again.err
    assert "price" not in again.out


def test_where_nothing_moves_nothing_is_proposed(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert tune(folder, str(folder / "still.parquet"), "--model", "other") == 0

    told = capsys.readouterr()
    assert told.out == ""
    assert "with the proposal it has" in told.err
    assert "so nothing is proposed: number" in told.err


def test_what_is_elsewhere_is_nothing_to_tolerate(folder: Path, capsys: pytest.CaptureFixture[str]):
    rows = pd.read_parquet(folder / "still.parquet").head(4000)
    rows["age"] += 30
    rows.to_parquet(folder / "elsewhere.parquet")

    assert tune(folder, str(folder / "elsewhere.parquet")) == 0

    told = capsys.readouterr()
    assert "nothing to tolerate; turn them off, or fit a longer reference, with its times: age" in told.err
    assert "age" not in told.out


def test_cycles_without_times_are_rows_and_files_follow_each_other(folder: Path, capsys: pytest.CaptureFixture[str]):
    words = ["tune", "--reference", str(folder / "m.ref"), str(folder / "clean.parquet"), "--model", "a.b"]

    assert main(words) == 0

    told = capsys.readouterr()
    assert '[models."a.b".features.price]' in told.out
    assert "from 1,000 rows to 1,000 rows" in told.out


def test_movement_is_measured_without_what_chance_does():
    rng = np.random.default_rng(1)
    known = Reference.of_matrix(rng.standard_normal((20_000, 2)), ("moves", "rests"), None, created=0.0)
    counting = Counting(known.inputs, "")
    for day in range(60):
        rows = rng.standard_normal((300, 2)) + np.array([0.15 * rng.standard_normal(), 0.0])
        counting.add(rows, None, np.full(300, day))

    moves, rests = movements(known, counting.sketch())

    assert abs(moves.usual - 0.15) < 0.04
    assert moves.tolerance >= 0.1
    assert rests.usual < 0.03
    assert rests.tolerance <= 0.02
    assert moves.cycles == 60


def test_one_bad_day_does_not_decide():
    rng = np.random.default_rng(1)
    known = Reference.of_matrix(rng.standard_normal((20_000, 1)), ("x",), None, created=0.0)
    counting = Counting(known.inputs, "")
    for day in range(20):
        counting.add(rng.standard_normal((300, 1)) + 5.0 * (day == 7), None, np.full(300, day))

    [x] = movements(known, counting.sketch())

    assert x.tolerance <= 0.05


@pytest.mark.parametrize("name", ["none.csv", "m.ref"])
def test_what_cannot_be_read_is_said_in_a_sentence(folder: Path, capsys: pytest.CaptureFixture[str], name: str):
    assert tune(folder, str(folder / name)) == 2

    assert name in capsys.readouterr().err


def test_a_column_that_is_absent_or_holds_text_is_named_and_gets_no_tolerance(folder: Path, capsys: pytest.CaptureFixture[str]):
    frame(2, "2026-03-01", 0.0).drop(columns=["age", "number"]).assign(price="abc").to_parquet(folder / "broken.parquet")

    assert tune(folder, str(folder / "broken.parquet")) == 0

    told = capsys.readouterr()
    assert "hold nothing of what the reference knows in them, so nothing is proposed: price, age" in told.err
    assert told.out == ""
