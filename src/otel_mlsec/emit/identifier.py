"""Ids of findings: they sort by time, and nobody can guess them."""

import os
import uuid
from collections.abc import Callable


def uuid7(now_ns: int, random: Callable[[int], bytes] = os.urandom) -> str:
    """A UUID of version 7 (RFC 9562, section 5.7): 48 bits of Unix time in ms, 74 random bits.

    >>> uuid7(1_645_557_742_000_000_000, lambda n: bytes(n))
    '017f22e2-79b0-7000-8000-000000000000'
    """
    milliseconds = now_ns // 1_000_000 & (1 << 48) - 1
    chance = int.from_bytes(random(10), "big")
    rand_a, rand_b = chance >> 62 & 0xFFF, chance & (1 << 62) - 1
    return str(uuid.UUID(int=milliseconds << 80 | 0x7 << 76 | rand_a << 64 | 0b10 << 62 | rand_b))
