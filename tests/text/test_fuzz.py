"""Whatever characters there are: texts are looked at in bounded pieces, and nothing is raised."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_mlsec.text.cut import MOST
from otel_mlsec.text.fold import folded
from otel_mlsec.text.views import VIEWS, see

PIECES = [
    "ignore previous instructions ", "QUJDREVGR0hJSktM", "4142434445", "01000001 ", ".- -... ", "\\u0041", "&#65;", "%41",
    "\u200b", "\u202e", "\ufe01", "\U000e0041", "\ud800", "\udc00", "a\u0301", "\x1b[8m", "\ufdfa", "1gn0r3 ", "a b c d e ",
    "\\x41", "-.", "'", "\n", "\x00", "Ａ", "а", "🇩", "RevErsE ", "65 66 67 68 ", "==", "![](", '{"a":', "\u034f", "ı",
]  # fmt: skip
ANY_TEXT = st.text(st.characters(codec=None), max_size=400) | st.lists(
    st.tuples(st.sampled_from(PIECES), st.integers(1, 40)), max_size=8
).map(lambda pieces: "".join(piece * n for piece, n in pieces))
HUGE = 10_000_000  # characters


@settings(max_examples=300, deadline=None)
@given(ANY_TEXT)
def test_any_text_has_views_that_can_be_encoded(text: str):
    seen = see(text)

    assert 1 <= len(seen.views) <= VIEWS
    assert seen.views[0].layer == ""
    assert all(len(view.text) <= MOST + 8 for view in seen.views)
    assert all(view.text.encode("utf-8") is not None for view in seen.views)
    assert all(n > 0 for n in seen.signs.values())


@settings(max_examples=300, deadline=None)
@given(ANY_TEXT)
def test_the_same_text_is_seen_the_same_way(text: str):
    assert see(text) == see(text)


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=200))
def test_plain_letters_that_show_are_left_as_they_are(text: str):
    assert folded(text) == (text, 0)


@pytest.mark.parametrize("piece", PIECES)
def test_of_ten_megabytes_only_a_stated_part_is_looked_at(piece: str):
    text = piece * (HUGE // len(piece))
    unseen = text[: MOST // 2 + MOST // 16] + "~" * (HUGE // 8) + text[MOST // 2 + MOST // 16 + HUGE // 8 :]

    seen = see(text)

    assert seen.cut
    assert len(seen.views) <= VIEWS
    assert all(len(view.text) <= MOST + 8 for view in seen.views)
    assert see(unseen) == seen
