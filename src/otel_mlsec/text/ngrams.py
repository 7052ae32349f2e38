"""Hashed n-grams of words, and of bytes inside long words, so that a typo leaves most of a word."""

from __future__ import annotations

import numpy as np

from otel_mlsec.text.words import Hashes, Positions, Words, bucket, hashed, prefix_sums

WORD_BITS = 18
PART_BITS = 17
PART = 5  # bytes
LONG = 6  # bytes of a word that is looked into

_ONE, _TWO, _THREE, _SKIP = (
    np.uint64(c) for c in (0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F)
)
_SALT_THREE, _SALT_SKIP, _SALT_PART = np.uint64(7), np.uint64(11), np.uint64(PART)


def word_grams(words: Words) -> list[tuple[Positions, int]]:
    """Buckets of 1-, 2- and 3-grams and of pairs with one word between, each with how many words further its last one is."""
    h = words.hashes
    grams = [(bucket(h * _ONE, WORD_BITS), 0)]
    if len(h) > 1:
        grams.append((bucket(h[:-1] * _TWO + h[1:] * _ONE, WORD_BITS), 1))
    if len(h) > 2:
        grams.append((bucket(h[:-2] * _THREE + h[1:-1] * _TWO + h[2:] * _ONE + _SALT_THREE, WORD_BITS), 2))
        grams.append((bucket(h[:-2] * _SKIP + h[2:] * _ONE + _SALT_SKIP, WORD_BITS), 2))
    return grams


def word_bucket(hashes: Hashes) -> Positions:
    """Buckets of single words."""
    return bucket(hashes * _ONE, WORD_BITS)


def part_grams(words: Words) -> tuple[Positions, Positions]:
    """Buckets of 5-grams of bytes inside long words, and where each starts."""
    letters = words.letters
    nothing = np.zeros(0, np.int64)
    if letters.size < LONG or not len(words):
        return nothing, nothing
    long = (words.ends - words.starts >= LONG) & (letters[words.starts] >= ord("a"))
    starts, ends = words.starts[long], words.ends[long]
    if not starts.size:
        return nothing, nothing
    counts = ends - starts - PART + 1
    first = np.concatenate([[0], np.cumsum(counts)[:-1]])
    at: Positions = np.repeat(starts - first, counts) + np.arange(int(counts.sum()))
    return bucket(hashed(prefix_sums(letters), at, at + PART) * _THREE + _SALT_PART, PART_BITS), at


def distinct(buckets: Positions) -> Positions:
    """Each once, sorted: presence counts, not how often.  (numpy.unique has three times the overhead on short arrays.)"""
    buckets.sort()
    keep = np.empty(buckets.size, np.bool_)
    keep[:1] = True
    np.not_equal(buckets[1:], buckets[:-1], out=keep[1:])
    return buckets[keep]
