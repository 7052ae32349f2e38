"""What prompts and answers of a language model usually are: columns of their properties, and the words that they are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.reference.column import Column
from otel_mlsec.reference.fit import input_columns
from otel_mlsec.text.properties import BITS, BUCKETS, NAMES, SHARES, bucket, properties, slots, trigrams, words_of

if TYPE_CHECKING:
    from otel_mlsec.reference.reference import Reference

SIDES = ("prompt", "answer")
PRIOR = 0.5  # trigrams of every bucket


@dataclass(frozen=True, kw_only=True)
class Texts:
    """Of prompts, then of answers."""

    words: Ints  # (2, BITS / 64) vocabularies, a bit a word
    profiles: Floats  # (2, BUCKETS) bits that three characters in a row take

    def sound(self, reference: Reference) -> bool:
        named = all(c.name in (f"prompt {n}" for n in NAMES) for c in reference.inputs)
        return (
            named
            and len(reference.inputs) == len(NAMES)
            and len(reference.outputs) in (0, len(NAMES))
            and self.words.shape == (len(SIDES), BITS // 64)
            and self.profiles.shape == (len(SIDES), BUCKETS)
            and bool(np.isfinite(self.profiles).all())
        )

    def measured(self, text: str, side: int) -> Floats:
        """(len(NAMES),) properties of a prompt (0) or an answer (1)."""
        return properties(text, self.words[side].view(np.uint64), self.profiles[side])


class Learning:
    """Words and three characters in a row of the texts of one side.  State: 16 KiB of bits and 4,096 counts, no text."""

    def __init__(self, words: Ints | None = None, counts: Floats | None = None) -> None:
        self._words = words.view(np.uint64) if words is not None else np.zeros(BITS // 64, np.uint64)
        self.counts = counts if counts is not None else np.zeros(BUCKETS)

    def add(self, text: str) -> None:
        at = slots(words_of(text))
        np.bitwise_or.at(self._words, at >> 6, np.uint64(1) << (at & 63).astype(np.uint64))
        self.counts += np.bincount(bucket(trigrams(text)), minlength=BUCKETS)

    @property
    def words(self) -> Ints:
        return self._words.view(np.int64)

    @property
    def profile(self) -> Floats:
        counts = self.counts + PRIOR
        return -np.log2(counts / counts.sum())


def learned(sides: Sequence[Learning]) -> Texts:
    return Texts(words=np.stack([s.words for s in sides]), profiles=np.stack([s.profile for s in sides]))


def text_columns(rows: Floats, side: int) -> tuple[Column, ...]:
    """Columns of (n, len(NAMES)) properties.  Shares go from 0 to 1, whatever the reference had of them."""
    names = tuple(f"{SIDES[side]} {name}" for name in NAMES)
    found = input_columns(rows, names, None, ())
    ranged = len(SHARES)
    return tuple(replace(c, low=0.0, high=1.0) if i < ranged else c for i, c in enumerate(found))


def fitted(prompts: Sequence[str], answers: Sequence[str]) -> tuple[Texts, tuple[Column, ...], tuple[Column, ...]]:
    """Every second text says which words there are, the others what is usual: of its own words a text has seen every one."""
    sides = [_learned(prompts[::2]), _learned(answers[::2])]
    texts = learned(sides)
    columns = [
        text_columns(np.stack([texts.measured(text, side) for text in given[1::2]]), side) if len(given) > 1 else ()
        for side, given in enumerate((prompts, answers))
    ]
    return texts, columns[0], columns[1]


def _learned(texts: Iterable[str]) -> Learning:
    learning = Learning()
    for text in texts:
        learning.add(text)
    return learning
