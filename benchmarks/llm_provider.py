"""A provider of a language model in memory: whole answers, and streams in as many pieces as events.

As from a socket, nothing of an answer is read before the client reads it.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

URL = "https://api.openai.com/v1/chat/completions"
CHUNKS = 200
USAGE = {"prompt_tokens": 900, "completion_tokens": CHUNKS, "total_tokens": 900 + CHUNKS}
DONE = b"data: [DONE]\n\n"


def request(messages: Sequence[dict[str, str]], stream: bool = False) -> bytes:
    return json.dumps({"model": "gpt-4o", "messages": list(messages), "stream": stream}).encode()


def message(content: str, role: str = "user") -> dict[str, str]:
    return {"role": role, "content": content}


def chat(content: str) -> bytes:
    choice = {"index": 0, "message": message(content, "assistant"), "finish_reason": "stop"}
    answer = {"id": "x", "object": "chat.completion", "created": 1, "model": "gpt-4o-1", "choices": [choice], "usage": USAGE}
    return json.dumps(answer).encode()


def events(content: str) -> list[bytes]:
    """`CHUNKS` pieces of it, then the end."""
    chunk: dict[str, Any] = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-1"}
    step = max(1, -(-len(content) // CHUNKS))
    deltas = [{"content": content[at * step : (at + 1) * step]} for at in range(CHUNKS)]
    said = [chunk | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    last: dict[str, Any] = chunk | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    return [b"data: %b\n\n" % json.dumps(event).encode() for event in (*said, last)] + [DONE]


class Provider:
    """Says `content` to whoever asks, streamed to those who ask for that.

    Args:
        httpx: the library whose clients send to it, httpx or httpx2.
    """

    def __init__(self, httpx: Any, content: str) -> None:
        self._response, self._transport = httpx.Response, httpx.MockTransport
        self.says(content)

    def says(self, content: str) -> None:
        self._events, self._chat = events(content), chat(content)

    def transport(self) -> Any:
        def answer(asked: Any) -> Any:
            return self._answer(asked, iter)

        return self._transport(answer)

    def atransport(self) -> Any:
        async def answer(asked: Any) -> Any:
            return self._answer(asked, _aiter)

        return self._transport(answer)

    def _answer(self, asked: Any, each: Any) -> Any:
        streamed = b'"stream":true' in asked.content or b'"stream": true' in asked.content
        pieces, kind = (self._events, "text/event-stream") if streamed else ([self._chat], "application/json")
        return self._response(200, content=each(pieces), headers={"content-type": kind})


async def _aiter(pieces: Sequence[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
