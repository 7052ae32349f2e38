"""`otel-mlsec attack`: attacks on a model, a function and a service are carried out, and what finds them is told."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression

from otel_mlsec.cli import main
from otel_mlsec.reference.reference import Reference

SERVICE = Path(__file__).parent.parent / "attack" / "service.py"
FEATURES = list("abcdef")
MIX = np.random.default_rng(1).normal(size=(6, 6)) / 2


def rows(n: int, seed: int) -> pd.DataFrame:
    return pd.DataFrame((np.random.default_rng(seed).normal(size=(n, 6)) @ MIX).round(3), columns=FEATURES)


def answer(frame: pd.DataFrame) -> Any:
    return np.where(2 * frame["a"] + frame["b"] > 0.3, "bad", "good")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, its reference, and natural rows that it has not seen."""
    there = tmp_path_factory.mktemp("attack")
    frame = rows(3000, 2)
    model = RandomForestClassifier(20, max_depth=8, random_state=0).fit(frame, answer(frame))
    joblib.dump(model, there / "model.joblib")
    joblib.dump(LinearRegression().fit(frame, frame["a"]), there / "regression.joblib")
    Reference.fit(rows(4000, 4), model=model, name="credit").save(there / "credit.ref")
    natural = rows(3000, 3).assign(y="?")
    natural.to_parquet(there / "rows.parquet")
    natural.to_csv(there / "rows.csv", index=False)
    return there


def attacked(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, list[dict[str, Any]], str]:
    status = main(["attack", *map(str, words), "--json"])
    told = capsys.readouterr()
    return status, [json.loads(line) for line in told.out.splitlines()], " ".join(told.err.split())


def given(folder: Path, *more: object) -> tuple[object, ...]:
    return ("--model", folder / "model.joblib", "--data", folder / "rows.parquet", "--reference", folder / "credit.ref",
            "--label", "y", "--benign", 1000, "--budget", 200, *more)  # fmt: skip


def test_an_extraction_of_a_model_is_found_and_a_batch_job_is_not(folder, capsys):
    status, told, _ = attacked(capsys, *given(folder, "--families", "uniform_box,natural"))

    uniform, natural, calm = told
    assert status == 0
    assert (uniform["attack"], uniform["queries"], uniform["threat"]) == ("uniform_box", 200, "extraction")
    assert uniform["detected_at"] <= 100
    assert uniform["finding"]["id"]
    assert uniform["finding"]["detector"].partition("/")[0] in ("extraction", "anomaly")
    assert (natural["finding"] is None) == (natural["detected_at"] is None)
    assert not (natural["finding"] or {"detector": ""})["detector"].startswith("extraction")
    assert (calm["benign"], calm["watched"]) == (1000, True)
    assert len(calm["false_alarms"]) <= 10


def test_a_search_for_an_evasion_is_found_whoever_asks(folder, capsys):
    _, told, _ = attacked(capsys, *given(folder, "--families", "hop_skip_jump_rounded", "--accounts", 30))

    assert told[0]["success"]
    assert told[0]["accounts"] == 30
    assert told[0]["detected_at"] is not None


def test_the_same_seed_gives_the_same_output_and_another_another(folder, capsys):
    words = given(folder, "--families", "sign_opt,zoo,oars_r3,knockoff", "--budget", 60)

    first, again, other = attacked(capsys, *words), attacked(capsys, *words), attacked(capsys, *words, "--seed", 1)

    assert first == again
    assert first != other


def test_without_a_reference_one_is_fitted_on_rows_that_are_not_attacked_with(folder, capsys):
    status, told, _ = attacked(
        capsys, "--model", folder / "model.joblib", "--data", folder / "rows.csv", "--label", "y", "--benign", 500,
        "--families", "uniform_box", "--budget", 100,
    )  # fmt: skip

    assert status == 0
    assert told[0]["detected_at"] is not None


def test_a_function_with_labels_is_attacked_and_searches_by_score_go_without_scores(folder, capsys, tmp_path, monkeypatch):
    (tmp_path / "rule_of_thumb.py").write_text(
        "def said(frame):\n    return ['bad' if a > 0.2 else 'good' for a in frame['a']]\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    status, told, _ = attacked(
        capsys, "--callable", "rule_of_thumb:said", "--data", folder / "rows.csv", "--label", "y", "--benign", 0,
        "--families", "oars_r3,marginal,simba", "--budget", 150,
    )  # fmt: skip

    assert status == 0
    assert [each["queries"] for each in told[:2]] == [150, 150]
    assert told[0]["success"]
    assert told[-1] == {"benign": 0, "watched": True, "false_alarms": []}


def test_a_table_says_all_that_matters(folder, capsys):
    status = main(["attack", *map(str, given(folder, "--families", "uniform_box,square"))])

    told = capsys.readouterr()
    head, uniform, square, *rest = told.out.splitlines()
    assert status == 0
    for word in ("attack", "queries", "success", "detected at", "finding"):
        assert word in head
    assert "query" in uniform
    assert square.split()[1] == "evasion"
    assert len(rest) == 1
    assert rest[0].startswith("1,000 benign queries: ")
    assert "false alarms" in rest[0]
    assert told.err == ""


@contextmanager
def service(folder: Path, collector: str) -> Iterator[str]:
    ready = folder / "port"
    ready.unlink(missing_ok=True)
    instrument = Path(sys.executable).parent / "opentelemetry-instrument"
    settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
                "OTEL_BLRP_SCHEDULE_DELAY": "100", "OTEL_METRICS_EXPORTER": "none", "OTEL_TRACES_EXPORTER": "none"}  # fmt: skip
    with (folder / "service.log").open("w") as log:
        process = subprocess.Popen(
            [instrument, sys.executable, SERVICE, folder / "model.joblib", folder / "credit.ref", ready],
            env={**os.environ, **settings, "NO_PROXY": "127.0.0.1"}, stdout=log, stderr=log,
        )  # fmt: skip
        try:
            until = time.monotonic() + 60
            while not ready.exists() or not ready.read_text():
                assert process.poll() is None, (folder / "service.log").read_text()[-2000:]
                assert time.monotonic() < until, "the service did not start"
                time.sleep(0.05)
            yield f"http://127.0.0.1:{ready.read_text()}/predict"
        finally:
            process.kill()
            process.wait()


def test_a_service_is_attacked_and_its_own_telemetry_says_at_which_query_it_was_found(folder, capsys):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    with service(folder, f"http://127.0.0.1:{port}") as url:
        status, told, said = attacked(
            capsys, "--url", url, "--data", folder / "rows.parquet", "--label", "y", "--benign", 100, "--budget", 100,
            "--template", '{"row": "{row}"}', "--answer", "predictions[0].probabilities", "--principal-header", "x-user",
            "--families", "uniform_box,natural", "--listen", port, "--settle", 2,
        )  # fmt: skip

    uniform, natural, calm = told
    assert status == 0, said
    assert uniform["queries"] == 100
    assert 1 <= uniform["detected_at"] <= 50
    assert len(uniform["finding"]["id"]) >= 12
    assert all(who.startswith("app:") for who in uniform["finding"]["principals"])
    assert natural["watched"]
    assert calm["benign"] == 100


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--model", "MODEL", "--data", "nowhere.csv"], "nowhere.csv"),
        (["--model", "nowhere.joblib", "--data", "DATA"], "does not exist"),
        (["--model", "MODEL", "--data", "DATA", "--label", "z"], "--label names 'z'"),
        (["--model", "MODEL", "--data", "DATA", "--features", "a,q"], "--features names 'q'"),
        (["--model", "REGRESSION", "--data", "DATA"], "classes"),
        (["--callable", "nothing", "--data", "DATA", "--label", "y"], "module:function"),
        (["--callable", "no_such_module:f", "--data", "DATA", "--label", "y"], "no_such_module"),
        (["--callable", "json:nothing", "--data", "DATA", "--label", "y"], "has no function"),
        (["--callable", "json:dumps", "--data", "DATA", "--label", "y"], "TypeError"),
        (["--model", "MODEL", "--data", "DATA", "--listen", "4318"], "--listen is for --url"),
        (["--url", "http://192.0.2.1/", "--data", "DATA", "--label", "y"], "--i-own-this-target"),
        (["--url", "http://127.0.0.1:1/", "--data", "DATA", "--label", "y"], "does not answer"),
        (["--url", "http://127.0.0.1:1/", "--data", "DATA", "--reference", "REFERENCE"], "has its own"),
        (["--url", "http://127.0.0.1:1/", "--data", "DATA", "--accounts", "5"], "--principal-header"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(folder, capsys, words, said):
    names = {"MODEL": "model.joblib", "DATA": "rows.csv", "REGRESSION": "regression.joblib", "REFERENCE": "credit.ref"}

    status, told, failed = attacked(capsys, *(folder / names[word] if word in names else word for word in words))

    assert (status, told) == (2, [])
    assert said in failed
    assert "Traceback" not in failed


@pytest.mark.parametrize(
    "words",
    [["--families", "no_such"], ["--budget", "0"], ["--accounts", "x"], ["--listen", "70000"], ["--seed", "-1"]],
)
def test_words_out_of_range_are_refused(folder, capsys, words):
    with pytest.raises(SystemExit) as ended:
        main(["attack", *map(str, given(folder)), *words])

    assert ended.value.code == 2
    assert words[0] in capsys.readouterr().err


def test_few_rows_are_refused_with_the_number_that_is_needed(folder, capsys, tmp_path):
    rows(60, 1).to_csv(tmp_path / "few.csv", index=False)

    status, _, said = attacked(capsys, "--model", folder / "model.joblib", "--data", tmp_path / "few.csv")

    assert status == 2
    assert "60 rows; at least" in said
