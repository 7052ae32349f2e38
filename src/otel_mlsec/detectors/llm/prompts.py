"""What of the system prompts of a process is its secret: not what they share with others, and not what changes every time."""

from __future__ import annotations

import re
import zlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from otel_mlsec.arrays import Ints, Masks
from otel_mlsec.detector import State

N = 5  # words
MOST = 65_536  # n-grams that are remembered; those that were seen longest ago are forgotten first
PROMPTS = 1024  # that are told apart, and as many variants of them that are recognised as seen
FILLINGS = 8  # variants of a prompt from which on it is known what stays
HEAD = 16  # n-grams at the beginning, by which a prompt is known whose rest is filled in
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
# Scripts without spaces are taken by the character.  One class or one run of a class: linear.
WORD = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W\d_]+")

Grams = npt.NDArray[np.uint64]


def words(text: str) -> list[str]:
    """Lower-case runs of letters; digits, punctuation and layout are free to vary."""
    return WORD.findall(text.lower())


def vocabulary(words: Iterable[str]) -> dict[str, int]:
    """A number for each word, never 0, the same in every process."""
    return {word: zlib.crc32(word.encode("utf-8", "surrogatepass")) | 1 << 32 for word in words}


def grams(words: list[str], numbers: Mapping[str, int]) -> Grams:
    """Hashes of runs of `N` words that all have a number, in order.  # (n,)"""
    if len(words) < N:
        return np.zeros(0, np.uint64)
    codes = np.fromiter((numbers.get(word, 0) for word in words), np.uint64, len(words))
    n = len(codes) - N + 1
    mixed, known = np.zeros(n, np.uint64), np.ones(n, np.bool_)
    for i in range(N):
        part = codes[i : i + n]
        mixed = (mixed ^ part) * MULTIPLIER
        mixed ^= mixed >> np.uint64(29)
        known &= part > 0
    return mixed[known]


@dataclass(slots=True)
class Prompts:
    """State: n-grams, the prompt each was first seen in, in how many variants of it, and whether another prompt has it too."""

    _grams: Grams = field(default_factory=lambda: np.zeros(0, np.uint64))  # (n,) ascending
    _owner: Ints = field(default_factory=lambda: np.zeros(0, np.int64))  # (n,) index of a prompt
    _seen: Ints = field(default_factory=lambda: np.zeros(0, np.int64))  # (n,) variants
    _last: Ints = field(default_factory=lambda: np.zeros(0, np.int64))  # (n,) number of the variant that had it last
    _shared: Masks = field(default_factory=lambda: np.zeros(0, np.bool_))  # (n,)
    _variants: Ints = field(default_factory=lambda: np.zeros(PROMPTS, np.int64))  # of each prompt
    _noted: OrderedDict[int, int] = field(default_factory=OrderedDict[int, int])  # hash of a variant -> calls with it
    _n: int = 0  # variants so far
    _owners: int = 0  # prompts so far

    def secret(self, prompt: Grams, /) -> Grams:
        """Those of the n-grams of a prompt that are its own and stay, ascending; it is learned on the way."""
        own = np.unique(prompt)
        if not len(own):
            return own
        identity = zlib.crc32(own.tobytes()) << 32 | len(own)
        calls = self._noted.pop(identity, 0)
        at, known = self._find(own)
        if not calls or not known.all():  # new, or forgotten in the meantime
            self._note(prompt, own)
            at, known = self._find(own)
        self._noted[identity] = calls + 1
        if len(self._noted) > PROMPTS:
            self._noted.popitem(last=False)
        secret = known & ~self._shared[at]
        if not calls:  # what comes again was not filled in for one call
            variants = self._variants[self._owner[at]]
            secret &= (variants < FILLINGS) | (2 * self._seen[at] >= variants)
        return own[secret]

    def _find(self, wanted: Grams) -> tuple[Ints, Masks]:
        if not len(self._grams):
            return np.zeros(len(wanted), np.int64), np.zeros(len(wanted), np.bool_)
        at = np.minimum(np.searchsorted(self._grams, wanted), len(self._grams) - 1)
        return at, self._grams[at] == wanted

    def _note(self, prompt: Grams, own: Grams) -> None:
        owner = self._variant_of(prompt, own)
        at, known = self._find(own)
        if owner < 0:
            owner = self._owners % PROMPTS
            self._owners += 1
            self._variants[owner] = 0
            self._keep(self._owner != owner)  # its number was another's, long ago
            at, known = self._find(own)
            self._shared[at[known]] = True
        else:
            theirs = at[known]
            self._shared[theirs[self._owner[theirs] != owner]] = True
        self._n += 1
        self._variants[owner] += 1
        self._seen[at[known]] += 1
        self._last[at[known]] = self._n
        self._add(own[~known], owner)

    def _variant_of(self, prompt: Grams, own: Grams) -> int:
        """The prompt that this is another filling of: half of it is known as one's, or nearly all of its beginning; else -1."""
        for part, share in ((own, 0.5), (np.unique(prompt[:HEAD]), 0.8)):
            at, known = self._find(part)
            if known.any():
                counts = np.bincount(self._owner[at[known]], minlength=PROMPTS)
                owner = int(counts.argmax())
                if counts[owner] >= share * len(part):
                    return owner
        return -1

    def _add(self, new: Grams, owner: int) -> None:
        n = len(new)
        merged = np.concatenate((self._grams, new))
        order = np.argsort(merged, kind="stable")
        self._grams = merged[order]
        self._owner = np.concatenate((self._owner, np.full(n, owner, np.int64)))[order]
        self._seen = np.concatenate((self._seen, np.ones(n, np.int64)))[order]
        self._last = np.concatenate((self._last, np.full(n, self._n, np.int64)))[order]
        self._shared = np.concatenate((self._shared, np.zeros(n, np.bool_)))[order]
        if len(self._grams) > MOST:
            newest = np.zeros(len(self._grams), np.bool_)
            newest[np.argsort(-self._last, kind="stable")[:MOST]] = True
            self._keep(newest)

    def _keep(self, kept: Masks) -> None:
        self._grams, self._owner, self._seen = self._grams[kept], self._owner[kept], self._seen[kept]
        self._last, self._shared = self._last[kept], self._shared[kept]

    def snapshot(self) -> State:
        return {
            "grams": self._grams.copy(),
            "owner": self._owner.copy(),
            "seen": self._seen.copy(),
            "last": self._last.copy(),
            "shared": self._shared.copy(),
            "variants": self._variants.copy(),
            "noted": np.array(list(self._noted), np.uint64),
            "calls": np.array(list(self._noted.values()), np.int64),
            "n": np.array((self._n, self._owners), np.int64),
        }

    def restore(self, state: State, /) -> None:
        self._grams = np.array(state["grams"], np.uint64)
        self._owner, self._seen, self._last, self._variants = (
            np.array(state[key], np.int64) for key in ("owner", "seen", "last", "variants")
        )
        self._shared = np.array(state["shared"], np.bool_)
        calls = zip(state["noted"], state["calls"], strict=True)
        self._noted = OrderedDict((int(identity), int(n)) for identity, n in calls)
        self._n, self._owners = (int(n) for n in state["n"])
