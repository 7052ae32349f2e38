"""What an operator does not want to be told of, why, and until when."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from otel_mlsec.finding import Finding

DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """Findings that all of its patterns fit are counted and not told, until the day is over.

    Patterns are names or shell globs, case counts; one left out fits everything.

    Raises:
        ValueError: there is no pattern, no reason, or `until` is no date.
    """

    kind: str = ""  # drift.data, llm.*
    model: str = ""
    feature: str = ""  # of findings about features; all of those that it names must fit
    principal: str = ""  # a pseudonym as findings have it, `app:…`; it is the same in two processes only with a `key`
    reason: str = ""
    until: str = ""  # RFC 3339: a date, which belongs to it, in UTC; or a time with its offset
    ends: float = field(init=False, compare=False, default=math.inf)  # s since the epoch

    def __post_init__(self) -> None:
        if not (self.kind or self.model or self.feature or self.principal):
            raise ValueError("must name a kind, a model, a feature or a principal")
        if not self.reason.strip():
            raise ValueError("must have a reason")
        object.__setattr__(self, "ends", _end(self.until))

    def fits(self, finding: Finding) -> bool:
        named = finding.features
        return (
            _fits(self.kind, finding.kind)
            and _fits(self.model, finding.model.name)
            and _fits(self.principal, finding.principal)
            and (not self.feature or (bool(named) and all(fnmatchcase(name, self.feature) for name in named)))
        )


def _fits(pattern: str, value: str) -> bool:
    return not pattern or fnmatchcase(value, pattern)


def _end(until: str) -> float:
    """s since the epoch at which it is over."""
    try:
        if len(until) == len("2000-01-01"):
            end = dt.datetime.combine(dt.date.fromisoformat(until), dt.time(), dt.UTC) + DAY
        else:
            end = dt.datetime.fromisoformat(until)
            if end.tzinfo is None:
                raise ValueError("no offset")
        return end.timestamp()
    except (ValueError, OverflowError):
        raise ValueError(f"must have until = a date as 2030-12-31 or a time as 2030-12-31T12:00:00Z, got {until!r}") from None
