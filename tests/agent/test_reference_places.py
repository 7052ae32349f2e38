"""A reference that lies in a directory, beside the model's file or behind a URL, in the whole agent."""

from __future__ import annotations

import http.server
import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import joblib
import numpy as np
import pytest

import otel_mlsec
from otel_mlsec import references
from otel_mlsec.observation import Meaning, Model, Prediction
from otel_mlsec.reference import store
from otel_mlsec.reference.origin import file_digest

linear_model = pytest.importorskip("sklearn.linear_model")
KEY = "a key of sixteen bytes"


def fitted(watched, file: Path | None = None, seed: int = 5, name: str = "wines"):
    rows = watched.rows(2000)
    model = linear_model.LogisticRegression().fit(rows, rows[:, 0] > 0)
    reference = otel_mlsec.Reference.fit(rows, model=model, name=name)
    if file is not None:
        joblib.dump(model, file)
        reference = replace(reference, origin=replace(reference.origin, file=file_digest(file)))
    return model, reference


def types(watched):
    return [finding.attributes["mlsec.finding.type"] for finding in watched.findings()]


def refused(watched, caplog):
    counted = {dict(labels)["error.type"]: n for labels, n in watched.series("mlsec.reference.refused").items()}
    return counted, [r.getMessage() for r in caplog.records if "refused" in r.getMessage()]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, Path, list[str]]]:
    """URL and directory of a server of files, and what it was asked for."""
    asked: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            super().do_GET()

        def log_message(self, format: str, *args: object) -> None:
            pass

    folder = tmp_path / "served"
    folder.mkdir()
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}", folder, asked
    running.shutdown()
    running.server_close()


@pytest.mark.parametrize("kept", ["file", "versions"])
def test_in_a_directory_it_is_found_by_the_models_name(watched, tmp_path, monkeypatch, kept):
    model, reference = fitted(watched)
    if kept == "file":
        reference.save(tmp_path / "wines.mlsec")
    else:
        store.add(tmp_path, "wines", lambda path, _: reference.save(path))
    monkeypatch.chdir(tmp_path.parent)
    watched.instrument(reference={"*": tmp_path.name})
    monkeypatch.chdir("/")
    otel_mlsec.watch(model, name="wines")

    model.predict(watched.rows(colour=100.0))

    assert types(watched) == ["drift.unseen"]


def test_a_directory_that_has_none_for_the_model_is_no_mistake(watched, tmp_path, caplog):
    model, reference = fitted(watched)
    reference.save(tmp_path / "others.mlsec")
    watched.instrument(reference={"*": str(tmp_path)})

    model.predict(watched.rows(colour=100.0))

    assert types(watched) == []
    assert refused(watched, caplog) == ({}, [])


def test_a_directory_of_other_names_is_told_once(watched, tmp_path, caplog, monkeypatch):
    model, reference = fitted(watched)
    reference.save(tmp_path / "others.mlsec")
    monkeypatch.setattr(references, "ROWS_UNUSED", 2)
    monkeypatch.setattr("otel_mlsec.detection.SCORES_EVERY", 0.0)
    watched.instrument(reference={"*": str(tmp_path)})

    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            model.predict(watched.rows(2))
            watched.spans()

    assert [r.getMessage() for r in caplog.records] == [f"{tmp_path} has no reference for 'LogisticRegression'; it has: 'others'"]


def test_an_empty_directory_is_said_at_the_start(watched, tmp_path, caplog):
    watched.instrument(reference={"*": str(tmp_path)})

    assert f"{tmp_path} has no reference in it, as yet" in caplog.text


def test_a_version_that_is_not_there_is_refused_and_counted(watched, tmp_path, caplog):
    model, reference = fitted(watched)
    store.add(tmp_path, "wines", lambda path, _: reference.save(path))
    (tmp_path / "wines" / "current").write_text("0004")
    watched.instrument(reference={"*": str(tmp_path)})
    otel_mlsec.watch(model, name="wines")

    model.predict(watched.rows(colour=100.0))

    counted, said = refused(watched, caplog)
    assert counted == {"unreadable": 1}
    assert len(said) == 1
    assert "names version 4, which is not there" in said[0]


def test_beside_the_models_file_it_is_found_and_belongs_to_that_file(watched, tmp_path):
    model, reference = fitted(watched, tmp_path / "m.joblib")
    reference.save(tmp_path / "m.joblib.mlsec")
    watched.instrument()
    otel_mlsec.watch(model, file=tmp_path / "m.joblib")

    model.predict(watched.rows(colour=100.0))

    assert types(watched) == ["drift.unseen"]


def test_of_another_file_it_is_refused_once_and_counted(watched, tmp_path, caplog):
    model, reference = fitted(watched, tmp_path / "m.joblib")
    reference.save(tmp_path / "m.joblib.mlsec")
    joblib.dump(linear_model.LogisticRegression(C=0.5), tmp_path / "m.joblib")  # retrained, and the reference was not
    watched.instrument()
    otel_mlsec.watch(model, file=tmp_path / "m.joblib")

    for _ in range(3):
        model.predict(watched.rows(colour=100.0))

    counted, said = refused(watched, caplog)
    assert types(watched) == []
    assert counted == {"mismatch": 1}
    assert len(said) == 1
    assert (
        "reference of model 'LogisticRegression' refused, a provisional one is learned instead: it was fitted with another"
        in said[0]
    )


def test_of_a_model_of_other_classes_it_is_refused(watched, caplog):
    _, reference = fitted(watched)
    rows = watched.rows(500)
    other = linear_model.LogisticRegression().fit(rows, np.digitize(rows[:, 0], [-0.5, 0.5]))
    watched.instrument()
    otel_mlsec.watch(other, name="wines", reference=reference)

    other.predict(watched.rows(colour=100.0))

    counted, said = refused(watched, caplog)
    assert counted == {"mismatch": 1}
    assert "other columns or classes" in said[0]


def test_what_settings_say_of_the_model_goes_before_what_lies_beside_it(watched, tmp_path, caplog):
    model, reference = fitted(watched, tmp_path / "m.joblib")
    (tmp_path / "m.joblib.mlsec").write_bytes(b"none")
    reference.save(tmp_path / "named.mlsec")
    watched.instrument(reference={"LogisticRegression": str(tmp_path / "named.mlsec")})
    otel_mlsec.watch(model, file=tmp_path / "m.joblib")

    model.predict(watched.rows(colour=100.0))

    assert types(watched) == ["drift.unseen"]


def test_by_url_it_is_asked_for_once_for_all_models(watched, served):
    url, folder, asked = served
    model, reference = fitted(watched)
    reference.save(folder / "wines.mlsec", key=KEY.encode())
    watched.instrument(reference={"*": f"{url}/wines.mlsec"}, reference_key=KEY)
    assert asked == []  # not at the start
    twin = otel_mlsec.watch(linear_model.LogisticRegression().fit(watched.rows(), [False, True] * 50), name="twin")

    model.predict(watched.rows(colour=100.0))
    twin.predict(watched.rows(colour=100.0))

    assert types(watched).count("drift.unseen") == 2
    assert asked == ["/wines.mlsec"]


@pytest.mark.parametrize(
    ("what", "counted", "why"),
    [
        ("nothing", "unreachable", "answers with status 404"),
        ("unsigned", "unreadable", "is not signed, and a reference key is set"),
        ("garbage", "unreadable", "is not a reference of otel-mlsec"),
        ("cut", "unreadable", "is damaged"),
    ],
)
def test_by_url_what_cannot_be_used_is_refused_with_a_sentence(watched, served, caplog, what, counted, why):
    url, folder, _ = served
    model, reference = fitted(watched)
    reference.save(folder / "m.mlsec", key=None if what == "unsigned" else KEY.encode())
    whole = (folder / "m.mlsec").read_bytes()
    match what:
        case "nothing":
            (folder / "m.mlsec").unlink()
        case "garbage":
            (folder / "m.mlsec").write_bytes(b"<html>log in</html>" * 100)
        case "cut":
            (folder / "m.mlsec").write_bytes(whole[:-100])
    watched.instrument(reference=f"{url}/m.mlsec?token=secret", reference_key=KEY)

    model.predict(watched.rows(colour=100.0))

    found, said = refused(watched, caplog)
    assert found == {counted: 1}
    assert why in said[0]
    assert "secret" not in caplog.text


def test_a_url_that_would_not_be_asked_stops_the_start(watched):
    with pytest.raises(otel_mlsec.ConfigError, match="must be https://"):
        watched.instrument(reference="wines=http://example.org/wines.mlsec")


def test_how_old_it_is_and_what_was_judged_by_it_are_gauges(watched):
    rows = watched.rows(2000)
    model = linear_model.LogisticRegression().fit(rows, rows[:, 0] > 0)
    old = otel_mlsec.Reference.fit(rows, time=np.arange(2000.0) + 1e9)
    watched.instrument()
    otel_mlsec.watch(model, name="wines", version="1", reference=old)

    model.predict(watched.rows(300))
    model.predict(watched.rows(7))

    labels = (("mlsec.model.name", "wines"), ("mlsec.model.version", "1"))
    assert watched.series("mlsec.reference.rows_since") == {labels: 307}
    assert watched.series("mlsec.reference.age")[labels] > 7e8  # since the data, not since the fit


def test_a_reference_that_no_model_uses_is_told_once(watched, tmp_path, caplog, monkeypatch):
    model, reference = fitted(watched)
    reference.save(tmp_path / "m.mlsec")
    monkeypatch.setattr(references, "ROWS_UNUSED", 20)
    monkeypatch.setattr("otel_mlsec.detection.SCORES_EVERY", 0.0)
    watched.instrument(reference={"wines": str(tmp_path / "m.mlsec"), "whine": str(tmp_path / "m.mlsec")})
    otel_mlsec.watch(model, name="wines")

    with caplog.at_level(logging.WARNING):
        for _ in range(60):
            model.predict(watched.rows(2))
        watched.spans()
        watched.spans()

    assert [r.getMessage() for r in caplog.records] == ["reference for 'whine' is unused; models seen: 'wines'"]


def test_no_place_is_no_directory(watched, tmp_path, monkeypatch):
    model, reference = fitted(watched)
    reference.save(tmp_path / "wines.mlsec")
    monkeypatch.chdir(tmp_path)
    watched.instrument()
    otel_mlsec.watch(model, name="wines", reference="")

    model.predict(watched.rows(colour=100.0))

    assert types(watched) == []


def test_what_a_url_gives_instead_of_a_reference_is_not_fetched_for_every_model(served):
    url, folder, asked = served
    (folder / "any.mlsec").write_text("an error page")
    known = references.References({"*": f"{url}/any.mlsec"}, "", lambda _, __: None)

    for i in range(5):
        call = Prediction(model=Model(name=f"m{i}"), method="predict", meaning=Meaning.VALUE)
        assert known.of(call, 1000.0) is None

    assert asked == ["/any.mlsec"]
    assert known.of(call, 1000.0 + 2 * references.AGAIN) is None
    assert asked == ["/any.mlsec"] * 2
