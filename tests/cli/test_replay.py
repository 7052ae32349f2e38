"""`otel-mlsec replay`: recorded traffic is judged as live traffic is, whatever file it is in, and the same every time."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from otel_mlsec.capture import identity
from otel_mlsec.cli import main
from otel_mlsec.cli.rehearsal import BATCH
from otel_mlsec.config import ModelSettings
from otel_mlsec.detectors import build
from otel_mlsec.observation import Meaning, Model, Prediction
from otel_mlsec.pipeline.route import Router
from otel_mlsec.reference.reference import Reference

FEATURES = tuple("abcdef")
CLASSES = ("no", "yes")
ROWS = 3000
ATTACK = slice(1500, 1700)  # rows of one who asks about the whole space
DRIFT = 2200  # row from which `b` is another
MIX = np.random.default_rng(1).normal(size=(6, 6)) / 2


def proba(x: Any) -> Any:
    yes = 1 / (1 + np.exp(-2 * x[:, 0] - x[:, 1]))
    return np.column_stack([1 - yes, yes])


def reference_rows() -> Any:
    return np.random.default_rng(2).normal(size=(5000, 6)) @ MIX


@pytest.fixture(scope="module")
def reference() -> Reference:
    x = reference_rows()
    answers = [(Meaning.PROBABILITY, proba(x)), (Meaning.LABEL, proba(x)[:, 1].round())]
    return Reference.of_matrix(
        x, FEATURES, None, answers=answers, classes=CLASSES, created=0.0, model=Model(name="credit", version="7")
    )


@pytest.fixture
def saved(tmp_path: Path, reference: Reference) -> Path:
    reference.save(tmp_path / "credit.ref")
    return tmp_path / "credit.ref"


@pytest.fixture(scope="module")
def traffic() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(ROWS, 6)) @ MIX
    x[ATTACK] = rng.uniform(-4, 4, size=(ATTACK.stop - ATTACK.start, 6))
    x[DRIFT:, 1] += 1.0
    frame = pd.DataFrame(x, columns=list(FEATURES))
    frame[["proba.no", "proba.yes"]] = proba(x)
    frame["label"] = np.where(frame["proba.yes"] > 0.5, "yes", "no")
    frame["who"] = [f"user-{i}" for i in rng.integers(50, size=ROWS)]
    frame.loc[frame.index[ATTACK], "who"] = "mallory@example.org"
    frame["when"] = 1.7e9 + 7.0 * np.arange(ROWS)
    return frame


def written(folder: Path, frame: pd.DataFrame, suffix: str) -> Path:
    path = folder / f"traffic{suffix}"
    match suffix:
        case ".parquet":
            frame.to_parquet(path, index=False)
        case ".jsonl":
            path.write_text("".join(json.dumps(row) + "\n" for row in frame.to_dict("records")))
        case _:
            frame.to_csv(path, index=False)
    return path


def replayed(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, list[dict[str, Any]], str]:
    status = main(["replay", *map(str, words), "--json"])
    told = capsys.readouterr()
    return status, [json.loads(line) for line in told.out.splitlines()], " ".join(told.err.split())


NAMED = ("--principal", "who", "--time", "when")


def test_an_attack_is_found_with_its_rows_and_who_it_was(
    tmp_path: Path, saved: Path, traffic: pd.DataFrame, capsys: pytest.CaptureFixture[str]
):
    path = written(tmp_path, traffic, ".parquet")

    status, found, _ = replayed(capsys, path, "--reference", saved, *NAMED)

    mallory = identity.Asked("app", "mallory@example.org")
    extraction = next(f for f in found if f["detector"] == "extraction/account")
    assert status == 0
    assert ATTACK.start <= extraction["first_row"] <= extraction["row"] < ATTACK.start + BATCH
    assert extraction["rows"] >= 8
    assert extraction["score"] >= extraction["threshold"]
    assert (extraction["model"], extraction["version"], extraction["status"]) == ("credit", "7", "new")
    assert any(f["detector"] == "drift/data" for f in found)
    assert not any("mallory" in json.dumps(f) for f in found)
    assert any(p.startswith("app:") and p != identity.pseudonym(mallory) for f in found for p in principals(f))


def principals(finding: Mapping[str, Any]) -> list[str]:
    return [p for p in (finding["principal"], *finding["evidence"].get("principals", ())) if p]


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".jsonl"])
def test_every_format_gives_the_same_findings(
    tmp_path: Path, saved: Path, traffic: pd.DataFrame, capsys: pytest.CaptureFixture[str], suffix: str
):
    options = ("--reference", saved, *NAMED)
    _, parquet, _ = replayed(capsys, written(tmp_path, traffic, ".parquet"), *options)

    status, found, _ = replayed(capsys, written(tmp_path, traffic, suffix), *options)

    assert status == 0
    assert found == parquet != []


def test_recorded_is_judged_as_live(
    tmp_path: Path, saved: Path, reference: Reference, traffic: pd.DataFrame, capsys: pytest.CaptureFixture[str]
):
    router = Router(build=lambda _, r: build(r, ModelSettings()), known=lambda _: reference)
    pseudonyms = {who: f"app:{i:012x}" for i, who in enumerate(traffic["who"].unique())}
    recorded = traffic.assign(who=traffic["who"].map(pseudonyms))
    x, p = traffic[list(FEATURES)].to_numpy(), traffic[["proba.no", "proba.yes"]].to_numpy()
    live: list[tuple[str, str, float, int]] = []
    for start in range(0, ROWS, BATCH):
        rows = range(start, min(start + BATCH, ROWS))
        calls = [
            Prediction(
                model=reference.model, method=method, meaning=meaning, inputs=x[i : i + 1], outputs=out[i : i + 1],
                features=FEATURES, classes=CLASSES, principal=recorded["who"][i], time=float(traffic["when"][i]),
            )
            for i in rows
            for method, meaning, out in (
                ("predict_proba", Meaning.PROBABILITY, p), ("predict", Meaning.LABEL, p.argmax(axis=1).astype(float))
            )
        ]  # fmt: skip
        told = [(f, int((call.time - 1.7e9) / 7)) for f, call in router.detect(calls)]
        live += sorted([(f.detector, f.status.value, f.score, row) for f, row in told], key=lambda each: each[3])

    _, found, _ = replayed(capsys, written(tmp_path, recorded, ".parquet"), "--reference", saved, *NAMED)

    assert [(f["detector"], f["status"], f["score"], f["row"]) for f in found] == live
    assert len(live) > 2


def test_the_same_file_is_the_same_output_to_the_byte(tmp_path: Path, saved: Path, traffic: pd.DataFrame):
    path = written(tmp_path, traffic, ".parquet")
    command = [sys.executable, "-m", "otel_mlsec.cli", "replay", str(path), "--reference", str(saved), *NAMED]
    code = "import sys; from otel_mlsec.cli import main; sys.exit(main(sys.argv[1:]))"
    command[1:3] = ["-c", code]

    outputs = [
        subprocess.run([*command, *more], capture_output=True, check=True, timeout=120).stdout
        for more in ([], [], ["--json"], ["--json"])
    ]

    assert outputs[0] == outputs[1] != b""
    assert outputs[2] == outputs[3] != b""


def test_how_a_file_is_cut_into_row_groups_does_not_matter(
    tmp_path: Path, saved: Path, traffic: pd.DataFrame, capsys: pytest.CaptureFixture[str]
):
    path = written(tmp_path, traffic, ".parquet")
    _, whole, _ = replayed(capsys, path, "--reference", saved, *NAMED)
    traffic.to_parquet(path, row_group_size=97)

    _, pieces, _ = replayed(capsys, path, "--reference", saved, *NAMED)

    assert pieces == whole


def test_several_files_are_one_traffic(tmp_path: Path, saved: Path, traffic: pd.DataFrame, capsys: pytest.CaptureFixture[str]):
    cut = 8 * BATCH
    first, rest = tmp_path / "1.parquet", tmp_path / "2.csv"
    traffic[:cut].to_parquet(first)
    traffic[cut:].to_csv(rest, index=False)
    _, whole, _ = replayed(capsys, written(tmp_path, traffic, ".parquet"), "--reference", saved, *NAMED)

    _, both, _ = replayed(capsys, first, rest, "--reference", saved, *NAMED)

    assert both == whole


def test_the_table_names_kinds_and_rows(tmp_path: Path, saved: Path, traffic: pd.DataFrame, capsys: pytest.CaptureFixture[str]):
    path = written(tmp_path, traffic, ".parquet")

    status = main(["replay", str(path), "--reference", str(saved), *NAMED])

    told = capsys.readouterr()
    lines = [line.split() for line in told.out.splitlines()]
    extraction = next(line for line in lines if line[:1] == ["extraction.account"])
    assert status == 0
    assert lines[0][:9] == ["kind", "detector", "severity", "findings", "principals", "first", "row", "last", "row"]
    assert extraction[1] == "extraction/account"
    assert ATTACK.start <= int(extraction[5].replace(",", "")) < ATTACK.stop
    assert "mallory" not in told.out + told.err
    assert "3,000 rows" in told.err


def test_each_model_has_a_watch_and_a_reference_of_its_own(
    tmp_path: Path, saved: Path, traffic: pd.DataFrame, capsys: pytest.CaptureFixture[str]
):
    alone = traffic.assign(model="credit", version="8")
    other = traffic.assign(model="other", version="2", g=1.0)[:DRIFT]
    other[list(FEATURES)] += 100.0  # far from the reference of `credit`
    mixed = pd.concat([alone, other]).sort_index(kind="stable")
    options = ("--model-column", "model", "--version-column", "version", "--time", "when")
    _, expected, _ = replayed(capsys, written(tmp_path, alone, ".parquet"), "--reference", f"credit={saved}", *options)

    status, found, said = replayed(capsys, written(tmp_path, mixed, ".parquet"), "--reference", f"credit={saved}", *options)

    ours = [f for f in found if f["model"] == "credit"]
    same = [name for name in expected[0] if name not in ("first_row", "row", "evidence")]
    assert status == 0
    assert [[f[name] for name in same] for f in ours] == [[f[name] for name in same] for f in expected]
    assert {(f["model"], f["version"]) for f in found} <= {("credit", "8"), ("other", "2")}
    assert "other 2: no reference was given; a provisional one was learned" in said


def test_the_reference_of_one_model_is_meant_where_no_column_names_models(
    tmp_path: Path, saved: Path, traffic: pd.DataFrame, capsys: pytest.CaptureFixture[str]
):
    path = written(tmp_path, traffic, ".parquet")
    _, expected, _ = replayed(capsys, path, "--reference", saved, *NAMED)

    _, found, _ = replayed(capsys, path, "--reference", f"credit={saved}", *NAMED)
    status, _, said = replayed(capsys, path, "--reference", f"a={saved}", "--reference", f"b={saved}", *NAMED)

    assert found == expected
    assert status == 2
    assert "references of a, b, but no --model-column says whose the rows are" in said


def test_a_sweep_says_what_each_budget_costs(
    tmp_path: Path, saved: Path, traffic: pd.DataFrame, capsys: pytest.CaptureFixture[str]
):
    path = written(tmp_path, traffic, ".parquet")
    _, at_one, _ = replayed(capsys, path, "--reference", saved, *NAMED, "--false-alarms", "1")

    _, costs, _ = replayed(capsys, path, "--reference", saved, *NAMED, "--sensitivity-sweep", "0.001,1,10000")
    status = main(["replay", str(path), "--reference", str(saved), "--sensitivity-sweep"])

    flagged = [cost["rows_flagged"] for cost in costs]
    assert [cost["false_alarms_per_million"] for cost in costs] == [0.001, 1, 10000]
    assert costs[1]["findings"] == len({f["finding"] for f in at_one})
    assert costs[0]["findings"] < costs[2]["findings"]  # between those, one finding may be of what are two elsewhere
    assert flagged[0] < flagged[2]
    assert {cost["rows"] for cost in costs} == {ROWS}
    assert status == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]] == ["0.1", "1", "10", "100", "1000"]


def test_without_a_reference_one_is_learned_and_that_is_said(
    tmp_path: Path, traffic: pd.DataFrame, capsys: pytest.CaptureFixture[str]
):
    later = traffic.assign(b=traffic["b"] + 5.0 * (np.arange(ROWS) >= DRIFT))

    status, found, said = replayed(capsys, written(tmp_path, later, ".parquet"), *NAMED)

    assert status == 0
    assert {f["evidence"]["reference"] for f in found} == {"provisional"}
    assert any(f["detector"] == "drift/data" and f["row"] >= DRIFT for f in found)
    assert "no reference was given; a provisional one was learned from the first rows, which nobody vouched for" in said


def test_too_few_rows_to_learn_from_are_said_to_be_unjudged(
    tmp_path: Path, traffic: pd.DataFrame, capsys: pytest.CaptureFixture[str]
):
    status, found, said = replayed(capsys, written(tmp_path, traffic[:100], ".csv"), *NAMED)

    assert (status, found) == (0, [])
    assert "too few rows, or too many of one principal, to learn a reference from; nothing was judged" in said


def test_only_the_detectors_that_were_named_are_asked(
    tmp_path: Path, saved: Path, traffic: pd.DataFrame, capsys: pytest.CaptureFixture[str]
):
    path = written(tmp_path, traffic, ".parquet")

    _, found, _ = replayed(capsys, path, "--reference", saved, *NAMED, "--detectors", "drift/data")

    assert {f["detector"] for f in found} == {"drift/data"}


def test_pseudonyms_are_those_of_the_service_with_its_key(
    tmp_path: Path, saved: Path, traffic: pd.DataFrame, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    before = identity.key()
    monkeypatch.setenv("OTEL_MLSEC_KEY", "the key of the service")

    _, found, _ = replayed(capsys, written(tmp_path, traffic, ".parquet"), "--reference", saved, *NAMED)

    assert identity.key() == before
    identity.set_key(b"the key of the service")
    expected = identity.pseudonym(identity.Asked("app", "mallory@example.org"))
    identity.set_key(before)
    assert expected in {p for f in found for p in principals(f)}


def test_a_column_that_only_rises_is_asked_about(tmp_path: Path, traffic: pd.DataFrame, capsys: pytest.CaptureFixture[str]):
    _, _, said = replayed(capsys, written(tmp_path, traffic, ".parquet"), "--principal", "who")

    assert "when: never falls, as a time or a row number does" in said
    assert "no --time: rows were taken to come evenly, 1 a second" in said


def test_parquet_is_read_without_pandas(tmp_path: Path, saved: Path, traffic: pd.DataFrame):
    path = written(tmp_path, traffic, ".parquet")
    code = 'import sys; from otel_mlsec.cli import main; main(sys.argv[1:]); assert "pandas" not in sys.modules'

    done = subprocess.run(
        [sys.executable, "-c", code, "replay", str(path), "--reference", str(saved)], capture_output=True, check=False
    )

    assert done.returncode == 0, done.stderr


BAD: dict[str, tuple[bytes, list[str], str]] = {
    "traffic.csv": (b"a,b\n1,2\n", ["--principal", "nobody"], "--principal names 'nobody', which is no column; those are a, b"),
    "time.csv": (b"a,t\n1,yesterday\n", ["--time", "t"], "the time of row 0 is neither a date nor a number of seconds"),
    "ms.csv": (b"a,t\n1,1700000000000\n", ["--time", "t"], "the time of row 0 is neither a date nor a number of seconds"),
    "twice.csv": (b"a,a\n1,2\n", [], "has more than one column 'a'"),
    "empty.csv": (b"", [], "cannot be read as rows"),
    "header.csv": (b"a,b\n", [], "no row was read"),
    "none.csv": (b"label\nyes\n", [], "no column is a feature"),
    "damaged.parquet": (b"PAR1 and no more", [], "cannot be read as rows"),
    "damaged.csv.gz": (b"\x1f\x8b and no more", [], "damaged.csv.gz"),
    "texts.jsonl": (b"not\njson\n", [], "no column is a feature"),
    "traffic.xlsx": (b"", [], "must end in .parquet, .pq, .csv, .csv.gz, .jsonl, .ndjson"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str):
    content, options, sentence = BAD[name]
    (tmp_path / name).write_bytes(content)

    status, found, said = replayed(capsys, tmp_path / name, *options)

    assert (status, found) == (2, [])
    assert sentence in said
    assert "Traceback" not in said


def test_a_file_that_is_not_there_and_a_reference_that_is_none_are_sentences(
    tmp_path: Path, traffic: pd.DataFrame, capsys: pytest.CaptureFixture[str]
):
    path = written(tmp_path, traffic[:10], ".csv")

    missing, _, said_missing = replayed(capsys, tmp_path / "nothing.csv")
    wrong, _, said_wrong = replayed(capsys, path, "--reference", path)

    assert (missing, wrong) == (2, 2)
    assert "nothing.csv is no file" in said_missing
    assert "is not a reference of otel-mlsec" in said_wrong


@pytest.mark.parametrize(
    "words", [["--sensitivity-sweep", "0"], ["--false-alarms", "much"], ["--detectors", "llm"], ["--rows-per-second", "-1"]]
)
def test_numbers_out_of_range_are_refused(tmp_path: Path, words: list[str]):
    with pytest.raises(SystemExit, match="2"):
        main(["replay", str(tmp_path / "x.csv"), *words])


def test_a_truncated_gzip_is_a_sentence(tmp_path: Path, traffic: pd.DataFrame, capsys: pytest.CaptureFixture[str]):
    whole = gzip.compress(traffic.to_csv(index=False).encode())
    (tmp_path / "cut.csv.gz").write_bytes(whole[: len(whole) // 2])

    status, _, said = replayed(capsys, tmp_path / "cut.csv.gz")

    assert status == 2
    assert "cut.csv.gz" in said
