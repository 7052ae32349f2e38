"""Requests and answers as they are read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from tests.capture.bodies import recorded

from otel_mlsec.capture import bodies

Said = list[tuple[str, str, str]]  # text, origin, form


def said(texts: tuple[Any, ...]) -> Said:
    return [(text.text, str(text.origin), str(text.form)) for text in texts]


@pytest.fixture
def recordings() -> list[recorded.Recorded]:
    return recorded.recordings()


@pytest.fixture
def ask() -> Callable[..., Any]:
    """What is read from a request of one API."""

    def ask(path: str, body: Mapping[str, Any] | bytes, host: str = "llm.example") -> bodies.Request:
        assert bodies.asks("POST", path)
        raw = body if isinstance(body, bytes) else json.dumps({"model": "m", **body}).encode()
        request = bodies.request(path, host, raw)
        assert request is not None
        return request

    return ask


@pytest.fixture
def inputs(ask: Callable[..., Any]) -> Callable[..., Said]:
    return lambda path, body: said(ask(path, body).inputs)


@pytest.fixture
def answer(ask: Callable[..., Any]) -> Callable[..., Any]:
    """What is read from an answer: an object, or a list of events as a stream of them."""
    least = {"messages": [], "input": "", "contents": [], "message": "", "prompt": "", "inputs": "", "assistant_id": "a"}

    def answer(path: str, body: Any) -> bodies.Answer:
        if isinstance(body, list):
            raw = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in body)
        else:
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return bodies.answer(ask(path, {"message": ""} if path == "/v1/chat" else least), raw, "")

    return answer


@pytest.fixture
def outputs(answer: Callable[..., Any]) -> Callable[..., Said]:
    return lambda path, body: said(answer(path, body).outputs)
