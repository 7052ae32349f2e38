"""Texts that may leave, without what is nobody's business: addresses, numbers, and what looks like a secret."""

import re
from typing import Final

from otel_mlsec.emit.clean import text

EXCERPT: Final = 256  # characters

# Every repetition is bounded or ends its pattern, and is of one class: linear time on any text.
_MASKS: Final = (
    (re.compile(r"[^\s@<>()\[\]]{1,64}@[^\s@<>()\[\]]{1,64}"), "[address]"),
    (re.compile(r"[A-Za-z0-9+/=_.\-]{20,}"), "[token]"),
    (re.compile(r"\d[\d .()/\-]{2,40}\d"), "[number]"),
)


def redacted(value: str, longest: int = EXCERPT) -> str:
    """At most `longest` characters.

    >>> redacted("mail bob@example.org, card 4111 1111 1111 1111")
    'mail [address] card [number]'
    """
    head = value[: 4 * longest]  # what is masked becomes shorter
    for pattern, mask in _MASKS:
        head = pattern.sub(mask, head)
    return text(head, 4 * longest)[:longest]
