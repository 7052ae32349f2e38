"""Attacks and harmless requests in many languages, so that a model learns the attack and neither language nor topic.

Each language is one table, `languages/<code>.txt`: sections of lines, written in that language rather than translated by
a machine.  Attacks ask for a guarded secret or the instructions by every known manoeuvre (override, authority, role play,
repetition, translation, encoding, hypothesis, examples, splitting, forms of answer, hints, pity, false modes, forced
beginnings, false system messages).  The harmless lines use the same words for what people want them for.  Both are then
dressed in the same way: greeting, harmless question before or after, reason, second sentence, small carelessness.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path

from evaluation.llm.synthetic.rows import Row, chosen, filled, sections

TABLES = Path(__file__).parent / "languages"
Table = Mapping[str, Sequence[str]]
UNSPACED = ("ja", "zh-hans", "zh-hant")  # no space between sentences
TRIES = 6  # drafts for each text that is asked for; a language that has no more gives fewer


def languages() -> list[str]:
    """Codes of the languages that there are tables for."""
    return sorted(path.stem for path in TABLES.glob("*.txt"))


def table(code: str) -> Table:
    """The sections of a language's table."""
    return sections(TABLES / f"{code}.txt")


def multilingual(seed: int, n: int) -> list[Row]:
    """About `n` distinct texts: equally many of each language, half of them attacks.

    The same seed gives the same texts.  A language that has fewer combinations gives fewer.
    """
    codes = languages()
    each = -(-n // (2 * len(codes)))
    return [
        row for code in codes for label in (1, 0) for row in _texts(code, label, random.Random(f"{seed} {code} {label}"), each)
    ]


def _texts(code: str, label: int, rng: random.Random, n: int) -> list[Row]:
    words, joint = table(code), "" if code in UNSPACED else " "
    templates = words["attack" if label else "benign"]
    order = rng.sample(range(len(templates)), len(templates))  # in turn, so that each template is heard equally often
    drafts = (_dressed(templates[order[i % len(order)]], templates, words, joint, rng) for i in range(n * TRIES))
    kind = "multilingual_attack" if label else "multilingual_benign"
    return [Row(text, label, code, kind, "user") for text in islice(dict.fromkeys(drafts), n)]


def _dressed(template: str, templates: Sequence[str], words: Table, joint: str, rng: random.Random) -> str:
    """A text of one template, dressed as people's messages are.  Both labels come through here, with the same odds."""
    draw = chosen(words, rng)
    parts = [filled(template, draw)]
    dress = rng.random()
    if dress < 0.14:
        parts.insert(0, rng.choice(words["opening"]))
    elif dress < 0.30:
        parts.insert(0, rng.choice(words["question"]))
    elif dress < 0.42:
        parts.append(rng.choice(words["why"]))
    elif dress < 0.50:
        parts.append(rng.choice(words["question"]))
    elif dress < 0.60:
        parts.append(filled(rng.choice(templates), draw))
    elif dress < 0.66:
        parts = [rng.choice(words["opening"]), rng.choice(words["why"]), *parts]
    text = ("\n" if rng.random() < 0.2 else joint).join(parts)
    careless = rng.random()
    if careless < 0.08:
        text = text.lower()
    elif careless < 0.16:
        text = text.rstrip(".!?。؟।:")
    return text
