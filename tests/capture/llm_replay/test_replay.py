"""Recorded traffic through the providers' own clients, without us and with us: what they send and show is the same.

The clients, their pools and `Client.send` are real; the answer is served where a socket would be, in pieces, and once.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import inspect
import json
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import httpx2
import pytest
from tests.capture.bodies.recorded import Recorded, recordings
from tests.capture.llm_replay.clients import FAMILIES, SAMPLE, SDKS, Call

from otel_mlsec import capture
from otel_mlsec.capture import bodies, llm
from otel_mlsec.observation import Completion, Ending


class Wire:
    """Where a socket would be: answers with what was recorded, and keeps what was sent."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.now: Recorded | None = None
        self.compressed = False
        self.sent: list[tuple[str, str, bytes]] = []
        for library in (httpx, httpx2):

            class Body(library.SyncByteStream, library.AsyncByteStream):
                def __init__(self, data: bytes) -> None:
                    self.left = pieces(data)

                def __iter__(self) -> Iterator[bytes]:
                    yield from self.left

                async def __aiter__(self) -> Any:
                    for piece in self.left:
                        yield piece

            def reply(_self: Any, request: Any, library: Any = library, body: Any = Body) -> Any:
                return self.reply(request, library, body, request.read())

            async def areply(_self: Any, request: Any, library: Any = library, body: Any = Body) -> Any:
                return self.reply(request, library, body, await request.aread())

            patch.setattr(library.HTTPTransport, "handle_request", reply)
            patch.setattr(library.AsyncHTTPTransport, "handle_async_request", areply)

    def reply(self, request: Any, library: Any, body: Any, sent: bytes) -> Any:
        assert self.now is not None
        self.sent.append((request.method, request.url.path, sent))
        data, headers = self.now.answer, {"content-type": content_type(self.now.answer)}
        if self.compressed:
            data, headers["content-encoding"] = gzip.compress(data), "gzip"
        return library.Response(self.now.status, headers=headers, stream=body(data), request=request)


def pieces(data: bytes) -> Iterator[bytes]:
    """Cut anywhere: inside of letters, lines and events."""
    lengths, at = random.Random(len(data)), 0
    while at < len(data):
        length = lengths.choice((1, 7, 64, 300, 1500))
        yield data[at : at + length]
        at += length


def content_type(answer: bytes) -> str:
    if answer.startswith((b"data:", b"event:")):
        return "text/event-stream"
    return "application/x-ndjson" if answer.count(b'\n{"model"') else "application/json"


def shown(value: Any) -> Any:
    """What a client shows, as JSON, with its type."""
    return type(value).__name__, json.loads(value.model_dump_json()) if hasattr(value, "model_dump_json") else repr(value)


def run(call: Call) -> list[Any]:
    method, arguments, stream = call
    try:
        got = method(**arguments)
        return [shown(event) for event in got] if stream else [shown(got)]
    except Exception as e:  # noqa: BLE001 - whatever the client raises is what is compared
        return ["raised", type(e).__name__, str(e)[:300]]


async def arun(call: Call) -> list[Any]:
    method, arguments, stream = call
    try:
        got = method(**arguments)
        got = await got if inspect.isawaitable(got) else got
        return [shown(event) async for event in got] if stream else [shown(got)]
    except Exception as e:  # noqa: BLE001 - whatever the client raises is what is compared
        return ["raised", type(e).__name__, str(e)[:300]]


class Replay:
    """Calls of one family, through one client of each kind and one event loop."""

    def __init__(self, family: str, wire: Wire, loop: asyncio.Runner) -> None:
        make, self.call, _ = FAMILIES[family]
        self.wire, self.loop, self.clients = wire, loop, (make(False), make(True))

    def chosen(self, few: bool) -> list[Recorded]:
        """`few`: only some of those that ask differently, by a hash, so the same ones each time."""
        mine = [each for each in recordings() if self.call(self.clients[False], each, False) is not None]
        if not few:
            return mine
        different = {each.path + each.request.decode(): each for each in mine}
        ordered = sorted(different, key=lambda key: hashlib.sha256(key.encode()).digest())
        return [different[key] for key in ordered[:SAMPLE]]

    def __call__(self, each: Recorded, a: bool, compressed: bool) -> tuple[list[Any], list[Any]]:
        self.wire.now, self.wire.compressed, self.wire.sent = each, compressed, []
        call = self.call(self.clients[a], each, a)
        assert call is not None
        return (self.loop.run(arun(call)) if a else run(call)), self.wire.sent


def observed(items: list[Any]) -> list[Completion]:
    attempts = llm.Attempts()
    answered = [done for item in items for done in attempts.take(item, 0.0)] + list(attempts.flush())
    found = (llm.whole(item) for item in answered if isinstance(item, llm.Answered))
    return [completion for completion in found if completion is not None]


def compare(family: str, few: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every chosen interaction, sync and async, plain and compressed, without us and with us."""
    pytest.importorskip(SDKS.get(family, family))
    with asyncio.Runner() as loop:
        replay = Replay(family, Wire(monkeypatch), loop)
        chosen = replay.chosen(few)
        assert len(chosen) >= FAMILIES[family][2]
        work = [(each, a, compressed) for each in chosen for a in (False, True) for compressed in (False, True)]
        without = [replay(*one) for one in work]
        items: list[Any] = []
        sent = 0
        patches = capture.Patches()
        capture.patch(patches, lambda item, /: items.append(item) or True)
        try:
            for one, before in zip(work, without, strict=True):
                items.clear()
                now = replay(*one)
                assert now == before, one[0].file
                judge(one[0], now, items)
                sent += bool(now[1])
        finally:
            patches.undo()
    assert sent > len(work) * 0.9  # the others are what this version of the client refuses to send


def judge(each: Recorded, replay: tuple[list[Any], list[Any]], items: list[Any]) -> None:
    """One observation, with what was sent and what came back, each text once."""
    results, sent = replay
    if not sent:
        return  # the client refused to send it
    [(_, path, body)] = sent
    [completion] = observed(items)
    request = bodies.request(path, each.host, body)
    assert request is not None
    assert completion.inputs == request.inputs, each.file
    if each.status >= 400:
        assert completion.ending is Ending.FAILED, each.file
        return
    answer = bodies.answer(request, each.answer, "")
    assert Counter(completion.outputs) == Counter(answer.outputs), each.file
    assert completion.ending is (Ending.FAILED if answer.error else Ending.COMPLETE), (each.file, results)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("family", FAMILIES)
def test_clients_send_and_show_the_same_and_each_call_is_seen_once(family: str, monkeypatch: pytest.MonkeyPatch):
    compare(family, few=True, monkeypatch=monkeypatch)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("family", ["openai", "anthropic"])  # of the others the sample is everything
def test_clients_send_and_show_the_same_for_everything_that_was_recorded(family: str, monkeypatch: pytest.MonkeyPatch):
    compare(family, few=False, monkeypatch=monkeypatch)
