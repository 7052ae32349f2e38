"""Data as strangers send it: a sentence and exit status 2, or a report; never a traceback."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from tests.cli.report.conftest import DAY, FEATURES, START, rows

from otel_mlsec.reference.reference import Reference

HOSTILE = [
    "<script>window.hacked=1</script>", "\"><img src=x onerror='window.hacked=1'>", "$\\frac{1}{0}$", "a\u202eb\x1b[31m",
    "{{7*7}}", "]]>--><!--", "&lt;b&gt;", "url(http://127.0.0.1:9/x)", "\u2028line", "🙂" * 100, "x" * 5000, "' style='color:red",
]  # fmt: skip


class Read(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: dict[str, int] = {}
        self.attributes: list[tuple[str, str, str]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] = self.tags.get(tag, 0) + 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]


def harmless(text: str) -> None:
    page = Read(text)
    assert not {"script", "img", "iframe", "object", "embed", "link", "base", "form", "image"} & page.tags.keys()
    for tag, name, value in page.attributes:
        assert not name.startswith("on") and name not in ("style", "src", "srcset", "action"), (tag, name)
        if name in ("href", "xlink:href"):
            assert value.startswith("#"), value
        if "url(" in value and name != "aria-label":
            assert value.startswith("url(#"), value
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    "write",
    [
        lambda table, path: table.iloc[:0].to_csv(path, index=False),
        lambda table, path: path.write_text(""),
        lambda table, path: table.to_csv(path, index=False, sep=";"),
        lambda table, path: table.to_csv(path, index=False, sep="\t"),
        lambda table, path: table.to_csv(path, index=False, encoding="utf-16"),
        lambda table, path: path.write_bytes(b"\x80\xff\x00" * 4000),
        lambda table, path: table.assign(time="soon").to_csv(path, index=False),
        lambda table, path: table.drop(columns="time").to_csv(path, index=False),
        lambda table, path: table[["time"]].to_csv(path, index=False),
    ],
    ids=["no rows", "empty", "semicolons", "tabs", "UTF-16", "bytes", "no times", "no column of times", "no feature"],
)
def test_what_cannot_be_read_is_said_in_one_sentence(report, reference, tmp_path, write):
    path = tmp_path / "data.csv"
    write(rows(1, 1), path)

    status, out, said = report("--reference", reference, "--time", "time", path, "--json")

    assert status == 2 and out == ""
    assert said.startswith("otel-mlsec report: ") and said.count("\n") == 1 and "Traceback" not in said


def test_semicolons_are_called_what_they_are(report, reference, tmp_path):
    rows(1, 1).to_csv(tmp_path / "data.csv", index=False, sep=";")

    assert "separated by semicolons" in report("--reference", reference, tmp_path / "data.csv", "--json")[2]


@pytest.mark.parametrize(
    "words",
    [("--label", "none"), ("--time", "none"), ("--model", "none.ubj"), ("--label", "prediction")],
    ids=lambda words: " ".join(words),
)
def test_what_was_named_and_is_not_there_is_named(report, reference, served, words):
    status, _, said = report("--reference", reference, served, "--json", *words)

    assert status == 2 and words[1] in said and "Traceback" not in said


def test_a_reference_that_is_none_and_an_output_that_cannot_be(report, reference, served, tmp_path):
    assert report("--reference", served, served, "--json")[0] == 2
    assert report("--reference", tmp_path / "none", served, "--json")[0] == 2
    assert report("--reference", reference, served)[0] == 2
    assert report("--reference", reference, served, "-o", tmp_path / "no" / "where.html")[0] == 2


@pytest.mark.parametrize(
    "table",
    [
        rows(1, 1).iloc[:1],
        rows(2, 1).assign(**dict.fromkeys(FEATURES, np.nan)),
        rows(1, 1).assign(distance=np.inf, size=-1e308, load="many"),
        pd.concat([rows(1, 1, start=0.0), rows(2, 2, start=START + 20 * DAY), rows(1, 3, start=START)]),
        rows(1, 1).assign(time=START),
        rows(1, 1).assign(truth=np.nan),
        rows(1, 1).assign(**{"proba.no": np.nan, "proba.yes": 7.0}),
    ],
    ids=["one row", "NaN only", "infinite and text", "times that jump", "one time", "no label", "no probability"],
)
def test_strange_data_make_a_report(report, reference, tmp_path, table):
    table.to_csv(tmp_path / "data.csv", index=False)
    page = tmp_path / "r.html"

    status, out, said = report(
        "--reference",
        reference,
        "--time",
        "time",
        "--label",
        "truth",
        tmp_path / "data.csv",
        "-o",
        page,
        "--json",
        "--max-features",
        3,
    )

    assert status == 0, said
    assert json.loads(out)["data"]["rows"] == len(table)
    harmless(page.read_text("utf-8"))


def test_text_in_another_encoding_is_text_that_nobody_has_seen(document, reference, tmp_path):
    table = rows(1, 1).assign(kind="Straßenbahn")
    table.to_csv(tmp_path / "latin.csv", index=False, encoding="latin-1")

    said = document("--reference", reference, "--time", "time", tmp_path / "latin.csv")

    assert next(c for c in said["columns"] if c["name"] == "kind")["shares"]["never seen"]["now"] == 1


def test_names_of_columns_and_levels_are_text(report, tmp_path):
    rng = np.random.default_rng(0)
    known = pd.DataFrame({name: rng.choice(HOSTILE, 2000) if i % 2 else rng.normal(size=2000) for i, name in enumerate(HOSTILE)})
    Reference.fit(known, name=HOSTILE[0]).save(tmp_path / "h.ref")
    known.iloc[:, ::2] += 5
    known.to_json(tmp_path / "h.jsonl", orient="records", lines=True)
    page = tmp_path / "r.html"

    status, _, said = report(
        "--reference", tmp_path / "h.ref", tmp_path / "h.jsonl", "-o", page, "--show-values", "--title", HOSTILE[0]
    )

    assert status == 0, said
    text = page.read_text("utf-8")
    harmless(text)
    assert "\u202e" not in text and "\x1b" not in text
    assert re.search(r"&lt;script&gt;window\.hacked", text)


def test_five_hundred_columns(report, tmp_path):
    rng = np.random.default_rng(0)
    names = [f"x{i}" for i in range(500)]
    Reference.fit(pd.DataFrame(rng.normal(size=(400, 500)), columns=names)).save(tmp_path / "wide.ref")
    live = rng.normal(size=(600, 500))
    live[:, :3] += 3
    pd.DataFrame(live, columns=names).to_parquet(tmp_path / "wide.parquet")
    page = tmp_path / "r.html"

    status, out, said = report(
        "--reference", tmp_path / "wide.ref", tmp_path / "wide.parquet", "-o", page, "--json", "--max-features", "5"
    )

    assert status == 0, said
    text = page.read_text("utf-8")
    assert {c["name"] for c in json.loads(out)["columns"][:3]} == {"x0", "x1", "x2"}
    assert text.count('<details class="card"') == 5 and "x499" in text
    assert len(text) < 2_000_000
