"""The application tells the truth of its predictions, whenever it gets to know it."""

from __future__ import annotations

import datetime as dt
import math
import time as clock
from collections.abc import Iterator, Mapping
from typing import Any, cast

from otel_mlsec.agent import current
from otel_mlsec.capture.predicted import LONGEST
from otel_mlsec.errors import contained
from otel_mlsec.observation import Truths

SOURCE = 256  # characters of a name of who says it
PIECE = 1024  # labels that go to the worker together
COLUMNS = ("prediction_id", "label", "index", "source", "time")  # of a table; the first two are needed
LABELS = (str, bytes, bool, int, float)  # of Python; and whatever numpy and decimal call a number
NOTHING: Any = object()


def feedback(
    prediction_id: Any, label: Any = NOTHING, *, index: int = 0, source: str = "", time: float | dt.datetime | None = None
) -> bool:
    """Tell what was true of a prediction, so that detectors see how right the model is.

    Never blocks; what cannot be used (an id that nobody knows, a label that is none, or contradicts another) is counted
    in `mlsec.feedback.labels` and costs nothing else.  Predictions are known in the process that made them, for
    `Config.label_horizon`: a label that comes to another process goes to `otel-mlsec feedback`.

    Args:
        prediction_id: what `prediction_id(…)` set or `current_prediction()` said; a trace id, of 32 hexadecimal digits, names the
            last prediction of that trace for which no id was set.  Or a table of many: a DataFrame or a mapping of columns
            `prediction_id` and `label`, and if need be `index`, `source` and `time`; then nothing else is given.
        label: what was true: the class, or the value; or a list or array of them, one for each row of the call.
        index: row of the call that the label, or the first of them, is of.
        source: who says so, as a name.
        time: when it became known, s since the epoch or a datetime with a zone; now, if it is not told.

    Returns:
        whether all of it was taken; false where the agent does not run, or its queue is full.

    Raises:
        TypeError: a time of a type that is none, or no label and no table.
        ValueError: a time without a zone, an index below 0, a table that lacks a column or has columns of different lengths.

    >>> feedback("req-7", True)
    False
    """
    rows = _of_table(prediction_id, source, time) if label is NOTHING else _of_call(prediction_id, label, index, source, time)
    agent = current()
    taken = agent is not None
    with contained("feedback"):
        for piece in _pieces(rows):
            taken = agent is not None and agent.submit(piece) and taken
    return taken


def _of_call(name: Any, label: Any, index: Any, source: str, time: Any) -> list[list[Any]]:
    if isinstance(index, bool) or not isinstance(index, int) or index < 0:
        raise ValueError(f"index must be the number of a row, from 0 on, got {index!r}")
    labels = _labels(label)
    told = clock.time() if time is None else _seconds(time)
    n = len(labels)
    return [[_name_in(name)] * n, labels, list(range(index, index + n)), [told] * n, [str(source)[:SOURCE]] * n]


def _of_table(table: Any, source: str, time: Any) -> list[list[Any]]:
    names: Any = getattr(table, "columns", None)
    if isinstance(table, Mapping):
        names = list(cast("Mapping[Any, Any]", table))
    if names is None:
        raise TypeError("feedback needs a label, or a table of columns prediction_id and label")
    for needed in COLUMNS[:2]:
        if needed not in names:
            raise ValueError(f"the table must have a column {needed!r}")
    told = {name: _listed(table[name]) for name in COLUMNS if name in names}
    n = len(told["label"])
    for name, values in told.items():
        if len(values) != n:
            raise ValueError(f"columns must be of one length, got {len(values)} of {name!r} and {n} of 'label'")
    now = clock.time() if time is None else _seconds(time)
    return [
        [_name_in(name) for name in told["prediction_id"]],
        [_label(label) for label in told["label"]],
        [_row(row) for row in told.get("index", [0] * n)],
        [now if _is_missing(when) else _seconds(when) for when in told.get("time", [now] * n)],
        ["" if _is_missing(who) else str(who)[:SOURCE] for who in told.get("source", [source] * n)],
    ]


def _pieces(rows: list[list[Any]]) -> Iterator[Truths]:
    for start in range(0, len(rows[0]), PIECE):
        ids, labels, numbers, times, sources = (tuple(column[start : start + PIECE]) for column in rows)
        yield Truths(ids=ids, labels=labels, rows=numbers, times=times, sources=sources)


def _labels(label: Any) -> list[Any]:
    """One or many, as plain values."""
    if isinstance(label, LABELS) or label is None:
        return [_label(label)]
    plain = label.tolist() if hasattr(label, "tolist") else label.to_list() if hasattr(label, "to_list") else label
    if not isinstance(plain, list | tuple):
        if isinstance(plain, LABELS) or type(plain).__module__ in ("decimal", "numpy"):
            return [_label(plain)]
        return [None]
    return [_label(_only(each)) for each in cast("list[Any]", plain)]


def _only(label: Any) -> Any:
    """Of a row of a matrix of one column."""
    row = cast("list[Any]", label if isinstance(label, list) else [label])
    return row[0] if len(row) == 1 else None


def _label(label: Any) -> Any:
    """Nothing, where it is none; whoever gets it counts that."""
    if isinstance(label, str | bytes):
        return label if len(label) <= LONGEST else None
    return label if isinstance(label, LABELS) or type(label).__module__ in ("decimal", "numpy") else None


def _listed(column: Any) -> list[Any]:
    return list(column.to_list() if hasattr(column, "to_list") else column.tolist() if hasattr(column, "tolist") else column)


def _name(name: object) -> str:
    """12.0 of a column in which some are missing is 12."""
    return (str(int(name)) if isinstance(name, float) and name.is_integer() else str(name))[:LONGEST]


def _name_in(cell: Any) -> str:
    """Nothing for what is none, which whoever gets it counts."""
    try:
        return "" if isinstance(cell, list | tuple | dict | set) or _is_missing(cell) else _name(cell)
    except (TypeError, ValueError):  # an array, or a number of more digits than Python writes
        return ""


def _row(row: Any) -> int:
    """-1, which no call has, for what is no number of a row."""
    try:
        return int(row) if row == int(row) >= 0 else -1
    except (TypeError, ValueError, OverflowError):
        return -1


def _seconds(when: Any) -> float:
    if isinstance(when, dt.datetime):
        if when.tzinfo is None:
            raise ValueError(f"time must have a time zone, got {when.isoformat()}")
        return when.timestamp()
    if isinstance(when, bool) or not hasattr(when, "__float__"):
        raise TypeError(f"time must be seconds since the epoch or a datetime, got {type(when).__name__}")
    try:
        seconds = float(when)
    except OverflowError:
        seconds = math.inf
    if not math.isfinite(seconds):
        raise ValueError("time must be finite")
    return seconds


def _is_missing(value: Any) -> bool:
    """None, NaN, NaT and the like do not equal themselves."""
    if value is None or type(value).__name__ == "NAType":
        return True
    return not isinstance(value, str) and bool(value != value)
