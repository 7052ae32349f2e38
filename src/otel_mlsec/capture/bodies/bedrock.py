"""Bedrock's invoke, for models that have neither messages nor a common answer: a prompt goes in, a text comes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from otel_mlsec.capture.bodies.api import Api, Joined
from otel_mlsec.capture.bodies.grow import Grown, grow, whole
from otel_mlsec.capture.bodies.parse import Event
from otel_mlsec.capture.bodies.reader import Reader
from otel_mlsec.capture.bodies.rows import How, Rows, row
from otel_mlsec.capture.bodies.shapes import Object
from otel_mlsec.capture.bodies.taken import At, Taken
from otel_mlsec.capture.bodies.voices import MODEL, USER

ASKED: Final[Rows] = (row("inputText|prompt", USER, How.PARTS),)
SAID: Final[Rows] = (
    row("results.*.outputText", MODEL, How.STRING),
    row("outputText|generation|completion", MODEL, How.STRING),
    row("generations|outputs.*.text", MODEL, How.STRING),
    row("completions.*.data.text", MODEL, How.STRING),
    row("choices.*.text", MODEL, How.STRING),
)
GROWING: Final = frozenset({"outputText", "generation", "completion", "text"})


def ask(body: Object, taken: Taken) -> None:
    Reader({}, taken).rows(body, ASKED, At(USER, path=()))


def say(answer: Object, taken: Taken) -> None:
    Reader({}, taken).rows(answer, SAID, At(MODEL))


def join(events: Sequence[Event]) -> Joined:
    """Pieces of the text, under the same key each time."""
    answer = Grown()
    for _, event in events:
        grow(answer, {key: value for key, value in event.items() if key != "index"}, GROWING)
    ends = (
        "stop_reason",
        "completionReason",
        "finish_reason",
        "is_finished",
        "amazon-bedrock-invocationMetrics",
        "totalOutputTextTokenCount",
    )
    return Joined(whole(answer), any(answer.get(key) for key in ends))


LIMITS: Final = {
    "gen_ai.request.max_tokens": ("textGenerationConfig.maxTokenCount", "max_gen_len", "max_tokens", "maxTokens"),
    "gen_ai.request.temperature": ("textGenerationConfig.temperature", "temperature"),
    "gen_ai.request.top_p": ("textGenerationConfig.topP", "top_p", "topP", "p"),
}
BEDROCK: Final = Api(operation="text_completion", needs=("inputText", "prompt"), ask=ask, join=join, say=say, limits=LIMITS)
