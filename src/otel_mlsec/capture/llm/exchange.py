"""One request to a model and its answer, as bytes: what the caller's thread writes down, and the worker reads."""

from __future__ import annotations

import os
import threading
import time
import weakref
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from opentelemetry import trace

from otel_mlsec.capture import bodies, identity
from otel_mlsec.detector import Submit
from otel_mlsec.errors import qualified_name

BODY = 32 << 20  # bytes of a request, or of an answer that the client holds anyway; what is longer is seen without its text
STREAM = 4 << 20  # bytes kept of a streamed answer: about 12,000 tokens in the longest of today's formats
TAIL = 64 << 10  # bytes kept of the end of a longer one, where it says how it ended and what it cost
OVERHEAD = 1024  # bytes of an exchange beside its bodies
REFUSED = 300  # statuses from here on are no answer
FINAL = frozenset({400, 401, 403, 404, 405, 413, 422})  # refusals after which no client tries again
PATIENCE = 10.0  # s that a failed call may wait for its next attempt, unless the provider names a longer time
LONGEST_PATIENCE = 65.0  # s; the clients of today wait for at most 60


class Ended(StrEnum):
    """How the client's side of an answer ended."""

    READ = "read"
    CLOSED = "closed"
    ABANDONED = "abandoned"  # forgotten: the garbage collector found it
    RAISED = "raised"
    REFUSED = "refused"  # the provider's status says so


_forks = 0  # before this process came to be: an answer that was open at a fork is the parent's


def _forked() -> None:
    global _forks
    _forks += 1


os.register_at_fork(after_in_child=_forked)

# The last attempt that failed here.  Weak: it lives while the worker waits for another one.
failed: ContextVar[weakref.ref[Exchange] | None] = ContextVar("otel_mlsec_failed", default=None)


@dataclass(slots=True, weakref_slot=True, eq=False, repr=False, kw_only=True)
class Exchange:
    """One attempt.  The caller writes until it has ended, then the worker reads.

    No `repr`: it is in the frames of what the user's call raises, whose variables some report.
    """

    submit: Submit
    url: Any  # httpx's own, immutable
    path: str
    body: bytes | None  # as sent; None where it is too long, or not sent yet
    who: identity.Asked
    served: identity.Request | None
    time: float | None  # s since the epoch, as told; None: the start
    span: trace.SpanContext
    attached: bool  # `span` is the call's own, made by somebody else
    start_ns: int
    streamed_body: bool = False
    body_encoding: str = ""
    action: str = ""  # what a guard did: "", "blocked" or "modified"
    detectors: tuple[str, ...] = ()  # whose findings were its reason
    previous: Exchange | None = None  # the attempt before this one
    first: Exchange | None = None  # worker: the attempt that stands for all of them
    n_attempts: int = 1  # worker: up to this one
    parsed: bool = False  # worker
    reading: bodies.Request | None = None  # worker: what the request says, once it is parsed
    # Worker: what it remembers of the call.  Here, and not by a weak key: who finalizes a stream has cleared what is weak before.
    call: Any = None

    end_ns: int = 0
    status: int = 0
    ended: Ended | None = None
    error: str = ""
    content_type: str = ""
    encoding: str = ""
    response_type: Any = None
    patience: float = 0.0  # s to wait for another attempt; 0: there will be none
    kept: bytearray = field(default_factory=bytearray)  # of a stream, at most STREAM
    tail: bytearray = field(default_factory=bytearray)
    content: bytes | None = None  # of an answer that the client has read whole
    overflowed: bool = False
    consumed: bool = False  # somebody has begun to read the stream

    _told: bool = False
    _forks: int = field(default_factory=lambda: _forks)
    _open: threading.Lock = field(default_factory=threading.Lock)

    @property
    def n_bytes(self) -> int:
        n_body = len(self.body) if self.body is not None else 0
        return n_body + len(self.kept) + len(self.tail) + (len(self.content) if self.content is not None else 0) + OVERHEAD

    def asked(self) -> None:
        """Hand the request over, once."""
        if not self._told:
            self._told = True
            self.submit(Asked(self))

    def keep(self, chunk: bytes) -> None:
        """Of a stream: its beginning, exactly to the bound, and of what is longer the end."""
        kept = self.kept
        if not self.overflowed:
            kept += chunk
            if len(kept) <= STREAM:
                return
            self.overflowed = True
            chunk = bytes(kept[STREAM:])
            del kept[STREAM:]
        self.tail += chunk
        if len(self.tail) > 2 * TAIL:
            del self.tail[:-TAIL]

    def follows(self, last: Exchange | None) -> None:
        """`last` failed in this context: the same request again, for the same, is another attempt of one call.

        Threads that serve one after another share a context, and two who ask may use the same words.
        """
        if last is None or last.who != self.who or last.served is not self.served:
            return
        if last.path == self.path and last.body == self.body and last.url.host == self.url.host:
            self.previous = last

    def finish(self, ended: Ended) -> None:
        """Hand the answer over, once, whoever says first that it has ended.

        May run in a finalizer, in any thread and between any two lines of it.
        """
        if not self._open.acquire(blocking=False) or self._forks != _forks:
            return
        self.end_ns = time.time_ns()
        self.ended = ended
        self.asked()
        if self.patience:
            failed.set(weakref.ref(self))
        self.submit(Answered(self))

    def refused(self, status: int, headers: Any) -> None:
        self.status, self.error = status, str(status)
        if status not in FINAL and headers.get("x-should-retry") != "false":
            self.patience = min(max(PATIENCE, _retry_after(headers) + 2.0), LONGEST_PATIENCE)
        self.finish(Ended.REFUSED)

    def raised(self, error: BaseException, again: bool) -> None:
        """`again`: nothing had come back, so the client may try once more."""
        self.error = qualified_name(error)
        if not isinstance(error, Exception):  # cancelled, interrupted
            self.finish(Ended.CLOSED)
            return
        self.patience = PATIENCE if again else 0.0
        self.finish(Ended.RAISED)

    def blocked(self, error: BaseException) -> None:
        """By a guard: nothing was sent."""
        self.error = qualified_name(error)
        self.finish(Ended.RAISED)

    def forget(self) -> None:
        """Worker: all has been read.  Whoever keeps a response keeps its stream, and this with it."""
        self.body = self.content = self.reading = self.call = self.first = self.previous = None
        self.kept, self.tail = bytearray(), bytearray()

    def ended_as(self, last: Exchange) -> None:
        """Worker: the call that began with this attempt ended as the last one did."""
        self.end_ns, self.status, self.ended, self.error = last.end_ns, last.status, last.ended, last.error
        self.content_type, self.encoding, self.response_type = last.content_type, last.encoding, last.response_type
        self.kept, self.tail, self.content, self.overflowed = last.kept, last.tail, last.content, last.overflowed


def _retry_after(headers: Any) -> float:
    """Seconds, 0.0 where none are named; a date counts as none."""
    for name, unit in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        value = str(headers.get(name) or "")
        if value.isascii() and value.isdigit() and len(value) < 9:
            return int(value) * unit
    return 0.0


class Asked:
    """A request, before its provider is called, or, where its body is a stream, as soon as that is sent."""

    __slots__ = ("exchange", "n_bytes")

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.n_bytes = exchange.n_bytes


class Answered:
    """The same request when its answer has ended, however that was."""

    __slots__ = ("exchange", "n_bytes")

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.n_bytes = exchange.n_bytes
