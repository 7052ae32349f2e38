"""The files of one process, by severity: the worst is sent first, and the mildest goes first when there is too much."""

from __future__ import annotations

import contextlib
import json
import os
import zlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from otel_mlsec.emit.names import INTEGRITY
from otel_mlsec.emit.record import Record
from otel_mlsec.emit.spool.frame import FIRST, HEAD, Frame, frame, read
from otel_mlsec.emit.spool.segment import Segment
from otel_mlsec.finding import Severity

REFUSED: Final = "refused"  # what the receiver will not take, tried again now and then
LANES: Final = (*(severity.name.lower() for severity in sorted(Severity, reverse=True)), REFUSED)
SEGMENT: Final = 256 << 10  # bytes, after which a new file is begun
ACKNOWLEDGED: Final = "acknowledged.json"
SUFFIX: Final = ".jsonl"
LOCK: Final = "lock"


def lane_of(severity: int) -> str:
    return next((each.name.lower() for each in sorted(Severity, reverse=True) if severity >= each), "low")


@dataclass(slots=True)
class _Lane:
    segments: list[Segment] = field(default_factory=list[Segment])
    number: int = 0  # of the last segment
    seq: int = 0
    prev: str = FIRST


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What is to be sent next: of one segment, in its order."""

    lane: str
    segment: Segment
    frames: tuple[Frame, ...]
    ends: tuple[int, ...]  # bytes up to the end of each, unreadable lines before it included
    corrupt: tuple[int, ...]  # unreadable lines before each one's end
    rest: int = 0  # bytes of unreadable lines behind the last
    rest_corrupt: int = 0

    @property
    def records(self) -> list[Record]:
        """As they are sent: what is not as it was written says so."""
        return [_marked(frame) for frame in self.frames]


class Disk:
    """In one directory, which is this process's alone; `writable` false for what another process left.

    Not for two threads at once.

    Raises:
        OSError: of any method, where the disk refuses.
    """

    def __init__(self, directory: Path, *, key: bytes = b"", writable: bool = True, segment_bytes: int = SEGMENT) -> None:
        self.directory, self._key, self.writable, self._segment_bytes = directory, key, writable, segment_bytes
        self._lanes = {lane: _Lane() for lane in LANES}
        self.size = 0  # bytes of all files
        self._unsynced: set[Segment] = set()
        self._dirty_directory = False
        if not writable:
            self._recover()

    def _recover(self) -> None:
        acknowledged = _acknowledged(self.directory)
        for path in sorted(self.directory.glob(f"*{SUFFIX}")):
            lane, _, number = path.stem.rpartition("-")
            if lane in self._lanes and number.isdigit():
                sent = min(acknowledged.get(path.name, 0), path.stat().st_size)
                segment = Segment(path, sent=sent, writable=False)
                segment.waiting = _count(path, sent)
                self._lanes[lane].segments.append(segment)
                self.size += segment.size

    @property
    def waiting(self) -> int:
        """Records that no receiver has acknowledged; refused ones included."""
        return sum(segment.waiting for segment in self._segments())

    @property
    def refused(self) -> int:
        return sum(segment.waiting for segment in self._lanes[REFUSED].segments)

    def by_lane(self) -> dict[str, int]:
        """Records that wait, of the lanes in which some do."""
        counts = {name: sum(segment.waiting for segment in lane.segments) for name, lane in self._lanes.items()}
        return {name: count for name, count in counts.items() if count}

    def _segments(self) -> list[Segment]:
        return [segment for lane in self._lanes.values() for segment in lane.segments]

    def append(self, record: Record, lane: str) -> None:
        """In the kernel when this returns; on the disk after `sync`."""
        into = self._lanes[lane]
        segment = into.segments[-1] if into.segments else None
        if segment is None or segment.full or segment.removed or segment.size >= self._segment_bytes:
            if segment is not None:
                self._fill(segment)
            into.number += 1
            segment = Segment(self.directory / f"{lane}-{into.number:06d}{SUFFIX}")
            into.segments.append(segment)
            self._dirty_directory = True
        line, digest = frame(record, into.seq, into.prev, self._key)
        self.size += segment.append(line)
        into.seq, into.prev = into.seq + 1, digest
        self._unsynced.add(segment)

    def _fill(self, segment: Segment) -> None:
        """Nothing more is appended to it: it is closed, once it is synced."""
        segment.full = True
        if segment not in self._unsynced:
            segment.close()

    def unsynced(self) -> list[int]:
        """Descriptors to sync and to close; whoever asks does both, where nobody waits for him."""
        descriptors: list[int] = []
        try:
            while self._unsynced:
                segment = next(iter(self._unsynced))
                descriptors.append(segment.duplicate())
                self._unsynced.discard(segment)
                if segment.full:
                    segment.close()
            if self._dirty_directory:
                descriptors.append(os.open(self.directory, os.O_RDONLY | os.O_CLOEXEC))
                self._dirty_directory = False
        except OSError:  # none to be had now: what has one is synced, the rest the next time
            pass
        return descriptors

    def sync(self) -> None:
        sync(self.unsynced())

    def next(self, most: int, *, refused: bool = False) -> Taken | None:
        """At most `most` records, of the worst severity that waits; those refused only if it is their time."""
        for name, lane in self._lanes.items():
            if name == REFUSED and not refused:
                continue
            for segment in lane.segments:
                if not segment.done:
                    return _taken(name, segment, most, self._key)
        return None

    def acknowledge(self, taken: Taken, n: int) -> int:
        """The first `n` records need not be sent again; all of them: what is unreadable behind them is given up, too.

        Returns:
            lines that could not be read and are given up.
        """
        if taken.segment not in self._lanes[taken.lane].segments:
            return 0  # evicted while it was sent
        whole = n == len(taken.frames)
        n_bytes = (taken.ends[n - 1] if n else 0) + (taken.rest if whole else 0)
        corrupt = (taken.corrupt[n - 1] if n else 0) + (taken.rest_corrupt if whole else 0)
        taken.segment.acknowledge(n_bytes, n + corrupt)
        self._drop_done()
        self._save_acknowledged()
        return corrupt

    def _drop_done(self) -> None:
        for lane in self._lanes.values():
            while lane.segments and lane.segments[0].done:
                self._delete(lane, lane.segments[0])

    def _delete(self, lane: _Lane, segment: Segment) -> None:
        lane.segments.remove(segment)
        self.size -= segment.size
        self._unsynced.discard(segment)
        segment.delete()

    def _save_acknowledged(self) -> None:
        path = self.directory / ACKNOWLEDGED
        sent = {segment.path.name: segment.sent for segment in self._segments() if segment.sent}
        if not sent:
            path.unlink(missing_ok=True)
            return
        new = path.with_suffix(".new")
        with contextlib.suppress(OSError):  # a full disk: the next process sends some of it again
            new.write_text(json.dumps({"sent": sent, "crc": _crc(sent)}))
            new.replace(path)

    def evict(self, lane: str) -> int | None:
        """Give up the oldest file of a severity: how many records were lost with it; None where there is no file."""
        of = self._lanes[lane]
        if not of.segments:
            return None
        lost = of.segments[0].waiting
        self._delete(of, of.segments[0])
        return lost

    def expire(self, before: float) -> list[tuple[str, int]]:
        """Give up files last written before a time, s since the epoch: lane and records lost of each."""
        expired: list[tuple[str, int]] = []
        for name, lane in self._lanes.items():
            while lane.segments and lane.segments[0].path.stat().st_mtime < before:
                expired.append((name, self.evict(name) or 0))
        return expired

    def close(self) -> None:
        for segment in self._segments():
            segment.close()

    def remove(self) -> None:
        """The directory, where nothing is left in it that anybody waits for; its lock last, or nobody could take it over."""
        for path in (*self.directory.glob(f"*{SUFFIX}"), *self.directory.glob(f"{ACKNOWLEDGED.partition('.')[0]}*")):
            path.unlink(missing_ok=True)
        (self.directory / LOCK).unlink(missing_ok=True)
        self.directory.rmdir()


def sync(descriptors: list[int]) -> None:
    """To the disk, and close."""
    try:
        for descriptor in descriptors:
            os.fsync(descriptor)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _taken(lane: str, segment: Segment, most: int, key: bytes) -> Taken:
    frames: list[Frame] = []
    ends: list[int] = []
    corrupt: list[int] = []
    at = n_corrupt = 0
    for line in segment.lines(most):
        at += len(line)
        found = _readable(line.rstrip(b"\n"), key)
        n_corrupt += not found
        for each in found:
            frames.append(each)
            ends.append(at if each is found[-1] else at - len(line))
            corrupt.append(n_corrupt)
    if not at:  # there should be some: the file was cut or removed, and what waited in it is gone
        at, n_corrupt = segment.size - segment.sent, segment.waiting
    end, lost = (ends[-1], corrupt[-1]) if ends else (0, 0)
    return Taken(
        lane=lane, segment=segment, frames=tuple(frames), ends=tuple(ends), corrupt=tuple(corrupt),
        rest=at - end, rest_corrupt=n_corrupt - lost,
    )  # fmt: skip


def _marked(frame: Frame) -> Record:
    record = frame.record
    return replace(record, attributes={**record.attributes, INTEGRITY: frame.fault}) if frame.fault else record


def _readable(line: bytes, key: bytes) -> list[Frame]:
    """Of a line that has lost its end there may be two."""
    whole = read(line, key)
    if whole is not None:
        return [whole]
    parts = [read(HEAD + part, key) for part in line.split(HEAD)[1:]]
    return [part for part in parts if part is not None]


def _acknowledged(directory: Path) -> dict[str, int]:
    try:
        tree = json.loads((directory / ACKNOWLEDGED).read_bytes())
        sent = {str(name): max(0, int(sent)) for name, sent in tree["sent"].items()}
        return sent if tree["crc"] == _crc(sent) else {}
    except (OSError, ValueError, TypeError, AttributeError, KeyError):
        return {}  # then all of it is sent again, with the same ids


def _crc(sent: dict[str, int]) -> str:
    return f"{zlib.crc32(json.dumps(sent, sort_keys=True).encode()):08x}"


def _count(path: Path, sent: int) -> int:
    """Lines behind `sent`, one that has no end included."""
    with path.open("rb") as file:
        file.seek(sent)
        count, last = 0, b"\n"
        while block := file.read(1 << 16):
            count += block.count(b"\n")
            last = block[-1:]
    return count + (last != b"\n")
