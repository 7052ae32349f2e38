"""Labels as people give them -> numbers: of a classifier the position in its classes, else the value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from otel_mlsec.arrays import Floats

NOT_LISTED = -1.0  # of a class that the model does not know


def labelled(labels: Any, classes: Sequence[str]) -> Floats:
    """(n,) labels in any container -> (n,) truths; NaN where there is none.

    A class is known by its name as text; 1, 1.0 and True are the same class, whichever of them the model lists.  Without
    classes a label is a number; what is none counts as no label.

    >>> labelled(["yes", None, "perhaps"], ("no", "yes"))
    array([ 1., nan, -1.])
    """
    if not classes:
        return np.array([_number(label) for label in _values(labels)], np.float64)
    at = _positions(classes)
    return np.array([np.nan if _is_missing(label) else at.get(_name(label), NOT_LISTED) for label in _values(labels)], np.float64)


def truths(y: Any, classes: Sequence[str], n_rows: int) -> Floats | None:
    """What `Reference.fit` was given as labels -> (n_rows,) truths; None of several labels a row, which are not judged.

    Raises:
        ValueError: another number of labels than rows, or none that is a class of the model.
    """
    if getattr(y, "ndim", 1) != 1 and 1 not in y.shape[1:]:
        return None
    listed: Any = np.asarray(y).reshape(-1) if getattr(y, "ndim", 1) != 1 else y
    n = len(listed) if hasattr(listed, "__len__") else -1
    if n != n_rows:
        raise ValueError(f"y must hold one label a row ({n_rows}), got {n if n >= 0 else type(y).__name__}")
    found = labelled(listed, classes)
    known = found[~np.isnan(found)]
    if classes and len(known) and (known == NOT_LISTED).all():
        raise ValueError(f"y must hold classes of the model, {', '.join(list(classes)[:10])}; none of its labels is one of them")
    return found


def _values(labels: Any) -> list[Any]:
    """Plain Python objects, whatever they come in."""
    listed = labels.tolist() if hasattr(labels, "tolist") else labels
    return [each.item() if isinstance(each, np.generic) else each for each in listed]


def _positions(classes: Sequence[str]) -> dict[str, float]:
    at: dict[str, float] = {}
    for i, name in enumerate(classes):
        at.setdefault(_name(name), float(i))
        at[name] = float(i)  # the name itself goes before what it may stand for
    return at


def _name(label: Any) -> str:
    text = str(label)
    if text in ("True", "False"):
        return "1" if text == "True" else "0"
    number = _number(text)
    return str(int(number)) if np.isfinite(number) and abs(number) < 2**53 and number == int(number) else text


def _is_missing(label: Any) -> bool:
    """None, NaN, and what does not equal itself or will not say so: the missing values of pandas and others."""
    if label is None or isinstance(label, str):
        return label is None
    try:
        return not bool(label == label)
    except TypeError:
        return True


def _number(label: Any) -> float:
    try:
        return float(label)
    except (TypeError, ValueError, OverflowError):
        return float("nan")
