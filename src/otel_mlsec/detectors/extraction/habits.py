"""How much principals ask in an hour and in a day, and how much they are used to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from otel_mlsec.arrays import Floats, Ints, Masks
from otel_mlsec.detector import State
from otel_mlsec.sketches.jumps import Jumps
from otel_mlsec.sketches.principals import Principals

SPANS = np.array([3600.0, 86400.0])  # s
FAR = 1e12  # s from the epoch; what is said to be further away is not
LATE = 2  # windows by which a row may come too late, or the clock jump back, and count for the current one
LEAST = 50.0  # rows in a window that can be a finding
RATIO = 8.0  # of a window's rows to the most in any before
HALF_LIFE = 30 * 86400.0  # s in which what a principal is used to becomes half as much
AGES = (1, 3, 10)  # windows with rows so far, at which a principal's next is compared with others' of his age
PEERS = 20  # others that there must be to compare with
PEERS_EVERY = 2048  # rows after which they are looked at again, if need be
LEAST_MAD = 0.3  # of logarithms: others are never as like each other as a few of them may look
COLUMNS = {
    "window": ("i4", 2),  # current
    "count": ("f4", 2),  # rows in it
    "before": (
        "f4",
        2,
    ),  # rows in the one that came right before it, 0 where that is nobody's neighbour: of one rush it is a part
    "peak": ("f4", 2),  # most rows in those before that, as far as it is not forgotten
    "past": ("u2", 2),  # windows with rows
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rush:
    """A principal who asks much more than he is used to, in one window."""

    slot: int
    span: int  # index of SPANS
    row: int  # place among the rows that were counted
    rows: float  # in the window so far
    most: float  # rows in any window before the last; 0: there was none
    past: int  # windows with rows before


@dataclass(frozen=True, slots=True, kw_only=True)
class Peers:
    """Of all others' busiest windows, the current ones included."""

    number: int
    median: float  # rows
    mad: float  # of natural logarithms, at least `LEAST_MAD`
    surge: float  # median over those who ask now of their window's rows by the most before; at least 1


NOBODY = Peers(number=0, median=0.0, mad=LEAST_MAD, surge=1.0)


class Habits:
    """State: of each principal, rows in the current hour and day, and the most in any before; of all, how far these jump."""

    def __init__(self) -> None:
        self.table = Principals(COLUMNS)
        self.jumps = Jumps(len(SPANS) * (len(AGES) + 1))
        self._day = 0  # until which evidence has aged
        self._counted = 0  # rows
        self._windows = np.zeros(len(SPANS))  # that began
        self._peers = [(NOBODY, -PEERS_EVERY)] * len(SPANS)  # and at which row that was seen

    def count(self, names: Sequence[str], at: Ints, times: Floats, weights: Floats) -> list[Rush]:
        """Take in rows: (n,) places in the names, (n,) times in s since the epoch, (n,) rows that each stands for."""
        slots = self.table.slots_of(names)[at]
        order = np.argsort(slots, kind="stable")
        slots, weights = slots[order], weights[order]
        times = np.clip(np.nan_to_num(times[order]), -FAR, FAR)
        self._counted += len(slots)
        found: list[Rush] = []
        for span in range(len(SPANS)):
            windows = np.floor(times / SPANS[span]).astype(np.int64)
            found += self._counted_by(span, slots, windows, weights, order)
        each = slots[np.append(slots[1:] != slots[:-1], np.ones(min(len(slots), 1), np.bool_))]
        self._kept(each, int(self.table["window"][each, -1].max(initial=self._day)))
        return found

    def rarity(self, rush: Rush, peers: Peers) -> float:
        """Natural logarithm of the rows in which a principal asks so much once, by the smaller of two surprises.

        By all principals' jumps, and by his own past: of a rate of which one window with the most rows is all that is known, the
        predictive is negative binomial (Jeffreys' prior; Chernoff's bound).
        """
        used = rush.most * peers.surge
        jump = np.log(rush.rows / max(used, 1.0))
        common = self.jumps.surprise(int(_group(rush.span, np.array([rush.past]))[0]), float(jump))
        rows_per_window = float(np.log(max(self._counted / max(float(self._windows[rush.span]), 1.0), 1.0)))
        if not rush.past:
            return common + rows_per_window
        c, r = rush.rows, used + 0.5
        return min(common, float(c * np.log(2 * c / (r + c)) + r * np.log(2 * r / (r + c)))) + rows_per_window

    def peers(self, rush: Rush) -> Peers:
        """The others, as they were at most `PEERS_EVERY` rows ago."""
        known, at = self._peers[rush.span]
        if self._counted - at >= PEERS_EVERY:
            known = self._looked(rush)
            self._peers[rush.span] = known, self._counted
        return known

    def _looked(self, rush: Rush) -> Peers:
        count, peak = self.table["count"][:, rush.span], self.table["peak"][:, rush.span].astype(np.float64)
        levels = np.maximum(np.maximum(count, peak), self.table["before"][:, rush.span])
        levels[rush.slot] = 0.0
        there = levels > 0
        if int(there.sum()) < PEERS:
            return NOBODY
        logs = np.log(levels[there])
        median = float(np.median(logs))
        mad = max(float(np.median(np.abs(logs - median))), LEAST_MAD)
        now = (
            there & (count > 0) & (peak > 0) & (self.table["window"][:, rush.span] == self.table["window"][rush.slot, rush.span])
        )
        surge = max(1.0, float(np.median(count[now] / peak[now]))) if int(now.sum()) >= PEERS else 1.0
        return Peers(number=int(there.sum()), median=float(np.exp(median)), mad=mad, surge=surge)

    def _kept(self, each: Ints, day: int) -> None:
        """Whoever asks much keeps his place, so that nobody can have a busy principal's past forgotten; while he asks."""
        table = self.table
        gone = day - self._day
        if gone > 0:
            table.evidence *= 0.5 ** (SPANS[-1] / HALF_LIFE * min(gone, 365))
        if gone > 0 or gone < -LATE:
            self._day = day
        busiest = np.maximum(table["count"][each], np.maximum(table["peak"][each], table["before"][each]))
        table.evidence[each] = np.log1p(busiest.max(axis=1))

    def _counted_by(self, span: int, slots: Ints, windows: Ints, weights: Floats, order: Ints) -> list[Rush]:
        """Rows in runs of one principal and window; the first runs of all principals together, then the second, …"""
        if not len(slots):
            return []
        starts = np.flatnonzero(np.append(True, (slots[1:] != slots[:-1]) | (windows[1:] != windows[:-1])))
        rows: Floats = np.add.reduceat(weights, starts)
        slot, window = slots[starts], windows[starts]
        last = order[np.append(starts[1:], len(slots)) - 1]
        rank = np.arange(len(starts)) - np.searchsorted(slot, slot)
        found: list[Rush] = []
        for turn in range(int(rank.max()) + 1):
            now = rank == turn
            found += self._run(span, slot[now], window[now], rows[now], last[now])
        return found

    def _run(self, span: int, slots: Ints, windows: Ints, rows: Floats, last: Ints) -> list[Rush]:
        """(n,) different slots."""
        table = self.table
        current, count = table["window"][:, span], table["count"][:, span]
        ahead = windows - current[slots]
        moved = (ahead > 0) | (ahead < -LATE) | (count[slots] == 0)
        if moved.any():
            self._closed(span, slots[moved], np.abs(ahead[moved]))
            current[slots[moved]] = windows[moved]
            count[slots[moved]] = 0
            self._windows[span] += int(moved.sum())
        count[slots] += rows
        used = self._used(span, slots)
        many = count[slots] >= np.maximum(LEAST, RATIO * used)
        if not many.any():
            return []
        parts = slots[many], last[many], count[slots[many]], used[many], table["past"][slots[many], span]
        return [
            Rush(slot=slot, span=span, row=row, rows=rows, most=most, past=past)
            for slot, row, rows, most, past in zip(*(part.tolist() for part in parts), strict=True)
        ]

    def _used(self, span: int, slots: Ints) -> Floats:
        """(n,) most rows that a principal is used to; of whom only the window before is known, that."""
        peak: Floats = self.table["peak"][slots, span].astype(np.float64)
        return np.where(peak > 0, peak, self.table["before"][slots, span].astype(np.float64))

    def _closed(self, span: int, slots: Ints, gone: Ints) -> None:
        """(n,) slots whose windows are over, (n,) windows since then."""
        count, before, peak, past = (self.table[name][:, span] for name in ("count", "before", "peak", "past"))
        ended: Masks = count[slots] > 0
        slots, gone = slots[ended], gone[ended]
        if not len(slots):
            return
        self.jumps.add(_group(span, past[slots]), np.log(count[slots] / np.maximum(self._used(span, slots), 1.0)))
        adjacent = gone <= 1
        most = np.maximum(np.maximum(peak[slots], before[slots]), np.where(adjacent, 0.0, count[slots]))
        peak[slots] = most * 0.5 ** np.minimum(SPANS[span] / HALF_LIFE * gone, 1.0)  # a clock that jumps far says little
        before[slots] = np.where(adjacent, count[slots], 0.0)
        past[slots] = np.minimum(past[slots].astype(np.int64) + 1, 65535)

    def snapshot(self) -> State:
        parts = {"table": self.table, "jumps": self.jumps}
        arrays: State = {f"{name}.{key}": array for name, part in parts.items() for key, array in part.snapshot().items()}
        peers = [(known.number, known.median, known.mad, known.surge, at) for known, at in self._peers]
        return arrays | {
            "counted": np.array([self._day, self._counted]),
            "windows": self._windows.copy(),
            "peers": np.array(peers, np.float64),
        }

    def restore(self, state: State) -> None:
        for name, part in (("table", self.table), ("jumps", self.jumps)):
            part.restore({key.partition(".")[2]: array for key, array in state.items() if key.startswith(f"{name}.")})
        self._day, self._counted = state["counted"].tolist()
        self._windows = state["windows"].astype(np.float64)
        self._peers = [
            (Peers(number=int(number), median=median, mad=mad, surge=surge), int(at))
            for number, median, mad, surge, at in state["peers"].tolist()
        ]


def _group(span: int, past: Ints) -> Ints:
    """(n,) windows so far -> (n,) groups of jumps."""
    return span * (len(AGES) + 1) + np.searchsorted(AGES, past, side="right")
