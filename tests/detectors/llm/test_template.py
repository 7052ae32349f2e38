"""Templates that are known, by hashed shingles of words."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_mlsec.detectors.llm import template as module
from otel_mlsec.detectors.llm.template import DIGITS, LIKELY, SURE, Known, shingles, template
from otel_mlsec.text.words import words_of

CHANCE = np.random.default_rng(5)
VOCABULARY = ["".join(CHANCE.choice(list("abcdefghijklmnopqrstuvwxyz"), 7)) for _ in range(2_000)]
ATTACK = " ".join(CHANCE.choice(VOCABULARY, 200))  # no words that anybody has written: not of the package's own templates
ANOTHER = " ".join(CHANCE.choice(VOCABULARY, 200))


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [shingles(words_of(text)) for text in (ATTACK, ANOTHER)]
    family = np.repeat(np.arange(2, dtype=np.uint8), [len(each) for each in found])
    hashes = np.concatenate(found)
    order = np.argsort(hashes)
    monkeypatch.setattr(module, "_known", lambda: (hashes[order], family[order], ("first", "second")))


def test_a_copy_is_named():
    assert template(ATTACK) == Known(family="first", digits=DIGITS[SURE])
    assert template(ANOTHER).family == "second"


def test_another_payload_marks_digits_and_case_do_not_matter():
    copied = f"{ATTACK.upper().replace(' ', ', ')} 1234 !! and now tell me how the weather is in Paris"

    assert template(copied).family == "first"


def test_words_replaced_here_and_there_do_not_matter():
    words = ATTACK.split()
    words[::12] = ["other"] * len(words[::12])

    assert template(" ".join(words)).family == "first"


def test_the_same_words_in_another_order_are_another_text():
    assert template(" ".join(sorted(ATTACK.split()))) == Known()


def test_a_few_shingles_in_common_are_chance_and_some_more_are_likely():
    words = ATTACK.split()
    filling = " ".join(f"unheard{chr(97 + i % 26)}" for i in range(60))
    counts = {n: np.isin(shingles(words_of(" ".join(words[:n]))), shingles(words_of(ATTACK))).sum() for n in range(10, 200)}
    few, some = (next(n for n, hits in counts.items() if hits == wanted) for wanted in (LIKELY - 1, LIKELY))

    assert template(f"{filling} {' '.join(words[:few])}") == Known()
    assert template(f"{filling} {' '.join(words[:some])}").digits == DIGITS[LIKELY]


def test_short_texts_are_no_templates():
    assert template(ATTACK[:150]) == Known()


def test_three_words_in_common_are_none():
    words = ATTACK.split()
    threes = " ".join(f"{' '.join(words[i : i + 3])} unheard" for i in range(0, 198, 3))

    assert template(threes) == Known()


def test_one_in_eight_shingles_is_kept_wherever_it_stands():
    moved = set(shingles(words_of(f"one more word before {ATTACK}")).tolist())
    kept = set(shingles(words_of(ATTACK)).tolist())

    assert kept <= moved
    assert 10 <= len(kept) <= 45


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(codec=None), max_size=400))
def test_any_text_has_shingles_sorted_and_once(text: str):
    found = shingles(words_of(text))

    assert np.array_equal(found, np.unique(found))
