"""Characters that people do not see and language models read: found, counted, taken out, and what they spell."""

from __future__ import annotations

import re

_ZERO_WIDTH = "\u200b-\u200d\u2060-\u2064\ufeff\u00ad\u180e"
_SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_NOTHING: dict[int, str | None] = dict.fromkeys(
    [
        *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), *range(0xFE00, 0xFE10),
        *range(0xE0100, 0xE01F0), 0xFEFF, 0xAD, 0x180E, 0x115F, 0x1160, 0x3164, 0xFFA0, 0x34F, 0xE0001, 0xE007F,
        *range(0xE0020, 0xE007F), *range(0x00, 0x09), 0x0B, 0x0C, *range(0x0E, 0x20), *range(0x7F, 0xA0),
    ]
)  # fmt: skip
_TAGS: dict[int, str] = {code: chr(code - 0xE0000) for code in range(0xE0020, 0xE007F)}

_INVISIBLE = re.compile(
    f"[{_ZERO_WIDTH}{_SELECTORS}\u200e\u200f\u034f\u115f\u1160\u202a-\u202e\u2065-\u206f\u3164\uffa0\U000e0000-\U000e007f]"
)
_FLAG = re.compile("\U0001f3f4[\U000e0020-\U000e007e]{2,6}\U000e007f")  # of England, Scotland …: an emoji
_TAG_RUN = re.compile("[\U000e0020-\U000e007e]{2,}")
_SELECTOR_RUN = re.compile(f"[{_SELECTORS}]{{4,}}")
_IN_WORD = re.compile("(?<=[A-Za-z])[\u200b-\u200d\u2060-\u2064\ufeff\u180e]+(?=[A-Za-z])")  # soft hyphens are typography
_ZERO_WIDTH_RUN = re.compile(f"[{_ZERO_WIDTH}]{{8,}}")
_TURN = re.compile("[\u202e\u2067]")  # the others isolate names and numbers; telephones copy them
_TURNED = re.compile("[\u202e\u2067]([^\u202c\u2069\n]*)")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_ANSI = re.compile("\x1b\\[[0-9;?]{0,32}[A-Za-z]")  # colours and movements of a terminal's output
_CONCEAL = re.compile("\x1b\\[(?:0?[0-79]?;){0,4}0?8m")  # what follows is not shown
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U0010fffd]")

BYTES_KEPT = 4096  # of a hidden message


def may_hide(text: str) -> bool:
    """Whether `hidden` could find something: nearly all texts in English have nothing but ASCII that shows."""
    return not text.isascii() or _CONTROL.search(text) is not None


def visible(text: str) -> str:
    """The text without characters that show nothing.  Joiners of Arabic, Indic scripts and emoji go as well: this is no copy
    to show to people."""
    if "\x1b" in text:
        text = _ANSI.sub("", text)
    return text.translate(_NOTHING) if _INVISIBLE.search(text) or _CONTROL.search(text) else text


def hidden(text: str) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """How many characters of each kind hide in the text; and what they spell, as (kind, message)."""
    signs: dict[str, int] = {}
    spelled: list[tuple[str, str]] = []
    if "\x1b" in text:
        if concealed := len(_CONCEAL.findall(text)):
            signs["concealed"] = concealed
        text = _ANSI.sub("", text)
    if controls := len(_CONTROL.findall(text)):
        signs["control"] = controls
    if text.isascii():
        return signs, spelled
    if private := len(_PRIVATE.findall(text)):
        signs["private_use"] = private
    if _INVISIBLE.search(text):
        _tags(text, signs, spelled)
        _selectors(text, signs, spelled)
        _zero_width(text, signs, spelled)
        _turned(text, signs, spelled)
    return signs, spelled


def _tags(text: str, signs: dict[str, int], spelled: list[tuple[str, str]]) -> None:
    runs = _TAG_RUN.findall(_FLAG.sub("", text))
    n = sum(map(len, runs))
    if n >= 4:
        signs["tag_characters"] = n
        spelled.append(("tag_characters", "".join(runs)[:BYTES_KEPT].translate(_TAGS)))


def _selectors(text: str, signs: dict[str, int], spelled: list[tuple[str, str]]) -> None:
    """One selector behind a character is typography; a run of them is bytes: U+FE00 is 0, U+E0100 is 16."""
    runs = _SELECTOR_RUN.findall(text)
    if not runs:
        return
    signs["variation_selectors"] = sum(map(len, runs))
    message = bytes(ord(c) - 0xFE00 if ord(c) < 0xFE10 else ord(c) - 0xE0100 + 16 for c in "".join(runs)[:BYTES_KEPT])
    if (said := _readable(message)) is not None:
        spelled.append(("variation_selectors", said))


def _zero_width(text: str, signs: dict[str, int], spelled: list[tuple[str, str]]) -> None:
    if (n := len(_IN_WORD.findall(text))) >= 3:
        signs["zero_width"] = n
    runs = _ZERO_WIDTH_RUN.findall(text)
    if not runs:
        return
    signs["zero_width_run"] = sum(map(len, runs))
    marks = "".join(runs)[: 8 * BYTES_KEPT]
    kinds = sorted(set(marks))
    for zero, one in ((kinds[0], kinds[-1]), (kinds[-1], kinds[0])):  # two kinds are the bits, a third separates
        bits = "".join("0" if c == zero else "1" for c in marks if c in (zero, one))
        message = bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits) - 7, 8))
        if (said := _readable(message)) is not None:
            spelled.append(("zero_width_run", said))
            return


def _turned(text: str, signs: dict[str, int], spelled: list[tuple[str, str]]) -> None:
    if not _TURN.search(text):
        return
    if not _RIGHT_TO_LEFT.search(text):
        signs["bidi"] = len(_TURN.findall(text))
    if _TURNED.search(text):
        spelled.append(("bidi", _TURNED.sub(lambda run: run[1][::-1], text)))


def _readable(message: bytes) -> str | None:
    try:
        said = message.decode("utf-8")
    except UnicodeDecodeError:
        return None
    shown = sum(c.isprintable() or c in "\n\t" for c in said)
    return said if len(said) >= 4 and shown > 0.97 * len(said) else None
