"""A streamed answer is the plain one, in pieces: whatever was recorded plain is cut up, sent, and read as the same."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from otel_mlsec.capture import bodies
from otel_mlsec.observation import Text

PIECE = 7  # characters


def pieces(text: str) -> list[str]:
    return [text[i : i + PIECE] for i in range(0, len(text), PIECE)]


def chat(answer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for choice in answer["choices"]:
        index, message = choice["index"], choice.get("message", {})
        yield {"model": answer["model"], "choices": [{"index": index, "delta": {"role": "assistant", "content": None}}]}
        for key in ("content", "refusal"):
            for piece in pieces(message.get(key) or ""):
                yield {"choices": [{"index": index, "delta": {key: piece}}]}
        for piece in pieces((message.get("function_call") or {}).get("arguments") or ""):
            yield {"choices": [{"index": index, "delta": {"function_call": {"arguments": piece}}}]}
        for at, call in enumerate(message.get("tool_calls") or ()):
            start = {**call, "index": at, "function": {"name": call["function"]["name"], "arguments": ""}}
            yield {"choices": [{"index": index, "delta": {"tool_calls": [start]}}]}
            for piece in pieces(call["function"]["arguments"]):
                yield {"choices": [{"index": index, "delta": {"tool_calls": [{"index": at, "function": {"arguments": piece}}]}}]}
        yield {"choices": [{"index": index, "delta": {}, "finish_reason": choice["finish_reason"]}]}


def messages(answer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield {"type": "message_start", "message": {**answer, "content": [], "stop_reason": None}}
    for index, block in enumerate(answer["content"]):
        emptied = {
            **block,
            **{key: "" for key in ("text", "thinking") if key in block},
            **({"input": {}} if "input" in block else {}),
        }
        yield {"type": "content_block_start", "index": index, "content_block": emptied}
        for key in ("text", "thinking"):
            for piece in pieces(block.get(key, "")):
                yield {"type": "content_block_delta", "index": index, "delta": {"type": f"{key}_delta", key: piece}}
        for piece in pieces(json.dumps(block["input"])) if "input" in block else ():
            yield {"type": "content_block_delta", "index": index, "delta": {"type": "input_json_delta", "partial_json": piece}}
        yield {"type": "content_block_stop", "index": index}
    yield {"type": "message_delta", "delta": {"stop_reason": answer["stop_reason"]}, "usage": answer["usage"]}
    yield {"type": "message_stop"}


def responses(answer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Without the last event, which would carry everything."""
    yield {"type": "response.created", "response": {**answer, "output": [], "status": "in_progress"}}
    for index, item in enumerate(answer["output"]):
        if item["type"] not in ("message", "function_call", "reasoning"):
            yield {"type": "response.output_item.done", "output_index": index, "item": item}
            continue
        started = {
            **item,
            **{key: [] for key in ("content", "summary") if key in item},
            **({"arguments": ""} if "arguments" in item else {}),
        }
        yield {"type": "response.output_item.added", "output_index": index, "item": started}
        for at, part in enumerate(item.get("content") or ()):
            for piece in pieces(part["text"]):
                yield {"type": "response.output_text.delta", "output_index": index, "content_index": at, "delta": piece}
            for note in part["annotations"]:
                where = {"output_index": index, "content_index": at}
                yield {"type": "response.output_text.annotation.added", "annotation": note, **where}
        for at, part in enumerate(item.get("summary") or ()):
            for piece in pieces(part["text"]):
                yield {
                    "type": "response.reasoning_summary_text.delta",
                    "output_index": index,
                    "summary_index": at,
                    "delta": piece,
                }
        for piece in pieces(item.get("arguments") or ""):
            yield {"type": "response.function_call_arguments.delta", "output_index": index, "delta": piece}


def gemini(answer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for candidate in answer["candidates"]:
        for part in candidate["content"].get("parts") or ():
            for piece in pieces(part["text"]) if "text" in part else [None]:
                yield {
                    "candidates": [{"content": {"role": "model", "parts": [part if piece is None else {**part, "text": piece}]}}]
                }
    yield {
        "candidates": [{"content": {"role": "model", "parts": []}, "finishReason": "STOP"}],
        "modelVersion": answer["modelVersion"],
    }


def cohere(answer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    message = answer["message"]
    yield {
        "type": "message-start",
        "id": answer["id"],
        "delta": {"message": {"role": "assistant", "content": [], "tool_calls": []}},
    }
    for piece in pieces(message.get("tool_plan") or ""):
        yield {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": piece}}}
    for index, part in enumerate(message.get("content") or ()):
        yield {"type": "content-start", "index": index, "delta": {"message": {"content": {"type": "text", "text": ""}}}}
        for piece in pieces(part["text"]):
            yield {"type": "content-delta", "index": index, "delta": {"message": {"content": {"text": piece}}}}
    for index, call in enumerate(message.get("tool_calls") or ()):
        start = {**call, "function": {"name": call["function"]["name"], "arguments": ""}}
        yield {"type": "tool-call-start", "index": index, "delta": {"message": {"tool_calls": start}}}
        for piece in pieces(call["function"]["arguments"]):
            yield {
                "type": "tool-call-delta",
                "index": index,
                "delta": {"message": {"tool_calls": {"function": {"arguments": piece}}}},
            }
    for index, citation in enumerate(message.get("citations") or ()):
        yield {"type": "citation-start", "index": index, "delta": {"message": {"citations": citation}}}
    yield {"type": "message-end", "delta": {"finish_reason": "COMPLETE"}}


CUT: dict[str, Callable[[dict[str, Any]], Iterator[dict[str, Any]]]] = {
    "chat": chat,
    "messages": messages,
    "responses": responses,
    "gemini": gemini,
    "cohere_v2": cohere,
}


def sent(events: Iterator[dict[str, Any]], end: bytes = b"\n\n") -> bytes:
    return b"".join(b"data: " + json.dumps(event).encode() + end for event in events)


def seen(texts: tuple[Text, ...]) -> list[tuple[str, str, str, str, int, str]]:
    return sorted((t.text, t.role, t.origin, t.form, t.message, t.tool) for t in texts)


@pytest.mark.parametrize("api", CUT)
def test_what_was_recorded_plain_reads_the_same_as_a_stream(recordings: Any, api: str) -> None:
    compared = 0
    for each in recordings:
        request = bodies.request(each.path, each.host, each.request) if bodies.asks("POST", each.path) else None
        if request is None or request.api != api or request.stream or each.status != 200:
            continue
        answer = json.loads(each.answer)
        if answer.get("error") or ("choices" not in answer and api == "chat"):
            continue  # or Ollama's
        compared += 1
        stream = sent(CUT[api](answer))
        plain, streamed = bodies.answer(request, each.answer, ""), bodies.answer(request, stream, "")
        lines = bodies.answer(request, stream.replace(b"data: ", b"").replace(b"\n\n", b"\n"), "")
        assert seen(streamed.outputs) == seen(plain.outputs) == seen(lines.outputs), each.file
        assert (streamed.model, streamed.ended) == (plain.model, api != "responses"), each.file

    assert compared >= {"chat": 300, "messages": 50, "responses": 50, "gemini": 20, "cohere_v2": 8}[api]


def test_frames_of_bedrock_hold_what_the_stream_of_the_provider_would(recordings: Any) -> None:
    compared = 0
    for each in recordings:
        if not each.answer.startswith(b"\0"):
            continue
        request = bodies.request(each.path, each.host, each.request)
        assert request is not None
        answer = bodies.answer(request, each.answer, "application/vnd.amazon.eventstream")
        said = "".join(text.text for text in answer.outputs if text.form == "text")
        assert said == "".join(spoken(each.answer)), each.file
        assert answer.ended, each.file
        compared += 1

    assert compared > 50


def spoken(frames: bytes) -> Iterator[str]:
    """Text of every frame, found by looking for JSON objects, not by lengths."""
    decoder, text, at = json.JSONDecoder(), frames.decode("latin-1"), 0
    while (at := text.find('{"', at)) >= 0:
        try:
            payload, end = decoder.raw_decode(text, at)
        except ValueError:
            at += 1
            continue
        at = end
        inner = json.loads(base64.b64decode(payload["bytes"])) if "bytes" in payload else payload
        inner = json.loads(json.dumps(inner).encode("latin-1").decode("utf-8")) if "bytes" in payload else inner
        event = inner.get("contentBlockDelta", inner)
        delta = event.get("delta") if isinstance(event.get("delta"), dict) else {}
        found = delta.get("text") or inner.get("outputText") or ""
        yield found if "bytes" in payload else found.encode("latin-1").decode("utf-8")
