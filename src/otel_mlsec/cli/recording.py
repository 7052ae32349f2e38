"""Recorded traffic in a file, read part by part: columns by name, never more than one part in memory.

JSON lines are read here, with the standard library; Parquet and CSV in `recording_arrow`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

import numpy as np

from otel_mlsec import cells
from otel_mlsec.arrays import Floats, Ints

JSON_LINES = (".jsonl", ".ndjson")
LINE_LIMIT = 4 << 20  # bytes of one line
NESTED = 4  # objects in objects that are columns `outer.inner`
MAX_COLUMNS = 10_000
FIRST = 1000  # lines that say which columns there are


class Part(Protocol):
    """Rows of a recording, in its order."""

    @property
    def n_rows(self) -> int: ...

    @property
    def position(self) -> int:
        """How far the recording is read, in its unit."""
        ...

    def numbers(self, name: str, *, text: bool = False) -> Floats:
        """(n_rows,) cells as `cells` reads them; `text`: a number without a type of its own, as in CSV, is text, too."""
        ...

    def words(self, name: str) -> tuple[Ints, list[str]]:
        """(n_rows,) positions in a list of distinct texts; "" is missing."""
        ...


class Recording(Protocol):
    names: tuple[str, ...]
    total: int  # of the unit in which parts tell their position

    def parts(self, columns: Sequence[str], rows: int) -> Iterator[Part]:
        """Parts of `rows` rows, the last may have fewer; of the columns that are needed."""
        ...

    @property
    def malformed(self) -> int:
        """Lines that are no rows, left out so far."""
        ...


def word(value: Any) -> str:
    """How a principal, a label or a model is named by a cell, whatever the type of its column: 12.0 of a nullable one is 12.

    >>> [word(v) for v in ("a", 12.0, True, None, 0.5)]
    ['a', '12', 'True', '', '0.5']
    """
    if value is None or value != value:
        return ""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def named(words: Iterable[str]) -> tuple[Ints, list[str]]:
    """Texts -> positions in the list of the distinct ones, in the order of their first appearance."""
    at: dict[str, int] = {}
    index = [at.setdefault(each, len(at)) for each in words]
    return np.array(index, np.int64), list(at)


class JsonLines:
    """One object a line; objects in it are columns `outer.inner`.  Lines that are no object are counted and left out."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.malformed = 0
        self.total = path.stat().st_size  # bytes
        first = next(self.parts((), FIRST), None)
        self.names = first.names if first is not None else ()
        self.malformed = 0

    def parts(self, columns: Sequence[str], rows: int) -> Iterator[JsonPart]:
        """Of all columns, whichever are asked for."""
        del columns
        records: list[dict[str, Any]] = []
        with open(self._path, "rb") as source:
            for line in _lines(source):
                record = _record(line)
                if record is None:
                    self.malformed += 1
                    continue
                records.append(record)
                if len(records) == rows:
                    yield JsonPart(records, source.tell())
                    records = []
            if records:
                yield JsonPart(records, source.tell())


class JsonPart:
    def __init__(self, records: list[dict[str, Any]], position: int) -> None:
        self._records, self.position = records, position
        self.n_rows = len(records)

    @property
    def names(self) -> tuple[str, ...]:
        """In the order of their first appearance."""
        return tuple(dict.fromkeys(name for record in self._records for name in record))[:MAX_COLUMNS]

    def numbers(self, name: str, *, text: bool = False) -> Floats:
        del text  # in JSON, numbers and texts are told apart
        return cells.column([record.get(name) for record in self._records])

    def words(self, name: str) -> tuple[Ints, list[str]]:
        return named(word(record.get(name)) for record in self._records)


def _lines(source: BinaryIO) -> Iterator[bytes]:
    """Lines that are not blank; one that is too long is empty, and read to its end."""
    while line := source.readline(LINE_LIMIT):
        whole = line.endswith(b"\n") or len(line) < LINE_LIMIT
        while not whole:
            rest = source.readline(LINE_LIMIT)
            whole = rest.endswith(b"\n") or len(rest) < LINE_LIMIT
            line = b""
        if line.strip() or not line:
            yield line


def _record(line: bytes) -> dict[str, Any] | None:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    flat: dict[str, Any] = {}
    _flatten(cast("dict[str, Any]", said), "", flat, NESTED)
    return flat


def _flatten(record: dict[str, Any], prefix: str, flat: dict[str, Any], depth: int) -> None:
    for name, value in record.items():
        if isinstance(value, dict) and depth:
            _flatten(cast("dict[str, Any]", value), f"{prefix}{name}.", flat, depth - 1)
        else:
            flat[prefix + name] = value
