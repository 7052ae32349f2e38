"""Labels as numbers before anybody knows which model they are of, and what such a number is among a model's classes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.cells import code
from otel_mlsec.observation import TEXT
from otel_mlsec.reference.labelled import NOT_LISTED

PLAIN = (str, int, float, bool, bytes, Decimal, np.generic)  # what is asked for its text; anything else might run somebody's code
NONE = float("nan")


def codes(labels: Iterable[Any]) -> Floats:
    """(n,) labels -> a number each: itself, or `text_code` of a text; NaN for what is no label.

    As in `labelled`, 1, 1.0, True and "1" are one class.

    >>> codes([1, "1", True, None, float("nan"), ""])
    array([ 1.,  1.,  1., nan, nan, nan])
    """
    return np.array([_code(label) for label in labels], np.float64)


def truths(told: Floats, classes: Sequence[str]) -> Floats:
    """(n,) codes -> positions in `classes`, -1 for one that is not listed; without classes numbers, NaN for text."""
    if not classes:
        return np.where(told > -TEXT, told, NONE)
    named = np.array([_code(name) for name in classes])
    order: Ints = np.argsort(named, kind="stable")
    at = np.minimum(np.searchsorted(named[order], told), len(classes) - 1)
    found = order[at]
    return np.where(np.isnan(told), NONE, np.where(named[found] == told, found, NOT_LISTED))


def _code(label: Any) -> float:
    if not isinstance(label, PLAIN):
        return NONE
    text = _text(label)
    if text in ("True", "False"):
        return float(text == "True")
    try:
        number = float(text)
    except ValueError:
        return code(text) if text else NONE
    if not np.isfinite(number):
        return code(text) if isinstance(label, str) else NONE
    return number


def _text(label: Any) -> str:
    if isinstance(label, bytes):
        return label.decode("utf-8", "surrogateescape")
    if isinstance(label, str):
        return str.__str__(label)  # of a subclass the text itself, not what it says of itself
    try:
        return str(label)
    except ValueError:  # an int of more digits than Python writes
        return ""
