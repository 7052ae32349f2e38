"""Rows that were asked before, among the last 256."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from otel_mlsec.arrays import Floats

WINDOW = 256  # rows
Hashes = npt.NDArray[np.uint64]


@dataclass(slots=True, kw_only=True)
class Repeats:
    """State: 64-bit hashes of the last 256 rows.  Who could forge a collision could only make himself seen."""

    seed: int = 0
    recent: Hashes = field(default_factory=lambda: np.empty(0, np.uint64))  # (≤ 256,) oldest first

    def seen(self, rows: Floats) -> npt.NDArray[np.bool_]:
        """(n, d) rows -> (n,) is this row among the 256 before it?"""
        hashes = np.concatenate([self.recent, self._hash(rows)])
        order = np.argsort(hashes, kind="stable")
        again = np.zeros(len(hashes), np.bool_)
        near = (hashes[order][1:] == hashes[order][:-1]) & (np.diff(order) <= WINDOW)
        again[order[1:][near]] = True
        known = len(self.recent)
        self.recent = hashes[-WINDOW:].copy()
        return again[known:]

    def _hash(self, rows: Floats) -> Hashes:
        keys = np.random.default_rng(self.seed).integers(1, 1 << 63, int(rows.shape[1]), dtype=np.uint64) | np.uint64(1)
        bits: Hashes = np.ascontiguousarray(rows).view(np.uint64)
        mixed: Hashes = (bits ^ (bits >> np.uint64(29))) * keys  # wraps
        hashes: Hashes = (mixed ^ (mixed >> np.uint64(32))).sum(axis=1, dtype=np.uint64)
        return hashes
