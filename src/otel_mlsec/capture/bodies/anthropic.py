"""Anthropic's Messages, and the completions before them; also where Bedrock and Vertex serve them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from otel_mlsec.capture.bodies.api import Api, Joined
from otel_mlsec.capture.bodies.parse import Event
from otel_mlsec.capture.bodies.reader import Reader
from otel_mlsec.capture.bodies.rows import Blocks, How, Rows, row
from otel_mlsec.capture.bodies.shapes import Object, is_array, mapping, position, string
from otel_mlsec.capture.bodies.taken import At, Taken
from otel_mlsec.capture.bodies.voices import (
    CALL,
    FOUND,
    LISTED_TOOLS,
    MODEL,
    OPERATOR,
    REASONING,
    RESULT,
    SCHEMA,
    SECOND_MODEL,
    TOOLS,
    USER,
    of_role,
)

SOURCES: Final[Blocks] = {
    "text": (row("data"),),
    "content": (row("content", None, How.PARTS),),
    "base64": (),
    "url": (),
    "file": (),
}
USED: Final[Rows] = (row("input", CALL, How.ONE),)
STDOUT: Final[Rows] = (row("content.stdout|stderr", RESULT, How.STRING),)
BLOCKS: Final[Blocks] = {
    "text": (row("text"), row("citations.*.cited_text|title|document_title", FOUND, How.STRING)),
    "thinking": (row("thinking", REASONING),),
    "redacted_thinking": (),
    "tool_use": USED,
    "server_tool_use": USED,
    "mcp_tool_use": USED,
    "tool_result": (row("content", RESULT, How.PARTS),),
    "mcp_tool_result": (row("content", RESULT, How.PARTS),),
    "document": (
        row("title", handed=True),
        row("context", handed=True),
        row("source", None, How.PARTS, blocks=SOURCES, handed=True),
    ),
    "search_result": (row("title", FOUND), row("content", FOUND, How.PARTS)),
    "image": (),
    "container_upload": (),
    "web_search_tool_result": (row("content.*.title|url|page_age", FOUND, How.STRING),),
    "web_fetch_tool_result": (row("content.url", FOUND, How.STRING), row("content.content", FOUND, How.PARTS)),
    "code_execution_tool_result": STDOUT,
    "bash_code_execution_tool_result": STDOUT,
    "text_editor_code_execution_tool_result": (
        row("content.content|error_message", RESULT, How.STRING),
        row("content.lines.*", RESULT, How.STRING),
    ),
    "advisor_tool_result": (row("content.text", SECOND_MODEL, How.STRING),),
    "tool_search_tool_result": (),
    "tool_reference": (),
    "tool_addition": (),
    "tool_removal": (),
    "mcp_tool_listing": (row("tools", LISTED_TOOLS, How.TOOLS),),
    "compaction": (row("content", MODEL, How.PARTS),),
    "fallback": (),
}
TOP: Final[Rows] = (
    row("system", OPERATOR, How.PARTS),
    row("tools", TOOLS, How.TOOLS),
    row("output_config.format.schema", SCHEMA, How.TOLD),
    row("output_format.schema", SCHEMA, How.TOLD),
)


def ask(body: Object, taken: Taken) -> None:
    read = Reader(BLOCKS, taken)
    read.rows(body, TOP, At(USER, path=()))
    for index, message, at in taken.items(body.get("messages"), At(USER, path=("messages",))):
        seen = mapping(message)
        read.parts(seen.get("content"), at.says(of_role(seen.get("role")), index).into("content"))


def ask_legacy(body: Object, taken: Taken) -> None:
    Reader(BLOCKS, taken).parts(body.get("prompt"), At(USER, path=("prompt",)))


def say(answer: Object, taken: Taken) -> None:
    read = Reader(BLOCKS, taken)
    read.parts(answer.get("content"), At(MODEL))
    read.parts(answer.get("completion"), At(MODEL))


def join(events: Sequence[Event]) -> Joined:
    """Blocks as they start, which may be whole, and what is added to them."""
    answer: Object = {}
    blocks: dict[int, Object] = {}
    pieces: dict[tuple[int, str], list[str]] = {}
    legacy: list[str] = []
    ended = False
    for _, event in events:
        at, delta = position(event.get("index")), mapping(event.get("delta"))
        match event.get("type"):
            case "message_start":
                answer = {**mapping(event.get("message")), "content": []}
            case "content_block_start" if len(blocks) < 4096:
                blocks[at] = dict(mapping(event.get("content_block")))
            case "content_block_delta" if at in blocks or len(blocks) < 4096:
                _add(blocks.setdefault(at, {"type": _kind(delta)}), at, delta, pieces)
            case "message_delta":
                answer = {**answer, **{k: v for k, v in delta.items() if v is not None}, "usage": _usage(answer, event)}
            case "message_stop":
                ended = True
            case "error":
                answer = {**answer, "error": event.get("error")}
            case _:
                if isinstance(event.get("completion"), str):
                    legacy.append(event["completion"])
                    answer = {**event, "completion": ""}
                    ended = ended or event.get("stop_reason") is not None
                elif "error" in event:
                    answer = {**answer, "error": event["error"]}
    for (at, key), found in pieces.items():
        blocks[at][key] = _arguments("".join(found)) if key == "input" else string(blocks[at].get(key)) + "".join(found)
    answer["content"] = [blocks[at] for at in sorted(blocks)]
    return Joined({**answer, "completion": "".join(legacy)} if legacy else answer, ended)


DELTAS: Final = {  # type of the delta → its key, the block's key, and the block's type where its start was not seen
    "text_delta": ("text", "text", "text"),
    "thinking_delta": ("thinking", "thinking", "thinking"),
    "input_json_delta": ("partial_json", "input", "tool_use"),
    "compaction_delta": ("content", "content", "compaction"),
}


def _kind(delta: Object) -> str:
    return DELTAS.get(string(delta.get("type")), ("", "", "text"))[2]


def _add(block: Object, at: int, delta: Object, pieces: dict[tuple[int, str], list[str]]) -> None:
    kind = string(delta.get("type"))
    if kind in DELTAS:
        key, into, _ = DELTAS[kind]
        if isinstance(delta.get(key), str) and delta[key]:
            pieces.setdefault((at, into), []).append(delta[key])
    elif kind == "citations_delta":
        known = block.get("citations")
        if not is_array(known):
            block["citations"] = [delta.get("citation")]
        elif len(known) < 4096:
            known.append(delta.get("citation"))


def _arguments(text: str) -> Any:
    """As the plain answer has them; of arguments that were cut off, what came."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _usage(answer: Object, event: Object) -> Object:
    return {**mapping(answer.get("usage")), **{k: v for k, v in mapping(event.get("usage")).items() if v is not None}}


LIMITS: Final = {
    "gen_ai.request.max_tokens": ("max_tokens", "max_tokens_to_sample"),
    "gen_ai.request.temperature": ("temperature",),
    "gen_ai.request.top_p": ("top_p",),
    "gen_ai.request.top_k": ("top_k",),
}
MESSAGES: Final = Api(needs=("messages",), ask=ask, join=join, say=say, limits=LIMITS)
COMPLETE: Final = Api(operation="text_completion", needs=("prompt",), ask=ask_legacy, join=join, say=say, limits=LIMITS)
