"""Cohere: the stream of v2, whose bodies are chat's; and v1's chat and generate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from otel_mlsec.capture.bodies import chat, walk
from otel_mlsec.capture.bodies.api import Api, Joined
from otel_mlsec.capture.bodies.grow import Grown, grow, whole
from otel_mlsec.capture.bodies.parse import Event
from otel_mlsec.capture.bodies.reader import Reader
from otel_mlsec.capture.bodies.rows import How, Rows, row
from otel_mlsec.capture.bodies.shapes import Object, is_array, mapping, position, string
from otel_mlsec.capture.bodies.taken import At, Taken
from otel_mlsec.capture.bodies.voices import CALL, FOUND, MODEL, OPERATOR, RESULT, SCHEMA, TOOLS, USER, of_role

TURN: Final[Rows] = (
    row("message", None, How.PARTS),
    row("tool_calls.*.parameters", CALL, How.ONE),
    row("tool_results.*.call.parameters", CALL, How.ONE),
    row("tool_results.*.outputs", RESULT, How.ITEMS),
)
TOP: Final[Rows] = (
    row("preamble|preamble_override", OPERATOR),
    row("tools", TOOLS, How.TOOLS),
    row("response_format.schema|json_schema", SCHEMA, How.TOLD),
)
SAID: Final[Rows] = (
    row("text", MODEL, How.PARTS),
    row("tool_calls.*.parameters", CALL, How.ONE),
    row("search_queries.*.text", CALL, How.STRING),
    row("documents", FOUND, How.ITEMS),
    row("generations.*.text", MODEL, How.STRING),
)


def ask(body: Object, taken: Taken) -> None:
    read = Reader(chat.PARTS, taken)
    top = At(USER, path=())
    read.rows(body, TOP, top)
    taken.partial = taken.partial or bool(body.get("conversation_id"))
    newest = 0
    for index, turn, at in taken.items(body.get("chat_history"), top.into("chat_history")):
        newest = index + 1
        read.rows(turn, TURN, at.says(of_role(mapping(turn).get("role")), index))
    for _, document, at in taken.items(body.get("documents"), top.into("documents")):
        for key, value in mapping(document).items():
            if key != "id":  # any other key is the application's own, and reaches the model
                taken.add(walk.one_text(value), at.says(FOUND, newest).into(key), whole=isinstance(value, str))
        read.parts(string(document), at.says(FOUND, newest))
    read.rows({key: body[key] for key in ("message", "tool_results") if key in body}, TURN, top.says(USER, newest))


def say(answer: Object, taken: Taken) -> None:
    Reader(chat.PARTS, taken).rows(answer, SAID, At(MODEL))


def join(events: Sequence[Event]) -> Joined:
    """v1's lines: the last carries the whole, and the pieces serve where it did not come."""
    answer = Grown()
    for name, event in events:
        kind = string(event.get("event_type")) or name
        if kind == "stream-end":
            ended = mapping(event.get("response"))
            return Joined({**ended, "finish_reason": event.get("finish_reason") or ended.get("finish_reason")}, ended=True)
        if kind == "tool-calls-generation":
            event = {"tool_calls": event.get("tool_calls")}  # the text beside them has come already
        grow(answer, {key: value for key, value in event.items() if key in SAID_KEYS})
        if event.get("is_finished") is True:
            return Joined({**whole(answer), "finish_reason": event.get("finish_reason")}, ended=True)
    return Joined(whole(answer), ended=False)


SAID_KEYS: Final = frozenset(
    {"text", "tool_calls", "search_queries", "documents", "response_id", "generation_id", "error", "message"}
)


def join_v2(events: Sequence[Event]) -> Joined:
    """v2's events, each with a piece of the message."""
    message = Grown()
    answer: Object = {}
    ended = False
    for name, event in events:
        kind = string(event.get("type")) or name
        delta = mapping(event.get("delta"))
        piece = mapping(delta.get("message"))
        at = position(event.get("index"))
        match kind:
            case "message-start":
                answer["id"] = event.get("id")
                grow(message, {key: value for key, value in piece.items() if not is_array(value)})
            case "content-start" | "content-delta":
                grow(message, {"content": [{**mapping(piece.get("content")), "index": at}]})
            case "tool-plan-delta":
                grow(message, {"tool_plan": piece.get("tool_plan")})
            case "tool-call-start" | "tool-call-delta":
                grow(message, {"tool_calls": [{**mapping(piece.get("tool_calls")), "index": at}]})
            case "citation-start":
                grow(message, {"citations": [{**mapping(piece.get("citations")), "index": at}]})
            case "message-end":
                answer |= {"finish_reason": delta.get("finish_reason"), "usage": delta.get("usage"), "error": delta.get("error")}
                ended = True
            case _:
                if "error" in event or kind == "error":
                    answer["error"] = event.get("error") or "error"
    return Joined({**answer, "message": whole(message)}, ended)


V2: Final = Api(needs=("messages",), ask=chat.ask, join=join_v2, say=chat.say, limits=chat.LIMITS)
V1: Final = Api(needs=("message",), ask=ask, join=join, say=say, limits=chat.LIMITS)
GENERATE: Final = Api(operation="text_completion", needs=("prompt",), ask=chat.ask_legacy, join=join, say=say, limits=chat.LIMITS)
