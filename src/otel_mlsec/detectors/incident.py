"""One attack is one finding with a life: told when it begins, at ten, a hundred … times the rows, and when it has been quiet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from otel_mlsec.detector import State
from otel_mlsec.finding import Status

QUIET = 3600.0  # s without a new row after which it is over
AGAIN = 600.0  # s after which what goes on is told again
TIMES = 10  # rows since it was told, as a multiple, at which it is told again at once
MAX_PRINCIPALS = 1024  # counted one by one, an incident


@dataclass(slots=True, kw_only=True)
class Incident:
    """Times are those of rows, s since the epoch; a clock that jumps back ends nothing."""

    name: str  # of what tells it from another of its kind
    began: float
    last: float
    rows: int = 0
    told_rows: int = 0
    told_at: float = 0.0
    principals: Counter[str] = field(default_factory=Counter[str])
    others: int = 0  # rows of principals that are not counted one by one

    def add(self, rows: int, time: float, principal: str = "") -> None:
        self.rows += rows
        self.last = max(self.last, time)
        if principal in self.principals or len(self.principals) < MAX_PRINCIPALS:
            if principal:
                self.principals[principal] += rows
        else:
            self.others += rows

    def due(self, time: float) -> Status | None:
        """What is to be told now; asking does not tell."""
        if not self.told_rows:
            return Status.NEW
        grown = self.rows >= TIMES * self.told_rows
        return Status.ONGOING if grown or (self.rows > self.told_rows and time - self.told_at >= AGAIN) else None

    def told(self, time: float) -> None:
        self.told_rows, self.told_at = self.rows, time

    def over(self, time: float) -> bool:
        return time - self.last >= QUIET


def packed(incidents: Sequence[Incident]) -> State:
    """As arrays, for a snapshot."""
    numbers = [(i.began, i.last, i.rows, i.told_rows, i.told_at, i.others) for i in incidents]
    who = [(number, name, count) for number, i in enumerate(incidents) for name, count in i.principals.items()]
    return {
        "incidents": np.array(numbers, np.float64).reshape(len(incidents), 6),
        "names": np.array([i.name for i in incidents], "U64"),
        "who_of": np.array([number for number, _, _ in who], np.int64),
        "who": np.array([name for _, name, _ in who], "U64"),
        "who_rows": np.array([count for _, _, count in who], np.int64),
    }


def unpacked(state: State) -> list[Incident]:
    found: list[Incident] = [
        Incident(name=name, began=began, last=last, rows=int(rows), told_rows=int(told), told_at=at, others=int(others))
        for name, (began, last, rows, told, at, others) in zip(state["names"].tolist(), state["incidents"].tolist(), strict=True)
    ]
    for number, name, count in zip(state["who_of"].tolist(), state["who"].tolist(), state["who_rows"].tolist(), strict=True):
        found[int(number)].principals[str(name)] = int(count)
    return found
