"""Letters that look like others, as the others: full width, mathematical, Cyrillic and Greek twins, piled-up accents."""

from __future__ import annotations

import re
import unicodedata

from otel_mlsec.text.cut import cut
from otel_mlsec.text.invisible import visible

# Twins in print, after Unicode's confusables (UTS #39): where every letter of a word has one, and its word or its text is
# Latin, so that Russian stays Russian.  The dotless i is none: it is Turkish.
_TWINS = str.maketrans(
    "аеорсухіјѕԁһԛԝӏвмнткАВЕКМНОРСТУХІЈЅαεοριυκνχτγωΑΒΕΖΗΙΚΜΝΟΡΤΥΧɑɡʟօոսցհԍɩᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘǫʀꜱᴛᴜᴠᴡʏᴢ",
    "aeopcyxijsdhqwlvmhtkABEKMHOPCTYXIJSaeopiukvxtywABEZHIKMNOPTYXaglonuqhgiABCDEFGHIJKLMNOPQRSTUVWYZ",
)
# Words with a letter beyond ASCII.  Possessive, and never from within a word: linear.
_WORD = re.compile("(?<![^\\W\\d_])[A-Za-z]*+[^\\W\\d_a-zA-Z](?:[^\\W\\d_]|[\u0300-\u036f])*+")
_PLAIN = re.compile(
    "[A-Za-z\u0262\u026a\u0274\u0280\u028f\u0299\u029c\u029f\u1d00-\u1d22\ua730\ua731]"
)  # small capitals are Latin
_ACCENTS = re.compile("[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]{4,}")
# Capitals in boxes and discs, and those that make flags: Unicode gives them no plain letter.
_BOXED = {start + i: chr(ord("A") + i) for start in (0x1F150, 0x1F170, 0x1F1E6) for i in range(26)}
_IN_BOXES = re.compile("[\U0001f150-\U0001f1ff]")  # translating costs twenty times as much as looking
_LOOKALIKE = re.compile(
    "[\uff21-\uff3a\uff41-\uff5a\U0001d400-\U0001d7ff\u24b6-\u24e9\U0001f110-\U0001f189]"
)  # letters, no punctuation


def folded(text: str) -> tuple[str, int]:
    """The text in plain letters without what is invisible, and how many of its words or letters had been disguised."""
    if text.isascii():
        return visible(text), 0
    # Normalisation sorts a run of accents in quadratic time, and no language piles up four of them.
    piled = len(_ACCENTS.findall(text))
    if piled:
        text = _ACCENTS.sub("", text)
    disguised = piled + len(_LOOKALIKE.findall(text))
    # One sign may be a phrase of 18 letters (U+FDFA): what comes out is bounded as what goes in.
    shown = visible(text)
    text = cut(unicodedata.normalize("NFKC", shown.translate(_BOXED) if _IN_BOXES.search(shown) else shown))[0]
    if text.isascii():
        return text, disguised
    count = 0
    plain_letters = len(_PLAIN.findall(text))
    latin = 3 * plain_letters >= sum(map(str.isalpha, text))

    def plain(word: re.Match[str]) -> str:
        nonlocal count
        said = word[0]
        twin = said.translate(_TWINS)
        if twin.isascii() and len(twin) > 1 and (latin or any(c.isascii() for c in said)):
            count += 1
            return twin
        apart = unicodedata.normalize("NFD", said)
        base = "".join(c for c in apart if not unicodedata.combining(c))
        if len(apart) - len(base) >= max(3, 1.6 * len(base)):  # Vietnamese has up to one a letter
            count += 1
            return base
        return said

    return _WORD.sub(plain, text), disguised + count
