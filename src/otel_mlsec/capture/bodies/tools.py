"""Definitions of tools: what they tell the model, one text a tool, and never their secrets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from otel_mlsec.capture.bodies import walk
from otel_mlsec.capture.bodies.shapes import Object, is_array, mapping, sequence, string
from otel_mlsec.capture.bodies.taken import At, Path, Taken

WORDS: Final = ("description", "server_description", "title")
SCHEMAS: Final = (
    "parameters", "input_schema", "inputSchema", "output_schema", "outputSchema", "parametersJsonSchema",
    "parameters_json_schema", "parameter_definitions", "response", "responseJsonSchema", "annotations",
)  # fmt: skip
INNER: Final = (
    "function",
    "custom",
    "toolSpec",
    "tools",
    "functions",
    "functionDeclarations",
    "function_declarations",
)  # definitions in definitions
DEEPEST: Final = 8


def read(value: object, at: At, taken: Taken, depth: int = 0) -> None:
    """A tool, or a list of them, in any of the providers' spellings; `namespace` and the like nest."""
    for index, tool in taken.each(sequence(value)):
        where = at.into(index) if is_array(value) else at
        if isinstance(tool, str):
            continue  # a name
        seen = mapping(tool)
        if depth >= DEEPEST:
            add(walk.told(seen), where, taken)
            continue
        name = string(seen.get("name")) or string(seen.get("server_label")) or at.tool
        add(_told(seen), At(at.voice, at.message, name[:128], where.path, where.depth), taken)
        for key in INNER:
            if key in seen:
                inside = where.into(key)
                read(seen[key], At(at.voice, at.message, name[:128], inside.path, inside.depth), taken, depth + 1)


def _told(tool: Object) -> Iterator[tuple[str, Path | None]]:
    for key in WORDS:
        if isinstance(tool.get(key), str):
            yield tool[key], (key,)
        elif key in tool:
            yield from _under(walk.strings(tool[key]), (key,))
    for key in SCHEMAS:
        if isinstance(tool.get(key), Mapping):
            yield from _under(walk.told(tool[key]), (key,))
    yield from _under(walk.strings(mapping(tool.get("format")).get("definition")), ("format", "definition"))
    yield from _under(
        walk.strings(mapping(mapping(tool.get("format")).get("grammar")).get("definition")), ("format", "grammar", "definition")
    )
    for index, example in enumerate(sequence(tool.get("input_examples"))[:64]):
        yield walk.one_text(example), ("input_examples", index) if isinstance(example, str) else None


def _under(told: Iterable[tuple[str, Path | None]], above: Path) -> Iterator[tuple[str, Path | None]]:
    for text, path in told:
        yield text, None if path is None else (*above, *path)


def add(told: Iterable[tuple[str, Path | None]], at: At, taken: Taken) -> None:
    """What one tool or schema tells, as one text."""
    pieces = [(text, path) for text, path in told if text]
    if len(pieces) == 1 and pieces[0][1] is not None:
        taken.add(pieces[0][0], at.into(*pieces[0][1]))
    elif pieces:
        taken.add("\n".join(text for text, _ in pieces), at, whole=False)
