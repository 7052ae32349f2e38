"""Who asked and when: from the application's own word down to the peer's address, always as a keyed pseudonym.

What the application says travels in the OpenTelemetry context, so whatever carries that across threads carries this too.
The request being served does not: server instrumentations start from an empty OpenTelemetry context, so it has a variable
of its own, and is found again by trace id where only the OpenTelemetry context was carried.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import math
import os
import weakref
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, NamedTuple

from opentelemetry import baggage, context, trace
from opentelemetry.context import Context

USER_ATTRIBUTES = ("enduser.pseudo.id", "user.id", "enduser.id", "user.hash")  # of spans and baggage, best first
LONGEST = 1024  # bytes of a claim that count; headers and baggage are the peer's to choose

_PRINCIPAL = context.create_key("otel_mlsec.principal")
_EVENT_TIME = context.create_key("otel_mlsec.event_time")
_key = os.urandom(32)  # made before a server forks, so that its workers agree


class Asked(NamedTuple):
    """A claim, and what kind of claim it is: app, user, baggage, header or address, the surest first."""

    kind: str
    value: str


NOBODY = Asked("", "")


@dataclass(slots=True, weakref_slot=True, eq=False)
class Request:
    """The request being served; filled by the server hook, and with the server span when there is one."""

    address: str = ""
    header: str = ""  # that names the principal
    group: str = ""
    agent: str = ""
    span: Any = None


serving: ContextVar[Request | None] = ContextVar("otel_mlsec_serving", default=None)
by_trace: weakref.WeakValueDictionary[int, Request] = weakref.WeakValueDictionary()  # an entry lives as long as its request


def set_key(key: bytes) -> None:
    """The secret of the pseudonyms; the same key in two processes gives the same pseudonyms.

    Raises:
        ValueError: `key` is shorter than 16 bytes.
    """
    global _key
    if len(key) < 16:
        raise ValueError(f"key must have at least 16 bytes, got {len(key)}")
    _key = key if len(key) <= hashlib.blake2b.MAX_KEY_SIZE else hashlib.blake2b(key).digest()


def key() -> bytes:
    """The secret of the pseudonyms, and of canaries."""
    return _key


@contextmanager
def principal(who: str) -> Generator[None]:
    """Model calls inside the block are made for `who`; what leaves the process is a keyed pseudonym.

    >>> with principal("user-123"):
    ...     current().kind
    'app'
    """
    token = context.attach(context.set_value(_PRINCIPAL, Asked("app", str(who))))
    try:
        yield
    finally:
        context.detach(token)


@contextmanager
def event_time(when: float | dt.datetime) -> Generator[None]:
    """Model calls inside the block are about rows of that time: seconds since the epoch, or a datetime with a zone.

    Raises:
        ValueError: a datetime without a zone, or a number that is not finite.
    """
    if isinstance(when, dt.datetime):
        if when.tzinfo is None:
            raise ValueError(f"when must have a time zone, got {when.isoformat()}")
        when = when.timestamp()
    seconds = float(when)
    if not math.isfinite(seconds):
        raise ValueError(f"when must be finite, got {seconds}")
    token = context.attach(context.set_value(_EVENT_TIME, seconds))
    try:
        yield
    finally:
        context.detach(token)


def told_time(here: Context) -> float | None:
    seconds = here.get(_EVENT_TIME)
    return seconds if isinstance(seconds, float) else None


def current() -> Asked:
    """Who asks, here and now."""
    here = context.get_current()
    span = trace.get_current_span(here)
    return asked(here, span, request_of(span))


def request_of(span: trace.Span) -> Request | None:
    """The request being served here, or, in a thread that carries only the OpenTelemetry context, that of its trace."""
    request = serving.get()
    if request is None and by_trace:
        request = by_trace.get(span.get_span_context().trace_id)
    return request


def asked(here: Context, span: trace.Span, request: Request | None) -> Asked:
    told = here.get(_PRINCIPAL)
    if isinstance(told, Asked):
        return told
    if here or request is not None:
        # Only the SDK's recording spans can be read.
        user = _user(getattr(span, "attributes", None)) or _user(getattr(request.span if request else None, "attributes", None))
        if user:
            return Asked("user", user)
        claimed = _user(baggage.get_all(here))
        if claimed:
            return Asked("baggage", claimed)
    if request is None:
        return NOBODY
    return Asked("header", request.header) if request.header else Asked("address", request.address) if request.address else NOBODY


def _user(attributes: Mapping[str, Any] | None, names: Iterable[str] = USER_ATTRIBUTES) -> str:
    if not attributes:
        return ""
    return next((str(value)[:LONGEST] for name in names if (value := attributes.get(name))), "")


def pseudonym(who: Asked) -> str:
    """`kind:` and 12 hexadecimal digits; "" for nobody.  Nothing of the claim itself leaves."""
    if not who.value:
        return ""
    claim = who.value[:LONGEST].encode("utf-8", "surrogatepass")[:LONGEST]
    return f"{who.kind}:{hashlib.blake2b(claim, key=_key, digest_size=6).hexdigest()}"
