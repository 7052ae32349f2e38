"""Values made safe to send: of the few types that OTLP has, bounded, and nothing in them that a terminal or a parser obeys.

A line break in a name would be a forged line in a syslog receiver, an escape sequence would run in an analyst's terminal,
and one lone surrogate or one 65-bit integer would make the exporter refuse the whole batch that it is in.
"""

import re
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Final, cast

Attribute = str | bool | int | float | tuple[str, ...]

LONGEST: Final = 1024  # bytes of one string in UTF-8
MOST: Final = 32  # strings of one tuple

# C0, DEL and C1; line and paragraph separators; what turns the direction of text around; halves of surrogate pairs.
_HARMFUL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")


def text(value: str, longest: int = LONGEST) -> str:
    r"""The text without control characters, cut to `longest` bytes at a character's edge.

    >>> text("a\nb\x1b[2J")
    'ab[2J'
    """
    head = str(value)[: 4 * longest]  # bounds the work; what is left is longer than can be sent
    return _HARMFUL.sub("", head).encode("utf-8")[:longest].decode("utf-8", "ignore")


def attribute(value: object) -> Attribute | None:
    """A value as an attribute, numpy's scalars as Python's (the SDK would turn float32 and int64 into text); None for others."""
    if isinstance(value, bool):
        return value
    if isinstance(value, Integral):
        whole = int(value)
        return whole if -(2**63) <= whole < 2**63 else float(whole) if abs(whole) < 10**300 else None
    if isinstance(value, Real):
        return float(value)
    if isinstance(value, str):
        return text(value)
    if isinstance(value, tuple | list):
        items = cast("Sequence[object]", value)[:MOST]
        return tuple(text(item) for item in items if isinstance(item, str))
    return _scalar(value)


def _scalar(value: object) -> Attribute | None:
    """numpy.bool is no kind of number to Python, nor is an array of one cell."""
    if getattr(value, "size", 0) != 1 or not hasattr(value, "item"):
        return None
    inner: object = value.item()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType, reportUnknownMemberType] - seen to be there
    return attribute(inner) if isinstance(inner, bool | int | float | str) else None
