"""Records under 64-bit keys in the order in which they came: found by key, the oldest forgotten first; arrays throughout."""

from __future__ import annotations

from collections import deque

import numpy as np
import numpy.typing as npt

from otel_mlsec.arrays import Floats, Ints

Keys = npt.NDArray[np.uint64]
Records = npt.NDArray[np.void]  # (n,) structured
Dtype = np.dtype[np.void]
NOBODY = -1
SEGMENT = 256 << 10  # bytes of records that are forgotten together
FEWEST, MOST = 16, 2048  # of them


class Ledger:
    """Records have numbers that stay theirs for ever.

    State: segments of a fixed number of records, each with its keys in order.  To find a key costs a binary search a segment.

    Args:
        dtype: of a record; has the fields `keys`.
        keys: names of the fields of uint64 that records are found by.
        segment: records that are forgotten together; about 256 KiB of them if it is not told.
    """

    def __init__(self, dtype: Dtype, *, keys: tuple[str, ...] = ("key",), segment: int = 0) -> None:
        self.dtype, self._keys = dtype, keys
        self._size = segment or max(FEWEST, min(MOST, SEGMENT // self.dtype.itemsize))
        self._segments: deque[_Segment] = deque()
        self._next = 0  # number of the first record of the segment after the last

    def __len__(self) -> int:
        return sum(segment.n for segment in self._segments)

    @property
    def n_bytes(self) -> int:
        """Of all records that there is room for, and their order."""
        return len(self._segments) * self._size * (self.dtype.itemsize + len(self._keys) * 16)

    @property
    def latest(self) -> float:
        """When something was last put into the oldest segment; infinity where there is none."""
        return self._segments[0].latest if self._segments else float("inf")

    def append(self, records: Records, now: float) -> None:
        at = 0
        while at < len(records):
            if not self._segments or self._segments[-1].n == self._size:
                self._segments.append(_Segment(self._next, np.zeros(self._size, self.dtype)))
                self._next += self._size
            at += self._segments[-1].take(records[at:], now)

    def find(self, keys: Keys, by: str = "key") -> Ints:
        """(n,) numbers of the latest record with each key, -1 where there is none."""
        found = np.full(len(keys), NOBODY, np.int64)
        left = np.arange(len(keys))
        for segment in reversed(self._segments):
            if not len(left):
                break
            at = segment.find(keys[left], by)
            found[left] = np.where(at >= 0, segment.first + at, NOBODY)
            left = left[at < 0]
        return found

    def get(self, numbers: Ints) -> Records:
        """Copies of records that have not been forgotten."""
        got = np.empty(len(numbers), self.dtype)
        for segment, at in self._by_segment(numbers):
            got[at] = segment.records[numbers[at] - segment.first]
        return got

    def put(self, numbers: Ints, name: str, values: Floats | int) -> None:
        """Set a field that is no key."""
        for segment, at in self._by_segment(numbers):
            segment.records[name][numbers[at] - segment.first] = values if isinstance(values, int) else values[at]

    def forget(self) -> Records:
        """The oldest segment, which is gone from here."""
        segment = self._segments.popleft()
        return segment.records[: segment.n]

    def _by_segment(self, numbers: Ints) -> list[tuple[_Segment, Ints]]:
        """Segments, and which of the numbers are theirs."""
        if not len(numbers):
            return []
        which = (numbers - self._segments[0].first) // self._size
        order = np.argsort(which, kind="stable")
        starts = np.flatnonzero(np.diff(which[order], prepend=-1))
        return [(self._segments[int(which[at[0]])], at) for at in np.split(order, starts[1:])]


class _Segment:
    def __init__(self, first: int, records: Records) -> None:
        self.first, self.records = first, records
        self.n = 0
        self.latest = 0.0
        self._sorted: dict[str, tuple[Keys, Ints]] = {}

    def take(self, records: Records, now: float) -> int:
        """As many of them as there is room for."""
        n = min(len(records), len(self.records) - self.n)
        self.records[self.n : self.n + n] = records[:n]
        self.n += n
        self.latest = now
        self._sorted.clear()
        return n

    def find(self, keys: Keys, by: str) -> Ints:
        if by not in self._sorted:
            column = self.records[by][: self.n]
            order = np.argsort(column, kind="stable")
            self._sorted[by] = column[order], order
        ordered, order = self._sorted[by]
        at = np.searchsorted(ordered, keys, side="right") - 1  # of equals the last
        return np.where((at >= 0) & (ordered[at] == keys), order[at], NOBODY)
