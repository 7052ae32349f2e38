"""Texts that are written as something else: base64, base32, hexadecimal, binary, Morse, escapes.  Found and decoded."""

from __future__ import annotations

import base64
import binascii
import html
import re
import urllib.parse
from collections.abc import Iterator

MOST = 6  # pieces of a kind that are decoded
NESTED = 3  # encodings around encodings

# Character classes with bounded counts only: linear in re as well.
_BASE64 = re.compile("[A-Za-z0-9+/_-]{16,8192}={0,2}")
_WHOLE_BASE64 = re.compile("[A-Za-z0-9+/_-]{16,}={0,2}")
_HEX = re.compile(r"(?:(?:\\x|0x)?[0-9a-fA-F]{2}[\s,:]?){10,2048}")
_BINARY = re.compile(r"(?:[01]{8}\s?){5,1024}")
_CODES = re.compile(r"(?:\d{2,3}[\s,]+){9,1024}\d{2,3}")
_MORSE = re.compile(r"(?:[.\-·−_]{1,6}[ /|]{1,3}){8,1024}[.\-·−_]{1,6}")
_UNICODE = re.compile(r"\\u([0-9a-fA-F]{4})")
_FILLER = re.compile(r"\\x|0x|[\s,:]")

_MORSE_LETTERS = dict(
    zip(
        [
            ".-",
            "-...",
            "-.-.",
            "-..",
            ".",
            "..-.",
            "--.",
            "....",
            "..",
            ".---",
            "-.-",
            ".-..",
            "--",
            "-.",
            "---",
            ".--.",
            "--.-",
            ".-.",
            "...",
            "-",
            "..-",
            "...-",
            ".--",
            "-..-",
            "-.--",
            "--..",
        ],
        "abcdefghijklmnopqrstuvwxyz",
        strict=True,
    )
)


def decoded(text: str, kinds: frozenset[str]) -> Iterator[tuple[str, str]]:
    """What pieces of the text say, as (kind, message); `kinds` of which a gate has seen signs."""
    if "base64" in kinds:
        for piece in list(_BASE64.finditer(text))[:MOST]:
            if (said := _base64(piece[0])) is not None:
                yield "base64", said
    if "hex" in kinds:
        for piece in list(_HEX.finditer(text))[:MOST]:
            digits = _FILLER.sub("", piece[0])
            if (said := readable(_hex(digits))) is not None:
                yield "hex", said
    if "binary" in kinds:
        for piece in list(_BINARY.finditer(text))[:MOST]:
            bits = re.sub(r"\s", "", piece[0])
            if (said := readable(bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits) - 7, 8)))) is not None:
                yield "binary", said
    if "codes" in kinds:
        for piece in list(_CODES.finditer(text))[:MOST]:
            numbers = [int(n) for n in re.split(r"[\s,]+", piece[0])]
            if all(9 <= n < 127 for n in numbers) and (said := readable(bytes(numbers))) is not None:
                yield "codes", said
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


def _hex(digits: str) -> bytes:
    try:
        return bytes.fromhex(digits[: len(digits) // 2 * 2])
    except ValueError:
        return b""


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
