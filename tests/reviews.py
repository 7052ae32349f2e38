"""Free text as guests of a hotel write it, of few words."""

import numpy as np

WORDS = [
    "the", "room", "was", "clean", "staff", "friendly", "good", "breakfast", "nice", "quiet", "but", "noisy", "we", "come",
    "back",
]  # fmt: skip


def review(chance: np.random.Generator, least: int = 5) -> str:
    """Of `least` to 19 words."""
    return " ".join(chance.choice(WORDS, chance.integers(least, 20)).tolist())
