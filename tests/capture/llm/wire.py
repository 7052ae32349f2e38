"""A provider in this process: answers any client of a model, plain or streamed, once, in pieces, compressed or not."""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Callable
from typing import Any

import httpx
import httpx2

Handler = Callable[[Any], Any]
WORDS = ("The ", "capital ", "is ", "Paris.")
TEXT = "".join(WORDS)
IDS = itertools.count()


def once(library: Any) -> type:
    """A stream as a socket gives it: in pieces, and only once."""

    class Once(library.SyncByteStream, library.AsyncByteStream):
        def __init__(self, pieces: list[bytes], breaks: Exception | None = None) -> None:
            self.pieces, self.breaks, self.closed = iter(pieces), breaks, 0

        def __iter__(self):
            yield from self.pieces
            if self.breaks is not None:
                raise self.breaks

        async def __aiter__(self):
            for piece in self.pieces:
                yield piece
            if self.breaks is not None:
                raise self.breaks

        def close(self):
            self.closed += 1

        async def aclose(self):
            self.closed += 1

    return Once


STREAMS = {library: once(library) for library in (httpx, httpx2)}


def library_of(request: Any) -> Any:
    return httpx2 if type(request).__module__.startswith("httpx2") else httpx


def sse(events: list[Any], named: bool = False) -> bytes:
    lines = []
    for event in events:
        data = event if isinstance(event, str) else json.dumps(event)
        lines.append((f"event: {event['type']}\n" if named and isinstance(event, dict) else "") + f"data: {data}\n\n")
    return "".join(lines).encode()


def chat(model: str = "m-1") -> dict[str, Any]:
    message = {"role": "assistant", "content": TEXT}
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    choices = [{"index": 0, "finish_reason": "stop", "message": message}]
    return {"id": "c1", "object": "chat.completion", "created": 1, "model": model, "choices": choices, "usage": usage}


def chat_stream() -> bytes:
    def chunk(delta: Any, reason: str | None) -> dict[str, Any]:
        choices = [{"index": 0, "delta": delta, "finish_reason": reason}]
        return {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m-1", "choices": choices}

    return sse([*(chunk({"role": "assistant", "content": word}, None) for word in WORDS), chunk({}, "stop"), "[DONE]"])


def responses() -> dict[str, Any]:
    """Every one has an id of its own, by which some remember them."""
    content = [{"type": "output_text", "text": TEXT, "annotations": []}]
    output = [{"type": "message", "id": "i1", "role": "assistant", "status": "completed", "content": content}]
    rest = {"parallel_tool_calls": True, "tool_choice": "auto", "tools": []}
    whole = {"id": f"r{next(IDS)}", "object": "response", "created_at": 1, "model": "m-1", "status": "completed"}
    return {**whole, "output": output, **rest}


def responses_stream() -> bytes:
    whole = responses()
    at = {"item_id": "i1", "output_index": 0, "content_index": 0}
    events = [{"type": "response.created", "sequence_number": 0, "response": whole | {"status": "in_progress", "output": []}}]
    item = {"type": "message", "id": "i1", "role": "assistant", "status": "in_progress", "content": []}
    part = {"type": "output_text", "text": "", "annotations": []}
    events += [{"type": "response.output_item.added", "sequence_number": 1, "output_index": 0, "item": item}]
    events += [{"type": "response.content_part.added", "sequence_number": 2, "part": part, **at}]
    deltas = [{"type": "response.output_text.delta", "delta": word, "sequence_number": 3, "logprobs": [], **at} for word in WORDS]
    return sse([*events, *deltas, {"type": "response.completed", "sequence_number": 9, "response": whole}], named=True)


def completion() -> dict[str, Any]:
    choices = [{"index": 0, "finish_reason": "stop", "text": TEXT, "logprobs": None}]
    return {"id": "t1", "object": "text_completion", "created": 1, "model": "m-1", "choices": choices}


def messages() -> dict[str, Any]:
    usage = {"input_tokens": 3, "output_tokens": 4}
    content = [{"type": "text", "text": TEXT}]
    ending = {"stop_reason": "end_turn", "stop_sequence": None}
    return {"id": "m1", "type": "message", "role": "assistant", "model": "m-1", "content": content, "usage": usage, **ending}


def messages_stream() -> bytes:
    whole = messages()
    events: list[Any] = [{"type": "message_start", "message": whole | {"content": [], "stop_reason": None}}]
    events += [{"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}]
    events += [{"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}} for word in WORDS]
    events += [{"type": "content_block_stop", "index": 0}]
    ending = {"stop_reason": "end_turn", "stop_sequence": None}
    events += [{"type": "message_delta", "delta": ending, "usage": {"output_tokens": 4}}, {"type": "message_stop"}]
    return sse(events, named=True)


def gemini(text: str = TEXT, reason: str | None = "STOP") -> dict[str, Any]:
    candidate = {"content": {"role": "model", "parts": [{"text": text}]}, "index": 0, "finishReason": reason}
    return {"candidates": [candidate], "modelVersion": "m-1", "responseId": "g1"}


def cohere() -> dict[str, Any]:
    message = {"role": "assistant", "content": [{"type": "text", "text": TEXT}]}
    return {"id": "o1", "finish_reason": "COMPLETE", "message": message}


def cohere_stream() -> bytes:
    events: list[Any] = [{"type": "message-start", "id": "o1", "delta": {"message": {"role": "assistant", "content": []}}}]
    start = {"message": {"content": {"type": "text", "text": ""}}}
    events += [{"type": "content-start", "index": 0, "delta": start}]
    events += [{"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": word}}}} for word in WORDS]
    events += [{"type": "content-end", "index": 0}, {"type": "message-end", "delta": {"finish_reason": "COMPLETE"}}]
    return sse(events, named=True)


def ollama(text: str = TEXT, done: bool = True) -> dict[str, Any]:
    return {"model": "m", "created_at": "2026-01-01T00:00:00Z", "message": {"role": "assistant", "content": text}, "done": done}


def generated(text: str = TEXT, done: bool = True) -> dict[str, Any]:
    return {"model": "m", "created_at": "2026-01-01T00:00:00Z", "response": text, "done": done}


def lines(events: list[Any]) -> bytes:
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


def answer(request: Any, streams: bool) -> tuple[str, bytes]:
    """-> content type and body, as the provider of that path gives them."""
    path, name = request.url.path, "text/event-stream"
    if path.endswith("/chat/completions"):
        return (name, chat_stream()) if streams else ("application/json", json.dumps(chat()).encode())
    if path.endswith("/responses"):
        return (name, responses_stream()) if streams else ("application/json", json.dumps(responses()).encode())
    if path.endswith("/completions"):
        return "application/json", json.dumps(completion()).encode()
    if path.endswith("/messages"):
        return (name, messages_stream()) if streams else ("application/json", json.dumps(messages()).encode())
    if path.endswith(":streamGenerateContent"):
        return name, sse([*(gemini(word, None) for word in WORDS[:-1]), gemini(WORDS[-1])])
    if path.endswith(":generateContent"):
        return "application/json", json.dumps(gemini()).encode()
    if path.endswith("/v2/chat"):
        return (name, cohere_stream()) if streams else ("application/json", json.dumps(cohere()).encode())
    if path.endswith("/api/chat"):
        events = [*(ollama(word, False) for word in WORDS), ollama("", True)]
        return ("application/x-ndjson", lines(events)) if streams else ("application/json", json.dumps(ollama()).encode())
    if path.endswith("/api/generate"):
        events = [*(generated(word, False) for word in WORDS), generated("", True)]
        return ("application/x-ndjson", lines(events)) if streams else ("application/json", json.dumps(generated()).encode())
    if path.endswith("/embeddings"):
        data = [{"object": "embedding", "index": 0, "embedding": [0.5]}]
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        return "application/json", json.dumps({"object": "list", "model": "m-1", "data": data, "usage": usage}).encode()
    raise AssertionError(path)


def provider(*, compressed: bool = False, piece: int = 60, breaks: Exception | None = None) -> Handler:
    """Answers any request, and what is streamed in pieces of `piece` bytes, ending with the exception `breaks`."""

    def handle(request: Any) -> Any:
        library = library_of(request)
        asked = json.loads(request.content)
        streams = bool(asked.get("stream")) or "stream" in request.url.path
        name, body = answer(request, streams)
        headers = {"content-type": name}
        if compressed:
            body, headers["content-encoding"] = gzip.compress(body), "gzip"
        pieces = [body[start : start + piece] for start in range(0, len(body), piece)]
        return library.Response(200, headers=headers, stream=STREAMS[library](pieces, breaks))

    return handle


def clients(handle: Handler, library: Any = httpx2) -> tuple[Any, Any]:
    """-> one for sync and one for async."""
    return (
        library.Client(transport=library.MockTransport(handle)),
        library.AsyncClient(transport=library.MockTransport(handle)),
    )
