"""Records where there is no disk to keep them: bounded, the mildest and oldest given up first."""

from __future__ import annotations

from collections import deque

from otel_mlsec.emit.record import Record
from otel_mlsec.emit.spool.disk import LANES, REFUSED

MOST = 4096  # records


class Memory:
    """Not for two threads at once."""

    def __init__(self, most: int = MOST) -> None:
        self._lanes: dict[str, deque[Record]] = {lane: deque() for lane in LANES}
        self._most = most

    def __len__(self) -> int:
        return sum(map(len, self._lanes.values()))

    @property
    def waiting(self) -> int:
        """Without what was refused."""
        return len(self) - len(self._lanes[REFUSED])

    def append(self, record: Record, lane: str) -> str | None:
        """The lane of what had to be given up for it."""
        self._lanes[lane].append(record)
        if len(self) <= self._most:
            return None
        evicted = next(name for name in reversed(LANES) if self._lanes[name])
        self._lanes[evicted].popleft()
        return evicted

    def next(self, most: int, *, refused: bool = False) -> tuple[str, list[Record]] | None:
        for name, lane in self._lanes.items():
            if lane and (refused or name != REFUSED):
                return name, [lane[i] for i in range(min(most, len(lane)))]
        return None

    def acknowledge(self, lane: str, records: list[Record]) -> None:
        """Those of the front; what was evicted meanwhile is gone anyway."""
        waiting = self._lanes[lane]
        for record in records:
            if waiting and waiting[0] is record:
                waiting.popleft()
