"""Sums over slices of time whose number is bounded: when there are too many, neighbours are merged."""

from __future__ import annotations

import numpy as np

from otel_mlsec.arrays import Floats, Ints

MOST = 120
DAY = 86400.0  # s
TIMES = (60.0, 300.0, 900.0, 3600.0, 10800.0, 21600.0, 43200.0, DAY)  # s, each a multiple of the one before; then twice as long
ROWS = (128.0,)  # where there are no times
FEW_ROWS = 200  # in half of the slices: with fewer, a distance is noise
FEW = 8  # slices, below which none are merged for having few rows
DAYS = 8  # from so many on, a slice is no shorter than one: what moves by the hour is no drift

Sums = dict[str, Floats]  # counts among them, exact to 2^53


class Slices:
    """Named arrays by slice, at most `MOST` slices that are not empty, wherever they lie."""

    def __init__(self, *, timed: bool) -> None:
        self._widths = TIMES if timed else ROWS
        self._timed, self._step = timed, 0
        self._sums: dict[int, Sums] = {}

    @property
    def width(self) -> float:
        """s, or rows."""
        beyond = max(0, self._step - len(self._widths) + 1)
        return self._widths[min(self._step, len(self._widths) - 1)] * 2.0**beyond

    @property
    def starts(self) -> Floats:
        """(n_slices,) in the unit of the width, ascending."""
        return np.array(sorted(self._sums)) * self.width

    def places(self, times: Floats) -> tuple[Ints, Ints]:
        """(n,) times -> the slices that they are in, ascending, and for each time its position among those."""
        while True:
            keys, at = np.unique(np.floor(times / self.width), return_inverse=True)
            if len(keys) + len(self._sums.keys() - set(keys.astype(np.int64).tolist())) <= MOST:
                return keys.astype(np.int64), at.astype(np.int64)
            self._widen()

    def add(self, keys: Ints, **values: Floats | Ints) -> None:
        """(len(keys), …) of each, as `places` gave them; of one name always of one shape but for the first axis."""
        for name, array in values.items():
            for key, value in zip(keys.tolist(), array.astype(np.float64), strict=True):
                sums = self._sums.setdefault(key, {})
                sums[name] = sums[name] + value if name in sums else value

    def settle(self) -> None:
        """Merge what is too short to say something; for the end."""
        while len(self._sums) > 1:
            span = (max(self._sums) + 1 - min(self._sums)) * self.width
            hours = self._timed and span >= DAYS * DAY and self.width < DAY
            few = len(self._sums) > FEW and float(np.median(self.total("rows"))) < FEW_ROWS
            if not hours and not few:
                return
            self._widen()

    def total(self, name: str) -> Floats:
        """(n_slices, …), zeros where a slice has none; (0,) where no slice has."""
        some = next((sums[name] for sums in self._sums.values() if name in sums), None)
        if some is None:
            return np.zeros(0)
        return np.stack([self._sums[key].get(name, np.zeros_like(some)) for key in sorted(self._sums)])

    def _widen(self) -> None:
        before, self._step = self.width, self._step + 1
        factor = round(self.width / before)
        old, self._sums = self._sums, {}
        for key, sums in sorted(old.items()):
            merged = self._sums.setdefault(key // factor, {})
            for name, value in sums.items():
                merged[name] = merged[name] + value if name in merged else value
