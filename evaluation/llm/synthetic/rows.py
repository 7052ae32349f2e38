"""What every generator of texts makes, and how tables of lines are read and filled in."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

_SLOT = re.compile(r"\{([a-z_]+)\}")
_DEPTH = 4  # a slot's words may have slots of their own, so deep and no deeper


class Row(NamedTuple):
    """One labelled text that nobody ever sent: written by a grammar."""

    text: str
    label: int  # 1 an attack, 0 benign
    lang: str  # ISO 639-1, with the script where that matters (zh-hans)
    kind: str  # which family of which generator
    role: str  # who would say it: user, tool or document


@cache
def sections(path: Path) -> Mapping[str, tuple[str, ...]]:
    """The lines of a table under their headings (`== name`); `\\n` in a line is a line break, empty lines are skipped.

    Raises
    ------
    ValueError
        A line stands before the first heading.
    """
    found: dict[str, list[str]] = {}
    lines: list[str] | None = None
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            lines = found.setdefault(line[3:].strip(), [])
        elif line and lines is None:
            raise ValueError(f"{path.name} must begin with a heading, got {line!r}")
        elif line and lines is not None:
            lines.append(line.replace("\\n", "\n"))
    return {name: tuple(lines) for name, lines in found.items()}


def filled(template: str, draw: Callable[[str], str | None]) -> str:
    """`template` with every `{slot}` replaced by what `draw` says of its name; None leaves it as it stands.

    >>> filled("a {colour} car", {"colour": "red"}.get)
    'a red car'
    """
    text = template
    for _ in range(_DEPTH):
        before, text = text, _SLOT.sub(lambda slot: slot[0] if (word := draw(slot[1])) is None else word, text)
        if text == before:
            break
    return text


def chosen(words: Mapping[str, Sequence[str]], rng: random.Random) -> Callable[[str], str | None]:
    """Draws a slot's word from its section; None for a name that has none."""
    return lambda name: rng.choice(words[name]) if words.get(name) else None


def distinct(rows: Iterable[Row]) -> list[Row]:
    """`rows` without those whose text came before."""
    seen: dict[str, Row] = {}
    for row in rows:
        seen.setdefault(row.text, row)
    return list(seen.values())
