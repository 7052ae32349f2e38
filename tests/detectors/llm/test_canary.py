"""Canaries: recognised wherever they turn up, and nothing else is."""

from __future__ import annotations

import random

import pytest

from otel_mlsec.text.canary import ALPHABET, mint, recognise

KEY = b"0123456789abcdef"


def test_a_canary_is_recognised_in_any_case_and_inside_other_letters():
    canary = mint(KEY)

    assert len(canary) == 12
    for text in (
        canary,
        f"my canary is {canary.lower()}.",
        f"https://a.test/?q={canary}&x=1",
        f"key{canary}end",
        "a" * 500 + canary,
    ):
        assert recognise(KEY, text) == [canary]


def test_another_key_does_not_recognise_it():
    assert recognise(b"another key of 16", mint(KEY)) == []


def test_random_words_are_not_canaries():
    rng = random.Random(1)
    words = ("".join(rng.choices(ALPHABET, k=12)) for _ in range(20_000))

    assert not any(recognise(KEY, word) for word in words)


def test_canaries_differ_and_a_nonce_makes_one_again():
    assert len({mint(KEY) for _ in range(100)}) == 100
    assert mint(KEY, 7) == mint(KEY, 7)


def test_a_short_key_is_refused():
    with pytest.raises(ValueError, match="at least 16 bytes"):
        mint(b"short")


def test_text_of_any_kind_is_survived():
    assert recognise(KEY, "\ud800" + "A" * 100_000 + "\x00ß" * 1000) == []
