"""Sentences whose letters are moved, swapped or held apart: undone where that makes words of them."""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np

from otel_mlsec.text.common import common

SHORT = 4_000  # characters of a text whose words may stand in reversed order: a page of them is no request
SAMPLE = 2_000  # characters that are looked at for the order of words
CLEAR = 0.75  # share of common words from which a text needs no undoing
CLEARER = 0.25  # by how much it must rise
FEWEST = 5  # words: a short sentence in another language may be English by chance, shifted by 13
QUOTES = 4  # quoted passages that are looked at

_LEET = str.maketrans({"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "@": "a", "$": "s", "!": "i",
                       "|": "l", "€": "e", "£": "l"})  # fmt: skip
_HEADSTAND = str.maketrans("ɐqɔpǝɟƃɓɥᴉıɾʞlɯuodbɹsʇnʌʍxʎz", "abcdefgghiijklmnopqrstuvwxyz")
_LEET_WORD = re.compile(r"[A-Za-z0-9@$!|€£]{2,64}")
_LEET_SIGN = re.compile(r"[0134578@$!|€£]")
_LETTERS = re.compile(r"[A-Za-z]+")
_APART = re.compile(r"[\s.\-_*·\\|/]{1,3}")
_SPACED = re.compile(r"(?:(?<=\s)|^|(?<=\\))(?:[^\W\d_][\s.\-_*·\\|/]{1,3}){4,400}[^\W\d_](?=\W|$)")
_GAP = re.compile(r"\s{2,}|[.\-_*·|/]\s+")
_BACKSLASHED = re.compile(r"(?:\\{1,4}[^\\]){6,4096}")
_SPLIT = re.compile("(?<=[A-Za-z])[-.](?=[A-Za-z])")
_CAMEL = re.compile(r"(?:[A-Z][a-z]+){5,200}")
_HUMP = re.compile(r"(?<=[a-z,.])(?=[A-Z])")
_QUOTED = re.compile(r"['\"“:\n]([^'\"”\n]{16,600})")
_ORDERED = """
of the|in the|to the|on the|for the|with the|from the|and the|at the|by the|is the|all the|as a|in a|is a|of a|with a|you are
i am|do not|how to|want to|have to|going to|need to|tell me|give me|show me|what is|this is|it is|of your|of all|if you|that you
will be|can you|i have|have been|the following|the previous|all previous|previous instructions|the above|your instructions
system prompt|the system|the user|my name|step by|by step|from now|now on|as an|an ai|language model|such as|for example
"""  # pairs of words that stand so in English
_PAIRS = frozenset(tuple(pair.split()) for pair in re.split(r"[|\n]", _ORDERED.strip()))
_FREQUENCIES = (
    np.array(
        [
            8.2,
            1.5,
            2.8,
            4.3,
            12.7,
            2.2,
            2.0,
            6.1,
            7.0,
            0.15,
            0.77,
            4.0,
            2.4,
            6.7,
            7.5,
            1.9,
            0.1,
            6.0,
            6.3,
            9.1,
            2.8,
            0.98,
            2.4,
            0.15,
            2.0,
            0.07,
        ]
    )
    / 100.0
)  # fmt: skip - of letters in English (Lewand, Cryptological Mathematics, 2000)


def undone(text: str, kinds: frozenset[str]) -> Iterator[tuple[str, str]]:
    """The text with disguises taken off, as (kind, text); `kinds` of which a gate has seen signs."""
    if "backslashed" in kinds and _BACKSLASHED.search(text):
        yield "spaced", text.replace("\\", "")
    if "spaced" in kinds and _SPACED.search(text):
        yield "spaced", re.sub(r"[ \t]{2,}", " ", _SPACED.sub(_joined, text))
    if "camel" in kinds and _CAMEL.search(text):
        yield "camel", _HUMP.sub(" ", text)
    if len(text) < 12:
        return
    share, n = common(text)
    if not text.isascii():
        yield from _drawn(text, share)
        return
    if share < CLEAR:
        if n >= FEWEST:
            yield from _moved(text, share)
        if text.count("-") + text.count(".") >= 4 and len(_SPLIT.findall(text)) >= 4:
            whole = _SPLIT.sub("", text)
            clearer, m = common(whole)
            if m >= 3 and clearer > share + 0.15:
                yield "split_words", whole
    if "leet" in kinds:
        plain = _LEET_WORD.sub(_unleet, text)
        if plain != text:
            rises, m = common(plain)
            if rises * m >= share * n + 1.5 and rises > share:
                yield "leet", plain
    if len(text) <= SHORT and ("flip" in kinds or _backwards(text)):
        yield "reversed_order", " ".join(reversed(text.split()))


def _drawn(text: str, share: float) -> Iterator[tuple[str, str]]:
    """English in letters that are accented where they should not be, or stand on their heads."""
    for kind, undo in (("accents", _bare), ("upside_down", _upright)):
        clearer, n = common(undo(text[:SAMPLE]))
        if n >= FEWEST and clearer > max(0.6, share + CLEARER):
            yield kind, undo(text)


def _bare(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def _upright(text: str) -> str:
    return text.translate(_HEADSTAND)[::-1]


def _backwards(text: str) -> bool:
    """Do pairs of words that English says in one order stand in the other?"""
    words = [word.strip(string.punctuation) for word in text[:SAMPLE].lower().split()]
    said = list(pairwise(words))
    turned = sum((b, a) in _PAIRS for a, b in said)
    return turned >= 2 and turned > 2 * sum(pair in _PAIRS for pair in said)


def _joined(run: re.Match[str]) -> str:
    words = _GAP.sub("\x00", run[0])
    return " " + _APART.sub("", words).replace("\x00", " ") + " "


def _unleet(word: re.Match[str]) -> str:
    said = word[0]
    body = said[:-1] if said[-1] in "!|" else said
    if not _LEET_SIGN.search(body) or not any(c.isalpha() for c in said):
        return said
    return body.translate(_LEET) + said[len(body) :]


def _moved(text: str, share: float) -> Iterator[tuple[str, str]]:
    """Ciphers and reversals of the whole text; if none helps, of what it quotes: a carrier sentence may be readable."""
    clear, kind, undo = max(_ways(text), key=_clearness)
    if clear > share + CLEARER and clear > 0.5:
        yield kind, undo(text)
        if kind == "reversed":
            yield "reversed_words", _turned_words(text)
        elif kind == "reversed_words":
            yield "reversed", _turned(text)
        return
    for quoted in _QUOTED.findall(text)[:QUOTES]:
        inner, n = common(quoted)
        if n < 3 or inner > 0.5:
            continue
        clear, kind, undo = max(_ways(quoted), key=_clearness)
        if clear > inner + 0.3 and clear > 0.5:
            yield kind, undo(quoted)


Undo = Callable[[str], str]


def _ways(text: str) -> Iterator[tuple[float, str, Undo]]:
    """How clear each way of undoing makes the text's beginning, or its end where that becomes the beginning."""
    head, tail = text[:SAMPLE], text[-SAMPLE:]
    shift = _shift(text)
    ways: list[tuple[str, Undo, str]] = [
        ("rot13", _rot13, head),
        ("reversed", _turned, tail),
        ("reversed_words", _turned_words, head),
        ("rot13", lambda said: _turned(_rot13(said)), tail),
    ]
    if shift not in (0, 13):
        ways.append(("caesar", lambda said: said.translate(_caesar(shift)), head))
    return ((common(undo(sample))[0], kind, undo) for kind, undo, sample in ways)


def _clearness(way: tuple[float, str, Undo]) -> float:
    return way[0]


def _turned(text: str) -> str:
    return text[::-1]


def _rot13(text: str) -> str:
    return text.translate(_ROT13)


def _turned_words(text: str) -> str:
    return _LETTERS.sub(lambda word: word[0][::-1], text)


def _shift(text: str) -> int:
    """The shift of the alphabet under which the letters come closest to English."""
    codes = np.frombuffer(text.lower().encode("ascii", "ignore"), np.uint8)
    letters = codes[(codes >= ord("a")) & (codes <= ord("z"))] - ord("a")
    if letters.size < 12:
        return 0
    counts = np.bincount(letters, minlength=26)
    turned = np.stack([np.roll(counts, shift) for shift in range(26)])  # (26, 26)
    return int((turned @ np.log(_FREQUENCIES)).argmax())


def _caesar(shift: int) -> dict[int, int]:
    lower, upper = string.ascii_lowercase, string.ascii_uppercase
    return str.maketrans(lower + upper, lower[shift:] + lower[:shift] + upper[shift:] + upper[:shift])


_ROT13 = _caesar(13)
