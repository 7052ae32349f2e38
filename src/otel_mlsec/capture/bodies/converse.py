"""Bedrock's Converse: blocks without types, whose one key says what they are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from otel_mlsec.capture.bodies.api import Api, Joined
from otel_mlsec.capture.bodies.grow import Grown, Slots, grow, whole
from otel_mlsec.capture.bodies.parse import Event
from otel_mlsec.capture.bodies.reader import Reader
from otel_mlsec.capture.bodies.rows import Blocks, How, row
from otel_mlsec.capture.bodies.shapes import Object, is_object, mapping, position
from otel_mlsec.capture.bodies.taken import At, Taken
from otel_mlsec.capture.bodies.voices import CALL, FOUND, MODEL, OPERATOR, REASONING, RESULT, TOOLS, of_role

BLOCKS: Final[Blocks] = {
    "text": (row(""),),
    "guardContent": (row("text.text"),),
    "toolUse": (row("input", CALL, How.ONE),),
    "reasoningContent": (row("reasoningText.text", REASONING, How.STRING), row("text", REASONING, How.STRING)),
    "document": (
        row("name", None, How.STRING, handed=True),
        row("context", None, How.STRING, handed=True),
        row("source.text", None, How.STRING, handed=True),
        row("source.content.*.text", None, How.STRING, handed=True),
    ),
    "searchResult": (row("title", FOUND), row("content.*.text", FOUND)),
    "citationsContent": (
        row("content.*.text"),
        row("citations.*.title", FOUND, How.STRING),
        row("citations.*.sourceContent.*.text", FOUND, How.STRING),
    ),
    "json": (row("", None, How.ONE),),
    "image": (),
    "video": (),
    "audio": (),
    "cachePoint": (),
}


def ask(body: Object, taken: Taken) -> None:
    read = Reader(BLOCKS, taken)
    top = At(OPERATOR, path=())
    _blocks(read, body.get("system"), top.into("system"))
    read.rows(body, (row("toolConfig.tools", TOOLS, How.TOOLS),), top)
    for index, message, at in taken.items(body.get("messages"), top.into("messages")):
        seen = mapping(message)
        _blocks(read, seen.get("content"), at.says(of_role(seen.get("role")), index).into("content"))


def say(answer: Object, taken: Taken) -> None:
    message = mapping(mapping(answer.get("output")).get("message"))
    _blocks(Reader(BLOCKS, taken), message.get("content"), At(MODEL))


def _blocks(read: Reader, blocks: object, at: At) -> None:
    if isinstance(blocks, str):
        read.taken.add(blocks, at)
        return
    for _, block, where in read.taken.items(blocks, at):
        seen = mapping(block)
        result = mapping(seen.get("toolResult"))
        content = where.into("toolResult", "content")
        said = At(RESULT, at.message, read.taken.tool(result), content.path, content.depth)
        for _, inner, inside in read.taken.items(result.get("content"), said):
            read.keyed(mapping(inner), BLOCKS, inside)
        read.keyed({key: value for key, value in seen.items() if key != "toolResult"}, BLOCKS, where)


def join(events: Sequence[Event]) -> Joined:
    """Frames, whose name says what they carry."""
    answer: Object = {}
    blocks = Slots()
    ended = False
    for name, event in events:
        if name == "chunk" and len(event) <= 2:  # Nova's, behind invoke
            name, event = next(((key, mapping(value)) for key, value in event.items() if is_object(value)), ("", event))
        at = position(event.get("contentBlockIndex"))
        if name == "contentBlockStart" and len(blocks) < 4096:
            grow(blocks.setdefault(at, Grown()), mapping(event.get("start")))
        elif name == "contentBlockDelta" and (at in blocks or len(blocks) < 4096):
            grow(blocks.setdefault(at, Grown()), mapping(event.get("delta")))
        elif name == "messageStop":
            answer["stopReason"], ended = event.get("stopReason"), True
        elif name == "metadata":
            answer["usage"] = event.get("usage")
        elif name.endswith("Exception"):
            answer["error"] = {"type": name}
    content = [_plain(whole(blocks[at])) for at in sorted(blocks)]
    return Joined({**answer, "output": {"message": {"content": content}}}, ended)


def _plain(block: Object) -> Object:
    """Arguments that came as pieces of JSON text, as the plain answer has them."""
    use = mapping(block.get("toolUse"))
    if isinstance(use.get("input"), str):
        try:
            return {**block, "toolUse": {**use, "input": json.loads(use["input"])}}
        except (ValueError, RecursionError):
            pass  # cut off: what came
    return block


LIMITS: Final = {
    "gen_ai.request.max_tokens": ("inferenceConfig.maxTokens",),
    "gen_ai.request.temperature": ("inferenceConfig.temperature",),
    "gen_ai.request.top_p": ("inferenceConfig.topP",),
}
CONVERSE: Final = Api(needs=("messages",), ask=ask, join=join, say=say, limits=LIMITS)
