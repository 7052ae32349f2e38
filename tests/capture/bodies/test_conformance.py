"""Every string that was ever recorded on its way to a model, or back: taken once, as whose it is, or known to be no text.

The walk here knows nothing of the package's tables.  It names each string by its pattern (keys, types, roles), and looks the
pattern up in lists that were reviewed by hand.  A pattern that nobody reviewed is a failure: an API has grown.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache, reduce
from operator import getitem
from typing import Any

import pytest
from tests.capture.bodies.reviewed import ANSWERED, ASKED, NO

from otel_mlsec.capture import bodies
from otel_mlsec.observation import Text

Told = tuple[str, str, str, str]  # text, role, origin, form


@cache
def reviewed(api: str, answer: bool, pattern: str) -> tuple[Any, ...] | None:
    for row in (ANSWERED if answer else ASKED)[api]:
        if re.fullmatch(row[0], pattern):
            return row
    return None


def leaves(
    value: Any, api: str, answer: bool, pattern: str = "", at: tuple[int, ...] = ()
) -> Iterator[tuple[str, Any, tuple[int, ...]]]:
    """Reviewed row, text and indices of everything that is one, from the outside in."""
    row = reviewed(api, answer, pattern)
    how = row[2] if row and len(row) > 2 else "text"
    if row and how == "one" and value and not isinstance(value, str):
        yield json.dumps(value, sort_keys=True, ensure_ascii=False), row, at
    elif row and how in ("tool", "told") and isinstance(value, dict) and ("name" in value or how == "told"):
        yield "\n".join(words(value)), row, at
    elif isinstance(value, str):
        assert row, f"nobody reviewed {api} {'answer' if answer else 'request'}: {pattern}"
        if row[1] is not NO:
            yield value, row, at
    elif isinstance(value, list):
        for each in value:
            yield from leaves(each, api, answer, pattern + "[]", at)
    elif isinstance(value, dict):
        tag = value.get("type") if isinstance(value.get("type"), str) else value.get("role")
        here = at + tuple(value[k] for k in ("index", "output_index", "content_index") if isinstance(value.get(k), int))
        for key, each in value.items():
            inner = f"{pattern}{f'<{tag}>' if isinstance(tag, str) else ''}.{key}".removeprefix(".")
            yield from leaves(each, api, answer, inner, here)


def words(schema: Any, named: bool = False, telling: bool = False) -> Iterator[str]:
    if isinstance(schema, str) and telling and schema:
        yield schema
    elif isinstance(schema, list):
        for each in schema:
            yield from words(each, telling=telling)
    elif isinstance(schema, dict):
        for key, each in schema.items():
            tells = not named and key in ("description", "title", "enum", "default", "examples")
            yield from words(each, named=not named and key in ("properties", "$defs"), telling=tells)


def told(texts: tuple[Text, ...]) -> Counter[Told]:
    return Counter(ordered(t.text, str(t.role), str(t.origin), str(t.form)) for t in texts)


def expected(found: Iterator[tuple[str, Any, tuple[int, ...]]]) -> Counter[Told]:
    return Counter(ordered(text, *row[1]) for text, row, _ in found if text)


def ordered(text: str, role: str, origin: str, form: str) -> Told:
    """In which order a definition's words are put together does not matter."""
    return "\n".join(sorted(text.split("\n"))) if form == "description" else text, role, origin, form


def events(answer: bytes) -> list[dict[str, Any]]:
    lines = [line.removeprefix(b"data: ") for line in answer.splitlines()]
    return [json.loads(line) for line in lines if line.startswith(b"{")]


def test_every_string_of_recorded_requests_is_taken_once_as_whose_it_is(recordings: Any) -> None:
    seen = Counter[str]()
    for each in recordings:
        request = bodies.request(each.path, each.host, each.request) if bodies.asks("POST", each.path) else None
        if request is None:
            continue
        seen[request.api] += 1
        assert told(request.inputs) == expected(leaves(each.asked, request.api, answer=False)), each.file
        assert not request.unknown, each.file
        for text in request.inputs:
            assert not text.path or reduce(getitem, text.path, each.asked) == text.text, each.file

    assert seen["chat"] > 400 and seen["responses"] > 80 and seen["messages"] > 100
    assert len(seen) == len(ASKED)


def test_every_string_of_recorded_answers_is_taken_once_as_whose_it_is(recordings: Any) -> None:
    seen = Counter[str]()
    for each in recordings:
        request = bodies.request(each.path, each.host, each.request) if bodies.asks("POST", each.path) else None
        if request is None or each.status != 200 or not each.answer.startswith(b"{") or request.stream:
            continue
        answer = bodies.answer(request, each.answer, "")
        seen[request.api] += 1
        assert told(answer.outputs) == expected(leaves(json.loads(each.answer), request.api, answer=True)), each.file
        assert not answer.unknown, each.file
        assert answer.ended or answer.error, each.file

    assert seen["chat"] > 250 and seen["responses"] > 40 and seen["messages"] > 80


@pytest.mark.parametrize("api", ["chat", "completions", "messages", "responses", "gemini", "cohere_v2"])
def test_every_piece_of_recorded_streams_is_put_where_it_belongs(recordings: Any, api: str) -> None:
    seen = 0
    for each in recordings:
        request = bodies.request(each.path, each.host, each.request) if bodies.asks("POST", each.path) else None
        if request is None or request.api != api or not request.stream or each.answer.startswith(b"\0"):
            continue
        seen += 1
        grown = defaultdict[Any, str](str)
        for event in events(each.answer):
            for text, row, at in leaves(event, api, answer=True):
                grown[(row[1], at, row[2:])] += text
        as_plain = (
            (json.dumps(json.loads(text), sort_keys=True, ensure_ascii=False) if how == ("json",) else text, *voice)
            for (voice, _, how), text in grown.items()
            if text
        )
        answer = bodies.answer(request, each.answer, "")
        assert told(answer.outputs) == Counter(as_plain), each.file
        assert answer.ended, each.file

    assert seen >= {"chat": 130, "completions": 15, "messages": 35, "responses": 30, "gemini": 4, "cohere_v2": 10}[api]
