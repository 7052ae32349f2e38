"""Bytes of a body → JSON values.  What they are is decided by looking at them: one value, events, lines, or frames.

Of a key that an object has twice the last counts, as it does for the providers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from otel_mlsec.capture.bodies import frames
from otel_mlsec.capture.bodies.mend import mend
from otel_mlsec.capture.bodies.shapes import Object, is_array, is_object

FIELDS = (b"data:", b"event:", b"id:", b"retry:", b":")


class Event(NamedTuple):
    """One piece of a streamed answer."""

    name: str  # of the event, where the stream names it beside the data
    data: Object


class Parsed(NamedTuple):
    """What a body is."""

    events: list[Event]  # one for an answer that came whole
    streamed: bool
    done: bool = False  # the stream said `[DONE]`
    cut: bool = False  # some of the end is missing


def value(body: bytes) -> tuple[Any, bool]:
    """The one JSON value that a body is, and whether it was complete.

    Raises:
        ValueError: it is none.
    """
    return _mended(_text(body))


def answer(body: bytes) -> Parsed:
    """A body in any of the forms that answers have; no events where it has none of them."""
    start = body[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start == b"\x00":
        return Parsed(
            [Event(name, loaded) for name, payload in frames.frames(body) if (loaded := _object(payload)) is not None],
            streamed=True,
        )
    if start not in (b"{", b"["):
        if not _has_fields(body):
            return Parsed([], streamed=False)
        events, done = _server_sent(body)
        return Parsed(events, streamed=True, done=done)
    text = _text(body)
    try:
        return _whole(_loads(text), cut=False)
    except ValueError:
        lines = _lines(body)
        if lines:
            return Parsed([Event("", line) for line in lines], streamed=True)
    try:
        return _whole(_mended(text)[0], cut=True)
    except ValueError:
        return Parsed([], streamed=False)


def _whole(loaded: Any, *, cut: bool) -> Parsed:
    if is_array(loaded):
        return Parsed([Event("", e) for e in loaded if is_object(e)], streamed=True, cut=cut)
    return Parsed([Event("", loaded)] if is_object(loaded) else [], streamed=False, cut=cut)


def _text(body: bytes) -> str:
    """UTF-8 for all that the providers take, and what JSON may be besides; wrong bytes stand as U+FFFD."""
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode(json.detect_encoding(body), "replace").removeprefix("\ufeff")


def _loads(text: str) -> Any:
    try:
        return json.loads(text, strict=False)
    except json.JSONDecodeError:
        raise
    except (ValueError, RecursionError) as e:
        if isinstance(e, RecursionError):
            text = mend(text) or text
        try:
            return json.loads(text, strict=False, parse_int=_integer)
        except RecursionError:
            raise ValueError("nested too deep") from None


def _mended(text: str) -> tuple[Any, bool]:
    try:
        return _loads(text), True
    except ValueError:
        whole = mend(text)
        if whole is None:
            raise
        return _loads(whole), False


def _integer(digits: str) -> int | str:
    """A number longer than Python likes to read is kept as it is written."""
    return int(digits) if len(digits) < 4000 else digits


def _object(line: bytes) -> Object | None:
    try:
        loaded = _loads(_text(line))
    except ValueError:
        return None
    return loaded if is_object(loaded) else None


def _lines(body: bytes) -> list[Object]:
    """JSON lines; none if the first is not an object by itself, as in one value that is written over lines."""
    found: list[Object] = []
    for line in body.splitlines():
        if line.strip():
            loaded = _object(line)
            if loaded is not None:
                found.append(loaded)
            elif not found:
                return []
    return found


def _has_fields(body: bytes) -> bool:
    return any(line.lstrip(b"\xef\xbb\xbf").startswith(FIELDS) for line in body.splitlines())


def _server_sent(body: bytes) -> tuple[list[Event], bool]:
    """Events as HTML's standard for server-sent events reads them, and whether one of them was `[DONE]`."""
    events: list[Event] = []
    done = False
    for name, data in _blocks(body):
        if any(line.strip() == b"[DONE]" for line in data):
            done = True
        loaded = _object(b"\n".join(data))
        # A server that leaves the blank lines out sends one event a line.
        found = (
            [loaded]
            if loaded is not None
            else [each for line in data if (each := _object(line)) is not None]
            if len(data) > 1
            else []
        )
        events += [Event(name, each) for each in found]
    return events, done


def _blocks(body: bytes) -> Iterator[tuple[str, list[bytes]]]:
    name, data = "", list[bytes]()
    for line in [*body.removeprefix(b"\xef\xbb\xbf").splitlines(), b""]:
        if not line:
            if data:
                yield name, data
            name, data = "", list[bytes]()
            continue
        field, _, rest = line.partition(b":")
        rest = rest.removeprefix(b" ")
        if field == b"data":
            data.append(rest)
        elif field == b"event":
            name = rest[:64].decode("ascii", "replace")
