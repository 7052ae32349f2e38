"""The texts that one text may be to a language model: as it stands, and as its disguises and encodings are undone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One way to read a text."""

    text: str = field(repr=False)
    layer: str = ""  # how it was found: "base64", "tag_characters" …; "" is the text itself, cleaned and folded


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """At most 8 views, each of at most 16,000 characters."""

    views: tuple[View, ...]
    signs: Mapping[str, int]  # what was hidden or disguised: "zero_width": 12, "base64": 1 …
    cut: bool = False  # the text was longer than what was looked at


def see(text: str) -> Seen:
    """TODO: decoders; being written."""
    return Seen(views=(View(text=text[:16_000]),), signs={}, cut=len(text) > 16_000)
