"""The cycle that is not over yet: what its rows have been so far, slot by slot."""

from __future__ import annotations

import numpy as np

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.detector import State
from otel_mlsec.sketches.bins import N_BINS


class Counts:
    """State: counts of every bin, (slots, d, N_BINS) int64, at most 3 MB for 512 columns; sums of numbers; when what began."""

    def __init__(self, slots: int, columns: int) -> None:
        self.bins = np.zeros((slots, columns, N_BINS), np.int64)
        self.sums = np.zeros(columns)
        self.start = np.inf  # s since the epoch, of the first row
        self.slot_starts = np.full(slots, np.inf)
        self.rows = 0

    def add(self, slot: int, index: Ints, numbers: Floats, times: Floats) -> None:
        """(n, d) bins and numbers of rows that belong to one slot, and their (n,) times."""
        d = int(index.shape[1])
        flat: Ints = np.add(np.arange(d) * N_BINS, index).ravel()
        self.bins[slot] += np.bincount(flat, minlength=d * N_BINS).reshape(d, N_BINS)
        self.sums += numbers.sum(axis=0)
        first = float(times.min())
        self.start = min(self.start, first)
        self.slot_starts[slot] = min(self.slot_starts[slot], first)
        self.rows += len(index)

    @property
    def total(self) -> Ints:
        """(d, N_BINS)"""
        return self.bins.sum(axis=0)

    def begin(self) -> None:
        self.bins[:], self.slot_starts[:] = 0, np.inf
        self.sums = np.zeros_like(self.sums)
        self.start, self.rows = np.inf, 0

    def snapshot(self) -> State:
        return {
            "counts": self.bins.copy(), "totals": self.sums.copy(), "start": np.array(self.start),
            "slot_starts": self.slot_starts.copy(), "rows": np.array(self.rows),
        }  # fmt: skip

    def restore(self, state: State) -> None:
        self.bins = np.array(state["counts"], np.int64)
        self.sums, self.slot_starts = (np.array(state[name], np.float64) for name in ("totals", "slot_starts"))
        self.start, self.rows = float(state["start"]), int(state["rows"])
