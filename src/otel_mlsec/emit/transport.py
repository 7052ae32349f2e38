"""The seam between what keeps findings and what sends them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from otel_mlsec.emit.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of the records of one `send`."""

    taken: int  # from the first on, they are with the receiver and need not be sent again
    refused: bool = False  # the receiver has read the one after those (with others, one among them), and will never take it
    wait: float = 0.0  # s that the receiver asked for
    why: str = ""  # for a person, where not all were taken: "HTTP 503", "timed out"; no content, no secret


class Transport(Protocol):
    """Takes records to one receiver, in a thread of its own; may block for at most its stated time-out.

    Errors of network and receiver are an `Answer`; whatever else it raises is contained by who calls it.
    """

    def send(self, records: Sequence[Record], /) -> Answer: ...

    def close(self) -> None:
        """Give up connections; the next `send` makes new ones."""
        ...
