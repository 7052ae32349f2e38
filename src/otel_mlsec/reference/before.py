"""What can be said of a reference before numpy is there and without asking anybody: at the start of a process."""

from __future__ import annotations

from otel_mlsec.reference import store
from otel_mlsec.reference.address import on_disk
from otel_mlsec.reference.envelope import check


def known(told: str, key: bytes | None) -> str:
    """A doubt that keeps nobody from starting, or "".  Of a URL only that it is one, of a directory only that it is not empty.

    Raises:
        ValueError: a file that is damaged or wrongly signed, a URL that would not be asked.
        OSError: a file that cannot be read.
    """
    path = on_disk(told)
    if path is not None and path.is_dir():
        return "" if store.names(path) else f"{path} has no reference in it, as yet"
    if path is not None:
        check(path, key)
    return ""
