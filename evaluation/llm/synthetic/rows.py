"""What every generator of texts makes, and what they share."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

_SLOT = re.compile(r"\{([a-z_]+)\}")
MAX_FILLS = 12  # a slot's words may have slots of their own, so deep and no deeper


class Row(NamedTuple):
    """One labelled text that nobody ever sent: written by a grammar."""

    text: str
    label: int  # 1 an attack, 0 benign
    lang: str  # ISO 639-1, with the script where that matters (zh-hans)
    kind: str  # which family of which generator
    role: str  # who would say it: user, tool or document


def filled(template: str, slots: Mapping[str, Sequence[str]], rng: random.Random) -> str:
    """`template` with every `{slot}` replaced by one of its words; a name that is no slot stays as it stands.

    >>> filled("a {colour} car", {"colour": ["red"]}, random.Random(0))
    'a red car'
    """

    def word(slot: re.Match[str]) -> str:
        words = slots.get(slot[1])
        return rng.choice(words) if words else slot[0]

    text = template
    for _ in range(MAX_FILLS):
        before, text = text, _SLOT.sub(word, text)
        if text == before:
            break
    return text


def distinct(rows: Iterable[Row]) -> list[Row]:
    """`rows` without those whose text came before."""
    seen: dict[str, Row] = {}
    for row in rows:
        seen.setdefault(row.text, row)
    return list(seen.values())
