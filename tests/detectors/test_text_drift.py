"""Drift of prompts and answers: found, named by property, learned where nobody vouched for anything, and kept over a restart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from otel_mlsec.detectors.drift.text import MAX_MODELS, TextDrift
from otel_mlsec.detectors.drift.text_side import FOR_ROWS, FOR_WORDS
from otel_mlsec.finding import Finding, Status
from otel_mlsec.observation import Completion, Form, Model, Origin, Role, Text
from otel_mlsec.pipeline.turns import Turns
from otel_mlsec.reference.reference import Reference
from otel_mlsec.settings import FeatureSettings, ModelSettings
from otel_mlsec.text.reading import Reading
from otel_mlsec.text.turn import Turn, Verdict

VERBS = ["show", "explain", "list", "compare", "translate", "summarise", "check", "plan", "book", "cancel", "find", "sort"]
THINGS = ["the invoice", "my flight to Rome", "this contract", "a recipe for soup", "the weather in Oslo", "our meeting"]
ENDS = ["please", "for me", "and tell me why", "today", "in a table", "as soon as you can", "with an example", "in short"]


def prompt(chance: np.random.Generator) -> str:
    verb, thing, end = (words[int(chance.integers(len(words)))] for words in (VERBS, THINGS, ENDS))
    return f"Could you {verb} {thing} {end} {chance.integers(1000)}?"


def russian(chance: np.random.Generator) -> str:
    return f"Покажи мне счет номер {chance.integers(1000)}, пожалуйста"


def texts(seed: int, n: int, share: float = 0.0) -> list[str]:
    chance = np.random.default_rng(seed)
    return [russian(chance) if chance.random() < share else prompt(chance) for _ in range(n)]


REFERENCE = Reference.fit_texts(texts(0, 3000), texts(1, 1000), name="chat")


def detector(reference: Reference | None = REFERENCE, **settings: object) -> TextDrift:
    return TextDrift(known=lambda _: reference, models=lambda _: ModelSettings(**settings))  # type: ignore[arg-type]


def turn(said: str, i: int = 0, *, answer: bool = False, model: str = "chat", who: str = "") -> Turn:
    completion = Completion(model=Model(name=model), operation="chat", time=1e9 + i, principal=who)
    if answer:
        text = Text(text=said, role=Role.ASSISTANT, origin=Origin.MODEL)
        return Turn(completion=completion, inputs=(), outputs=(Reading(text),), answered=True)
    asked = Text(text=said, role=Role.USER, origin=Origin.USER)
    return Turns(lambda _: Verdict()).asked(Completion(
        model=Model(name=model), operation="chat", time=1e9 + i, principal=who, inputs=(asked,)
    ))  # fmt: skip


def told(watching: TextDrift, said: list[str], **how: object) -> list[Finding]:
    return [finding for i, text in enumerate(said) for finding in watching.update(turn(text, i, **how))]  # type: ignore[arg-type]


def test_the_same_kind_of_prompts_tells_nothing():
    assert told(detector(), texts(2, 6000)) == []


@pytest.mark.parametrize("answer", [False, True])
def test_another_script_is_named_with_its_share_before_and_after(answer: bool):
    found = told(detector(), texts(3, 500) + texts(4, 1500, share=0.1), answer=answer)
    side = "answers" if answer else "prompts"
    assert found[0].status is Status.NEW
    assert (found[0].kind, found[0].detector, found[0].principal) == ("drift.text", "drift/text", "")
    assert any(f"{side}: Cyrillic letters 0 % ->" in effect for effect in found[0].evidence["effects"])  # type: ignore[union-attr]
    assert 1e9 + 400 <= found[0].first_seen <= 1e9 + 700
    assert not any("счет" in str(value) for finding in found for value in (finding.summary, dict(finding.evidence)))


def test_longer_prompts_are_told_in_characters():
    found = told(detector(), [f"{a} {b} {a}" for a, b in zip(texts(5, 800), texts(6, 800), strict=True)])
    assert any("prompts: typical length" in effect for effect in found[0].evidence["effects"])  # type: ignore[union-attr]


def test_what_is_over_is_resolved_and_may_come_again():
    said = texts(7, 300) + texts(8, 600, share=0.3) + texts(9, 9000)
    assert [finding.status for finding in told(detector(), said)][-1] is Status.RESOLVED


def test_without_a_reference_one_is_learned_and_findings_say_so():
    n = FOR_WORDS + FOR_ROWS
    found = told(detector(None), texts(10, n) + texts(11, 2000, share=0.3))
    assert found[0].first_seen >= 1e9 + n - 100
    assert found[0].evidence["reference"] == "provisional"
    assert found[0].evidence["reference_rows"] == FOR_ROWS


def test_one_principal_does_not_say_alone_what_is_usual():
    watching = detector(None)
    told(watching, texts(12, FOR_WORDS + FOR_ROWS), who="app:a")
    told(watching, texts(13, FOR_ROWS), who="app:b")
    found = told(watching, texts(14, 2000, share=0.5), who="app:b")
    assert found[0].evidence["reference_largest_share"] == 0.5


def test_a_property_that_is_off_is_not_told():
    off = {c.name: FeatureSettings(off=True) for c in REFERENCE.inputs}
    assert told(detector(features=off), texts(15, 2000, share=0.5)) == []


def test_texts_of_tools_and_operators_are_not_what_users_ask():
    watching = detector()
    for i in range(500):
        other = Completion(model=Model(name="chat"), operation="chat", time=1e9 + i, inputs=(
            Text(text=russian(np.random.default_rng(i)), role=Role.TOOL, origin=Origin.TOOL, form=Form.RESULT),
        ))  # fmt: skip
        assert watching.update(Turns(lambda _: Verdict()).asked(other)) == []
    assert watching.snapshot() == {}


@pytest.mark.parametrize("reference", [REFERENCE, None])
@pytest.mark.parametrize("cut", [300, 1200, 1900])
def test_a_restart_in_the_middle_changes_nothing(reference: Reference | None, cut: int):
    said = texts(16, 1700) + texts(17, 600, share=0.4)
    whole = told(detector(reference), said)
    first, second = detector(reference), detector(reference)
    before = [finding for i, text in enumerate(said[:cut]) for finding in first.update(turn(text, i))]
    second.restore(first.snapshot())
    after = [finding for i, text in enumerate(said[cut:], cut) for finding in second.update(turn(text, i))]
    assert whole and [f.summary for f in before + after] == [f.summary for f in whole]


def test_of_many_models_the_silent_ones_are_forgotten():
    watching = detector()
    for i in range(3 * MAX_MODELS):
        watching.update(turn("Hello", i, model=f"m{i}"))
    assert len(watching.snapshot()["models"]) == MAX_MODELS


@pytest.mark.parametrize("time", [np.nan, np.inf, -1.0, 1e300])
def test_what_has_no_time_is_left_out(time: float):
    said = turn("Hello")
    watching = detector()
    assert watching.update(replace(said, completion=replace(said.completion, time=time))) == []
