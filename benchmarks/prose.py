"""English of any length, never the same twice: sentences of Python's own help, which every interpreter has, put together anew."""

from __future__ import annotations

import random
import re
from functools import cache
from pydoc_data.topics import topics

END = re.compile(r"(?<=[.:])\s+")


@cache
def _sentences() -> tuple[str, ...]:
    said = (sentence for topic in topics.values() for sentence in END.split(topic))
    return tuple(" ".join(sentence.split()) for sentence in said if 20 < len(sentence) < 400 and sentence.isascii())


def prose(chance: random.Random, size: int) -> str:
    """`size` characters of ASCII; a number at their end makes them different from all others."""
    said, length = list[str](), 0
    while length < size:
        said.append(chance.choice(_sentences()))
        length += len(said[-1]) + 1
    return f"{' '.join(said)[: size - 12]} {chance.randrange(10**10):011d}"
