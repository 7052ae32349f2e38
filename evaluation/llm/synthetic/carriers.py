"""What carriers of words share: a document or a tool's result with a place where somebody's words may stand."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

from evaluation.llm.synthetic.words import written

Carrier = Callable[[random.Random, str], str]  # (randomness, the words, or "" for none) -> the whole text


def placed(lines: list[str], words: str, rng: random.Random) -> list[str]:
    """`lines` with the words among them, more often at the end than elsewhere."""
    if not words:
        return lines
    at = len(lines) if rng.random() < 0.4 else rng.randrange(len(lines) + 1)
    return [*lines[:at], words, *lines[at:]]


def several(templates: tuple[str, ...], least: int, most: int, rng: random.Random) -> list[str]:
    """Between `least` and `most` lines, each from a template."""
    return [written(rng.choice(templates), rng) for _ in range(rng.randint(least, most))]


def as_json(value: object, rng: random.Random) -> str:
    """As servers write it: with or without indentation and escapes."""
    return json.dumps(value, indent=rng.choice((None, 2, None)), ensure_ascii=rng.random() < 0.3)
