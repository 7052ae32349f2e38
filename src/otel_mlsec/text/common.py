"""How much of a text is common English words: what tells a cipher from a sentence, and a decoded text from noise."""

from __future__ import annotations

from functools import cache

import numpy as np

from otel_mlsec.arrays import Masks
from otel_mlsec.text.artefact import artefact
from otel_mlsec.text.ngrams import word_bucket
from otel_mlsec.text.words import words_of

SHORTEST = 3  # letters of a word that counts
SAMPLE = 2_000  # characters of a text that are looked at


@cache
def _bitmap() -> Masks:
    """(2**18,) hashes of common words."""
    return np.unpackbits(artefact().arrays["common"].astype(np.uint8)).astype(np.bool_)


def common(text: str) -> tuple[float, int]:
    """Share of words of three or more letters that are common, and how many such words there are."""
    words = words_of(text, SAMPLE)
    if not len(words):
        return 0.0, 0
    first = words.letters[words.starts]
    long = (words.ends - words.starts >= SHORTEST) & (first >= ord("a")) & (first <= ord("z"))
    n = int(long.sum())
    return (float(_bitmap()[word_bucket(words.hashes[long])].mean()), n) if n else (0.0, 0)
