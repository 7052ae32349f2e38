"""Columns of free text in a table: watched by their properties, in whatever container they come."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from tests.reviews import review

from otel_mlsec.config import ModelSettings
from otel_mlsec.detectors import build
from otel_mlsec.observation import Batch, Meaning, Model
from otel_mlsec.pipeline.watched import Watched
from otel_mlsec.reference.prose import cells_of
from otel_mlsec.reference.reference import Reference
from otel_mlsec.table import table
from otel_mlsec.text.properties import NAMES

RUSSIAN = "Комната была чистая и очень тихая"


def frame(seed: int, n: int, share: float = 0.0) -> dict[str, Any]:
    chance = np.random.default_rng(seed)
    texts = [RUSSIAN if chance.random() < share else review(chance) for _ in range(n)]
    return {"stars": chance.integers(1, 6, n).astype(float), "review": texts, "price": chance.normal(100, 20, n)}


REFERENCE = Reference.fit(frame(0, 4000), texts=("review",), name="stay")


def batch(rows: Any) -> Batch:
    assert REFERENCE.prose is not None
    matrix, names = table(rows)
    assert matrix is not None
    matrix, names = REFERENCE.prose.joined(rows, matrix, names, 1)
    n = len(matrix)
    return Batch(
        model=Model(name="stay"), meaning=Meaning.RAW, features=names, inputs=matrix, outputs=None, times=1e9 + np.arange(n),
        calls=np.arange(n), principals=("",) * n,
    )  # fmt: skip


@pytest.fixture
def served() -> Watched:
    watched = Watched(lambda _, known: build(known, ModelSettings()))
    watched.judge_by(REFERENCE.model, REFERENCE)
    return watched


def test_free_text_is_replaced_by_its_properties_and_no_text_is_kept(tmp_path: Path):
    assert [c.name for c in REFERENCE.inputs] == ["stars", "price", *(f"review: {name}" for name in NAMES)]
    assert REFERENCE.n_rows == 2000  # the other half said which words there are
    REFERENCE.save(tmp_path / "stay.ref")
    assert Reference.load(tmp_path / "stay.ref").prose is not None
    assert b"breakfast" not in (tmp_path / "stay.ref").read_bytes()


def test_more_of_the_same_is_no_drift_and_another_script_is_named(served: Watched):
    assert served.seen(batch(frame(1, 5000))) == []
    found = served.seen(batch(frame(2, 1500, share=0.1)))
    named = {name for finding in found if finding.kind == "drift.data" for name in finding.subject}
    assert {finding.kind for finding in found if finding.kind.startswith("drift")} == {"drift.data"}
    assert "review: Cyrillic letters" in named
    assert not named & {"stars", "price"}
    assert "Комната" not in str([(finding.summary, dict(finding.evidence)) for finding in found])


def test_text_that_is_missing_is_a_fact(served: Watched):
    rows = frame(3, 500)
    rows["review"] = [None] * 500
    assert {finding.kind for finding in served.seen(batch(rows))} & {"drift.missing", "drift.column_gone"}


@pytest.mark.parametrize("container", [
    lambda rows: rows, pd.DataFrame, pl.DataFrame, lambda rows: pd.DataFrame(rows).to_dict("records"),
    lambda rows: {**rows, "review": np.array(rows["review"], dtype=object)}, 
    lambda rows: pd.DataFrame(rows).astype({"review": "string"}),
    lambda rows: pd.DataFrame(rows).to_numpy(dtype=object), lambda rows: [list(row) for row in zip(*rows.values(), strict=True)],
])  # fmt: skip
def test_the_same_texts_in_any_container(container: Any):
    rows = frame(4, 7)
    assert cells_of(container(rows), "review", tuple(rows)) == rows["review"]


@pytest.mark.parametrize(
    "rows", [None, 3, [], [[1]], [None], {}, {"a": 1}, np.zeros(3), np.zeros((2, 2)), pd.DataFrame(), "text"]
)
def test_what_has_no_such_column_has_none(rows: Any):
    assert not cells_of(rows, "review")


def test_cells_that_are_no_text_are_missing():
    assert REFERENCE.prose is not None
    cells = cells_of({"review": ["a", None, 3, float("nan"), b"b", "\ud800\x00"]}, "review")
    assert cells == ["a", None, None, None, None, "\ud800\x00"]
    found = REFERENCE.prose.of([cells], 6)
    assert np.isnan(found[1:5]).all() and np.isfinite(found[[0, 5]]).all()


@pytest.mark.parametrize(("texts", "says"), [
    (("stars",), "more than half of whose cells are no text"), (("comment",), "no column of X; those are stars, review, price"),
    ("review", "names of at most 4"), (tuple("abcde"), "names of at most 4"),
])  # fmt: skip
def test_columns_that_cannot_be_free_text_are_refused(texts: Any, says: str):
    with pytest.raises(ValueError, match=says):
        Reference.fit(frame(5, 400), texts=texts)


def test_too_few_rows_are_refused():
    with pytest.raises(ValueError, match="at least 200 rows where texts are named, got 150"):
        Reference.fit(frame(6, 150), texts=("review",))


def test_a_file_whose_words_do_not_fit_is_refused(tmp_path: Path):
    assert REFERENCE.prose is not None
    replace(REFERENCE, prose=replace(REFERENCE.prose, names=("review", "other"))).save(tmp_path / "r.ref")
    with pytest.raises(ValueError, match="prose"):
        Reference.load(tmp_path / "r.ref")


def test_a_table_too_wide_for_the_properties_of_its_texts_is_refused():
    n = 400
    wide = {f"c{i}": np.arange(float(n)) for i in range(490)} | {"review": ["a nice and quiet room for all of us"] * n}

    with pytest.raises(ValueError, match="at most 512 are watched"):
        Reference.fit(wide, texts=("review",))
