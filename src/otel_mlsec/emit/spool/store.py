"""What waits for one receiver: on disk where there is one, else in memory; what the dead have left comes after our own."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from otel_mlsec.emit.record import Record
from otel_mlsec.emit.spool.disk import LANES, REFUSED, Disk, Taken, lane_of, sync
from otel_mlsec.emit.spool.home import Home
from otel_mlsec.emit.spool.memory import Memory
from otel_mlsec.finding import Severity

ADOPTED = 16  # directories at a time: each is a descriptor, and descriptors are the host's
TRY_DISK = 10.0  # s after which a disk that refused is tried again
WRITTEN, DELIVERED, EVICTED, CORRUPT, REFUSALS = (
    "written",
    "delivered",
    "evicted",
    "corrupt",
    "refused",
)  # outcomes that are counted

_log = logging.getLogger("otel_mlsec")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """Records to be sent together, and where they are kept."""

    records: tuple[Record, ...]
    lane: str
    disk: Disk | None = None
    taken: Taken | None = None


class Store:
    """For one thread that puts and one that sends.

    Args:
        home: where the directories are; None: in memory only.
        limit: bytes on disk, after which the mildest and oldest are given up.
        clock: s, monotonic.
    """

    def __init__(self, home: Home | None, *, limit: int, clock: Callable[[], float]) -> None:
        self._home, self._limit, self._clock = home, limit, clock
        self.counts: Counter[tuple[str, str]] = Counter()  # records by outcome and severity
        self._warned = False
        self.forked()

    def forked(self) -> None:
        """In the child: what waits is the parent's."""
        self._lock = threading.Lock()
        self._own: Disk | None = None
        self._adopted: list[Disk] = []
        self._memory = Memory()
        self._disk_at = 0.0  # when the disk may be tried
        self._since: float | None = None  # when something began to wait
        self.more = False  # there may be other processes' left to adopt
        self.counts.clear()

    def _disks(self) -> list[Disk]:
        return [*([self._own] if self._own else []), *self._adopted]

    @property
    def waiting(self) -> int:
        """Records that are not delivered and are tried whenever there is a receiver."""
        with self._lock:
            return self._memory.waiting + sum(disk.waiting - disk.refused for disk in self._disks())

    @property
    def refused_waiting(self) -> int:
        """Records that the receiver will not take, and that are tried again now and then."""
        with self._lock:
            return len(self._memory) - self._memory.waiting + sum(disk.refused for disk in self._disks())

    @property
    def size(self) -> int:
        """Bytes on disk."""
        with self._lock:
            return sum(disk.size for disk in self._disks())

    @property
    def age(self) -> float:
        """s for which there has always been something that waits."""
        since = self._since
        return self._clock() - since if since is not None else 0.0

    def put(self, record: Record) -> None:
        """Kept when this returns: in the kernel's hands, and on the disk if it is CRITICAL."""
        urgent: list[int] = []
        with self._lock:
            lane = lane_of(record.severity)
            self._keep(record, lane)
            self.counts[WRITTEN, lane] += 1
            self._since = self._clock() if self._since is None else self._since
            if record.severity >= Severity.CRITICAL and self._own is not None:
                urgent = self._own.unsynced()
        self._sync(urgent)

    def _keep(self, record: Record, lane: str) -> None:
        if self._home is not None and self._clock() >= self._disk_at:
            try:
                self._append(self._home, record, lane)
            except OSError as error:
                self._disk_at = self._clock() + TRY_DISK
                self._warn(error)
            else:
                self._evict()
                return
        evicted = self._memory.append(record, lane)
        if evicted is not None:
            self.counts[EVICTED, evicted] += 1

    def _append(self, home: Home, record: Record, lane: str) -> None:
        self._own = self._own or home.claim()
        try:
            self._own.append(record, lane)
        except OSError:
            if self._own.directory.exists():
                raise
            home.release(self._own)  # somebody has removed it
            self._own = None
            self._own = home.claim()
            self._own.append(record, lane)

    def _warn(self, error: OSError) -> None:
        if not self._warned and self._home is not None:
            self._warned = True
            reason = error.strerror or type(error).__name__
            _log.warning("findings are kept in memory only: %s cannot be written (%s)", self._home.path, reason)

    def _evict(self) -> None:
        while sum(disk.size for disk in self._disks()) > self._limit:
            for lane in reversed(LANES):
                lost = next((n for disk in reversed(self._disks()) if (n := disk.evict(lane)) is not None), None)
                if lost is not None:
                    self.counts[EVICTED, lane] += lost
                    break

    def expire(self, before: float) -> None:
        """Give up files that were last written before a time, s since the epoch; counted as evicted."""
        with self._lock:
            for disk in self._disks():
                for lane, lost in disk.expire(before):
                    self.counts[EVICTED, lane] += lost

    def commit(self) -> None:
        """To the disk, what was put since."""
        with self._lock:
            descriptors = self._own.unsynced() if self._own is not None else []
        self._sync(descriptors)

    def _sync(self, descriptors: list[int]) -> None:
        try:
            sync(descriptors)
        except OSError as error:
            self._warn(error)

    def adopt(self) -> None:
        """Take over what processes that are gone have left, a few at a time."""
        if self._home is None:
            return
        adopted = self._home.adopt(ADOPTED - len(self._adopted))
        self.more = bool(adopted)  # perhaps
        with self._lock:
            for disk in adopted:
                self._adopted.append(disk)
                if disk.waiting and self._since is None:
                    self._since = self._clock()
            self._evict()
            self._tidy()

    @property
    def abandoned(self) -> bool:
        return self._home is not None and bool(self._home.abandoned())

    def next(self, most: int, *, refused: bool = False) -> Parcel | None:
        """The worst first; of what was refused only if it is its time."""
        with self._lock:
            for disk in self._disks():
                while (taken := disk.next(most, refused=refused)) is not None:
                    if taken.frames:
                        return Parcel(records=tuple(taken.records), lane=taken.lane, disk=disk, taken=taken)
                    self.counts[CORRUPT, taken.lane] += disk.acknowledge(taken, 0)
            kept = self._memory.next(most, refused=refused)
            if kept is None:
                self._tidy()
                return None
            return Parcel(records=tuple(kept[1]), lane=kept[0])

    def delivered(self, parcel: Parcel, n: int) -> None:
        """The first `n` of a parcel are with the receiver."""
        with self._lock:
            for record in parcel.records[:n]:
                self.counts[DELIVERED, lane_of(record.severity)] += 1
            self._acknowledge(parcel, n)

    def refused(self, parcel: Parcel) -> None:
        """The first of a parcel will not be taken: out of the way of the others, and kept."""
        with self._lock:
            if parcel.lane != REFUSED:
                self.counts[REFUSALS, parcel.lane] += 1
            self._keep(parcel.records[0], REFUSED)  # again at the end of those, where it was one of them
            self._acknowledge(parcel, 1)

    def _acknowledge(self, parcel: Parcel, n: int) -> None:
        if parcel.disk is None or parcel.taken is None:
            self._memory.acknowledge(parcel.lane, list(parcel.records[:n]))
        else:
            self.counts[CORRUPT, parcel.lane] += parcel.disk.acknowledge(parcel.taken, n)
        if not (len(self._memory) or any(disk.waiting for disk in self._disks())):
            self._since = None

    def _tidy(self) -> None:
        """Directories of the dead that are empty now go."""
        done = [disk for disk in self._adopted if not disk.waiting]
        for disk in done:
            self._adopted.remove(disk)
            if self._home is not None:
                self._home.release(disk)

    def close(self) -> int:
        """Give all directories up, for the next process; how many records were in memory only, and are lost."""
        self.commit()
        with self._lock:
            for disk in self._disks():
                if self._home is not None:
                    self._home.release(disk)
            self._own, self._adopted = None, []
            lost = len(self._memory)
            self._memory = Memory()
            return lost

    def after_fork(self) -> None:
        """In the child, before anything else: descriptors are closed, locks and files are the parent's."""
        for disk in self._disks():
            disk.close()
        if self._home is not None:
            self._home.forked()
        self.forked()
