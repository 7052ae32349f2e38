"""A webhook: one POST a finding, signed as https://www.standardwebhooks.com has it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from otel_mlsec.emit import names
from otel_mlsec.emit.record import Record
from otel_mlsec.emit.transport import Answer
from otel_mlsec.emit.transports.http import Http

LATER = frozenset({401, 403, 404, 408, 409, 421, 423, 425, 429})  # statuses below 500 that another time may be better
PREFIX = "whsec_"  # of a secret that is given in base64


@dataclass(slots=True, kw_only=True)
class Webhook:
    """Sends to one URL.

    A `send` begins no further POST once it has taken the time-out of one.

    Attributes:
        form: makes the body, a JSON document.
        secret: that bodies are signed with; empty: they are not.
    """

    http: Http
    form: Callable[[Record], str]
    secret: bytes = field(default=b"", repr=False)

    def send(self, records: Sequence[Record], /) -> Answer:
        end = time.monotonic() + self.http.timeout
        for taken, record in enumerate(records):
            if taken and time.monotonic() > end:
                return Answer(taken=taken, why="slow")
            response = self.http.post(*self._message(record), heed=False)
            if isinstance(response, str):
                return Answer(taken=taken, why=response)
            if not response.good:
                refused = 400 <= response.status < 500 and response.status not in LATER
                return Answer(taken=taken, refused=refused, wait=response.wait, why=f"HTTP {response.status}")
        return Answer(taken=len(records))

    def _message(self, record: Record) -> tuple[bytes, dict[str, str]]:
        body = self.form(record).encode("utf-8", "replace")
        identifier, now = _printed(record.text(names.FINDING_ID)), str(int(time.time()))
        headers = {"content-type": "application/json", "webhook-id": identifier, "webhook-timestamp": now}
        if self.secret:
            headers["webhook-signature"] = f"v1,{signature(self.secret, identifier, now, body)}"
        return body, headers

    def close(self) -> None:
        self.http.close()


def signature(secret: bytes, identifier: str, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 in base64, over the id, the time in s and the body, with full stops between them."""
    signed = f"{identifier}.{timestamp}.".encode() + body
    return base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode("ascii")


def secret_of(text: str) -> bytes:
    """Bytes of a secret as it is given out.

    Raises:
        ValueError: it begins with `whsec_`, and the rest is no base64.
    """
    if not text.startswith(PREFIX):
        return text.encode("utf-8", "surrogateescape")
    try:
        return base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise ValueError(f"a secret that begins with {PREFIX} goes on in base64") from None


def _printed(identifier: str) -> str:
    """Fit for a header; ours is, one from a damaged file may be anything."""
    return "".join(c for c in identifier[:128] if c.isascii() and c.isprintable() and c != " ") or "unknown"
