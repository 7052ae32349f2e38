"""A bounded hand-over that keeps a uniform sample of what is too much, and knows of how many each kept item is one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from otel_mlsec.pipeline.inbox import Inbox, Sized

MOST = 1 << 20  # one in so many at least is kept


class Sampled(Sized, Protocol):
    @property
    def lot(self) -> float:
        """Drawn uniformly from [0, 1) when the item was made, by a generator that nobody outside can foresee."""
        ...

    one_in: int  # set here: the item stands for so many


S = TypeVar("S", bound=Sampled)


class SampledInbox(Inbox[S]):
    """One item in k waits; k doubles when it is full, and halves when three quarters are free.

    An item is kept iff its lot is below 1/k, also when k rises while it waits.  So what waits is at every moment a uniform sample
    of what came (Gibbons and Matias 1998, "New sampling-based summary statistics", concise samples), and a flood cannot choose
    whom it displaces.  `refused` is told of waiting items that lost their place, in the thread that puts.
    """

    def __init__(self, *, items: int, n_bytes: int, refused: Callable[[S], None]) -> None:
        self._refused = refused
        super().__init__(items=items, n_bytes=n_bytes)

    def reset(self) -> None:
        super().reset()
        self.one_in = 1

    def put(self, item: S) -> bool:
        out: list[S] = []
        with self._lock:
            if not self.closed and len(self._waiting) < self.capacity // 4 and self.one_in > 1:
                self.one_in //= 2
            while self._full(item) and item.lot * self.one_in < 1 and self.one_in < MOST:
                self.one_in *= 2
                out += self._thin()
            kept = item.lot * self.one_in < 1
            if not kept:
                self.dropped["not_sampled"] += 1
            item.one_in = self.one_in
        for each in out:
            self._refused(each)
        return kept and super().put(item)

    def take(self, most: int) -> list[S]:
        """One at most: what was taken can no longer be given up for the sample's sake, and a fork waits for its end."""
        return super().take(min(most, 1))

    def _full(self, item: S) -> bool:
        return len(self._waiting) >= self.capacity or self._bytes + item.n_bytes > self._limit

    def _thin(self) -> list[S]:
        out = [each for each in self._waiting if each.lot * self.one_in >= 1]
        kept = [each for each in self._waiting if each.lot * self.one_in < 1]
        for each in kept:
            each.one_in = self.one_in
        self._waiting.clear()
        self._waiting.extend(kept)
        self._bytes = sum(each.n_bytes for each in kept)
        self.accepted -= len(out)
        self.dropped["not_sampled"] += len(out)
        return out
