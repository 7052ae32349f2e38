"""A directory of references: `NAME.mlsec`; or each version, `NAME/0003.mlsec`, and `NAME/current`, the number of what counts.

Files are written beside and renamed into place, so who reads meanwhile finds the old one or the new one.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from urllib.parse import quote, unquote

from otel_mlsec.reference.origin import LAST_VERSION

SUFFIX = ".mlsec"
CURRENT = "current"
MAX_ENTRIES = 10_000  # of a directory that are looked at
MAX_TEXT = 64  # bytes of what says which version counts
NUMBER = re.compile(r"[0-9]{1,4}")


def find(store: Path, name: str) -> Path | None:
    """The reference of the model `name`, or None where the directory has none for it.

    Raises:
        ValueError: its versions are there, and the one that is to count is not.
        OSError: the directory cannot be read.
    """
    if not name:
        return None
    kept = _folder(store, name)
    if _is(kept / CURRENT, Path.exists):
        number = current(store, name)
        path = _file(kept, number)
        if not path.is_file():
            there = ", ".join(map(str, versions(store, name))) or "none"
            raise ValueError(f"{kept / CURRENT} names version {number}, which is not there (there are: {there})")
        return path
    path = single(store, name)
    return path if _is(path, Path.is_file) else None


def current(store: Path, name: str) -> int:
    """
    Raises:
        ValueError: nothing says which version counts.
    """
    path = _folder(store, name) / CURRENT
    try:
        with path.open("rb") as file:
            text = file.read(MAX_TEXT).decode("ascii", "replace").strip()
    except FileNotFoundError:
        raise ValueError(f"{store} has no versions of a reference of {name!r}") from None
    if not NUMBER.fullmatch(text):
        raise ValueError(f"{path} must hold the number of a version")
    return int(text)


def versions(store: Path, name: str) -> list[int]:
    """All that are kept, ascending."""
    found = (path.stem for path in _entries(_folder(store, name)) if path.suffix == SUFFIX)
    return sorted(int(stem) for stem in found if NUMBER.fullmatch(stem))


def names(store: Path) -> list[str]:
    """Of the models that the directory has references of."""
    found: set[str] = set()
    for path in _entries(store):
        if path.suffix == SUFFIX and path.is_file() and not path.name.startswith("."):
            found.add(unquote(path.name.removesuffix(SUFFIX)))
        elif (path / CURRENT).exists():
            found.add(unquote(path.name))
    return sorted(found)


def add(store: Path, name: str, write: Callable[[Path, int], None]) -> Path:
    """Keep a new version and let it count; `write(path, version)` writes it.

    Raises:
        ValueError: no name, or there are 9,999.
        OSError: the directory cannot be written.
    """
    if not name:
        raise ValueError("a reference is kept by the name of its model, and this one has none: give it one by --name")
    kept = _folder(store, name)
    kept.mkdir(parents=True, exist_ok=True)
    number = max(versions(store, name), default=0) + 1
    while number <= LAST_VERSION:
        path = _file(kept, number)
        try:
            path.open("xb").close()  # whoever makes the file has the number
        except FileExistsError:
            number += 1
            continue
        try:
            write(path, number)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        _let_count(kept, number)
        return path
    raise ValueError(f"{kept} is full: it has {LAST_VERSION} versions")


def roll_back(store: Path, name: str, to: int | None = None) -> int:
    """Let an earlier version count again, the one before or the one that is named -> its number.

    Raises:
        ValueError: there is none.
    """
    now, there = current(store, name), versions(store, name)
    if to is None:
        to = max((number for number in there if number < now), default=None)
        if to is None:
            raise ValueError(f"there is no version of {name!r} before {now}")
    if to not in there:
        raise ValueError(f"there is no version {to} of {name!r}; there are {', '.join(map(str, there)) or 'none'}")
    _let_count(_folder(store, name), to)
    return to


def _let_count(kept: Path, number: int) -> None:
    part = kept / f".{CURRENT}.{os.getpid()}.{threading.get_ident()}"
    part.write_text(f"{number:04d}\n", "ascii")
    part.replace(kept / CURRENT)


def _folder(store: Path, name: str) -> Path:
    return store / _quoted(name)


def single(store: Path, name: str) -> Path:
    """Of a model whose versions are not kept."""
    return store / (_quoted(name) + SUFFIX)


def path_of(store: Path, name: str, number: int) -> Path:
    return _file(_folder(store, name), number)


def _file(kept: Path, number: int) -> Path:
    return kept / f"{number:04d}{SUFFIX}"


def _quoted(name: str) -> str:
    """A name of one part, which no slash and no dots lead out of the directory."""
    quoted = quote(name, safe=" ", errors="replace")
    return f"%2E{quoted[1:]}" if quoted.startswith(".") else quoted


def _is(path: Path, what: Callable[[Path], bool]) -> bool:
    try:
        return what(path)
    except OSError:  # a name that is too long for a file
        return False


def _entries(folder: Path) -> list[Path]:
    try:
        return list(islice(folder.iterdir(), MAX_ENTRIES))
    except (FileNotFoundError, NotADirectoryError):
        return []
