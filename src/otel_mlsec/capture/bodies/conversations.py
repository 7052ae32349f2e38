"""Mistral's Conversations: entries, of which the server keeps the earlier ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from otel_mlsec.capture.bodies import chat
from otel_mlsec.capture.bodies.api import Api, Joined
from otel_mlsec.capture.bodies.grow import Grown, Slots, grow, whole
from otel_mlsec.capture.bodies.parse import Event
from otel_mlsec.capture.bodies.reader import Reader
from otel_mlsec.capture.bodies.rows import Blocks, How, Rows, row
from otel_mlsec.capture.bodies.shapes import Object, is_array, is_object, mapping, position, sequence, string
from otel_mlsec.capture.bodies.taken import At, Taken
from otel_mlsec.capture.bodies.voices import CALL, MODEL, OPERATOR, RESULT, SCHEMA, TOOLS, USER, of_role

ENTRIES: Final[Blocks] = {
    **chat.PARTS,
    "message.output": (row("content", MODEL, How.PARTS),),
    "function.call": (row("arguments", CALL, How.ONE),),
    "function.result": (row("result", RESULT, How.ONE),),
    "tool.execution": (row("arguments", CALL, How.ONE), row("info", RESULT, How.ONE)),
    "agent.handoff": (),
}
TOP: Final[Rows] = (
    row("instructions", OPERATOR),
    row("tools", TOOLS, How.TOOLS),
    row("completion_args.response_format", SCHEMA, How.TOLD),
)


def ask(body: Object, taken: Taken) -> None:
    read = Reader(ENTRIES, taken)
    top = At(USER, path=())
    read.rows(body, TOP, top)
    inputs = body.get("inputs")
    if not is_array(inputs):
        read.parts(inputs, top.into("inputs"))
        return
    for index, entry in taken.each(sequence(inputs)):
        seen = mapping(entry)
        at = At(of_role(seen.get("role")), index, path=("inputs", index))
        if seen.get("type") in (None, "message.input"):
            read.parts(entry if isinstance(entry, str) else seen.get("content"), at.into("content") if seen else at)
        else:
            read.parts(entry, at)


def say(answer: Object, taken: Taken) -> None:
    read = Reader(ENTRIES, taken)
    for index, entry in taken.each(sequence(answer.get("outputs"))):
        read.parts(entry, At(MODEL, index))


def join(events: Sequence[Event]) -> Joined:
    """Pieces of entries, by their index in the answer."""
    answer: Object = {}
    entries = Slots()
    ended = False
    for name, event in events:
        seen = mapping(event.get("data")) or event
        kind = string(seen.get("type")) or name
        at = position(seen.get("output_index"))
        if kind in ("message.output.delta", "function.call.delta", "tool.execution.delta") and (
            at in entries or len(entries) < 4096
        ):
            content = seen.get("content")
            piece = {**seen, "type": kind.removesuffix(".delta"), "content": [content] if is_object(content) else content}
            grow(entries.setdefault(at, Grown()), piece)
        elif kind == "tool.execution.done" and at in entries:
            entries[at]["info"] = seen.get("info")
        elif kind.startswith("conversation.response."):
            answer |= seen
            ended = ended or kind.endswith(".done")
            if kind.endswith(".error"):
                answer["error"] = seen
    return Joined({**answer, "outputs": whole(entries)}, ended)


LIMITS: Final = {
    "gen_ai.request.max_tokens": ("completion_args.max_tokens",),
    "gen_ai.request.temperature": ("completion_args.temperature",),
    "gen_ai.request.top_p": ("completion_args.top_p",),
    "gen_ai.request.seed": ("completion_args.random_seed",),
}
CONVERSATIONS: Final = Api(needs=("inputs",), ask=ask, join=join, say=say, limits=LIMITS)
