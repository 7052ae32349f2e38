"""By which id the truth of a prediction is told later: the application's own, or one that is made of the trace's.

An id is set in the OpenTelemetry context, and so goes with it across threads.  Which call was the latest is known where it was
made: a thread that got a copy of the context makes calls that its starter does not see, so there the id is better set before.
"""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from opentelemetry import context
from opentelemetry.context import Context

from otel_mlsec.capture import identity

LONGEST = 1024  # characters of an id that count
SPREAD = 8  # bytes of the number that a process begins with, so that two of them count in different places

_ID = context.create_key("otel_mlsec.prediction_id")
_latest: ContextVar[tuple[str | int, int]] = ContextVar("otel_mlsec_latest_prediction", default=("", 0))  # id or number, trace
_numbers: Iterator[int] = iter(())


def _count_anew() -> None:
    """Also in a fork: its predictions are others than its parent's."""
    global _numbers
    _numbers = itertools.count(int.from_bytes(os.urandom(SPREAD), "big") >> 1)


_count_anew()
os.register_at_fork(after_in_child=_count_anew)


@contextmanager
def prediction_id(name: str) -> Generator[None]:
    """Model calls inside the block have this id, by which `feedback` finds them; of it 1,024 characters count.

    Of several calls of one model inside it the last is meant; calls of several models are all meant, so give each an id of its
    own where their labels differ.

    >>> with prediction_id("req-7"):
    ...     current_prediction()
    ''
    """
    token = context.attach(context.set_value(_ID, str(name)[:LONGEST]))
    try:
        yield
    finally:
        context.detach(token)


def current_prediction() -> str:
    """Id of the latest observed call in this context: the one that was set, or else made by the agent; "" if there was none.

    What is made begins with the trace id where a trace is active.
    """
    name, trace_id = _latest.get()
    return named(name, trace_id)


def begun(here: Context, trace_id: int) -> str | int:
    """In the caller, before a call: its id, or a number that one is made of when somebody asks for it."""
    told = here.get(_ID) if here else None
    name = told if isinstance(told, str) and told else next(_numbers)
    _latest.set((name, trace_id))
    return name


def named(name: str | int, trace_id: int) -> str:
    """
    >>> named(255, 0), named(255, 1)
    ('00000000000000ff', '00000000000000000000000000000001-00000000000000ff')
    """
    if isinstance(name, str):
        return name
    return f"{trace_id:032x}-{name:016x}" if trace_id else f"{name:016x}"


def digest(name: str) -> int:
    """What is remembered of an id: keyed BLAKE2b, 64 bits."""
    text = name.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, key=identity.key(), digest_size=8).digest(), "big")
