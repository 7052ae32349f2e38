"""Which columns have changed by the cycle: told once, closed after a fortnight without, told again as the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from otel_mlsec.arrays import Ints, Masks
from otel_mlsec.detector import State
from otel_mlsec.detectors.drift.cycle_recent import WEEK, Recent
from otel_mlsec.detectors.drift.latch import QUIET_CYCLES
from otel_mlsec.finding import Severity, Status

BACK = 1.0  # spreads that the mean of a fortnight may be off when a change has gone …
OF_IT = 0.4  # … and of what it was off when it was told


class Open:
    """State: for each of d columns the finding that it is in, its statistic, how far off that was, and for how many cycles."""

    def __init__(self, columns: int) -> None:
        self._finding = np.zeros(columns, np.int64)  # 0: in none
        self._statistic = np.zeros(columns, np.int64)
        self._off = np.zeros(columns)
        self._cycles = np.zeros(columns, np.int64)
        self._severity = np.zeros(columns, np.int64)
        self._ever = np.zeros(columns, np.bool_)
        self._waiting = np.zeros(columns, np.int64)  # cycles that a change which was too small to show is still looked at
        self._n = 0
        self.small = 0  # changes that were found, and too small to show

    @property
    def latched(self) -> Ints:
        return np.flatnonzero(self._finding > 0)

    @property
    def waiting(self) -> Masks:
        return self._waiting > 0

    def told(self, columns: Sequence[int], statistics: Sequence[int], off: Sequence[float], severity: Severity) -> Status:
        at = list(columns)
        status = Status.REOPENED if self._ever[at].all() else Status.NEW
        self._n += 1
        self._finding[at], self._statistic[at], self._off[at] = self._n, list(statistics), np.abs(off)
        self._cycles[at] = self._waiting[at] = 0
        self._severity[at] = severity
        self._ever[at] = True
        return status

    def too_small(self, column: int, statistic: int) -> None:
        self.small += 1
        self._waiting[column], self._statistic[column] = WEEK, statistic

    def statistic(self, column: int) -> int:
        return int(self._statistic[column])

    def cycle_ended(self, recent: Recent) -> Iterator[tuple[list[int], Severity]]:
        """Columns of findings that have gone; they are closed by being told."""
        self._waiting = np.maximum(self._waiting - 1, 0)
        latched = self._finding > 0
        self._cycles[latched] += 1
        for number in np.unique(self._finding[latched]):
            columns = np.flatnonzero(self._finding == number).tolist()
            if all(self._cycles[i] >= QUIET_CYCLES and self._is_back(i, recent) for i in columns):
                severity = Severity(int(self._severity[columns].max()))
                self._finding[columns] = 0
                yield columns, severity

    def _is_back(self, column: int, recent: Recent) -> bool:
        now = abs(recent.mean(int(self._statistic[column]), QUIET_CYCLES))
        return now < min(BACK, OF_IT * float(self._off[column]))

    def snapshot(self) -> State:
        return {
            "open": self._finding.copy(), "statistic": self._statistic.copy(), "off": self._off.copy(),
            "cycles": self._cycles.copy(), "severity": self._severity.copy(), "ever": self._ever.copy(),
            "waiting": self._waiting.copy(), "n": np.array(self._n), "small": np.array(self.small),
        }  # fmt: skip

    def restore(self, state: State) -> None:
        self._finding, self._statistic, self._cycles, self._severity, self._waiting = (
            np.array(state[name], np.int64) for name in ("open", "statistic", "cycles", "severity", "waiting")
        )
        self._off, self._ever = np.array(state["off"], np.float64), np.array(state["ever"], np.bool_)
        self._n, self.small = int(state["n"]), int(state["small"])
