"""Known jailbreak templates, by hashed 4-word shingles: a name for what is copied, whatever payload it carries."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from otel_mlsec.text.artefact import artefact
from otel_mlsec.text.words import Words, words_of

SHINGLE = 4  # words
KEPT = 8  # one in so many shingles, by its hash
SURE, LIKELY = 6, 4  # shingles in common
DIGITS = {SURE: 3.0, LIKELY: 1.5}
_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xBF58476D1CE4E5B9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Which template, and digits of suspicion for it."""

    family: str = ""
    digits: float = 0.0


def shingles(words: Words) -> npt.NDArray[np.uint32]:
    """Distinct kept shingles of a text's words, without its marks and digits."""
    first = words.letters[words.starts] if len(words) else words.letters[:0]
    hashes = words.hashes[((first >= ord("a")) & (first <= ord("z"))) | (first >= 0x80)]
    n = hashes.size - SHINGLE + 1
    if n <= 0:
        return np.zeros(0, np.uint32)
    mixed = np.zeros(n, np.uint64)
    for j in range(SHINGLE):
        mixed = mixed * _STEP + hashes[j : j + n]
    mixed ^= mixed >> np.uint64(29)
    short = ((mixed * _MIX) >> np.uint64(32)).astype(np.uint32)
    return np.unique(short[short % KEPT == 0])


@cache
def _known() -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint8], tuple[str, ...]]:
    """Sorted shingles of templates, the family of each, and names of families."""
    learned = artefact()
    return (
        learned.arrays["shingles"].astype(np.uint32),
        learned.arrays["shingle_family"].astype(np.uint8),
        tuple(learned.about["template_families"]),
    )


def template(text: str) -> Known:
    """The template that a text shares the most shingles with, if they are enough to be no chance."""
    if len(text) < 200:
        return Known()
    known, family, names = _known()
    asked = shingles(words_of(text))
    if not asked.size or not known.size:
        return Known()
    at = np.minimum(np.searchsorted(known, asked), known.size - 1)
    hits = family[at[known[at] == asked]]
    if hits.size < LIKELY:
        return Known()
    return Known(family=names[int(np.bincount(hits).argmax())], digits=DIGITS[SURE if hits.size >= SURE else LIKELY])
