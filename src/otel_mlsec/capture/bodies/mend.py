"""JSON that Python's parser refuses although it is some: cut off in the middle, or nested deeper than Python calls itself."""

from __future__ import annotations

import json
import re
from typing import Final

# A string to its end or the text's, possessively: no input makes it look twice.
TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{},:]', re.DOTALL)
DEEPEST: Final = 128  # what is nested deeper becomes a string of its own JSON text
CLOSER: Final = {"{": "}", "[": "]"}


def mend(text: str) -> str | None:
    """The same JSON with what is open closed, and what is too deep as a string; None where nothing can be mended.

    Of a text that was cut off everything is kept that was complete, and the beginning of a string.  Linear in its length.

    >>> mend('{"a": [1, 2], "b": {"c": "some wo')
    '{"a": [1, 2], "b": {"c": "some wo"}}'
    """
    out: list[str] = []
    stack: list[str] = []  # what closes what is open
    copied = safe = safe_depth = 0  # text before `copied` is in `out`; up to `safe` values are complete
    safe_out = 0
    value = True  # the next string is a value, not a key
    hidden = 0  # brackets open inside of what is too deep
    hidden_from = 0
    for token in TOKEN.finditer(text):
        first, end = token[0][0], token.end()
        if hidden:
            hidden += (first in "[{") - (first in "]}")
            if not hidden:
                out += text[copied:hidden_from], json.dumps(text[hidden_from:end], ensure_ascii=False)
                copied = safe = end
                safe_out, safe_depth = len(out), len(stack)
            continue
        if first in "{[":
            if len(stack) == DEEPEST:
                hidden, hidden_from = 1, token.start()
                continue
            stack.append(CLOSER[first])
            value = first == "["
            safe, safe_out, safe_depth = end, len(out), len(stack)
        elif first in "}]":
            if not stack or stack.pop() != first:
                return None
            safe, safe_out, safe_depth = end, len(out), len(stack)
        elif first == ",":
            safe, safe_out, safe_depth = token.start(), len(out), len(stack)
            value = bool(stack) and stack[-1] == "]"
        elif first == ":":
            value = True
        elif value and stack:
            if len(token[0]) == 1 or token[0][-1] != '"' or not _closed(token[0]):
                out += text[copied : token.start()], _closing(token[0])
                return "".join(out) + "".join(reversed(stack))
            safe, safe_out, safe_depth = end, len(out), len(stack)
    if hidden:  # cut off inside of what is too deep
        return (
            "".join(out)
            + text[copied:hidden_from]
            + json.dumps(text[hidden_from:], ensure_ascii=False)
            + "".join(reversed(stack))
        )
    if not stack:
        return "".join(out) + text[copied:] if out else None
    return "".join(out[:safe_out]) + text[copied:safe] + "".join(reversed(stack[:safe_depth]))


def _closed(string: str) -> bool:
    """Whether its last quotation mark ends it: an even number of backslashes is before it."""
    inside = string[1:-1]
    return (len(inside) - len(inside.rstrip("\\"))) % 2 == 0


def _closing(string: str) -> str:
    """The string with a quotation mark at its end, without the beginning of an escape that was cut off."""
    for left in range(6):
        whole = string[: len(string) - left] + '"'
        try:
            json.loads(whole, strict=False)
        except ValueError:
            continue
        return whole
    return '""'
