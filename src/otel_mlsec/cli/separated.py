"""A file whose cells are separated by something else than commas has one column, whose name holds all the others'."""

from __future__ import annotations

from collections.abc import Sequence

SEPARATORS = {";": "semicolon", "\t": "tab", "|": "bar"}


def separated(names: Sequence[object]) -> str:
    """What the cells seem to be separated by, "" where nothing speaks for that.

    >>> separated(["amount;age"]), separated(["amount", "a;b"])
    ('semicolon', '')
    """
    only = str(names[0]) if len(names) == 1 else ""
    return next((called for separator, called in SEPARATORS.items() if separator in only), "")
