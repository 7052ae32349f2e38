"""What a report says of data whose change is known, to a person and to a machine."""

from __future__ import annotations

import json
from importlib.resources import files

import joblib
import jsonschema
import numpy as np
import pandas as pd
from tests.cli.report.conftest import CHANGE, DAY, START, Scored, rows

from otel_mlsec.cli.reference_origin import stamped
from otel_mlsec.finding import Severity
from otel_mlsec.reference.reference import Reference

SCHEMA = json.loads((files("otel_mlsec.cli.report") / "schema.json").read_text("utf-8"))
BEGAN = START + (14 + CHANGE) * DAY


def test_a_change_is_told_with_since_when_and_how_large(document, reference, served):
    said = document("--reference", reference, "--time", "time", "--label", "truth", served)

    found = {c["name"]: c for c in said["columns"]}
    assert {"distance", "kind"} <= {name for f in said["findings"] for name in f["features"]}
    assert all(found[steady]["severity"] is None for steady in ("size", "load"))
    distance = found["distance"]
    assert abs(distance["since"] - BEGAN) < DAY
    assert distance["distance_low"] < distance["distance"] < distance["distance_high"]
    assert 0.5 < distance["shift_sd"] < 2
    assert found["kind"]["shares"]["never seen"]["now"] > 0.1
    order = [*Severity.__members__].index
    severities = [order(c["severity"]) if c["severity"] else -1 for c in said["columns"]]
    assert severities == sorted(severities, reverse=True)


def test_the_document_is_as_its_schema_says(document, reference, served):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)

    for words in (("--time", "time", "--label", "truth"), ()):
        jsonschema.validate(document("--reference", reference, *words, served), SCHEMA)


def test_counts_by_bin_are_exact_however_many_files_there_are(document, reference, tmp_path):
    whole = rows(5, 3, start=START + 14 * DAY)
    parts = [tmp_path / "a.csv", tmp_path / "b.jsonl", tmp_path / "c.parquet"]
    whole[:700].to_csv(parts[0], index=False)
    whole[700:1500].to_json(parts[1], orient="records", lines=True)
    whole[1500:].to_parquet(parts[2])

    said = document("--reference", reference, "--time", "time", *parts)

    column = next(c for c in Reference.load(reference).inputs if c.name == "distance")
    counted = next(c for c in said["columns"] if c["name"] == "distance")["bins"]["now"]
    assert counted == np.bincount(column.bins.index(whole["distance"].to_numpy()), minlength=32).tolist()
    assert said["data"]["rows"] == len(whole)


def test_labels_say_what_the_answers_are_worth_and_scores_what_they_promise(document, reference, served):
    said = document("--reference", reference, "--time", "time", "--label", "truth", served)

    table = pd.read_parquet(served)
    wrong = (np.where(table["proba.yes"] > 0.5, "yes", "no") != table["truth"]).mean()
    measured, estimated = said["performance"]["measured"], said["performance"]["estimated"]
    assert measured["now"] == wrong and sum(map(sum, measured["confusion"])) == len(table) == said["labels"]
    assert measured["before"] < 0.3 < measured["now"]
    assert abs(estimated["now"] - estimated["before"]) < 0.03  # the scores are as they were: they cannot see it
    assert "drift.concept" in {f["kind"] for f in said["findings"]}
    assert "worth less" in said["verdict"]["text"]


def test_a_model_is_asked_where_its_answers_are_not_recorded(document, reference, served, tmp_path):
    table = pd.read_parquet(served)
    table.drop(columns=["proba.no", "proba.yes"]).to_csv(tmp_path / "asked.csv", index=False)
    joblib.dump(Scored(), tmp_path / "model.joblib")

    by_model = document("--reference", reference, "--time", "time", "--label", "truth", "--model", tmp_path / "model.joblib",
                        tmp_path / "asked.csv")  # fmt: skip

    recorded = document("--reference", reference, "--time", "time", "--label", "truth", served)
    assert by_model["performance"]["measured"]["confusion"] == recorded["performance"]["measured"]["confusion"]


def test_what_a_pipeline_is_told(report, reference, served, tmp_path):
    clean = tmp_path / "clean.parquet"
    rows(4, 4, start=START + 14 * DAY).to_parquet(clean)

    def status(path, *words):
        return report("--reference", reference, "--time", "time", "--json", path, *words)[0]

    assert status(served) == 0
    assert status(served, "--fail-on", "MEDIUM") == status(served, "--fail-on", "low", "--label", "truth") == 1
    assert status(served, "--fail-on", "CRITICAL") == 0  # the model hardly uses what has changed
    assert status(served, "--fail-on", "CRITICAL", "--label", "truth") == 1  # and errs all the same
    assert status(clean, "--fail-on", "LOW") == 0
    assert status(tmp_path / "none.csv", "--fail-on", "LOW") == 2


def test_no_change_is_no_news(document, reference, tmp_path):
    rows(10, 5, start=START + 14 * DAY).to_parquet(tmp_path / "clean.parquet")

    said = document("--reference", reference, "--time", "time", "--label", "truth", tmp_path / "clean.parquet")

    assert said["findings"] == [] and said["verdict"]["severity"] is None
    assert "Nothing changed" in said["verdict"]["text"]


def test_columns_that_are_missing_new_or_of_another_type_are_named(document, reference, tmp_path):
    table = rows(4, 6, start=START + 14 * DAY).drop(columns=["load"])
    table["size"] = [f"{value:.1f} m" for value in table["size"]]
    table["colour"] = "vermilion"
    table.to_csv(tmp_path / "other.csv", index=False)

    said = document("--reference", reference, "--time", "time", tmp_path / "other.csv")

    assert said["data"]["missing_columns"] == ["load"]
    assert "colour" in said["data"]["extra_columns"]
    assert {"drift.column_gone", "drift.type"} <= {f["kind"] for f in said["findings"]}
    assert "vermilion" not in json.dumps(said)


def test_levels_are_named_only_where_the_user_wants_it(report, reference, served, tmp_path):
    page = tmp_path / "r.html"
    data = ("--reference", reference, "--time", "time", served, "-o", page)

    report(*data)
    assert not {"tram", "boat"} & set(page.read_text("utf-8").replace("<", " ").replace(">", " ").split())

    report(*data, "--show-values")
    assert ">tram<" in page.read_text("utf-8")


def test_at_most_so_many_columns_are_drawn(report, reference, served, tmp_path):
    page = tmp_path / "r.html"

    report("--reference", reference, "--time", "time", served, "-o", page, "--max-features", "2", "--title", "Trips & more")

    text = page.read_text("utf-8")
    assert text.count('<details class="card"') == 2
    assert "4 more are in the table" in text and "<h1>Trips &amp; more</h1>" in text


def test_labels_of_no_class_of_the_model_are_refused(report, reference, served, tmp_path):
    table = pd.read_parquet(served)
    table["truth"] = table["truth"].map({"no": "0", "yes": "1"})
    table.to_parquet(tmp_path / "other.parquet")

    status, out, said = report("--reference", reference, "--label", "truth", tmp_path / "other.parquet", "--json")

    assert (status, out) == (2, "")
    assert "no label is one of the model's classes, no, yes" in said


def test_labels_without_answers_are_said_to_be_of_no_use(report, reference, served, tmp_path):
    table = pd.read_parquet(served)
    table.drop(columns=[c for c in table if c.startswith("proba.")]).to_parquet(tmp_path / "rows.parquet")

    status, _, said = report("--reference", reference, "--label", "truth", tmp_path / "rows.parquet", "--json")

    assert status == 0
    assert "labels in 'truth' are of no use without the model's answers" in said


def test_rows_out_of_order_are_said_to_whoever_reads_the_terminal(report, reference, served, tmp_path):
    pd.read_parquet(served)[::-1].to_parquet(tmp_path / "back.parquet")

    status, _, said = report("--reference", reference, "--time", "time", tmp_path / "back.parquet", "--json")

    assert status == 0
    assert "4,799 rows are earlier than one before them" in said


def test_a_model_that_the_reference_was_not_fitted_with_is_refused(report, served, tmp_path):
    known = rows(14, 1)
    model = tmp_path / "model.joblib"
    joblib.dump(Scored(), model)
    stamped(Reference.fit(known[["distance", "size"]], model=Scored()), model).save(tmp_path / "m.ref")
    model.write_bytes(model.read_bytes() + b" ")

    status, out, said = report("--reference", tmp_path / "m.ref", "--model", model, served, "--json")

    assert (status, out) == (2, "")
    assert "it was fitted with another model" in said
