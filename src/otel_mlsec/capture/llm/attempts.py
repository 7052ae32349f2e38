"""Attempts of one call: clients try again when a provider is busy, and nobody asked twice."""

from __future__ import annotations

from collections.abc import Sequence

from otel_mlsec.capture.llm.exchange import Answered, Asked, Exchange

MOST = 256  # failed calls that wait
MOST_ATTEMPTS = 12  # of one call: who asks the same for ever asks again
MOST_BYTES = 64 << 20  # of them

Item = Asked | Answered


class Attempts:
    """Between the inbox and whoever handles its items; for one thread.

    What is handed on are calls: one `Asked`, from the first attempt, and one `Answered`, of the same exchange, from the last.
    A failed attempt is held until another one follows or none can any more.
    """

    def __init__(self) -> None:
        self._held: dict[Exchange, tuple[float, Answered]] = {}  # last attempt → when to give up, s; in order of arrival
        self._bytes = 0

    def take(self, item: Item, now: float) -> Sequence[Item]:
        """`now` in s, of a clock that only goes forward; -> what is to be handled."""
        exchange = item.exchange
        given_up = self._joined(exchange, exchange.previous) if exchange.previous is not None else ()
        if isinstance(item, Asked):
            return (*given_up, item) if exchange.first is None else given_up
        call = exchange
        if exchange.first is not None:
            call = exchange.first
            call.ended_as(exchange)
            if not exchange.patience:
                exchange.forget()
        answered = Answered(call)
        if not exchange.patience:
            return (*given_up, answered)
        self._held[exchange] = now + exchange.patience, answered
        self._bytes += answered.n_bytes
        return (*given_up, *self._overflow())

    def _joined(self, exchange: Exchange, previous: Exchange) -> Sequence[Answered]:
        """Make it an attempt of the call that `previous` was one of, unless that was given up."""
        exchange.previous = None
        held = self._release(previous)
        if held is None:
            return ()
        if previous.n_attempts >= MOST_ATTEMPTS:
            return (held,)
        exchange.first, exchange.n_attempts = held.exchange, previous.n_attempts + 1
        return ()

    def due(self, now: float) -> Sequence[Answered]:
        """Failed calls that nobody tried again."""
        over = [exchange for exchange, (until, _) in self._held.items() if until <= now]
        return [held for exchange in over if (held := self._release(exchange)) is not None]

    def flush(self) -> Sequence[Answered]:
        """All that is held, whether or not it may be tried again."""
        return self.due(float("inf"))

    def _release(self, exchange: Exchange) -> Answered | None:
        found = self._held.pop(exchange, None)
        if found is None:
            return None
        self._bytes -= found[1].n_bytes
        return found[1]

    def _overflow(self) -> Sequence[Answered]:
        given_up: list[Answered] = []
        while len(self._held) > MOST or self._bytes > MOST_BYTES:
            oldest = self._release(next(iter(self._held)))
            given_up += [oldest] if oldest is not None else []
        return given_up
