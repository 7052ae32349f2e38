"""The bounded hand-over from the callers to the one worker."""

from __future__ import annotations

import collections
import threading
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    @property
    def n_bytes(self) -> int: ...


T = TypeVar("T", bound=Sized)


class Inbox(Generic[T]):
    """At most `items` calls of at most `n_bytes` wait.  What does not fit is dropped, newest first, and counted by reason.

    Nobody is woken: the worker looks by itself.  Waking it for every item costs the caller 2 ms at the 99th percentile.
    """

    def __init__(self, *, items: int, n_bytes: int) -> None:
        self.capacity, self._limit = items, n_bytes
        self.reset()

    def reset(self) -> None:
        """As new; what waits at a fork belongs to the parent, and a lock that it held would stay locked here."""
        self._lock = threading.RLock()  # the collector may run in here, and finalize a stream of an answer, which puts
        self._waiting: collections.deque[T] = collections.deque()
        self._bytes = 0
        self.closed = False
        self.accepted = 0
        self.dropped: collections.Counter[str] = collections.Counter()

    def put(self, item: T) -> bool:
        n_bytes = item.n_bytes
        with self._lock:
            if self.closed:
                self.dropped["already_shutdown"] += 1
            elif len(self._waiting) >= self.capacity:
                self.dropped["queue_full"] += 1
            elif self._bytes + n_bytes > self._limit:
                self.dropped["queue_full_bytes"] += 1
            else:
                self._waiting.append(item)
                self._bytes += n_bytes
                self.accepted += 1
                return True
        return False

    def take(self, most: int) -> list[T]:
        """The oldest items, at most `most`."""
        with self._lock:
            taken = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
            n_bytes = sum(item.n_bytes for item in taken)
            self._bytes -= n_bytes
            return taken

    def __len__(self) -> int:
        return len(self._waiting)
