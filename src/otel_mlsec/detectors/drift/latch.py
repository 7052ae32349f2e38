"""Which facts are open: told once, resolved after a quiet fortnight of cycles, told again as the same."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from otel_mlsec.arrays import Ints
from otel_mlsec.detector import State
from otel_mlsec.finding import Severity, Status

QUIET_CYCLES = 14
Masks = npt.NDArray[np.bool_]


class Latch:
    """State: for every word and column the number of the finding that it is open in, and for how many cycles it was quiet."""

    def __init__(self, n_words: int, n_columns: int) -> None:
        self._finding = np.zeros((n_words, n_columns), np.int64)  # 0: not open
        self._quiet = np.zeros((n_words, n_columns), np.int64)  # cycles; 0 where not open
        self._severity = np.zeros((n_words, n_columns), np.int64)
        self._ever = np.zeros((n_words, n_columns), np.bool_)
        self._n = 0

    @property
    def open(self) -> Masks:
        return self._finding > 0

    def opened(self, word: int, columns: Ints, severity: Severity) -> Status:
        status = Status.REOPENED if self._ever[word, columns].all() else Status.NEW
        self._n += 1
        self._finding[word, columns] = self._n
        self._severity[word, columns] = severity
        self._quiet[word, columns] = 0
        self._ever[word, columns] = True
        return status

    def cycle_ended(self, over: Masks) -> None:
        self._quiet = np.where(self.open & ~over, self._quiet + 1, 0)

    def resolved(self) -> Iterator[tuple[int, Ints, Severity]]:
        """Findings all of whose columns have been quiet for long enough; they are closed by being told."""
        for number in np.unique(self._finding[(self._finding > 0) & (self._quiet >= QUIET_CYCLES)]):
            words, columns = np.nonzero(self._finding == number)
            if (self._quiet[words, columns] >= QUIET_CYCLES).all():
                severity = Severity(int(self._severity[words[0], columns].max()))
                self._finding[words, columns] = self._quiet[words, columns] = 0
                yield int(words[0]), columns, severity

    def snapshot(self) -> State:
        return {
            "open": self._finding.copy(), "quiet": self._quiet.copy(), "severity": self._severity.copy(),
            "ever": self._ever.copy(), "n": np.array(self._n),
        }  # fmt: skip

    def restore(self, state: State) -> None:
        self._finding, self._quiet, self._severity = (np.array(state[k], np.int64) for k in ("open", "quiet", "severity"))
        self._ever, self._n = np.array(state["ever"], np.bool_), int(state["n"])

    def merge(self, state: State) -> None:
        """Open where either is; quiet as long as the one of them that was quiet for a shorter time."""
        finding, quiet = np.array(state["open"], np.int64), np.array(state["quiet"], np.int64)
        both = self.open & (finding > 0)
        self._quiet = np.where(both, np.minimum(self._quiet, quiet), np.maximum(self._quiet, quiet))
        self._finding = np.maximum(self._finding, finding)
        self._severity = np.maximum(self._severity, np.array(state["severity"], np.int64))
        self._ever = self._ever | np.array(state["ever"], np.bool_)
        self._n = max(self._n, int(state["n"]))
