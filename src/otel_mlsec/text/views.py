"""The texts that one text may be to a language model: as it stands, and as its disguises and encodings are undone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import islice

import re2

from otel_mlsec.text.cut import MOST, cut
from otel_mlsec.text.disguises import undone
from otel_mlsec.text.encodings import decoded
from otel_mlsec.text.fold import folded
from otel_mlsec.text.invisible import hidden

VIEWS = 8  # of one text

# Cheap signs, all in one pass, of which decoders are worth their time.
_GATES = (
    ("base64", r"[A-Za-z0-9+/_-]{16}"),
    ("hex", r"(?:(?:\\x|0x)?[0-9a-fA-F]{2}[\s,:]?){10}"),
    ("binary", r"(?:[01]{8}\s?){5}"),
    ("codes", r"(?:\d{2,3}[\s,]+){9}"),
    ("morse", r"(?:[.\-·−_]{1,6}[ /|]{1,3}){8}"),
    ("spaced", r"(?:^|[\s\\])(?:\pL[\s.\-_*·\\|/]{1,3}){4}\pL"),
    ("backslashed", r"(?:\\{1,4}[^\\]){6}"),
    ("camel", r"(?:[A-Z][a-z]+){5}"),
    ("leet", r"[A-Za-z][0134578@$!|€£]|[0134578@$!|€£][A-Za-z]"),
    ("flip", r"(?i:revers|flip|backward|mirror|upside)"),
)


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


@cache
def _gates() -> re2.Set:
    options = re2.Options()
    options.log_errors = False
    gates = re2.Set.SearchSet(options)
    for _, pattern in _GATES:
        gates.Add(pattern)
    gates.Compile()
    return gates


def see(text: str) -> Seen:
    """Look at a text: linear in its first 16,000 characters, whatever they are."""
    looked_at, was_cut = cut(text)
    if not looked_at.isascii():
        looked_at = looked_at.encode("utf-8", "replace").decode("utf-8")  # halves of surrogate pairs are no characters
    signs, spelled = hidden(looked_at)
    plain, disguised = folded(looked_at)
    if disguised >= 4:
        signs["confusable"] = disguised
    views = {plain: ""}
    for layer, said in islice(_layers(plain, spelled), 3 * VIEWS):
        if layer not in _SELF_EVIDENT:
            signs[layer] = signs.get(layer, 0) + 1
        views.setdefault(folded(said[:MOST])[0], layer)
        if len(views) == VIEWS:
            break
    return Seen(views=tuple(View(text=said, layer=layer) for said, layer in views.items()), signs=signs, cut=was_cut)


# Counted where they are found, or nothing that hides anything.
_SELF_EVIDENT = frozenset({"tag_characters", "variation_selectors", "zero_width_run", "bidi", "camel", "reversed_order"})


def _layers(plain: str, spelled: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    yield from spelled
    kinds = frozenset(_GATES[i][0] for i in _gates().Match(plain) or ())
    if kinds or "%" in plain or "&#" in plain:
        yield from decoded(plain, kinds)
    yield from undone(plain, kinds)
