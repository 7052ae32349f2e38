"""Recorded traffic of the providers' own clients, where it is at hand."""

from __future__ import annotations

import base64
import gzip
import json
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from otel_mlsec.capture import bodies

CASSETTES = Path(__file__).parents[3].parent / "shared" / "data" / "llm_cassettes.tar.xz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One interaction: what was sent, and the bytes that came back, unpacked."""

    file: str
    path: str
    host: str
    asked: dict[str, Any]
    status: int
    answer: bytes

    @property
    def request(self) -> bytes:
        return json.dumps(self.asked).encode()


def _bytes(part: Mapping[str, Any]) -> bytes:
    body = part.get("body")
    if isinstance(body, dict):
        body = base64.b64decode(body["base64_string"]) if "base64_string" in body else body.get("string")
    raw = body if isinstance(body, bytes) else (body or "").encode()
    return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw


@pytest.fixture(scope="session")
def recordings() -> list[Recorded]:
    """All recorded interactions whose request is a JSON object."""
    yaml = pytest.importorskip("yaml")
    if not CASSETTES.exists():
        pytest.skip("recorded traffic is not at hand")
    found: list[Recorded] = []
    with tarfile.open(CASSETTES) as archive:
        for member in archive:
            if not member.name.endswith((".yaml", ".yml")):
                continue
            file = archive.extractfile(member)
            assert file is not None
            document = yaml.load(file.read(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
            for each in document.get("interactions") or []:
                url = urlsplit(each["request"]["uri"])
                try:
                    asked = json.loads(_bytes(each["request"]))
                except ValueError:
                    continue
                if isinstance(asked, dict):
                    found.append(
                        Recorded(
                            file=member.name,
                            path=unquote(url.path),
                            host=url.hostname or "",
                            asked=asked,
                            status=each["response"]["status"]["code"],
                            answer=_bytes(each["response"]),
                        )
                    )
    return found


Said = list[tuple[str, str, str]]  # text, origin, form


def said(texts: tuple[Any, ...]) -> Said:
    return [(text.text, str(text.origin), str(text.form)) for text in texts]


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
