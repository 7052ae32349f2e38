"""`python -m evaluation.llm` where there is nothing to evaluate, and its parts where there is."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("pandas")
pytest.importorskip("sklearn")

from evaluation.llm import __main__ as command
from evaluation.llm import data, negatives
from evaluation.llm.calibrate import reading
from otel_mlsec.detectors.llm.fusion import judge


def test_without_the_pool_it_says_so_and_ends_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(command, "POOL", tmp_path / "llm_pool.parquet")
    monkeypatch.setattr(sys, "argv", ["evaluation.llm", "--only", "folds"])

    assert command.main() is None
    assert "skipped" in capsys.readouterr().out


def test_everyday_phrases_raise_no_alarm():
    scores = {text: judge()(reading(text, False)).score for text in negatives.EVERYDAY}

    assert {text: score for text, score in scores.items() if score >= 3.0} == {}


def test_no_source_is_in_two_groups_and_every_group_has_attacks_and_benign_texts():
    for groups in (data.ATTACKS, data.BENIGN):
        assert set(groups.values()) == set(range(len(data.GROUPS)))


@pytest.mark.skipif(not data.POOL.exists(), reason="the pool of texts is not there")
def test_what_may_not_be_trained_on_is_not():
    rows = data.load()

    assert not rows.trainable[[source in ("codealpaca-2k", "wiki-sents") for source in rows.source]].any()
    assert not rows.trainable[[kind in data.EMBEDS_ATTACKS for kind in rows.kind]].any()
    assert not any("pwned" in text.lower() for text in rows.text[rows.source == "neuralchemy/hackaprompt"])
    assert {str(kind) for kind in rows.kind} & set(data.NOT_INJECTIONS) == set()
