"""A file of lines: for who reads findings on the machine itself, or has something that follows files."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from otel_mlsec.emit.record import Record
from otel_mlsec.emit.transport import Answer


@dataclass(slots=True, kw_only=True)
class Lines:
    """Appends to one file, on the disk when `send` returns.

    What rotates the file may rename, remove or truncate it.  Several processes may append to it: each `send` is one write.

    Attributes:
        form: makes a line.
    """

    path: Path
    form: Callable[[Record], str]
    _fd: int = -1

    def send(self, records: Sequence[Record], /) -> Answer:
        lines = [f"{self.form(record)}\n".encode("utf-8", "replace") for record in records]
        written = 0
        try:
            self._open()
            rest = memoryview(b"".join(lines))
            while rest:
                n = os.write(self._fd, rest)
                rest, written = rest[n:], written + n
            self._sync()
        except OSError as error:
            self.close()
            return Answer(taken=_whole(lines, written), why=error.strerror or type(error).__name__)
        return Answer(taken=len(records))

    def _sync(self) -> None:
        try:
            os.fsync(self._fd)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # a terminal or a pipe has no disk
                raise

    def _open(self) -> None:
        """The file that has the name now; a line that lacks its end, of a full disk or a crash, gets it first."""
        if self._fd >= 0 and not self._same():
            self.close()
        if self._fd < 0:
            self._fd = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        size = os.fstat(self._fd).st_size
        if size and os.pread(self._fd, 1, size - 1) != b"\n":
            os.write(self._fd, b"\n")

    def _same(self) -> bool:
        try:
            return os.path.samestat(os.stat(self.path), os.fstat(self._fd))
        except FileNotFoundError:
            return False

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _whole(lines: Sequence[bytes], written: int) -> int:
    """How many lines are there to their end, of so many bytes."""
    ends = accumulate(map(len, lines))
    return sum(end <= written for end in ends)
