"""One file of lines: appended to by one process, read from where the receiver's acknowledgements end."""

from __future__ import annotations

import os
from pathlib import Path

READ = 1 << 20  # bytes of lines read at a time
LONGEST = 1 << 24  # bytes of a line; what is longer was not written by us


class Segment:
    """Of one severity.  Bytes are in the kernel when `append` returns, on the disk when `sync` does.

    Raises:
        OSError: of any method, where the disk refuses.
    """

    def __init__(self, path: Path, *, records: int = 0, sent: int = 0, writable: bool = True) -> None:
        """An existing file is opened with `writable` false; `records` are those in it behind `sent`."""
        self.path = path
        self.waiting = records  # records that are not acknowledged
        self.sent = sent  # bytes that are acknowledged
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND if writable else os.O_RDONLY
        self._fd = os.open(path, flags | os.O_CLOEXEC, 0o600)
        self.size = 0 if writable else os.fstat(self._fd).st_size
        self.writable = writable

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

    def sync(self) -> None:
        os.fsync(self._fd)

    def duplicate(self) -> int:
        """A descriptor of one's own to sync, whatever becomes of this one."""
        return os.dup(self._fd)

    def lines(self, most: int) -> list[bytes]:
        """The next lines that are not acknowledged, with their ends; the last one lacks it if a process died while it wrote."""
        wanted = READ
        data = os.pread(self._fd, wanted, self.sent)
        while b"\n" not in data and len(data) == wanted < LONGEST:
            wanted *= 2
            data = os.pread(self._fd, wanted, self.sent)
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

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def delete(self) -> None:
        self.close()
        self.path.unlink(missing_ok=True)
