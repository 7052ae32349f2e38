"""What was taken from one body: texts in the order in which the model reads them, and what was met on the way."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from otel_mlsec.capture.bodies.shapes import is_array, label, mapping
from otel_mlsec.capture.bodies.voices import Voice
from otel_mlsec.observation import Form, Origin, Role, Text

Path = tuple[str | int, ...]

FIRST = 64  # texts that are kept from the start: instructions stand there
NEWEST = 4032  # … and from the end, where the newest message is
TYPES = 16  # names of unknown types that are told apart
NAMES = 4096  # calls of tools whose names are kept, for their results
DEEPEST = 64  # keys; a path that is longer is not kept


class At(NamedTuple):
    """Where reading has got to."""

    voice: Voice
    message: int = 0
    tool: str = ""
    path: Path | None = None  # in the request; None where paths do not matter
    depth: int = 0

    def into(self, *steps: str | int) -> At:
        path = self.path
        if path is not None:
            path = (*path, *steps) if len(path) < DEEPEST else None
        return At(self.voice, self.message, self.tool, path, self.depth + 1)

    def says(self, voice: Voice | None, message: int | None = None) -> At:
        if voice is None:
            return self
        return At(voice, self.message if message is None else message, self.tool, self.path, self.depth)


class Taken:
    """The first 64 and the newest 4,032 texts; the rest is counted."""

    def __init__(self) -> None:
        self.first: list[Text] = []
        self.newest: deque[Text] = deque(maxlen=NEWEST)
        self.unread = 0
        self.unknown: Counter[str] = Counter()
        self.partial = False
        self._names: dict[str, str] = {}

    def texts(self) -> tuple[Text, ...]:
        return (*self.first, *self.newest)

    def add(self, text: str, at: At, *, whole: bool = True) -> None:
        """Take `text`; it is `whole` if it stands in the body as one string."""
        if not text:
            return
        role, origin, form = at.voice
        about_tool = role is Role.TOOL or origin is Origin.TOOL_DESCRIPTION or form in (Form.ARGUMENTS, Form.RESULT)
        taken = Text(
            text=text,
            role=role,
            origin=origin,
            form=form,
            message=at.message,
            tool=at.tool if about_tool else "",
            path=at.path if whole and at.path is not None else (),
        )
        if len(self.first) < FIRST:
            self.first.append(taken)
            return
        if len(self.newest) == NEWEST:
            self.unread += 1
        self.newest.append(taken)

    def each(self, parts: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """Parts with their indices.  Of more than could be kept, those at both ends; the others are counted."""
        yield from enumerate(islice(parts, FIRST))
        left_out = max(len(parts) - FIRST - NEWEST, 0)
        self.unread += left_out
        for index in range(FIRST + left_out, len(parts)):
            yield index, parts[index]

    def items(self, value: object, at: At) -> Iterator[tuple[int, Any, At]]:
        """Elements of a list with where they stand; of anything else the thing itself."""
        if is_array(value):
            for index, item in self.each(value):
                yield index, item, at.into(index)
        elif value is not None:
            yield 0, value, at

    def met(self, kind: object) -> None:
        """Count a block of a type that no table has.  Only what can be a name is told, and only so many names."""
        name = label(kind, "?")
        self.unknown[name if name in self.unknown or len(self.unknown) < TYPES else "other"] += 1

    def call(self, identifier: object, name: object) -> None:
        """Remember the name of the tool that a call with this id asks for."""
        if isinstance(identifier, str) and isinstance(name, str) and len(self._names) < NAMES:
            self._names[identifier[:128]] = name[:128]

    def tool(self, block: object) -> str:
        """Name of the tool that a block is about: its own word for it, or that of the call that it answers."""
        seen = mapping(block)
        name = seen.get("name")
        if isinstance(name, str):
            for key in ("call_id", "id", "toolUseId", "tool_call_id"):
                self.call(seen.get(key), name)
            return name[:128]
        for key in ("tool_use_id", "tool_call_id", "call_id", "toolUseId"):
            called = seen.get(key)
            if isinstance(called, str):
                return self._names.get(called[:128], "")
        return ""
