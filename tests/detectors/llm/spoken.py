"""Calls of a language model as tests put them together."""

from __future__ import annotations

from typing import Any

from otel_mlsec.observation import Completion, Form, Model, Origin, Role, Text
from otel_mlsec.text.reading import Reading
from otel_mlsec.text.turn import Judged, Turn, Verdict

MODEL = Model(name="m", version="1", framework="openai")
NOON = 1_800_000_000.0
ROLES = {
    Origin.OPERATOR: Role.SYSTEM, Origin.USER: Role.USER, Origin.MODEL: Role.ASSISTANT, Origin.TOOL: Role.TOOL,
    Origin.RETRIEVED: Role.TOOL, Origin.TOOL_DESCRIPTION: Role.SYSTEM,
}  # fmt: skip


def judged(
    text: str, origin: Origin, *, score: float = 0.0, fresh: bool = True, jailbreak: bool = False, **fields: Any
) -> Judged:
    return Judged(
        reading=Reading(Text(text=text, role=ROLES[origin], origin=origin, **fields)),
        verdict=Verdict(score=score, jailbreak=jailbreak),
        fresh=fresh,
    )


def system(text: str) -> Judged:
    return judged(text, Origin.OPERATOR)


def user(text: str, score: float = 0.0, *, jailbreak: bool = False) -> Judged:
    return judged(text, Origin.USER, score=score, jailbreak=jailbreak)


def tool(text: str, score: float = 0.0) -> Judged:
    return judged(text, Origin.TOOL, score=score, form=Form.RESULT)


def document(text: str, score: float = 0.0) -> Judged:
    return judged(text, Origin.RETRIEVED, score=score)


def answer(text: str, form: Form = Form.TEXT) -> Text:
    return Text(text=text, role=Role.ASSISTANT, origin=Origin.MODEL, form=form)


def call_of(name: str, arguments: str) -> Text:
    return Text(text=arguments, role=Role.ASSISTANT, origin=Origin.MODEL, form=Form.ARGUMENTS, tool=name)


def turn(*inputs: Judged, answers: tuple[Text | str, ...] = (), answered: bool = True, **fields: Any) -> Turn:
    outputs = tuple(answer(a) if isinstance(a, str) else a for a in answers)
    return Turn(
        completion=Completion(
            model=MODEL,
            operation="chat",
            **{
                "inputs": tuple(j.reading.text for j in inputs),
                "outputs": outputs,
                "time": NOON,
                "principal": "user:1",
                **fields,
            },
        ),
        inputs=inputs,
        outputs=tuple(Reading(text) for text in outputs),
        answered=answered,
    )
