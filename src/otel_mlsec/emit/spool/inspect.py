"""Looking into spools from outside, also into those of processes that live: what waits, for whom, and is it as it was written?"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from otel_mlsec.emit.spool.disk import LANES, LOCK, SUFFIX, Disk
from otel_mlsec.emit.spool.frame import Frame, read
from otel_mlsec.emit.spool.home import written_down

LONGEST = 1 << 24  # bytes of a line; what is longer was not written by us
UNKNOWN = "unknown"  # URL of a receiver whose name cannot be read
UNREADABLE, DAMAGED, UNVERIFIED, GAP = "unreadable", "damaged", "unverified", "gap"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """For whom spools are: `name` and `url` as they were written down."""

    path: Path
    name: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What is in the directory of one process."""

    directory: Path
    alive: bool  # its process, which will send it
    records: dict[str, int]  # that wait, by severity, or "refused"
    size: int  # bytes
    oldest: float  # s since the epoch, of the file that was first written to an end; 0.0 where there is none


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A line that is not as it was written."""

    file: Path
    line: int  # 1 is the first
    what: str  # unreadable, damaged, unverified: not chained with this key; gap: lines before it are missing or elsewhere


def receivers(root: Path) -> list[Receiver]:
    """Those whose name cannot be read, too: what waits for them waits."""
    found: list[Receiver] = []
    for path in sorted(each for each in root.glob("*") if each.is_dir()):
        name, url = written_down(path) or (path.name, UNKNOWN)
        found.append(Receiver(path=path, name=name, url=url))
    return found


def directories(receiver: Receiver) -> list[Path]:
    return sorted(each for each in receiver.path.iterdir() if each.is_dir() and not each.name.startswith("."))


def waiting(directory: Path) -> Waiting:
    """Raises: OSError, also where its process removes it meanwhile."""
    disk = Disk(directory, writable=False)
    try:
        times = [path.stat().st_mtime for path in directory.glob(f"*{SUFFIX}")]
        return Waiting(
            directory=directory, alive=_alive(directory), records=disk.by_lane(), size=disk.size, oldest=min(times, default=0.0)
        )
    finally:
        disk.close()


def _alive(directory: Path) -> bool:
    lock = os.open(directory / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def verify(directory: Path, key: bytes = b"") -> Iterator[Fault | None]:
    """One for each line of the directory's files: None where it is as it was written.

    Raises:
        OSError: a file cannot be read.
    """
    for lane in LANES:
        before: Frame | None = None  # nothing, or nothing that could be read: what was delivered is missing at the beginning
        for file in sorted(directory.glob(f"{lane}-*{SUFFIX}")):
            for number, line in enumerate(_lines(file), 1):
                frame = read(line, key)
                what = UNREADABLE if frame is None else frame.fault
                if frame is not None and not what and before is not None and frame.prev != before.hash:
                    what = GAP
                yield Fault(file=file, line=number, what=what) if what else None
                before = frame


def _lines(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while line := opened.readline(LONGEST):
            yield line.rstrip(b"\n")
