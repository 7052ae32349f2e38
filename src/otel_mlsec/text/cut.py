"""What is looked at of a long text: its head, its tail, and pieces of its middle.  Work is bounded before it is spent."""

from __future__ import annotations

MOST = 16_000  # characters that are looked at where nothing else is said
PIECES = 4  # of the middle, evenly apart; together a quarter, as is the tail; the head is half


def cut(text: str, most: int = MOST) -> tuple[str, bool]:
    """The text, or what is looked at of it, pieces on lines of their own; and whether something was left out.

    >>> cut("short")
    ('short', False)
    """
    if len(text) <= most:
        return text, False
    head, tail, piece = most // 2, most // 4, most // 4 // PIECES
    step = (len(text) - head - tail - piece) // (PIECES - 1)
    starts = (head + i * step for i in range(PIECES))
    return "\n".join((text[:head], *(text[start : start + piece] for start in starts), text[len(text) - tail :])), True
