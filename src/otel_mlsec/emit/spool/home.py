"""Which directory is whose: one a process, under one a receiver, with a lock that the kernel takes back from the dead."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
from pathlib import Path
from typing import Final

from otel_mlsec.emit.spool.disk import Disk

LOCK: Final = "lock"
RECEIVER: Final = "receiver.json"
UNSAFE = str.maketrans(dict.fromkeys('/\\:*?"<>|\0', "_"))


class Home:
    """Of what goes to one receiver: findings for one are never sent to another.

    Args:
        root: under which there is a directory for each.
        name: of the sink, for people.
        url: where it sends to, without secrets.
        key: that lines are chained with.
    """

    def __init__(self, root: Path, name: str, url: str, *, key: bytes = b"") -> None:
        digest = hashlib.blake2b(url.encode("utf-8", "replace"), digest_size=6).hexdigest()
        self.path = root / f"{name.translate(UNSAFE)}-{digest}"
        self.name, self.url, self.key = name, url, key
        self._locks: dict[Path, int] = {}  # descriptors by directory

    def claim(self) -> Disk:
        """A new directory for this process.

        Raises:
            OSError: there is none to be had.
        """
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        receiver = self.path / RECEIVER
        if not receiver.exists():
            receiver.write_text(json.dumps({"name": self.name, "url": self.url}) + "\n")
        directory = self.path / f"{os.getpid()}-{secrets.token_hex(4)}"
        making = self.path / f".{directory.name}"  # nobody adopts it before it is locked
        making.mkdir(mode=0o700)
        lock = os.open(making / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        making.rename(directory)
        self._locks[directory] = lock
        return Disk(directory, key=self.key)

    def abandoned(self) -> list[Path]:
        """Directories of this receiver that are not ours; some may have a process that lives."""
        try:
            return sorted(
                each for each in self.path.iterdir() if each.is_dir() and each not in self._locks and each.name[0] != "."
            )
        except OSError:
            return []

    def adopt(self) -> list[Disk]:
        """What processes that are gone have left; nobody else gets it while we live."""
        adopted: list[Disk] = []
        for directory in self.abandoned():
            with contextlib.suppress(OSError):  # its process lives, another was faster, or it is not ours to read
                lock = os.open(directory / LOCK, os.O_RDWR | os.O_CLOEXEC)
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    disk = Disk(directory, key=self.key, writable=False)
                except OSError:
                    os.close(lock)
                    raise
                self._locks[directory] = lock
                adopted.append(disk)
        return adopted

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
