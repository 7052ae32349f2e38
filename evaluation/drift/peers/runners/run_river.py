"""river: one ADWIN, or one Page–Hinkley test, with its defaults, of each numeric column, which the reference standardizes.

They take one number at a time; categories and missing values are not for them.
"""

import sys

import numpy as np
from river import drift
from runner import CATEGORICAL, serve

KINDS = {
    "adwin": (drift.ADWIN, "ADWIN, delta 0.002, of each of 16 numeric columns, standardized"),
    "page-hinkley": (drift.PageHinkley, "Page–Hinkley, threshold 50, of each of 16 numeric columns, standardized"),
}


class River:
    def __init__(self, reference, kind):
        self._kind, self._columns = kind, [c for c in range(reference.shape[1]) if c not in CATEGORICAL]
        self._mean, self._sd = np.nanmean(reference, axis=0), np.nanstd(reference, axis=0)
        self.again()

    def again(self):
        self._detectors, self._rows = [self._kind() for _ in self._columns], 0

    def update(self, rows):
        alarms = []
        for row in (rows - self._mean) / self._sd:
            self._rows += 1
            named = []
            for column, detector in zip(self._columns, self._detectors, strict=True):
                if row[column] == row[column]:
                    detector.update(row[column])
                    if detector.drift_detected:
                        named.append(column)
            if named:
                alarms.append({"row": self._rows, "columns": named})
        return self._rows, alarms


kind, settings = KINDS[sys.argv[1]]
serve("river", settings, lambda reference: River(reference, kind))
