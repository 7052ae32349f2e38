"""What the model is trained on: the pool, and what grammars write."""

from __future__ import annotations

import random

from evaluation.llm.data import Rows
from evaluation.llm.synthetic import documents, guards, hard_negatives, multilingual, roleplay, secrets_games, suffixes
from evaluation.llm.synthetic.payloads import note
from evaluation.llm.train import Corpus, corpus, passages

SEED = 1


def written() -> list[tuple[str, bool]]:
    """Text, and whether it attacks."""
    rows: list[tuple[str, bool]] = []
    for row in [
        *multilingual(SEED, 14_000), *roleplay(SEED, 3_600), *hard_negatives(SEED, 2_400), *suffixes(SEED, 2_400),
        *secrets_games(SEED, 1_400), *guards(SEED, 300),
    ]:  # fmt: skip
        rows.append((row.text, bool(row.label)))
    chance = random.Random(3)
    rows += [(text, True) for text in dict.fromkeys(note(chance) for _ in range(3000))]
    for row in documents(SEED, 6_000):
        if not row.label:  # of one with an instruction in it, no passage can be labelled
            rows += [(passage, False) for passage in passages(row.text, 8)]
    return rows


def all_of(rows: Rows) -> Corpus:
    return corpus(rows, written())
