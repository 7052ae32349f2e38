"""Texts to scan, as they stand in files: one text a file, one a line, or JSON lines that say who speaks.

Bytes are UTF-8, or what their byte-order mark says; bytes that are neither become lone surrogates and stay.
"""

from __future__ import annotations

import collections
import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast

LINE_LIMIT = 32 << 20  # bytes of one line
FILE_LIMIT = 256 << 20  # bytes of a file that is one text
ROLES = ("user", "tool", "document", "system", "assistant")
MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One text of a corpus."""

    id: str | int
    role: str  # of ROLES
    content: str = field(repr=False)
    conversation: str = ""
    principal: str = ""
    tool: str = ""  # that answers, or, where the assistant speaks, is called with `content` as its arguments


class Reader:
    """Reads prompts; lines that are none are counted in `malformed` by reason, with the place of the first."""

    def __init__(self, *, role: str = "user") -> None:
        self._role = role  # of texts that do not say
        self.malformed: collections.Counter[str] = collections.Counter()
        self.first: dict[str, str] = {}

    def whole(self, source: BinaryIO, name: str) -> Iterator[Prompt]:
        """All of it as one text.

        Raises:
            ValueError: it is longer than FILE_LIMIT.
        """
        content = source.read(FILE_LIMIT + 1)
        if len(content) > FILE_LIMIT:
            raise ValueError(f"{name} is one text of more than {FILE_LIMIT >> 20} MiB; --lines scans every line of it")
        yield Prompt(id=name, role=self._role, content=_decoded(content))

    def lines(self, source: BinaryIO, name: str) -> Iterator[Prompt]:
        """Every line that is not empty is one text."""
        for number, line in self._lines(source, name):
            if content := _decoded(line).strip("\r\n"):
                yield Prompt(id=f"{name}:{number}", role=self._role, content=content)

    def json_lines(self, source: BinaryIO, name: str) -> Iterator[Prompt]:
        """Objects with `content`, and where known `id`, `role`, `conversation`, `principal`, `tool`."""
        yield from self._prompts(self._lines(source, name), name)

    def guessed(self, source: BinaryIO, name: str) -> Iterator[Prompt]:
        """JSON lines if the first line is an object with a `content`, else one text."""
        head = source.readline(LINE_LIMIT)
        said = _object(head)
        if isinstance(said, dict) and "content" in said:
            yield from self._prompts(itertools.chain([(1, head)], self._lines(source, name, after=1)), name)
        else:
            yield from self.whole(cast("BinaryIO", _Rejoined(head, source)), name)

    def _lines(self, source: BinaryIO, name: str, after: int = 0) -> Iterator[tuple[int, bytes]]:
        for number in itertools.count(after + 1):
            line = source.readline(LINE_LIMIT)
            if not line:
                return
            if len(line) == LINE_LIMIT and not line.endswith(b"\n"):
                while (rest := source.readline(LINE_LIMIT)) and not rest.endswith(b"\n"):
                    pass
                self._note(f"longer than {LINE_LIMIT >> 20} MiB", name, number)
                continue
            yield number, line

    def _prompts(self, lines: Iterable[tuple[int, bytes]], name: str) -> Iterator[Prompt]:
        for number, line in lines:
            if not line.strip():
                continue
            said = _object(line)
            reason = said if isinstance(said, str) else self._wrong(said)
            if isinstance(said, str) or reason:
                self._note(reason, name, number)
                continue
            id_ = said.get("id")
            yield Prompt(
                id=id_ if isinstance(id_, str | int) and not isinstance(id_, bool) else f"{name}:{number}",
                role=said.get("role", self._role),
                content=said["content"],
                conversation=_name(said.get("conversation")),
                principal=_name(said.get("principal")),
                tool=_name(said.get("tool")),
            )

    def _wrong(self, said: dict[str, Any]) -> str:
        if not isinstance(said.get("content"), str):
            return "without a text as content"
        role = said.get("role", self._role)
        return "" if isinstance(role, str) and role in ROLES else "of no known role"

    def _note(self, reason: str, name: str, number: int) -> None:
        self.malformed[reason] += 1
        self.first.setdefault(reason, f"{name}:{number}")


class _Rejoined:
    """A stream of which the first line was read already."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head, self._rest = head, rest

    def read(self, most: int) -> bytes:
        return self._head + self._rest.read(max(0, most - len(self._head)))


def _object(line: bytes) -> dict[str, Any] | str:
    """The object of a line, or why there is none."""
    try:
        said: Any = json.loads(_decoded(line))
    except (ValueError, RecursionError):  # no JSON, an integer of too many digits, lists in lists in lists
        return "no JSON"
    return cast("dict[str, Any]", said) if isinstance(said, dict) else "no object"


def _name(value: Any) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _decoded(content: bytes) -> str:
    for mark, encoding in MARKS:
        if content.startswith(mark):
            # A half character at the end of UTF-16 has no surrogate to stand for it.
            errors = "surrogateescape" if encoding == "utf-8" else "replace"
            return content[len(mark) :].decode(encoding, errors)
    return content.decode("utf-8", "surrogateescape")
