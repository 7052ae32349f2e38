"""A text in numbers: how long, in which script and language, of which characters, how like the texts of a reference.

All of it is linear in at most 4,096 characters, pieces of the beginning, the middle and the end of a longer text.
"""

from __future__ import annotations

from zlib import crc32

import numpy as np
import numpy.typing as npt

from otel_mlsec.arrays import Floats
from otel_mlsec.text.cut import cut
from otel_mlsec.text.languages import LANGUAGES, language

MOST = 4096  # characters that are looked at
WORDS = 512  # that are looked up
LONGEST = 64  # characters of a word
BITS = 1 << 17  # of a vocabulary
BUCKETS = 4096  # of a profile of three characters in a row
PATTERNS = 6
_MIX = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0x165667B19E3779F9))

SCRIPTS = ("Latin", "Greek", "Cyrillic", "Hebrew", "Arabic", "Indic", "Thai", "Hangul", "Kana", "Han")
# Where a block of letters begins, and of which script it is; -1: of none that is told apart.  Unicode 16, Blocks.txt.
_BLOCKS = (
    (0x00, -1), (0x41, 0), (0x5B, -1), (0x61, 0), (0x7B, -1), (0xC0, 0), (0x2B0, -1), (0x370, 1), (0x400, 2), (0x530, -1),
    (0x590, 3), (0x600, 4), (0x780, -1), (0x900, 5), (0xE00, 6), (0xE80, -1), (0x1100, 7), (0x1200, -1), (0x1E00, 0),
    (0x1F00, 1), (0x2000, -1), (0x3040, 8), (0x3100, -1), (0x3400, 9), (0x4DC0, -1), (0x4E00, 9), (0xA000, -1), (0xAC00, 7),
    (0xD7B0, -1), (0xF900, 9), (0xFB00, -1), (0xFB1D, 3), (0xFB50, 4), (0xFE00, -1), (0xFE70, 4), (0xFF00, -1), (0x20000, 9),
    (0x32000, -1),
)  # fmt: skip
_STARTS = np.array([start for start, _ in _BLOCKS], np.uint32)
_SCRIPT = np.array([script for _, script in _BLOCKS], np.int64)

SHARES = (
    "uppercase", "digits", "punctuation", "whitespace", *(f"{name} letters" for name in SCRIPTS), "other characters",
    *LANGUAGES, "words never seen",
)  # fmt: skip
"""Properties in [0, 1]: of the characters, of the texts (a language), of the words."""
NUMBERS = ("length", "word length", "entropy", "surprise", *(f"pattern {i + 1}" for i in range(PATTERNS)))
"""Natural logarithm of one more than the characters; characters; bits a character; bits for three; means of signs in [-1, 1]."""
NAMES = (*SHARES, *NUMBERS)
ECHOES = frozenset({"uppercase", "punctuation", "whitespace", *NUMBERS} - {"length"})
"""Those that change with nearly everything, and say little to a person."""
Bits = npt.NDArray[np.uint64]


def words_of(text: str) -> list[str]:
    """At most 512 lower-cased words of what is looked at, none longer than 64 characters."""
    return [word[:LONGEST] for word in cut(text, MOST)[0].lower().split(maxsplit=WORDS)[:WORDS]]


def slots(words: list[str]) -> npt.NDArray[np.int64]:
    """Places of words in a vocabulary of `BITS` bits."""
    stripped = (word.strip(".,;:!?\"'()[]{}<>*`…“”„’«»") for word in words)
    return np.array([crc32(word.encode("utf-8", "surrogatepass")) % BITS for word in stripped if word], np.int64)


def trigrams(text: str) -> Bits:
    """(m,) hashes of every three characters in a row of what is looked at, in lower case."""
    return _trigrams(_points(cut(text, MOST)[0].lower()))


def properties(text: str, vocabulary: Bits, profile: Floats) -> Floats:
    """(len(NAMES),) finite numbers.

    Args:
        vocabulary: (BITS / 64,) words that are known, all zeros for none.
        profile: (BUCKETS,) bits that three characters in a row take, by their hash: -log2 of their share in known texts.
    """
    looked, _ = cut(text, MOST)
    points, words = _points(looked), words_of(text)
    n = max(1, len(points))
    ascii_ = points[points < 128]
    classes = _ASCII[ascii_]
    spaces = int((classes == _SPACE).sum()) + int((points == 0x3000).sum()) + int((points == 0xA0).sum())
    scripts = np.bincount(_SCRIPT[np.searchsorted(_STARTS, points, side="right") - 1] + 1, minlength=len(SCRIPTS) + 1)
    others = int(((points >= 128) & (_SCRIPT[np.searchsorted(_STARTS, points, side="right") - 1] < 0)).sum())
    spoken = language(words)
    at = slots(words)
    known = (vocabulary[at >> 6] >> (at & 63).astype(np.uint64)) & np.uint64(1)
    counts = np.unique(points, return_counts=True)[1] / n
    hashes = _trigrams(_points(looked.lower()))
    return np.array([
        (classes == _UPPER).sum() / n, (classes == _DIGIT).sum() / n, (classes == _MARK).sum() / n, spaces / n,
        *(scripts[1:] / n), others / n,
        *(float(i == spoken) for i in range(len(LANGUAGES))),
        1 - float(known.mean()) if len(known) else 0.0,
        np.log1p(len(text)), np.mean([len(word) for word in words]) if words else 0.0, -float(counts @ np.log2(counts)),
        float(profile[bucket(hashes)].mean()) if len(hashes) else 0.0, *_patterns(hashes),
    ], np.float64)  # fmt: skip


def bucket(hashes: Bits) -> npt.NDArray[np.int64]:
    return (hashes >> np.uint64(52)).astype(np.int64)  # the highest twelve bits


_SPACE, _UPPER, _DIGIT, _MARK, _LOWER = range(5)
_ASCII = np.array(
    [
        _UPPER if c.isupper() else _LOWER if c.islower() else _DIGIT if c.isdigit() else _SPACE if c.isspace() else _MARK
        for c in map(chr, range(128))
    ],
    np.uint8,
)


def _points(text: str) -> npt.NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint32)


def _trigrams(points: npt.NDArray[np.uint32]) -> Bits:
    c = points.astype(np.uint64)
    mixed = c[:-2] * _MIX[0] + c[1:-1] * _MIX[1] + c[2:] * _MIX[2]
    mixed ^= mixed >> np.uint64(29)
    return mixed * _MIX[1]


def _patterns(hashes: Bits) -> Floats:
    """Signed random projections of the law of three characters in a row, from bits of their hashes."""
    if not len(hashes):
        return np.zeros(PATTERNS)
    bits = (hashes[:, None] >> np.arange(20, 20 + PATTERNS, dtype=np.uint64)) & np.uint64(1)
    return 2 * bits.astype(np.float64).mean(axis=0) - 1
