"""A text in numbers: any text has some, in bounded work, and they say what they are named for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_mlsec.reference.texts import Learning
from otel_mlsec.text.languages import LANGUAGES, language
from otel_mlsec.text.properties import BITS, BUCKETS, MOST, NAMES, SHARES, properties, trigrams, words_of

NO_WORDS, FLAT = np.zeros(BITS // 64, np.uint64), np.full(BUCKETS, 12.0)
SENTENCES = {
    "English": "Could you please tell me how this works and what it costs?",
    "German": "Können Sie mir bitte sagen, wie das geht und was es für mich kostet?",
    "French": "Pouvez-vous me dire comment le faire et quel est le prix pour nous ?",
    "Spanish": "¿Me puedo informar de cómo se hace y qué es lo que cuesta con el envío?",
    "Italian": "Vorrei sapere come si fa e che cosa è il prezzo di questo nel negozio",
    "Dutch": "Ik wil graag weten hoe het werkt en wat de prijs van dit is voor mijn huis",
    "Polish": "Proszę powiedzieć jak to się robi i co jest dla mnie do zapłaty",
    "Turkish": "Bu nasıl olur ve benim için ne kadar, lütfen söyler misin",
}
WRITTEN = {
    "Cyrillic letters": "Как мне оплатить счет",
    "Greek letters": "Πώς πληρώνω τον λογαριασμό",
    "Arabic letters": "كيف أدفع الفاتورة",
    "Hebrew letters": "איך אני משלם את החשבון",
    "Han letters": "我怎么支付账单",
    "Kana letters": "どうやってはらいますか",
    "Hangul letters": "어떻게 지불합니까",
    "Thai letters": "ฉันจะจ่ายบิลอย่างไร",
    "Indic letters": "मैं बिल का भुगतान कैसे करूँ",
    "digits": "0123456789",
    "uppercase": "PAY THE BILL NOW",
    "punctuation": "!!!???...",
    "other characters": "😀😀😀",
}


def of(text: str) -> dict[str, float]:
    return dict(zip(NAMES, properties(text, NO_WORDS, FLAT).tolist(), strict=True))


@settings(max_examples=150, deadline=None)
@given(st.text(st.characters(), max_size=300))
def test_every_text_has_finite_properties(text: str):
    found = of(text)
    assert np.isfinite(list(found.values())).all()
    assert all(-1e-9 <= found[name] <= 1 + 1e-9 for name in SHARES)


@pytest.mark.parametrize("text", ["", "\x00", "\ud800", " " * 10, "a", "ab", "\U0010ffff" * 5])
def test_strange_texts_have_finite_properties(text: str):
    assert np.isfinite(properties(text, NO_WORDS, FLAT)).all()


@pytest.mark.parametrize("piece", ["a", "word ", "語", "0 " * 3])
def test_of_a_text_of_ten_megabytes_a_bounded_part_is_looked_at(piece: str):
    text = piece * (10_000_000 // len(piece))
    assert len(trigrams(text)) <= MOST + 10
    assert len(words_of(text)) <= 512
    assert of(text)["length"] == pytest.approx(np.log1p(len(text)))  # and its length is known all the same


@pytest.mark.parametrize("tongue", SENTENCES)
def test_a_language_is_known_by_its_function_words(tongue: str):
    found = of(SENTENCES[tongue])
    assert [name for name in LANGUAGES if found[name]] == [tongue]


def test_what_is_too_short_is_of_no_language():
    assert language(["taxi"]) == language([]) == language(["xkcd", "qwerty", "the"]) == -1


@pytest.mark.parametrize("name", WRITTEN)
def test_characters_are_counted_where_they_belong(name: str):
    found = of(WRITTEN[name])
    shares = {other: found[other] for other in SHARES if other not in (*LANGUAGES, "words never seen", "whitespace")}
    assert max(shares, key=lambda other: shares[other]) == name


def test_words_that_are_known_are_not_counted_as_never_seen():
    learning = Learning()
    learning.add("Pay the bill, please.")
    words = learning.words.view(np.uint64)
    at = NAMES.index("words never seen")
    assert properties("please PAY", words, FLAT)[at] == 0
    assert properties("please transfer", words, FLAT)[at] == 0.5
