"""The nearest of the last 65,536 rows, if it is near: p-stable locality-sensitive hashing, two scales, exact distances after.

Datar, Immorlica, Indyk and Mirrokni 2004, "Locality-sensitive hashing scheme based on p-stable distributions".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from otel_mlsec.arrays import Ints
from otel_mlsec.sketches.product import product

ROWS = 1 << 16  # that are remembered, of up to 32 dimensions; half as many of more
BUCKETS = 1 << 16  # a table
WAYS = 2  # rows that a bucket holds, the latest
SCALES = ((6, 9, 1.6), (2, 6, 0.4))  # tables, hashes a table, width in spacings
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
NOBODY = -1

Float32s = npt.NDArray[np.float32]


class Nearest(NamedTuple):
    rows: Ints  # (n,) where the asked rows themselves are remembered
    of: Ints  # (n,) where the nearest is, -1 where none is near
    distance: Float32s  # (n,)


class Neighbours:
    """State: rows in a ring, and of each bucket of each table the two latest."""

    def __init__(self, n_dimensions: int, spacing: float, *, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.n_rows = ROWS if n_dimensions <= 32 else ROWS // 2
        counts = np.repeat([hashes for _, hashes, _ in SCALES], [tables for tables, _, _ in SCALES])
        widths = np.repeat([width * spacing for _, _, width in SCALES], [tables * hashes for tables, hashes, _ in SCALES])
        n = int(counts.sum())
        self._directions = (rng.normal(size=(n_dimensions, n)) / widths).astype(np.float32)
        self._offsets = rng.random(n).astype(np.float32)
        self._odd = rng.integers(1, 1 << 62, n, dtype=np.int64) * 2 + 1
        self._starts = np.cumsum([0, *counts[:-1]])
        self._tables = np.arange(len(counts))
        self.rows = np.zeros((self.n_rows, n_dimensions), np.float32)
        self.buckets = np.zeros((len(counts), BUCKETS, WAYS), np.int32)  # places in the ring, from 1
        self.total = 0

    def nearest(self, e: Float32s, reach: float) -> Nearest:
        """(n, m) rows, n at most the ring's -> the nearest before each, within `reach`; then they are remembered."""
        n = len(e)
        if not n:
            return Nearest(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))
        places = (self.total + np.arange(n)) % self.n_rows
        buckets = self._buckets(e)
        candidates = self.buckets[self._tables, buckets].reshape(n, -1).astype(np.int64) - 1
        apart = e[:, None, :] - self.rows[candidates]
        squares: Float32s = np.einsum("ijk,ijk->ij", apart, apart)
        forgotten = (candidates - self.total) % self.n_rows < n  # their places are those of the asked rows
        squares[(candidates < 0) | forgotten] = np.inf
        best = squares.argmin(axis=1)
        each = np.arange(n)
        of, square = candidates[each, best], squares[each, best]
        if n > 1:
            norms = np.einsum("ij,ij->i", e, e)
            within = norms[:, None] + norms - 2 * product(e, e.T)
            within[np.triu_indices(n)] = np.inf
            nearer = within.argmin(axis=1)
            closer = within[each, nearer] < square
            of = np.where(closer, places[nearer], of)
            difference = e - e[nearer]
            square = np.where(closer, (difference * difference).sum(axis=1), square)
        distance = np.sqrt(square)
        near = distance < reach
        self.rows[places] = e
        self.buckets[self._tables, buckets, 1] = self.buckets[self._tables, buckets, 0]
        self.buckets[self._tables, buckets, 0] = places[:, None] + 1
        self.total += n
        return Nearest(places, np.where(near, of, NOBODY), np.where(near, distance, np.inf).astype(np.float32))

    def _buckets(self, e: Float32s) -> Ints:
        cells = np.floor(product(e, self._directions) + self._offsets).astype(np.int64) * self._odd  # wraps
        keys = np.add.reduceat(cells, self._starts, axis=1).view(np.uint64)
        keys ^= keys >> np.uint64(31)
        keys *= GOLDEN
        return (keys >> np.uint64(48)).astype(np.int64)

    def snapshot(self) -> dict[str, npt.NDArray[Any]]:
        return {"rows": self.rows.copy(), "buckets": self.buckets.copy(), "total": np.array([self.total])}

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self.rows, self.buckets, self.total = state["rows"].copy(), state["buckets"].copy(), int(state["total"][0])
