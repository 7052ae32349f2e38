"""Text from the wire, made harmless for a terminal."""

import unicodedata

LIMIT = 400  # characters of one value; a block stays readable
# Control, format (bidirectional overrides, zero width), surrogate, private, unassigned, line and paragraph separators.
HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def safe(text: str, limit: int = LIMIT) -> str:
    r"""The text with everything that a terminal would obey, or would not show, written out.

    >>> safe("a\x1b[2Jb")
    'a\\x1b[2Jb'
    """
    shown = "".join(_written_out(c) if unicodedata.category(c) in HIDDEN else c for c in text[:limit])
    return shown + "…" if len(text) > limit else shown


def _written_out(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
