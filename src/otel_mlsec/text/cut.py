"""What is looked at of a long text: its head, its tail, and pieces of its middle.  Work is bounded before it is spent."""

from __future__ import annotations

MOST = 16_000  # characters that are looked at
HEAD, TAIL = 8_000, 4_000
PIECE = 1_000  # characters, four of the middle, evenly apart


def cut(text: str) -> tuple[str, bool]:
    """The text, or what is looked at of it, pieces on lines of their own; and whether something was left out.

    >>> cut("short")
    ('short', False)
    """
    if len(text) <= MOST:
        return text, False
    pieces = (MOST - HEAD - TAIL) // PIECE
    step = (len(text) - HEAD - TAIL - PIECE) // max(1, pieces - 1)
    starts = (HEAD + i * step for i in range(pieces))
    return "\n".join((text[:HEAD], *(text[start : start + PIECE] for start in starts), text[-TAIL:])), True
