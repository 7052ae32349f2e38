"""Canaries: words that stand in a prompt for no other purpose than to be recognised where they turn up.

A canary is 12 characters of base32: 30 random bits and 30 bits of a keyed hash of them (BLAKE2b), so that whoever has the
key recognises every one it made and need not remember any.  A word that is none passes for one once in 2**30.
"""

from __future__ import annotations

import hashlib
import re
import secrets

LENGTH = 12  # characters
MOST = 4096  # different candidates of one text that are looked at
RUN = 64  # characters at either end of a run of letters in which a canary may hide
HALF = 30  # bits
MASK = (1 << HALF) - 1
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
DIGITS = str.maketrans(ALPHABET, "0123456789abcdefghijklmnopqrstuv")  # what `int` reads to the base 32
CANDIDATES = re.compile(r"[A-Za-z2-7]{12,}")  # one class, one count: linear


def mint(key: bytes, /, nonce: int | None = None) -> str:
    """A new canary.

    Args:
        key: at least 16 secret bytes.
        nonce: 30 bits in place of random ones.

    Raises:
        ValueError: for a key that is shorter.

    >>> recognise(b"k" * 16, "…" + mint(b"k" * 16).lower() + "…") != []
    True
    """
    if len(key) < 16:
        raise ValueError(f"key must be at least 16 bytes, got {len(key)}")
    nonce = secrets.randbits(HALF) if nonce is None else nonce & MASK
    value = nonce << HALF | _mac(key, nonce)
    return "".join(ALPHABET[value >> shift & 31] for shift in range(5 * (LENGTH - 1), -1, -5))


def recognise(key: bytes, text: str, /) -> list[str]:
    """The canaries of this key that stand in `text`, in whatever case, also inside a longer run of letters."""
    candidates: dict[str, None] = {}
    for match in CANDIDATES.finditer(text):
        run = match.group().upper()
        for piece in (run,) if len(run) <= 2 * RUN else (run[:RUN], run[-RUN:]):
            candidates.update((piece[i : i + LENGTH], None) for i in range(len(piece) - LENGTH + 1))
        if len(candidates) >= MOST:
            break
    return [candidate for candidate in candidates if _made(key, candidate)]


def _made(key: bytes, candidate: str) -> bool:
    value = int(candidate.translate(DIGITS), 32)
    return _mac(key, value >> HALF) == value & MASK


def _mac(key: bytes, nonce: int) -> int:
    digest = hashlib.blake2b(nonce.to_bytes(4, "big"), key=key[:64], person=b"mlsec canary", digest_size=4).digest()
    return int.from_bytes(digest, "big") >> 2
