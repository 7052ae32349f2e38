"""Texts that grammars write, to train on and to count by: no data of others, the same texts for the same seed."""

from __future__ import annotations

from evaluation.llm.synthetic.conversations import guards, hard_negatives, roleplay, secrets_games
from evaluation.llm.synthetic.documents import documents
from evaluation.llm.synthetic.multilingual import languages, multilingual
from evaluation.llm.synthetic.rows import Row, distinct
from evaluation.llm.synthetic.suffixes import suffixes

__all__ = [
    "Row",
    "documents",
    "everything",
    "guards",
    "hard_negatives",
    "languages",
    "multilingual",
    "roleplay",
    "secrets_games",
    "suffixes",
]


def everything(seed: int = 1) -> list[Row]:
    """All that the generators have, about 29,000 distinct texts in a few seconds."""
    rows = [
        *multilingual(seed, 14_000),
        *documents(seed, 6_000),
        *roleplay(seed, 3_600),
        *hard_negatives(seed, 2_400),
        *suffixes(seed, 2_400),
        *secrets_games(seed, 1_400),
        *guards(seed, 300),
    ]
    return distinct(rows)
