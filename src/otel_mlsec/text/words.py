"""A text as hashed words, without a loop over them: numpy only, linear in the text's bytes.

A word is a run of letters, a run of digits, or one punctuation mark, in lower case; every character of Chinese, Japanese,
Korean and Thai, which set no spaces, is a word of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]
Positions = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

LONGEST = 1 << 16  # bytes of a text

SPACE, LETTER, DIGIT, MARK = 0, 1, 2, 3

# A word's hash is the polynomial of its bytes: a difference of prefix sums, shifted to the word's start by the inverse power.
_BASE = 0x9E3779B97F4A7C15
_INVERSE = pow(_BASE, -1, 1 << 64)


def _powers(base: int) -> Hashes:
    steps = np.full(LONGEST + 8, base, np.uint64)
    steps[0] = 1
    return np.multiply.accumulate(steps)  # modulo 2**64, as unsigned integers do


def _classes() -> Bytes:
    classes = np.full(256, LETTER, np.uint8)  # bytes of UTF-8 beyond ASCII are letters
    for code in range(128):
        character = chr(code)
        if character.isdigit():
            classes[code] = DIGIT
        elif character.isspace() or code < 32:
            classes[code] = SPACE
        elif not character.isalpha():
            classes[code] = MARK
    return classes


_POWERS, _INVERSES, _CLASSES = _powers(_BASE), _powers(_INVERSE), _classes()
_LOWER = np.arange(256, dtype=np.uint8)
_LOWER[65:91] += 32


@dataclass(frozen=True, slots=True)
class Words:
    """Words of one text: `hashes[i]` of the bytes `starts[i]` to `ends[i]`."""

    hashes: Hashes  # (n_words,)
    starts: Positions  # (n_words,)
    ends: Positions  # (n_words,)
    letters: Bytes  # (n_bytes,) the text in UTF-8, ASCII in lower case

    def __len__(self) -> int:
        return len(self.hashes)


def words_of(text: str, most: int = LONGEST) -> Words:
    """The words of the first `most` bytes of a text."""
    raw = np.frombuffer(text[:most].encode("utf-8", "surrogatepass")[: min(most, LONGEST)], np.uint8)
    if raw.size == 0:
        nothing = np.zeros(0, np.int64)
        return Words(np.zeros(0, np.uint64), nothing, nothing, raw)
    kinds = _CLASSES[raw]
    new = np.empty(raw.size, np.bool_)  # does a word or a space start here?
    new[0] = True
    np.not_equal(kinds[1:], kinds[:-1], out=new[1:])
    new |= kinds == MARK
    _split_unspaced(raw, new)
    starts = np.flatnonzero(new)
    ends = np.append(starts[1:], raw.size)
    words = kinds[starts] != SPACE
    starts, ends = starts[words], ends[words]
    letters = _LOWER[raw]
    return Words(hashed(prefix_sums(letters), starts, ends), starts, ends, letters)


def _split_unspaced(raw: Bytes, new: npt.NDArray[np.bool_]) -> None:
    """Each character of scripts that set no spaces stands alone: U+3000 to U+D7FF, and Thai."""
    if not (raw >= 0xE0).any():
        return
    alone = (raw >= 0xE3) & (raw <= 0xED)
    thai = (raw[:-1] == 0xE0) & ((raw[1:] == 0xB8) | (raw[1:] == 0xB9))
    alone[:-1] |= thai
    new |= alone
    after = np.flatnonzero(alone) + 3
    new[after[after < raw.size]] = True


def prefix_sums(letters: Bytes) -> Hashes:
    """(n_bytes + 1,) for `hashed`."""
    sums = np.zeros(letters.size + 1, np.uint64)
    np.cumsum((letters.astype(np.uint64) + np.uint64(1)) * _POWERS[: letters.size], out=sums[1:])
    return sums


def hashed(sums: Hashes, starts: Positions, ends: Positions) -> Hashes:
    """Hashes of slices, the same wherever a slice stands."""
    return (sums[ends] - sums[starts]) * _INVERSES[starts]


def bucket(hashes: Hashes, bits: int) -> Positions:
    """Mix a hash (its low bits are of the first byte only) and keep the top `bits`."""
    mixed = hashes ^ (hashes >> np.uint64(31))
    mixed = mixed * np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(29)
    return (mixed >> np.uint64(64 - bits)).astype(np.int64)
