"""river: one ADWIN, or one Page–Hinkley test, with its defaults, of each numeric column.

They take one number at a time; categories and missing values are not for them.  Each column is made normal by its ranks in
the reference: heavy tails cost ADWIN some ten times the false alarms where it is only standardized.
"""

import sys

import numpy as np
from river import drift
from runner import CATEGORICAL, serve
from scipy.special import ndtri

OF = ", of each of 16 numeric columns, made normal by its ranks in the reference"
KINDS = {
    "adwin": (drift.ADWIN, "ADWIN, delta 0.002" + OF),
    "page-hinkley": (
        drift.PageHinkley,
        "Page–Hinkley, threshold 50" + OF,
    ),
}


class River:
    def __init__(self, reference, kind):
        self._kind, self._columns = kind, [c for c in range(reference.shape[1]) if c not in CATEGORICAL]
        self._known = [np.sort(known[~np.isnan(known)]) for known in reference.T]
        self.again()

    def again(self):
        self._detectors, self._rows = [self._kind() for _ in self._columns], 0

    def update(self, rows):
        alarms = []
        for row in np.column_stack([self._normal(c, rows[:, c]) for c in range(rows.shape[1])]):
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

    def _normal(self, column, values):
        known = self._known[column]
        if not len(known):  # errors, 0 or 1, as they are
            return values
        rank = np.searchsorted(known, values, "left") + np.searchsorted(known, values, "right")
        return np.where(np.isnan(values), np.nan, ndtri((rank + 1) / (2 * len(known) + 2)))


kind, settings = KINDS[sys.argv[1]]
serve("river", settings, lambda reference: River(reference, kind))
