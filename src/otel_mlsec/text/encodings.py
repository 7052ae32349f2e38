"""Texts that are written as something else: base64, base32, hexadecimal, binary, Morse, escapes.  Found and decoded."""

from __future__ import annotations

import base64
import binascii
import html
import re
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from itertools import islice

MOST = 32  # pieces of a kind that are decoded
NESTED = 3  # encodings around encodings
SHORTEST = 16  # characters of base64, on a line of its own

# One class at a time, and nothing that two of them could share: linear in re as well.
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}+={0,2}(?:\r?\n[A-Za-z0-9+/_-]{2,}+={0,2}(?!\S))*")  # over several lines, too
_WHOLE_BASE64 = re.compile("[A-Za-z0-9+/_-]{16,}={0,2}")
_HEX = re.compile(r"(?:(?:\\x|0x)?[0-9a-fA-F]{2}[\s,:]?){10,2048}")
_BINARY = re.compile(r"(?:[01]{8}\s?){5,1024}")
_CODES = re.compile(r"(?:\d{2,3}[\s,]+){9,1024}\d{2,3}")
_MORSE = re.compile(r"(?:[.\-·−_]{1,6}[ /|]{1,3}){8,1024}[.\-·−_]{1,6}")
_UNICODE = re.compile(r"\\u([0-9a-fA-F]{4})")
_FILLER = re.compile(r"\\x|0x|[\s,:]")

_MORSE_LETTERS = {
    ".-": "a", "-...": "b", "-.-.": "c", "-..": "d", ".": "e", "..-.": "f", "--.": "g", "....": "h", "..": "i", ".---": "j",
    "-.-": "k", ".-..": "l", "--": "m", "-.": "n", "---": "o", ".--.": "p", "--.-": "q", ".-.": "r", "...": "s", "-": "t",
    "..-": "u", "...-": "v", ".--": "w", "-..-": "x", "-.--": "y", "--..": "z",
}  # fmt: skip


def decoded(text: str, kinds: frozenset[str]) -> Iterator[tuple[str, str]]:
    """What pieces of the text say, as (kind, message), all of a kind in one; `kinds` of which a gate has seen signs."""
    for kind, (pattern, decode) in _KINDS.items():
        if kind in kinds:
            messages = (decode(piece[0]) for piece in islice(pattern.finditer(text), MOST))
            if said := [message for message in messages if message is not None]:
                yield kind, "\n".join(said)
    if "morse" in kinds and (piece := _MORSE.search(text)):
        yield from _morse(piece[0])
    yield from _escapes(text)


def _escapes(text: str) -> Iterator[tuple[str, str]]:
    if text.count("%") >= 4:
        said = urllib.parse.unquote(text)
        if len(text) - len(said) >= 8:
            yield "url", said
    if text.count("\\u") >= 4 or text.count("&#") >= 4:
        said = html.unescape(_UNICODE.sub(lambda code: chr(int(code[1], 16)), text))
        said = said.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        if said != text:
            yield "escapes", said


def _base64(piece: str) -> str | None:
    """Of one message over several lines, or else of a message a line."""
    lines = piece.split()
    whole = "".join(lines)
    if len(lines) == 1 or "=" not in whole.rstrip("="):
        said = _base64_message(whole)
        if said is not None or len(lines) == 1:
            return said
    said = [said for line in lines if len(line) >= SHORTEST and (said := _base64_message(line)) is not None]
    return "\n".join(said) or None


def _base64_message(piece: str) -> str | None:
    bare = piece.rstrip("=")
    if bare.isalpha() and (bare.islower() or bare.isupper() or len(bare) < 24):
        return _base32(bare)  # a word
    said = readable(_unbase64(piece))
    if said is None:
        return _base32(bare)
    for _ in range(NESTED - 1):
        whole = _WHOLE_BASE64.fullmatch(said.strip())
        inner = readable(_unbase64(whole[0])) if whole else None
        if inner is None:
            break
        said = inner
    return said


def _unbase64(piece: str) -> bytes:
    bare = piece.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4))
    except (binascii.Error, ValueError):
        return b""


def _base32(piece: str) -> str | None:
    if len(piece) < 24 or not re.fullmatch("[A-Z2-7]+", piece):
        return None
    try:
        return readable(base64.b32decode(piece + "=" * (-len(piece) % 8)))
    except (binascii.Error, ValueError):
        return None


def _hex(piece: str) -> str | None:
    digits = _FILLER.sub("", piece)
    try:
        return readable(bytes.fromhex(digits[: len(digits) // 2 * 2]))
    except ValueError:
        return None


def _binary(piece: str) -> str | None:
    bits = re.sub(r"\s", "", piece)
    return readable(bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits) - 7, 8)))


def _codes(piece: str) -> str | None:
    """Decimal; octal where that is text and decimal is none."""
    numbers = re.split(r"[\s,]+", piece)
    for base in (10, 8):
        try:
            codes = [int(number, base) for number in numbers]
        except ValueError:
            continue  # an 8 or a 9
        if all(9 <= code < 127 for code in codes) and (said := readable(bytes(codes))) is not None:
            return said
    return None


_KINDS: Mapping[str, tuple[re.Pattern[str], Callable[[str], str | None]]] = {
    "base64": (_BASE64, _base64),
    "hex": (_HEX, _hex),
    "binary": (_BINARY, _binary),
    "codes": (_CODES, _codes),
}


def _morse(piece: str) -> Iterator[tuple[str, str]]:
    plain = piece.replace("·", ".").replace("−", "-").replace("_", "-").replace("|", "/")
    words = re.split(r"\s*/\s*|\s{3,}", plain)
    letters = [[_MORSE_LETTERS.get(letter, "") for letter in word.split()] for word in words]
    if sum(bool(letter) for word in letters for letter in word) >= 8:
        yield "morse", " ".join("".join(word) for word in letters)


def readable(message: bytes) -> str | None:
    """The message if it is text that somebody might have written; None for bytes that merely decode."""
    try:
        said = message.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if len(said) < 6:
        return None
    if said.isascii() and _WHOLE_BASE64.fullmatch(said.strip()):
        return said  # perhaps encoded twice
    words = sum(c.isalpha() or c in " .,!?'\"\n" for c in said)
    shown = sum(c.isprintable() or c in "\n\t" for c in said)
    return said if words > 0.8 * len(said) and shown > 0.97 * len(said) else None
