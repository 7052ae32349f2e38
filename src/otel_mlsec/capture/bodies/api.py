"""What there is to know of one API: how its requests and answers are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from otel_mlsec.capture.bodies.parse import Event
from otel_mlsec.capture.bodies.shapes import Object
from otel_mlsec.capture.bodies.taken import Taken


class Joined(NamedTuple):
    """A streamed answer as one object, of the shape that it would have had at once."""

    whole: Object
    ended: bool  # the stream said that it was over


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """One API; streamed and plain answers are both read by `say`."""

    operation: str = "chat"
    needs: Sequence[str]  # a request has at least one of these keys
    ask: Callable[[Object, Taken], None]
    join: Callable[[Sequence[Event]], Joined]
    say: Callable[[Object, Taken], None]
    limits: Mapping[str, tuple[str, ...]]  # attribute → keys, with dots between them, of which the first that is there counts


def nothing(_body: Any, _taken: Taken, /) -> None:
    """For answers that have no text, as embeddings."""


def last(events: Sequence[Event]) -> Joined:
    """For answers that are not streamed."""
    return Joined(events[-1].data if events else {}, bool(events))
