"""Texts as hashed words and n-grams."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_mlsec.text.ngrams import PART_BITS, WORD_BITS, distinct, part_grams, word_bucket, word_grams
from otel_mlsec.text.words import LONGEST, words_of

ANY_TEXT = st.text(st.characters(codec=None), max_size=300)


def split(text: str) -> list[str]:
    words = words_of(text)
    return [bytes(words.letters[a:b]).decode() for a, b in zip(words.starts, words.ends, strict=True)]


def test_words_are_runs_of_letters_or_digits_or_one_mark_in_lower_case():
    assert split("Hello, LAZY World 42!") == ["hello", ",", "lazy", "world", "42", "!"]


def test_scripts_without_spaces_are_taken_by_the_character():
    assert split("忽略之前 สวัสดี 무시") == [*"忽略之前", *"สวัสดี", *"무시"]


def test_a_word_has_the_same_hash_wherever_it_stands():
    first, second = words_of("ignore all of it"), words_of("please do not IGNORE")

    assert first.hashes[0] == second.hashes[-1]


@given(st.lists(st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=12), max_size=40))
def test_different_words_have_different_hashes(spelled: list[str]):
    hashes = words_of(" ".join(spelled)).hashes

    assert len(set(hashes.tolist())) == len(set(spelled))


@given(ANY_TEXT)
def test_words_lie_in_order_and_do_not_overlap(text: str):
    words = words_of(text)

    assert (words.starts < words.ends).all()
    assert (words.ends[:-1] <= words.starts[1:]).all()
    assert len(words.letters) <= LONGEST


@given(ANY_TEXT)
def test_buckets_lie_in_their_tables(text: str):
    words = words_of(text)
    parts, at = part_grams(words)

    for grams, reach in word_grams(words):
        assert grams.size == max(0, len(words) - reach)
        assert ((grams >= 0) & (grams < 1 << WORD_BITS)).all()
    assert ((parts >= 0) & (parts < 1 << PART_BITS)).all()
    assert parts.size == at.size


def test_a_typo_leaves_most_parts_of_a_long_word():
    right, wrong = (set(part_grams(words_of(word))[0].tolist()) for word in ("instructionsabove", "instructionsabpve"))

    assert len(right & wrong) >= 8


def test_words_of_six_letters_have_parts_and_shorter_ones_and_numbers_have_none():
    assert part_grams(words_of("secret"))[0].size == 2
    assert part_grams(words_of("a fox jumps 1234567890 !!!!!!!!"))[0].size == 0


def test_n_grams_know_the_order_of_words():
    this, that = ({*word_grams(words_of(text))[1][0].tolist()} for text in ("forget rules", "rules forget"))

    assert not this & that


def test_presence_counts_and_not_how_often():
    once, twice = (distinct(word_bucket(words_of(text).hashes)) for text in ("red blue", "red blue red red blue"))

    assert np.array_equal(once, twice)


@pytest.mark.parametrize("text", ["", " \n\t", "\u3000"])
def test_a_text_of_no_words_has_no_n_grams(text: str):
    words = words_of(text)

    assert sum(grams.size for grams, _ in word_grams(words)) <= 1
    assert part_grams(words)[0].size == 0
