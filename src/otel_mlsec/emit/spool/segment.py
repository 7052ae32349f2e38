"""One file of lines: appended to by one process, read from where the receiver's acknowledgements end."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

READ = 1 << 20  # bytes of lines read at a time
LONGEST = 1 << 24  # bytes of a line; what is longer was not written by us
CLOSED = -1


class Segment:
    """Of one severity.  Bytes are in the kernel when `append` returns, on the disk when a `duplicate` was synced.

    A descriptor is held only while it is written: what waits may be hundreds of files, and descriptors are the host's.

    Raises:
        OSError: of any method but `lines`, where the disk refuses.
    """

    def __init__(self, path: Path, *, sent: int = 0, writable: bool = True) -> None:
        """A new file, or with `writable` false one that is there, of which `sent` bytes are acknowledged."""
        self.path = path
        self.waiting = 0  # records that are not acknowledged
        self.sent = sent
        self.full = not writable  # nothing more is appended
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600) if writable else CLOSED
        self.size = 0 if writable else path.stat().st_size

    def append(self, line: bytes) -> int:
        """All of the line or, where there is no room, nothing of it; how many bytes it takes."""
        data = memoryview(line + b"\n")
        try:
            while data:
                data = data[os.write(self._fd, data) :]
        except OSError:
            os.ftruncate(self._fd, self.size)
            raise
        self.size += len(line) + 1
        self.waiting += 1
        return len(line) + 1

    def duplicate(self) -> int:
        """A descriptor of one's own to sync, whatever becomes of this one."""
        return os.dup(self._fd)

    def lines(self, most: int) -> list[bytes]:
        """The next lines that are not acknowledged, with their ends; the last one lacks it if a process died while it wrote.

        None where there is nothing to be read any more: somebody has cut the file or removed it.
        """
        with contextlib.suppress(OSError):
            fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                return self._lines(fd, most)
            finally:
                os.close(fd)
        return []

    def _lines(self, fd: int, most: int) -> list[bytes]:
        wanted = READ
        data = os.pread(fd, wanted, self.sent)
        while b"\n" not in data and len(data) == wanted < LONGEST:
            wanted *= 2
            data = os.pread(fd, wanted, self.sent)
        lines = [line + b"\n" for line in data.split(b"\n")]
        rest = lines.pop()[:-1]
        if rest and (not lines or self.sent + len(data) >= self.size):
            lines.append(rest)
        return lines[:most]

    def acknowledge(self, n_bytes: int, n_records: int) -> None:
        self.sent += n_bytes
        self.waiting = 0 if self.done else max(0, self.waiting - n_records)

    @property
    def done(self) -> bool:
        return self.sent >= self.size

    @property
    def removed(self) -> bool:
        """By somebody else: what is written now is written to nowhere."""
        return self.open and os.fstat(self._fd).st_nlink == 0

    @property
    def open(self) -> bool:
        return self._fd != CLOSED

    def close(self) -> None:
        if self.open:
            os.close(self._fd)
            self._fd = CLOSED

    def delete(self) -> None:
        self.close()
        self.path.unlink(missing_ok=True)
