"""Unbounded consumption: a principal that takes far more than others and than before, and answers that go on for ever."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from otel_mlsec.detector import State
from otel_mlsec.detectors.llm.consumption import CALLS, PEERS, TOKENS, Consumption
from otel_mlsec.detectors.llm.tell import tell
from otel_mlsec.finding import Finding, Severity
from otel_mlsec.observation import Text
from otel_mlsec.text.turn import Turn

CHARACTERS_A_TOKEN = 4
LOOKED_AT = 32_768  # characters at either end of an answer
SHORTEST = 8192  # bytes of an answer that may be called repetitive
CUT_BY = frozenset(("length", "max_tokens", "max_output_tokens", "model_length", "incomplete"))  # reasons to end at a limit
NAMES = {TOKENS: "tokens", CALLS: "calls"}


@dataclass(slots=True, kw_only=True)
class Cost:
    """Output tokens and calls of a principal in an hour (OWASP LLM10); at most one finding a principal and hour, MEDIUM.

    With `PEERS` others or more the score is robust standard deviations of the logarithm above them, and the hour must
    also be `times` the principal's own past and above a floor; with fewer, multiples of `alone_…`.  Where nobody is known
    to ask, volume says nothing about anyone and is not looked at.  An answer of 8 KiB or more that zlib shrinks `ratio`
    times is one that repeats itself for ever; prose shrinks 2 to 4 times, tables about 10.

    Does not see: many principals that each take a little; cost of inputs.
    """

    name: ClassVar[str] = "llm/cost"
    spread: float = 6.0  # robust standard deviations
    times: float = 5.0  # of the principal's own mean hour
    floor_tokens: float = 50_000.0  # in an hour
    floor_calls: float = 300.0
    alone_tokens: float = 2_000_000.0  # in an hour
    alone_calls: float = 10_000.0
    ratio: float = 25.0  # of zlib
    _consumption: Consumption = field(default_factory=Consumption, init=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("spread", "times", "floor_tokens", "floor_calls", "alone_tokens", "alone_calls", "ratio"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be in (0, inf), got {getattr(self, name)}")

    def update(self, turn: Turn, /) -> list[Finding]:
        if not turn.answered:
            return []
        return [*self._volume(turn), *self._repetition(turn)]

    def _volume(self, turn: Turn) -> Iterator[Finding]:
        call = turn.completion
        if not call.principal or not 0 <= call.time < 1e12:  # also what is no number
            return
        cut = any(reason.lower() in CUT_BY for reason in call.finish_reasons)
        row = self._consumption.add(call.principal, call.time, _tokens(turn), cut=cut)
        for column, floor, alone in ((TOKENS, self.floor_tokens, self.alone_tokens), (CALLS, self.floor_calls, self.alone_calls)):
            amount = self._consumption.counts(row)[column]
            if amount < floor:
                continue
            above, median, n = self._consumption.peers(row, column)
            own, hours = self._consumption.past(row, column)
            if n < PEERS:
                score, threshold = amount / alone, 1.0
            else:
                score, threshold = above, self.spread
            if score >= threshold and (hours == 0 or amount >= self.times * own) and self._consumption.first(row):
                yield self._finding(turn, row, column, score, threshold, {"peers": n, "peers_median": median, "own_past": own})

    def _finding(
        self,
        turn: Turn,
        row: int,
        column: int,
        score: float,
        threshold: float,
        beside: dict[str, str | bool | int | float | tuple[str, ...]],
    ) -> Finding:
        tokens, calls, cut = self._consumption.counts(row)
        usual = f", others about {beside['peers_median']:,.0f}" if beside["peers_median"] else ""
        return tell(
            turn,
            self.name,
            kind="llm.cost",
            title="Unbounded consumption",
            summary=f"{tokens:,.0f} output tokens in {calls:,.0f} calls this hour ({NAMES[column]} stand out{usual})",
            severity=Severity.MEDIUM,
            score=score,
            threshold=threshold,
            subject=(NAMES[column],),
            evidence={"tokens": tokens, "calls": int(calls), "cut_at_limit": int(cut), **beside},
        )

    def _repetition(self, turn: Turn) -> Iterator[Finding]:
        worst, about = max(
            ((_shrinks(reading.text.text), reading.text) for reading in turn.outputs), key=_first, default=(0.0, None)
        )
        if worst >= self.ratio:
            yield tell(
                turn,
                self.name,
                kind="llm.cost",
                title="Answer without end",
                summary=f"An answer repeats itself: it shrinks {worst:.0f} times",
                severity=Severity.MEDIUM,
                score=worst,
                threshold=self.ratio,
                about=about,
                subject=("repetition",),
                evidence={"ratio": worst, "tokens": _tokens(turn)},
            )

    def snapshot(self) -> State:
        return self._consumption.snapshot()

    def restore(self, state: State, /) -> None:
        self._consumption.restore(state)


def _tokens(turn: Turn) -> float:
    counted = turn.completion.output_tokens
    if counted is not None and 0 <= counted < 1e12:
        return float(counted)
    return sum(len(reading.text.text) for reading in turn.outputs) / CHARACTERS_A_TOKEN


def _first(pair: tuple[float, Text]) -> float:
    return pair[0]


def _shrinks(text: str) -> float:
    """How many times zlib shrinks the beginning or the end, whichever is more; 0 for what is too short."""
    if len(text) * 4 < SHORTEST:
        return 0.0
    parts = (text[:LOOKED_AT], text[-LOOKED_AT:]) if len(text) > LOOKED_AT else (text,)
    data = [part.encode("utf-8", "replace") for part in parts]
    return max((len(part) / len(zlib.compress(part, 1)) for part in data if len(part) >= SHORTEST), default=0.0)
