"""Blocks, read by a table: block type → where its text is, who speaks, whose words they are."""

from __future__ import annotations

from typing import Any

from otel_mlsec.capture.bodies import tools, walk
from otel_mlsec.capture.bodies.rows import Blocks, How, Row, Rows, reach
from otel_mlsec.capture.bodies.shapes import Object, is_array, is_object, mapping, string
from otel_mlsec.capture.bodies.taken import At, Taken
from otel_mlsec.capture.bodies.voices import CALL, RESULT, document

DEEPEST = 48  # blocks in blocks; deeper ones are walked


class Reader:
    """Reads blocks into `taken`.

    A block's type decides before the message's role does.  A type that `blocks` does not have is counted, and walked.
    """

    def __init__(self, blocks: Blocks, taken: Taken, *, kind: str = "type") -> None:
        self.blocks = blocks
        self.taken = taken
        self._kind = kind

    def parts(self, value: object, at: At, blocks: Blocks | None = None) -> None:
        """A string, one block, or a list of both."""
        if isinstance(value, str):
            self.taken.add(value, at)
        elif is_array(value):
            if at.depth > DEEPEST:
                self.walk(value, at)
                return
            for index, part in self.taken.each(value):
                self.parts(part, at.into(index), blocks)
        elif is_object(value):
            self.block(mapping(value), at, blocks)

    def block(self, block: Object, at: At, blocks: Blocks | None = None) -> None:
        known = self.blocks if blocks is None else blocks
        kind = block.get(self._kind)
        rows = known.get(kind) if isinstance(kind, str) else known.get("") if kind is None else None
        if rows is None or at.depth > DEEPEST:
            self.unknown(kind, block, at)
            return
        self.referred(block)
        tool = self.taken.tool(block) or (_of_type(kind) if isinstance(kind, str) else "") or at.tool
        self.rows(block, rows, At(at.voice, at.message, tool, at.path, at.depth))

    def keyed(self, part: Object, blocks: Blocks, at: At) -> None:
        """A part that has no type: each of its keys says what stands under it."""
        for key, value in part.items():
            if value is None:
                continue
            rows = blocks.get(key)
            where = at.into(key)
            if rows is None:
                self.taken.met(key)
                self.walk(value, where)
                continue
            self.referred(mapping(value))
            tool = self.taken.tool(value) or at.tool
            self.rows(value, rows, At(at.voice, at.message, tool, where.path, where.depth))

    def rows(self, value: object, rows: Rows, at: At) -> None:
        for row in rows:
            said = at.says(document(at.voice)) if row.handed else at.says(row.voice)
            for found, where in reach(value, row.steps, said, self.taken):
                self.take(found, row, where)

    def take(self, value: Any, row: Row, at: At) -> None:
        match row.how:
            case How.STRING | How.TEXT if isinstance(value, str):
                self.taken.add(value, at)
            case How.TEXT:
                self.walk(value, at)
            case How.ONE:
                self.taken.add(walk.one_text(value), at, whole=isinstance(value, str))
            case How.ITEMS if is_array(value):
                for index, item in self.taken.each(value):
                    self.taken.add(walk.one_text(item), at.into(index), whole=isinstance(item, str))
            case How.ITEMS:
                self.taken.add(walk.one_text(value), at, whole=isinstance(value, str))
            case How.PARTS:
                self.parts(value, at, row.blocks)
            case How.TOLD:
                tools.add(walk.told(value), at, self.taken)
            case How.TOOLS:
                tools.read(value, at, self.taken)
            case _:
                pass

    def referred(self, block: Object) -> None:
        """Note where a block only points at what the server has."""
        if any(isinstance(block.get(key), str) and block[key] for key in ("file_id", "fileUri", "file_uri")):
            self.taken.partial = True

    def unknown(self, kind: object, block: Object, at: At) -> None:
        """A block that no table has: every string that may be words, counted by the type that it says it has."""
        name = string(kind)
        if kind is not None or len(block) > 1 or "text" not in block:
            self.taken.met(kind)
        if name.endswith(("_result", "_output", ".result", "_response")):
            at = at.says(RESULT)
        elif name.endswith(("_call", "_use", ".call")):
            at = at.says(CALL)
        self.walk(block, At(at.voice, at.message, self.taken.tool(block) or at.tool, at.path, at.depth))

    def walk(self, value: object, at: At) -> None:
        for text, path in walk.strings(value):
            inside = None if at.path is None or path is None else (*at.path, *path)
            self.taken.add(text, At(at.voice, at.message, at.tool, inside, at.depth))


def _of_type(kind: str) -> str:
    """The provider's own tools have no name but their type's."""
    return kind.removesuffix("_output").removesuffix("_call") if kind.endswith(("_call", "_call_output")) else ""
