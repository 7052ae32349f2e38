"""What runners of others' detectors share.  A runner has the peer's environment, so nothing of this project, only numpy.

Asked on standard input: a line of JSON, `{"ask": "learn" | "again" | "rows", "shape": [n, d]}`, then so many float64.
Told on standard output: a line of JSON; the first says who it is, each other one answers an ask: CPU seconds, rows judged,
and alarms, each by the row it was raised at (rows since `again`) and the columns that it names.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from importlib.metadata import version

import numpy as np

CATEGORICAL = (16, 17, 18, 19)  # of the table of twenty columns
NAMES = tuple(f"x{i}" for i in range(20))


class Windows:
    """Judges rows window by window; `judge((size, d) rows)` gives the columns that it calls drifted."""

    def __init__(self, judge, size=1000):
        self._judge, self._size = judge, size
        self.again()

    def again(self):
        self._kept, self._rows = np.empty((0, 0)), 0

    def update(self, rows):
        """-> rows judged so far, alarms."""
        kept, alarms = np.concatenate([self._kept, rows]) if len(self._kept) else rows, []
        while len(kept) >= self._size:
            window, kept = kept[: self._size], kept[self._size :]
            self._rows += self._size
            columns = sorted(int(c) for c in self._judge(window))
            if columns:
                alarms.append({"row": self._rows, "columns": columns})
        self._kept = kept
        return self._rows, alarms


def frame(rows):
    """(n, 20) as a table whose categories are text, as these libraries want them."""
    import pandas as pd  # noqa: PLC0415 -- not every peer has it

    table = pd.DataFrame(rows, columns=NAMES)
    for column in CATEGORICAL:
        table[NAMES[column]] = table[NAMES[column]].map("{:.0f}".format)
    return table


def serve(package, settings, learn):
    """`learn(reference)` gives what has `again()` and `update(rows)`."""
    warnings.filterwarnings("ignore")
    told, asked = os.fdopen(os.dup(1), "w"), sys.stdin.buffer
    os.dup2(2, 1)  # whatever a library prints is no answer
    _tell(told, {"peer": package, "version": version(package), "settings": settings})
    detector = None
    while line := asked.readline():
        ask = json.loads(line)
        rows = np.frombuffer(asked.read(8 * int(np.prod(ask["shape"])))).reshape(ask["shape"]).copy()
        began, judged, alarms = time.process_time(), 0, []
        if ask["ask"] == "learn":
            detector = learn(rows)
        elif ask["ask"] == "again":
            detector.again()
        else:
            judged, alarms = detector.update(rows)
        _tell(told, {"seconds": time.process_time() - began, "judged": judged, "alarms": alarms})


def _tell(told, what):
    told.write(json.dumps(what) + "\n")
    told.flush()
