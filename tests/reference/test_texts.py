"""References of texts and of embeddings: fitted, kept in a file, refused where they cannot be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from otel_mlsec.config import ModelSettings
from otel_mlsec.detectors import build
from otel_mlsec.observation import Batch, Meaning, Model
from otel_mlsec.pipeline.watched import Watched
from otel_mlsec.reference.reference import Reference
from otel_mlsec.text.properties import NAMES

PROMPTS = [f"Could you explain item {i} of the list, please?" for i in range(400)]


@pytest.mark.parametrize("answers", [(), PROMPTS])
def test_a_reference_of_texts_travels_in_its_file_without_a_text(tmp_path: Path, answers: list[str]):
    reference = Reference.fit_texts(PROMPTS, answers, name="chat", version="1")
    reference.save(tmp_path / "chat.ref")
    loaded = Reference.load(tmp_path / "chat.ref")
    assert loaded.model == Model(name="chat", version="1")
    assert [c.name for c in loaded.inputs] == [f"prompt {name}" for name in NAMES]
    assert len(loaded.outputs) == (len(NAMES) if answers else 0)
    assert loaded.texts is not None and reference.texts is not None
    np.testing.assert_array_equal(loaded.texts.measured(PROMPTS[1], 0), reference.texts.measured(PROMPTS[1], 0))
    assert b"explain" not in (tmp_path / "chat.ref").read_bytes()


def test_what_is_no_list_of_texts_is_refused():
    with pytest.raises(ValueError, match="prompts must be at least 200, got 3"):
        Reference.fit_texts(["a", "b", "c"])
    with pytest.raises(ValueError, match="prompts must be a sequence of str"):
        Reference.fit_texts("one text")
    with pytest.raises(ValueError, match="answers must be a sequence of str"):
        Reference.fit_texts(PROMPTS, [None] * 400)  # type: ignore[list-item]


def vectors(seed: int, n: int, d: int = 96) -> np.ndarray:
    chance = np.random.default_rng(seed)
    return chance.normal(size=(n, 6)) @ np.random.default_rng(0).normal(size=(6, d)) + 0.3 * chance.normal(size=(n, d)) + 1


def batch(rows: np.ndarray, features: tuple[str, ...] = ()) -> Batch:
    n = len(rows)
    return Batch(
        model=Model(name="m"), meaning=Meaning.RAW, features=features, inputs=rows, outputs=None, times=1e9 + np.arange(n),
        calls=np.arange(n), principals=("",) * n,
    )  # fmt: skip


def watching(reference: Reference) -> Watched:
    watched = Watched(lambda _, known: build(known, ModelSettings()))
    watched.judge_by(reference.model, reference)
    return watched


def test_an_embedding_is_watched_by_what_is_made_of_it(tmp_path: Path):
    reference = Reference.fit(vectors(1, 3000), embedding=True)
    reference.save(tmp_path / "e.ref")
    loaded = Reference.load(tmp_path / "e.ref")
    assert [c.name for c in loaded.inputs][-2:] == ["norm", "cosine to the mean"]
    assert len(loaded.inputs) == 12  # six components, as the rows have six and noise
    assert len(loaded.features) == 96
    served = watching(loaded)
    assert served.seen(batch(vectors(2, 2000))) == []
    found = served.seen(batch(vectors(3, 2000) * 1.5))
    assert "norm" in {name for finding in found if finding.kind == "drift.data" for name in finding.subject}


def test_dimensions_are_found_by_name_and_an_embedding_of_another_width_is_a_fact():
    names = [f"d{i}" for i in range(96)]
    frame = {name: vectors(1, 3000)[:, i] for i, name in enumerate(names)}
    reference = Reference.fit(frame, embedding=True)
    served = watching(reference)
    turned = batch(vectors(2, 2000)[:, ::-1], tuple(names[::-1]))
    assert served.seen(turned) == []
    assert served.seen(batch(np.zeros((3, 0)))) == []  # nor is it an error where there is no dimension at all
    found = served.seen(batch(vectors(3, 500, d=384)))
    assert {finding.kind for finding in found} >= {"drift.column_gone"}


@pytest.mark.parametrize("cell", [np.nan, np.inf, 1e300, -(2.0**53)])
def test_cells_that_are_no_numbers_make_their_row_missing(cell: float):
    reference = Reference.fit(vectors(1, 3000), embedding=True)
    assert reference.embedding is not None
    rows = vectors(2, 4)
    rows[1, 5] = cell
    found = reference.embedding.of(rows)
    assert np.isnan(found[1]).all() and np.isfinite(found[[0, 2, 3]]).all()


def test_a_file_whose_embedding_cannot_be_is_refused(tmp_path: Path):
    reference = Reference.fit(vectors(1, 300), embedding=True)
    assert reference.embedding is not None
    replace(reference, embedding=replace(reference.embedding, mean=np.zeros(5))).save(tmp_path / "e.ref")
    with pytest.raises(ValueError, match="embedding"):
        Reference.load(tmp_path / "e.ref")
