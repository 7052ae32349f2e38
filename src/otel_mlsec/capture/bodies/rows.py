"""The tables' rows: where text stands in a block, and whose it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum, auto
from typing import Any, Final, NamedTuple

from otel_mlsec.capture.bodies.shapes import is_array, mapping
from otel_mlsec.capture.bodies.taken import At, Taken
from otel_mlsec.capture.bodies.voices import Voice

EACH: Final = "*"


class How(Enum):
    """How a value is read."""

    TEXT = auto()  # one string; anything else that stands there is walked, so that no odd shape hides words
    STRING = auto()  # one string; other shapes have rows of their own
    ONE = auto()  # a free-form object, as one JSON text; a string is that text already
    PARTS = auto()  # a string, a block, or a list of them
    TOLD = auto()  # a schema
    TOOLS = auto()  # definitions of tools
    ITEMS = auto()  # strings, or free-form objects of which each is one JSON text


class Row(NamedTuple):
    """One place in a block where text may stand."""

    steps: tuple[tuple[str, ...], ...]  # alternatives for each key on the way
    voice: Voice | None  # None: of the message
    how: How
    blocks: Mapping[str, Rows] | None  # of what is in there, where its types are not those of the table around it
    handed: bool  # a document: the words are not of whoever hands it over


Rows = tuple[Row, ...]
Blocks = Mapping[str, Rows]


def row(
    where: str,
    voice: Voice | None = None,
    how: How = How.TEXT,
    *,
    blocks: Blocks | None = None,
    handed: bool = False,
) -> Row:
    """
    Args:
        where: keys with dots between them; `*` is every element, and `a|b` either spelling; "" is the value itself.
    """
    steps = tuple(tuple(step.split("|")) for step in where.split(".")) if where else ()
    return Row(steps, voice, how, blocks, handed)


def reach(value: object, steps: tuple[tuple[str, ...], ...], at: At, taken: Taken) -> Iterator[tuple[Any, At]]:
    """Every value that a row's steps lead to, with where it stands."""
    if not steps:
        yield value, at
        return
    first, rest = steps[0], steps[1:]
    if first == (EACH,):
        if is_array(value):
            for index, part in taken.each(value):
                yield from reach(part, rest, at.into(index), taken)
        else:
            for key, part in mapping(value).items():
                yield from reach(part, rest, at.into(key), taken)
        return
    for key in first:
        if key in mapping(value):
            yield from reach(mapping(value)[key], rest, at.into(key), taken)
