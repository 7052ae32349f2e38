"""AWS's event stream encoding: length, headers, payload, checksums (`application/vnd.amazon.eventstream`)."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

PRELUDE, CHECKSUM = 12, 4  # bytes
MARKS = (b":event-type\x07", b":exception-type\x07")  # 7: the header's value is a string of two bytes' length


def frames(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Name and payload of every frame that is there whole; Bedrock's `{"bytes": …}` is unpacked.  Checksums are not checked."""
    at = 0
    while at + PRELUDE + CHECKSUM <= len(body):
        length, headers = int.from_bytes(body[at : at + 4]), int.from_bytes(body[at + 4 : at + 8])
        if length < PRELUDE + CHECKSUM + headers or at + length > len(body):
            return
        start = at + PRELUDE + headers
        yield _name(body[at + PRELUDE : start]), _payload(body[start : at + length - CHECKSUM])
        at += length


def _name(headers: bytes) -> str:
    for mark in MARKS:
        _, found, rest = headers.partition(mark)
        if found:
            return rest[2 : 2 + min(int.from_bytes(rest[:2]), 64)].decode("ascii", "replace")
    return ""


def _payload(payload: bytes) -> bytes:
    if not payload.startswith(b'{"bytes":'):
        return payload
    try:
        inner = json.loads(payload)["bytes"]
        return base64.b64decode(inner) if isinstance(inner, str) else payload
    except (ValueError, RecursionError):
        return payload
