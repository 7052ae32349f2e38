"""Times of calls as if nobody had set the clock since the process began, and back, for people to read."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from otel_mlsec.finding import Finding
from otel_mlsec.observation import Completion, Prediction

STEP = 1.0  # s of difference that are a clock being set, and not one being slowed down

Call = TypeVar("Call", Prediction, Completion)


class Clock:
    """Detectors take time from rows: a clock that is set must not end, repeat or silence what they found.

    Times that the application told are left as they are.

    Args:
        wall: s since the epoch.
        steady: s, of a clock that only goes forward.
    """

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        self._wall, self._steady = wall, steady
        self._began = wall() - steady()
        self._set_by = 0.0  # s that the wall clock is ahead of what it would be

    def look(self) -> None:
        """Has it been set?"""
        set_by = self._wall() - self._steady() - self._began
        if abs(set_by - self._set_by) > STEP:
            self._set_by = set_by

    def steadied(self, call: Call) -> Call:
        """With its time as detectors are to see it; no call is later than now, also if it was made before the clock was set."""
        if not self._set_by or _told(call):
            return call
        start_ns = round((min(call.time, self._wall()) - self._set_by) * 1e9)
        return replace(call, time=start_ns / 1e9, start_ns=start_ns)

    def shown(self, finding: Finding, call: Prediction | Completion) -> Finding:
        """Its times as the wall has them now; `call` is the one that decided."""
        if not self._set_by or _told(call):
            return finding
        return replace(finding, time=finding.time + self._set_by, first_seen=finding.first_seen + self._set_by)


def _told(call: Prediction | Completion) -> bool:
    return call.time != call.start_ns / 1e9
