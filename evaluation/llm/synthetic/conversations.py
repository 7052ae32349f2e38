"""Single messages of English speakers: role play with and without a harmful aim, access-code games, harmless ones that look bad.

Harmful aims are named and never carried out: nothing in these tables tells anybody how to do harm.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from evaluation.llm.synthetic.rows import Row, distinct, filled, sections
from evaluation.llm.synthetic.words import DRAWN, WORDS

ENGLISH = Path(__file__).parent / "english"
ROLEPLAY, HARD, GAMES = (sections(ENGLISH / f"{name}.txt") for name in ("roleplay", "hard", "games"))
HARD_KINDS = ("security", "prompting", "device", "letters", "code", "carrier")
TRIES = 4  # drafts for each text that is asked for
OPENINGS = ("Hi! ", "Hello, ", "Hey there. ", "Good evening. ", "Quick question. ", "Thanks for yesterday. ")
CLOSINGS = (
    " Thank you!",
    " Please.",
    " Take your time.",
    " Keep it under 300 words.",
    " I have a deadline tomorrow.",
    " Use simple words.",
)


def roleplay(seed: int, n: int) -> list[Row]:
    """About `n` role plays and fictions, half of them jailbreaks; the frames are the same for both."""
    return _rows(f"roleplay {seed}", n, ROLEPLAY, {"roleplay_attack": ("attack", 1), "roleplay_benign": ("benign", 0)})


def secrets_games(seed: int, n: int) -> list[Row]:
    """About `n` moves against a guarded access code, and as many harmless messages on codes and doors."""
    return _rows(f"games {seed}", n, GAMES, {"game_attack": ("attack", 1), "game_benign": ("benign", 0)})


def guards(seed: int, n: int) -> list[Row]:
    """About `n` operators' texts that guard a secret or state rules: of the role `system`, in which nothing is an attack."""
    kinds = {"system_guard": ("guard", 0), "system_rules": ("system", 0)}
    return [row._replace(role="system") for row in _rows(f"guards {seed}", n, {**HARD, **GAMES}, kinds)]


def hard_negatives(seed: int, n: int) -> list[Row]:
    """About `n` harmless texts in the words of attacks: security, prompts, developer modes, letters, code, identifiers."""
    return _rows(f"hard {seed}", n, HARD, {f"hard_{kind}": (kind, 0) for kind in HARD_KINDS})


def _rows(seed: str, n: int, words: Mapping[str, Sequence[str]], kinds: Mapping[str, tuple[str, int]]) -> list[Row]:
    """Up to `n` texts, of each kind the same share; a kind that has no more gives fewer."""
    each = -(-n // len(kinds))
    rng = random.Random(seed)
    of_kinds = (distinct(_drafts(rng, each * TRIES, words, kind, *of)) for kind, of in kinds.items())
    return [row for rows in of_kinds for row in rows[:each]][:n]


def _drafts(rng: random.Random, n: int, words: Mapping[str, Sequence[str]], kind: str, section: str, label: int) -> Iterator[Row]:
    for _ in range(n):
        yield Row(_dressed(filled(rng.choice(words[section]), _draw(words, rng)), rng), label, "en", kind, "user")


def _draw(words: Mapping[str, Sequence[str]], rng: random.Random) -> Callable[[str], str | None]:
    """Draws the words of one text: a name of the table stands for one thing all through it."""
    drawn: dict[str, str] = {}

    def draw(name: str) -> str | None:
        if name in words:
            return drawn.setdefault(name, rng.choice(words[name]))
        if name in DRAWN:
            return DRAWN[name](rng)
        return rng.choice(WORDS[name]) if name in WORDS else None

    return draw


def _dressed(text: str, rng: random.Random) -> str:
    """The text with a greeting, an ending or a small carelessness: the same odds for both labels."""
    dress = rng.random()
    if dress < 0.15:
        text = rng.choice(OPENINGS) + text
    elif dress < 0.3:
        text += rng.choice(CLOSINGS)
    careless = rng.random()
    if careless < 0.08:
        return text.lower()
    return text.rstrip(".!?:") if careless < 0.14 else text
