"""How many of the predictions of a day have their truth by now: labels that come first are no fair sample of all."""

from __future__ import annotations

import numpy as np

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.reference.order import DAY

MOST = 400  # days


class Cohorts:
    """Of one model, by UTC day of the prediction.  State: two counts for each of at most 400 days, of more the earliest go."""

    def __init__(self) -> None:
        self._days: dict[float, list[int]] = {}  # answered, labelled

    def answered(self, times: Floats, by: int = 1) -> None:
        self._add(times, 0, by)

    def labelled(self, times: Floats) -> None:
        self._add(times, 1, 1)

    def coverage(self, times: Floats | None = None) -> float:
        """Share of the predictions whose truth is known, of the days of `times` or of all; NaN where there are none."""
        days = list(self._days) if times is None else [float(day) for day in np.unique(times // DAY)]
        counts: Ints = np.array([self._days.get(day, (0, 0)) for day in days], np.int64).reshape(-1, 2).sum(axis=0)
        return float(min(1.0, counts[1] / counts[0])) if counts[0] > 0 else float("nan")

    def _add(self, times: Floats, which: int, by: int) -> None:
        days, counts = np.unique(times // DAY, return_counts=True)
        for day, n in zip(days.tolist(), counts.tolist(), strict=True):
            self._days.setdefault(day, [0, 0])[which] += by * n
        while len(self._days) > MOST:
            del self._days[min(self._days)]
