"""`otel-mlsec drift`: sketches of parts in other formats add up to the sketch of the whole, and say what has changed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from otel_mlsec.cli import main
from otel_mlsec.reference.reference import Reference

N = 3000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reference, and 30 days of rows after it whose last ten days have another `amount`, in three files and in one."""
    where = tmp_path_factory.mktemp("drift")
    rng = np.random.default_rng(1)

    def frame(n: int, start: str) -> pd.DataFrame:
        rows = pd.DataFrame({"when": pd.date_range(start, periods=n, freq="864s", tz="UTC")})
        rows["amount"] = rng.normal(100, 10, n)
        rows["age"] = rng.normal(40, 10, n).round(1)
        rows["city"] = rng.choice(["Graz", "Linz", "Wels"], n, p=[0.5, 0.3, 0.2])
        return rows

    known = frame(6000, "2026-01-01")
    Reference.fit(known.drop(columns="when"), time=known["when"], name="m").save(where / "m.ref")
    Reference.fit(known.drop(columns="when")[::-1], time=known["when"], name="m").save(where / "other.ref")
    live = frame(N, "2026-04-01")
    live.loc[2000:, "amount"] += 15
    live.to_parquet(where / "all.parquet")
    mixed = live.iloc[rng.permutation(N)]
    mixed[:500].to_csv(where / "a.csv", index=False)
    mixed[500:1700].to_parquet(where / "b.parquet")
    mixed[1700:].assign(when=mixed["when"].astype(str)).to_json(where / "c.jsonl", orient="records", lines=True)
    return where


def sketch(folder: Path, name: str, *files: str, time: bool = True) -> str:
    out = str(folder / f"{name}.sketch")
    words = ["drift", "sketch", "--reference", str(folder / "m.ref"), *(str(folder / f) for f in files), "-o", out]
    assert main([*words, "--time", "when"] if time else words) == 0
    return out


def test_parts_of_any_format_in_any_order_are_the_whole(folder: Path, capsys: pytest.CaptureFixture[str]):
    whole = sketch(folder, "all", "all.parquet")
    parts = [sketch(folder, name, f"{name}.{kind}") for name, kind in (("a", "csv"), ("b", "parquet"), ("c", "jsonl"))]
    once = sketch(folder, "once", "c.jsonl", "a.csv", "b.parquet")

    assert main(["drift", "merge", *parts[::-1], "-o", str(folder / "sum.sketch")]) == 0

    assert (folder / "sum.sketch").read_bytes() == Path(whole).read_bytes() == Path(once).read_bytes()
    assert "3,000 rows, 30 days, 2026-04-01 to 2026-04-30" in capsys.readouterr().err


def test_the_sum_says_what_changed_and_since_when(folder: Path, capsys: pytest.CaptureFixture[str]):
    parts = [sketch(folder, name, f"{name}.{kind}") for name, kind in (("a", "csv"), ("b", "parquet"), ("c", "jsonl"))]
    capsys.readouterr()

    assert main(["drift", "merge", *parts, "--reference", str(folder / "m.ref"), "--json"]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert main(["drift", "merge", *parts, "--reference", str(folder / "m.ref")]) == 0
    shown = capsys.readouterr().out

    assert sorted(each["feature"] for each in told) == ["age", "amount", "city"]
    amount = told[0]
    assert amount["feature"] == "amount"
    assert amount["since"] == "2026-04-21"
    assert amount["rows"] == 1000
    assert abs(amount["shift_sd"] - 1.5) < 0.1
    assert amount["severity"] in ("HIGH", "CRITICAL")
    assert amount["js_distance_low"] < amount["js_distance"] < amount["js_distance_high"]
    assert all(each["severity"] is None for each in told[1:])
    assert "amount" in shown
    assert "2026-04-21" in shown


def test_without_times_all_is_one_cycle(folder: Path, capsys: pytest.CaptureFixture[str]):
    part = sketch(folder, "u", "b.parquet", time=False)
    capsys.readouterr()

    assert main(["drift", "merge", part, "--reference", str(folder / "m.ref"), "--json"]) == 0

    assert json.loads(capsys.readouterr().out.splitlines()[0])["since"] == ""


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["sketch", "none.csv", "--reference", "m.ref", "-o", "x"], "none.csv is no file"),
        (["sketch", "m.ref", "--reference", "m.ref", "-o", "x"], "must end in"),
        (["sketch", "a.csv", "--reference", "a.csv", "-o", "x"], "is not a reference of otel-mlsec"),
        (["sketch", "a.csv", "--reference", "m.ref", "--time", "whan", "-o", "x"], "no column"),
        (["sketch", "a.csv", "--reference", "m.ref", "--time", "city", "-o", "x"], "neither a date nor a number"),
        (["merge", "m.ref"], "is not a sketch of otel-mlsec"),
        (["merge", "nothing.sketch"], "nothing.sketch"),
        (["merge", "all.sketch", "--json"], "--json needs --reference"),
        (["merge", "all.sketch", "--reference", "other.ref"], "is not the reference that these sketches were made with"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], says: str
):
    sketch(folder, "all", "all.parquet")
    monkeypatch.chdir(folder)
    capsys.readouterr()

    assert main(["drift", *words]) == 2

    said = capsys.readouterr().err
    assert says in said
    assert "Traceback" not in said


def test_a_sketch_that_is_given_twice_is_not_added_twice(folder: Path, capsys: pytest.CaptureFixture[str]):
    part = sketch(folder, "twice", "a.csv")
    (folder / "copy.sketch").write_bytes(Path(part).read_bytes())
    capsys.readouterr()

    assert main(["drift", "merge", part, str(folder / "copy.sketch")]) == 2

    assert "given twice" in capsys.readouterr().err


def test_a_column_that_moves_by_the_day_has_no_severity_here(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    rng = np.random.default_rng(4)

    def frame(days: int, start: str) -> pd.DataFrame:
        n = 200 * days
        rows = pd.DataFrame({"when": pd.date_range(start, periods=n, freq="432s", tz="UTC"), "amount": rng.normal(100, 10, n)})
        rows["temp"] = np.repeat(rng.normal(15, 8, days), 200) + rng.normal(0, 1, n)
        return rows

    known = frame(40, "2026-01-01")
    Reference.fit(known.drop(columns="when"), time=known["when"]).save(tmp_path / "m.ref")
    frame(5, "2026-04-01").to_parquet(tmp_path / "live.parquet")
    part = sketch(tmp_path, "live", "live.parquet")
    capsys.readouterr()

    assert main(["drift", "merge", part, "--reference", str(tmp_path / "m.ref"), "--json"]) == 0

    found = {each["feature"]: each for each in map(json.loads, capsys.readouterr().out.splitlines())}
    assert found["temp"]["by_day"] and found["temp"]["severity"] is None
    assert not found["amount"]["by_day"]
    assert main(["drift", "merge", part, "--reference", str(tmp_path / "m.ref")]) == 0
    assert "by day: where it is served" in capsys.readouterr().out
