"""Which directory is whose: one a process, under one a receiver, with a lock that the kernel takes back from the dead."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import shutil
from pathlib import Path
from typing import Any, Final

from otel_mlsec.emit.spool.disk import LOCK, Disk

RECEIVER: Final = "receiver.json"
UNSAFE = str.maketrans(dict.fromkeys('/\\:*?"<>|\0', "_"))


class Home:
    """Of what goes to one receiver, which is a URL: findings for one are never sent to another.

    Args:
        path: directory under which there is one for each process; see `path_of`.
        name: of the sink, for people.
        url: where it sends to, without secrets.
        key: that lines are chained with.
    """

    def __init__(self, path: Path, name: str, url: str, *, key: bytes = b"") -> None:
        self.path, self.name, self.url, self.key = path, name, url, key
        self._locks: dict[Path, int] = {}  # descriptors by directory

    def claim(self) -> Disk:
        """A new directory for this process.

        Raises:
            OSError: there is none to be had.
        """
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        if written_down(self.path) is None:
            self._write_down()
        directory = self.path / f"{os.getpid()}-{secrets.token_hex(4)}"
        making = self.path / f".{directory.name}"  # nobody adopts it before it is locked
        making.mkdir(mode=0o700)
        lock = -1
        try:
            lock = os.open(making / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            making.rename(directory)
        except BaseException:
            if lock >= 0:
                os.close(lock)
            shutil.rmtree(making, ignore_errors=True)
            raise
        self._locks[directory] = lock
        return Disk(directory, key=self.key)

    def _write_down(self) -> None:
        """Whole, or not at all."""
        new = self.path / f".{RECEIVER}-{secrets.token_hex(4)}"
        try:
            new.write_text(json.dumps({"name": self.name, "url": self.url}) + "\n")
            new.replace(self.path / RECEIVER)
        finally:
            new.unlink(missing_ok=True)

    def abandoned(self) -> list[Path]:
        """Directories of this receiver that are not ours; some may have a process that lives."""
        try:
            return sorted(
                each for each in self.path.iterdir() if each.is_dir() and each not in self._locks and each.name[0] != "."
            )
        except OSError:
            return []

    def adopt(self, most: int) -> list[Disk]:
        """What at most so many processes that are gone have left; nobody else gets it while we live."""
        adopted: list[Disk] = []
        for directory in self.abandoned():
            if len(adopted) >= most:
                break
            with contextlib.suppress(OSError):  # its process lives, another was faster, or it is not ours to read
                adopted.append(self._taken_over(directory))
        return adopted

    def _taken_over(self, directory: Path) -> Disk:
        lock = os.open(directory / LOCK, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            disk = Disk(directory, key=self.key, writable=False)
        except BaseException:
            os.close(lock)
            raise
        self._locks[directory] = lock
        return disk

    def release(self, disk: Disk) -> None:
        """Give a directory up: it is removed if nothing in it waits, and left to the next process if something does."""
        with contextlib.suppress(OSError):
            disk.close()
            if not disk.waiting:
                disk.remove()
        lock = self._locks.pop(disk.directory, None)
        if lock is not None:
            os.close(lock)

    def forked(self) -> None:
        """In the child: the directories are the parent's, whose locks stay as long as it lives."""
        for lock in self._locks.values():
            os.close(lock)
        self._locks.clear()


def path_of(root: Path, name: str, url: str) -> Path:
    """Under a root with a directory for each receiver."""
    digest = hashlib.blake2b(url.encode("utf-8", "replace"), digest_size=6).hexdigest()
    return root / f"{name.translate(UNSAFE)}-{digest}"


def written_down(path: Path) -> tuple[str, str] | None:
    """Name and URL of the receiver whose directory this is; None where they cannot be read."""
    try:
        written: Any = json.loads((path / RECEIVER).read_text("utf-8"))
        return str(written["name"]), str(written["url"])
    except (OSError, ValueError, TypeError, KeyError):
        return None
