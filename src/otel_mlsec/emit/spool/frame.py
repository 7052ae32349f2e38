"""One record in one line: OTLP JSON, with a number, a checksum and a link to the line before.

`{"resourceLogs":[…],"mlsec":{"seq":7,"crc":"0badcafe","prev":"…","hash":"…"}}` is a message of OTLP to whoever ignores names
that he does not know, as the specification asks of receivers.  The hash is BLAKE2b over the hash before, the number and the
record; keyed where there is a key, so that who can write the file without it cannot forge, reorder or cut out unnoticed.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from dataclasses import dataclass
from typing import Any

from otel_mlsec.emit import otlp_json
from otel_mlsec.emit.record import Record

HEAD, SEAL, TAIL = b'{"resourceLogs":', b',"mlsec":', b"}"
FIRST = "0" * 32  # what the first line of a chain links to
KEY = 64  # bytes that BLAKE2b takes


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A line that could be read."""

    record: Record
    seq: int
    prev: str
    hash: str
    fault: str  # "" where checksum and hash are the record's; "damaged": the checksum is not; "unverified": only the hash is not


def frame(record: Record, seq: int, prev: str, key: bytes = b"") -> tuple[bytes, str]:
    """The line, without its end, and its hash, to which the next one links."""
    body = otlp_json.encode(record)
    digest = _hash(body, seq, prev, key)
    seal = f'{{"seq":{seq},"crc":"{zlib.crc32(body):08x}","prev":"{prev}","hash":"{digest}"}}'
    return HEAD + body + SEAL + seal.encode("ascii") + TAIL, digest


def read(line: bytes, key: bytes = b"") -> Frame | None:
    """None for a line of which nothing can be made; one with a `fault` may have any content."""
    at = line.rfind(SEAL)  # quotes within a record are escaped, so this is no part of one
    if not line.startswith(HEAD) or at < 0:
        return None
    body = line[len(HEAD) : at]
    try:
        record = otlp_json.decode(body)
    except ValueError:
        return None
    try:
        seal: dict[str, Any] = json.loads(line[at + len(SEAL) : -len(TAIL)])
        seq, prev, digest = int(seal["seq"]), str(seal["prev"]), str(seal["hash"])
        crc = seal["crc"] == f"{zlib.crc32(body):08x}"
        fault = "" if crc and digest == _hash(body, seq, prev, key) else "unverified" if crc else "damaged"
    except (ValueError, TypeError, KeyError, RecursionError):
        return Frame(record=record, seq=-1, prev="", hash="", fault="damaged")
    return Frame(record=record, seq=seq, prev=prev, hash=digest, fault=fault)


def _hash(body: bytes, seq: int, prev: str, key: bytes) -> str:
    digest = hashlib.blake2b(f"{prev}\n{seq}\n".encode("utf-8", "replace"), digest_size=16, key=key[:KEY])
    digest.update(body)
    return digest.hexdigest()
