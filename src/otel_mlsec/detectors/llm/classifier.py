"""The small model: linear over hashed n-grams, asked about a text as a whole and about each of its passages.

Word 1- to 3-grams, pairs with a gap, and 5-grams inside long words, each present or not; int8 weights; logistic loss.
Trained by `evaluation/llm` on public texts that `text/learned.npz` names.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from otel_mlsec.arrays import Floats
from otel_mlsec.text.artefact import artefact
from otel_mlsec.text.ngrams import PART_BITS, WORD_BITS, distinct, part_grams, word_grams
from otel_mlsec.text.words import Bytes, Positions, Words, words_of

WHOLE = 6_000  # bytes of a text that are scored in one piece; passages cover what comes after
PASSAGE, SENTENCE = 60, 24  # bytes that one has at least
LONGEST = 400  # bytes of either
PASSAGES, SENTENCES = 128, 512  # of one text
FEWEST = 8  # n-grams that a text is taken to have at least: a score of two words is no score
PARTS = 0.7  # weight of 5-grams beside words


def features(text: str) -> tuple[Positions, Positions]:
    """Distinct buckets of word n-grams and of 5-grams in the first 6,000 bytes of a text."""
    words = words_of(text, WHOLE)
    if not len(words):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    return distinct(np.concatenate([grams for grams, _ in word_grams(words)])), distinct(part_grams(words)[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Classifier:
    """Weights of a logistic regression."""

    words: npt.NDArray[np.float32]  # (2**18,)
    parts: npt.NDArray[np.float32]  # (2**17,)
    bias: float

    def whole(self, text: str) -> float:
        """Log odds of the text as one piece."""
        words, parts = features(text)
        score = self.bias
        if words.size:
            score += float(self.words[words].sum()) / np.sqrt(max(FEWEST, words.size))
        if parts.size:
            score += PARTS * float(self.parts[parts].sum()) / np.sqrt(max(FEWEST, parts.size))
        return float(score)

    def passages(self, text: str) -> float:
        """Largest log odds of any passage and of any sentence: what stands before a sentence must not thin it out."""
        words = words_of(text)
        if not len(words):
            return self.bias
        ends = sentence_ends(words.letters)
        of_words, of_parts = word_grams(words), part_grams(words)
        return self.bias + max(
            self._worst(words, of_words, of_parts, cuts(ends, words.letters.size, least, most))
            for least, most in ((PASSAGE, PASSAGES), (SENTENCE, SENTENCES))
        )

    def _worst(
        self, words: Words, of_words: list[tuple[Positions, int]], of_parts: tuple[Positions, Positions], edges: Positions
    ) -> float:
        of_word = np.searchsorted(edges, words.starts, side="right") - 1
        keys: list[Positions] = []
        for grams, reach in of_words:
            first = of_word[: grams.size]
            within = first == of_word[reach : reach + grams.size]
            keys.append((first[within].astype(np.int64) << WORD_BITS) | grams[within])
        scores, counts = _summed(np.concatenate(keys), self.words, WORD_BITS, edges.size)
        totals = scores / np.sqrt(np.maximum(FEWEST, counts))
        parts, at = of_parts
        if parts.size:
            of_part = np.searchsorted(edges, at, side="right") - 1
            scores, n_parts = _summed((of_part.astype(np.int64) << PART_BITS) | parts, self.parts, PART_BITS, edges.size)
            totals = totals + PARTS * scores / np.sqrt(np.maximum(FEWEST, n_parts))
        totals[counts == 0] = -np.inf
        return float(totals.max())


def _summed(keys: Positions, weights: npt.NDArray[np.float32], bits: int, n: int) -> tuple[Floats, Floats]:
    """Sum of weights and number of distinct n-grams of each passage; a key is passage and bucket."""
    keys = distinct(keys)
    passage = keys >> bits
    values = weights[keys & ((1 << bits) - 1)].astype(np.float64)
    sums = np.bincount(passage, values, minlength=n).astype(np.float64)
    counts = np.bincount(passage, minlength=n).astype(np.float64)
    return sums, counts


def sentence_ends(letters: Bytes) -> Positions:
    """Bytes after which a sentence or a line is over."""
    ends = np.isin(letters, np.frombuffer(b".!?\n", np.uint8))
    before_space = np.ones(letters.size, np.bool_)
    before_space[:-1] = np.isin(letters[1:], np.frombuffer(b" \n", np.uint8)) | (letters[:-1] == ord("\n"))
    ends &= before_space
    # The ideographic full stop, E3 80 82, and the danda, E0 A5 A4, end sentences without a space.
    if letters.size > 2:
        wide = (letters[:-2] == 0xE3) & (letters[1:-1] == 0x80) & (letters[2:] == 0x82)
        wide |= (letters[:-2] == 0xE0) & (letters[1:-1] == 0xA5) & (letters[2:] == 0xA4)
        ends[np.flatnonzero(wide) + 2] = True
    return np.flatnonzero(ends) + 1


def cuts(ends: Positions, n_bytes: int, least: int, most: int) -> Positions:
    """Where passages of `least` to 400 bytes start; at most `most` of them, the last of which is as long as the rest."""
    starts = [0]
    for end in [*ends.tolist(), n_bytes]:
        while end - starts[-1] > LONGEST and len(starts) < most:
            starts.append(starts[-1] + LONGEST)
        if end - starts[-1] >= least and end < n_bytes and len(starts) < most:
            starts.append(end)
    return np.array(starts)


@cache
def classifier() -> Classifier:
    """The one in the package."""
    learned = artefact()
    weights = learned.arrays["weights"].astype(np.float32) * np.float32(learned.about["scale"])
    return Classifier(words=weights[: 1 << WORD_BITS], parts=weights[1 << WORD_BITS :], bias=float(learned.about["bias"]))
