"""How a cycle is cut: hours of a UTC day, or eighths of a thousand rows; and which stretches of it are looked at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.reference.order import CYCLE_ROWS, DAY, LATEST

HOURS, EIGHTHS = 24, 8
LEAST_ROWS = 10  # of a slot or a look that says anything
OFTEN = 0.4  # of the cycles in which a slot of its own must hold so many
PATIENCE = 512  # rows
SO_FAR = (9 / 24, 13 / 24, 17 / 24)  # of a cycle, when it is looked at from its beginning


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Slots `start` to `end` of a cycle, the latter not included."""

    start: int
    end: int


def pieces_of(timed: bool) -> int:
    return HOURS if timed else EIGHTHS


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Of a row: where in which cycle."""

    cycle: int = 0
    piece: int = 0
    rows: int = 0  # of its cycle so far; only where cycles are counted in rows
    behind: int = 0  # rows in a row, up to this one, that say that they are of long ago


def places(times: Floats, last: Place, *, timed: bool) -> tuple[Ints, Ints, int]:
    """-> (n,) cycle and (n,) piece of each row, and `behind` of the last; `last` is of the row before them.

    A time that goes back stays where the one before it was.  After 512 rows in a row from before yesterday it was the later
    time that was wrong, and their own one counts.
    """
    if not timed:
        at = last.rows + np.arange(len(times))
        return last.cycle + at // CYCLE_ROWS, at % CYCLE_ROWS * EIGHTHS // CYCLE_ROWS, 0
    known = np.where(np.isnan(times), 0.0, np.clip(times, 0.0, LATEST))
    said = np.floor(known / (DAY / HOURS)).astype(np.int64)
    hour = np.empty_like(said)
    now, behind, start = last.cycle * HOURS + last.piece, last.behind, 0
    while start < len(said):
        hour[start:] = np.maximum.accumulate(np.maximum(said[start:], now))
        long_ago = said[start:] // HOURS < hour[start:] // HOURS - 1
        at = np.arange(len(long_ago))
        since = np.maximum.accumulate(np.where(long_ago, -1, at))  # the last row that was not
        many = np.where(long_ago, np.where(since < 0, behind + at + 1, at - since), 0)
        lost = np.flatnonzero(many >= PATIENCE)
        if not len(lost):
            return hour // HOURS, hour % HOURS, int(many[-1])
        start += int(lost[0])
        now, behind = int(said[start]), 0
    return hour // HOURS, hour % HOURS, behind


def layout(rows: Floats) -> Ints:
    """(T, pieces) rows of the reference's cycles -> (s + 1,) bounds of its slots: pieces that hold enough often enough, or
    are joined with those after them until they do."""
    bounds, start = [0], 0
    for end in range(1, rows.shape[1] + 1):
        enough = (rows[:, start:end].sum(axis=1) >= LEAST_ROWS).mean() >= OFTEN
        if enough:
            bounds.append(end)
            start = end
    if len(bounds) == 1:
        bounds.append(int(rows.shape[1]))
    bounds[-1] = int(rows.shape[1])
    return np.array(bounds, np.int64)


def looks_of(bounds: Ints) -> tuple[Look, ...]:
    """By their end: each slot, the cycle so far at three moments, and the whole of it, which is the last."""
    slots = len(bounds) - 1
    ends = {int(np.abs(bounds / bounds[-1] - share).argmin()) for share in SO_FAR}
    so_far = [Look(start=0, end=end) for end in sorted(ends) if 1 < end < slots]
    single = [Look(start=s, end=s + 1) for s in range(slots)] if slots > 1 else []
    return tuple(sorted([*single, *so_far, Look(start=0, end=slots)], key=lambda look: (look.end, look.end - look.start)))
