"""The past of a stream of counts, finer the nearer: buckets of 1, 2, 4 … blocks, at most three of a size.

It answers "since when?": every suffix of it is a candidate for where the change began.  Datar, Gionis, Indyk and
Motwani 2002, "Maintaining stream statistics over sliding windows", use the same buckets.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from otel_mlsec.arrays import Floats

A_SIZE = 3
SIZES = 24  # the oldest blocks are forgotten past 3 · 2**24 of them
MOST = A_SIZE * SIZES  # buckets


@dataclass(frozen=True, slots=True)
class Bucket:
    blocks: int
    start: float  # s since the epoch, of its first row
    counts: npt.NDArray[np.int64]  # (d, N_BINS)
    sums: Floats  # (d,) of the values, clipped to the reference's neighbourhood

    def __add__(self, later: Bucket) -> Bucket:
        return Bucket(
            self.blocks + later.blocks, min(self.start, later.start), self.counts + later.counts, self.sums + later.sums
        )


class History:
    """At most 72 buckets, oldest first."""

    def __init__(self, n_features: int, n_bins: int) -> None:
        self._shape = (n_features, n_bins)
        self.buckets: list[Bucket] = []

    def append(self, start: float, counts: npt.NDArray[np.int64], sums: Floats) -> None:
        """The next block; what is given is copied, so that no bucket keeps a whole batch alive."""
        self.buckets.append(Bucket(1, start, counts.copy(), sums.copy()))
        self._compact()
        if len(self.buckets) > MOST:
            if self.buckets[0].blocks >= 1 << (SIZES - 1):
                del self.buckets[0]
            else:  # not of one stream, but merged
                self._bound()

    def suffixes(self, i: int) -> tuple[Floats, npt.NDArray[np.int64], Floats]:
        """Of feature `i`: start (s,), counts (s, N_BINS) and sum (s,) of every suffix of the past, the longest first."""
        starts = np.array([bucket.start for bucket in self.buckets])
        counts = np.array([bucket.counts[i] for bucket in self.buckets], np.int64).reshape(-1, self._shape[1])
        sums = np.array([bucket.sums[i] for bucket in self.buckets])
        return starts, np.cumsum(counts[::-1], axis=0)[::-1], np.cumsum(sums[::-1])[::-1]

    def snapshot(self) -> dict[str, npt.NDArray[np.generic]]:
        starts = np.array([bucket.start for bucket in self.buckets])
        blocks = np.array([bucket.blocks for bucket in self.buckets], np.int64)
        counts = np.array([bucket.counts for bucket in self.buckets], np.int64).reshape(-1, *self._shape)
        sums = np.array([bucket.sums for bucket in self.buckets]).reshape(-1, self._shape[0])
        return {"starts": starts, "blocks": blocks, "counts": counts, "sums": sums}

    def restore(self, state: dict[str, npt.NDArray[np.generic]]) -> None:
        self.buckets = []
        self.merge(state)

    def merge(self, state: dict[str, npt.NDArray[np.generic]]) -> None:
        """The union, in order of time, coarser where there are more than 72; totals do not depend on the order of merging."""
        parts = zip(state["blocks"], state["starts"], state["counts"], state["sums"], strict=True)
        self.buckets += [Bucket(int(b), float(t), np.array(c, np.int64), np.array(s, np.float64)) for b, t, c, s in parts]
        self.buckets.sort(key=lambda bucket: (bucket.start, bucket.blocks, bucket.counts.tobytes(), bucket.sums.tobytes()))
        self._bound()

    def _bound(self) -> None:
        """Join the smallest neighbours, until there are at most 72."""
        while len(self.buckets) > MOST:
            sizes = [earlier.blocks + later.blocks for earlier, later in pairwise(self.buckets)]
            at = sizes.index(min(sizes))
            self.buckets[at : at + 2] = [self.buckets[at] + self.buckets[at + 1]]

    def _compact(self) -> None:
        size = 1
        at = len(self.buckets)
        while True:  # from the newest, smallest size up; as a rule the first look ends it
            begin = at
            while begin > 0 and self.buckets[begin - 1].blocks <= size:
                begin -= 1
            if at - begin <= A_SIZE:
                break
            self.buckets[begin : begin + 2] = [self.buckets[begin] + self.buckets[begin + 1]]
            at, size = begin + 1, 2 * size
