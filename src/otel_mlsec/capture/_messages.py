"""Texts that others wrote down of a call: GenAI conventions, old OpenLLMetry and OpenInference, as attributes of a span."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from otel_mlsec.observation import Form, Origin, Role, Text

MOST = 4096  # texts of a call
FIRST = 64  # of them the oldest; the rest are the newest
SPEAKERS: Mapping[str, tuple[Role, Origin]] = {
    "system": (Role.SYSTEM, Origin.OPERATOR),
    "developer": (Role.SYSTEM, Origin.OPERATOR),
    "user": (Role.USER, Origin.USER),
    "human": (Role.USER, Origin.USER),
    "assistant": (Role.ASSISTANT, Origin.MODEL),
    "model": (Role.ASSISTANT, Origin.MODEL),
    "ai": (Role.ASSISTANT, Origin.MODEL),
    "tool": (Role.TOOL, Origin.TOOL),
    "function": (Role.TOOL, Origin.TOOL),
}
TOOL = SPEAKERS["tool"]
# type of a part → (where its text is, what it is); whoever speaks, results are a tool's
PARTS: Mapping[str, tuple[str, Form]] = {
    "text": ("content", Form.TEXT),
    "compaction": ("content", Form.TEXT),
    "reasoning": ("content", Form.REASONING),
    "refusal": ("content", Form.REFUSAL),
    "tool_call": ("arguments", Form.ARGUMENTS),
    "server_tool_call": ("server_tool_call", Form.ARGUMENTS),
    "tool_call_response": ("response", Form.RESULT),
    "server_tool_call_response": ("server_tool_call_response", Form.RESULT),
}
NO_TEXT = frozenset({"blob", "file", "uri"})
ANY_TEXT = ("content", "text", "response", "arguments", "result")  # of a part of an unknown type
FLAT = re.compile(
    r"(?:gen_ai\.(?P<old>prompt|completion)|llm\.(?P<new>input|output)_messages|(?P<embedding>embedding)\.embeddings"
    r"|llm\.(?P<prompts>prompts))\.(?P<index>\d{1,6})\.(?P<rest>[\w.]{1,120})"
)
CALL = re.compile(r"tool_calls\.(\d{1,6})\.(?:tool_call\.)?(?:function\.)?(name|arguments)")
WORDS = re.compile(r"content|embedding\.text|prompt\.text|text|contents\.\d{1,6}\.message_content\.text")


def speaker(role: object, otherwise: str) -> tuple[Role, Origin]:
    """Of a fixed set: a role that nobody knows is the user's in a request and the model's in an answer."""
    return SPEAKERS.get(role.lower() if isinstance(role, str) else "", SPEAKERS[otherwise])


def inputs(attributes: Mapping[str, Any]) -> tuple[Text, ...]:
    texts = [*of_parts(attributes.get("gen_ai.system_instructions"))]
    texts += of_messages(attributes.get("gen_ai.input.messages"), "user")
    texts += of_flat(attributes, ("prompt", "input", "embedding", "prompts"), "user")
    return bounded(texts) or bounded(of_value(attributes, ("input.value", "traceloop.entity.input"), "user"))


def outputs(attributes: Mapping[str, Any]) -> tuple[Text, ...]:
    texts = [*of_messages(attributes.get("gen_ai.output.messages"), "assistant")]
    texts += of_flat(attributes, ("completion", "output"), "assistant")
    return bounded(texts) or bounded(of_value(attributes, ("output.value", "traceloop.entity.output"), "assistant"))


def bounded(texts: Iterable[Text]) -> tuple[Text, ...]:
    found = tuple(texts)
    return found if len(found) <= MOST else found[:FIRST] + found[FIRST - MOST :]


def of_messages(value: object, otherwise: str) -> Iterator[Text]:
    """A list of messages of parts, as JSON; what is not, since the SDK has cut it, counts as one text."""
    loaded = _loaded(value)
    if isinstance(loaded, str):
        yield _text(loaded, speaker(None, otherwise))
        return
    for index, message in enumerate(_list(loaded)):
        if isinstance(message, dict):
            told = cast("dict[str, Any]", message)
            yield from _parts(told.get("parts"), speaker(told.get("role"), otherwise), index)


def of_parts(value: object) -> Iterator[Text]:
    """System instructions: a list of parts, as JSON."""
    loaded = _loaded(value)
    if isinstance(loaded, str):
        yield _text(loaded, SPEAKERS["system"])
        return
    yield from _parts(loaded, SPEAKERS["system"], 0)


def of_flat(attributes: Mapping[str, Any], lists: Sequence[str], otherwise: str) -> Iterator[Text]:
    """One attribute a field: `gen_ai.prompt.0.content`, `llm.input_messages.0.message.content`."""
    messages: dict[int, dict[str, Any]] = {}
    for key, value in attributes.items():
        found = FLAT.fullmatch(key)
        if found is not None and (found["old"] or found["new"] or found["embedding"] or found["prompts"]) in lists:
            messages.setdefault(int(found["index"]), {})[found["rest"].removeprefix("message.")] = value
    for index, fields in sorted(messages.items()):
        who = speaker(fields.get("role"), otherwise)
        form = Form.RESULT if who == TOOL else Form.TEXT
        for key, value in fields.items():
            if isinstance(value, str) and WORDS.fullmatch(key):
                yield _text(value, who, form, index)
            call = CALL.fullmatch(key)
            if call is not None and call[2] == "arguments" and isinstance(value, str):
                name = fields.get(key.removesuffix("arguments") + "name")
                yield _text(value, SPEAKERS["assistant"], Form.ARGUMENTS, index, name)


def of_value(attributes: Mapping[str, Any], keys: Sequence[str], otherwise: str) -> Iterator[Text]:
    """All there was to say in one text, where nothing better is."""
    value = next((attributes[key] for key in keys if isinstance(attributes.get(key), str)), "")
    if value:
        yield _text(value, SPEAKERS[otherwise])


def _parts(value: object, who: tuple[Role, Origin], index: int) -> Iterator[Text]:
    for part in _list(value):
        if isinstance(part, str):
            yield _text(part, who, Form.TEXT, index)
        if not isinstance(part, dict):
            continue
        told = cast("dict[str, Any]", part)
        kind = told.get("type")
        if not isinstance(kind, str) or kind in NO_TEXT:
            continue
        field, form = PARTS.get(kind) or (next((key for key in ANY_TEXT if told.get(key)), ""), Form.TEXT)
        words = _words(told.get(field))
        if words:
            yield _text(words, TOOL if form is Form.RESULT else who, form, index, told.get("name"))


def _words(value: object) -> str:
    """Free-form objects are one JSON text: whatever their keys are called, nothing in them is left out."""
    if value is None or isinstance(value, str):
        return value or ""
    try:
        return json.dumps(value, sort_keys=True, ensure_ascii=False)
    except (ValueError, TypeError, RecursionError):
        return ""


def _loaded(value: object) -> object:
    if not isinstance(value, str) or not value:
        return None
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _list(value: object) -> Sequence[object]:
    return cast("list[object]", value) if isinstance(value, list) else ()


def _text(text: str, who: tuple[Role, Origin], form: Form = Form.TEXT, message: int = 0, tool: object = "") -> Text:
    return Text(text=text, role=who[0], origin=who[1], form=form, message=message, tool=tool if isinstance(tool, str) else "")
