"""Rows that were asked before, exactly: among the last 262,144 or so."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from otel_mlsec.arrays import Floats, Masks

PLACES = 1 << 18
GOLDEN = np.uint64(0x9E3779B97F4A7C15)


class Asked:
    """State: one 64-bit hash a place; a new row takes the place of the old one with the same low bits."""

    def __init__(self, n_columns: int, *, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self._odd = rng.integers(1, 1 << 63, n_columns, dtype=np.uint64) | np.uint64(1)
        self.places = np.zeros(PLACES, np.uint64)

    def seen(self, rows: Floats) -> Masks:
        """(n, d) rows -> (n,) was it asked before, in this batch or earlier?"""
        hashes = self._hash(rows)
        at = (hashes & np.uint64(PLACES - 1)).astype(np.int64)
        before = self.places[at] == hashes
        order = np.argsort(hashes, kind="stable")
        again = np.zeros(len(hashes), np.bool_)
        again[order[1:]] = hashes[order][1:] == hashes[order][:-1]
        self.places[at] = hashes
        return before | again

    def _hash(self, rows: Floats) -> npt.NDArray[np.uint64]:
        """float32: what rounding to it hides is no difference to a model."""
        with np.errstate(over="ignore"):
            bits = np.ascontiguousarray(rows, np.float32).view(np.uint32).astype(np.uint64)
        mixed = (bits ^ (bits >> np.uint64(15))) * self._odd  # wraps
        sums: npt.NDArray[np.uint64] = (mixed ^ (mixed >> np.uint64(29))).sum(axis=1, dtype=np.uint64)
        sums += GOLDEN  # so that a row of zeros is not an empty place
        sums ^= sums >> np.uint64(29)
        sums *= GOLDEN
        return sums ^ (sums >> np.uint64(32))
