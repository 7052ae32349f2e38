"""What a model's principals have asked so far: the evidence that three detectors tell of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from otel_mlsec.arrays import Floats, Ints, Masks
from otel_mlsec.detector import State
from otel_mlsec.detectors.extraction.evidence import MOST, N_STATISTICS, Votes, log_e, runs, shiryaev_roberts
from otel_mlsec.detectors.extraction.exposure import Exposure
from otel_mlsec.detectors.extraction.pool import MEMBER, Pool, membership
from otel_mlsec.detectors.rows import Rows
from otel_mlsec.detectors.who import names_of, shown
from otel_mlsec.observation import Batch
from otel_mlsec.reference.geometry import Float32s, Geometry
from otel_mlsec.reference.labels import UNKNOWN
from otel_mlsec.sketches.edits import PARTS, Edits
from otel_mlsec.sketches.principals import Principals

LOOK = "accounts"  # in `Batch.derived`: a `Look`, made by extraction/account
AXES = 8  # directions in which the spread of a principal's rows is measured
RARE = 0.05  # p-value below which a row counts for an indicator
LEAST = 3  # accounts that can share the work
GROUPINGS = 4  # ways to put accounts together, with one budget: those that came together, and three kinds of source
VOTES_AT, VOTES_EVERY = 8, 4  # rows of a principal at which he votes first, and then again
MAIN = 500  # rows of one who asks more than all others together, from which it is he who says what is ordinary
WALK = 1.4  # square of two steps by that of one, above which rows are a path …
SHORT = 0.25  # … if a step is shorter than that, in the square between two rows of the reference
ESTABLISHED = 8  # rows from which a principal is one of those who tell whether the world has changed
STRANGE = 0.01  # p-value
LATEST = 48  # established principals whose rows tell …
EVERYBODY = 0.4  # … that the world has changed, if so many of them are strange
NEAR = -0.05  # log e-value of a row that is near another, or an edit of one: it says nothing new
BASES = 4
SEED = 55103
COLUMNS = {
    "m": ("f4", N_STATISTICS),  # log of Shiryaev and Roberts' M
    "product": ("f4", N_STATISTICS),  # log of the product of all e-values
    "counted": "f4",  # log e-value with which the pool counts it
    "bases": ("u2", (BASES, PARTS)),  # signs of the latest rows that were no edits of others
    "rows": "i4",
    "fresh": "i4",  # of them like none before
    "asked": "i4",  # rows, with those that anybody had asked before
    "rare": ("i4", N_STATISTICS),
    "sum": ("f4", AXES),
    "square": ("f4", AXES),
    "latest": ("f2", (2, AXES)),  # the last two rows
    "steps": ("f4", 2),  # sums of squares: from the row before, and from the one before that
    "label": "i4",  # latest
    "flips": "i4",
    "first": "f8",
    "last": "f8",
    "stretch": "i4",
    "who": "S24",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """New accounts that share the work."""

    slots: Ints  # (n,) the most suspicious first
    score: float  # log evidence
    stretch: int
    share: float  # of the new accounts of the stretch


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Of the rows of a batch that are no repeats, a principal's rows together."""

    accounts: Accounts
    rows: Ints  # (n,) in the batch
    slots: Ints  # (n,)
    score: Floats  # (n,) log evidence after the row
    log_e: Floats  # (n, 3)
    together: Together | None
    everybody: bool  # so many established principals ask strange rows that the world has changed


class Accounts:
    """State: `Principals` with `COLUMNS`, votes, the pool of new accounts, and the exposure of the most active."""

    def __init__(self, geometry: Geometry) -> None:
        self._geometry = geometry
        self.table = Principals(COLUMNS)
        self.votes = Votes()
        self._asked = np.zeros(1)  # rows
        self._strange = np.zeros(1)  # share of the latest established principals whose rows are strange
        self.pool = Pool()
        self.exposure = Exposure(geometry.core_labels)
        self._edits = Edits(len(geometry.names), seed=SEED)
        axes = np.random.default_rng(SEED).normal(size=(geometry.n_dimensions, AXES)).astype(np.float32)
        seen = geometry.core32 @ axes
        self._axes, self._middle, self._sd = axes, seen.mean(axis=0), np.maximum(seen.std(axis=0), 1e-6)

    def look(self, batch: Batch, rows: Rows, fresh: Masks, probe: Masks, threshold: float) -> Look:
        """Take in the rows of a batch: (n,) those like none before, and (n,) those near another."""
        slots = self._slots(batch, batch.calls)
        order, groups, _ = runs(slots)
        self._expose(rows, order, slots[order])
        edits = np.zeros(len(order), np.bool_)
        edits[order] = self._edited(rows, order, slots[order], groups)
        mine = order[(fresh | probe)[order]]
        slots = slots[mine]
        _, groups, last = runs(slots)
        p = np.stack([rows.p_novelty[mine], rows.p_margin[mine], rows.p_class[mine]], axis=1)
        known = (probe | edits)[mine] | self._geometry.faulty(rows.cells[mine], rows.e[mine])
        self._felt(slots[last], np.where(known, 1.0, p.min(axis=1)), groups)
        p[known] = 1.0
        steps = log_e(self.votes.corrected(p))
        steps[known] = NEAR
        table = self.table
        after = shiryaev_roberts(table["m"][slots].astype(np.float64), steps, groups)
        score = np.logaddexp.reduce(after, axis=1) - np.log(N_STATISTICS)
        each = slots[last]  # every principal once
        counting = np.where(self._first(slots, ~known)[:, None], 0.0, steps)
        table["m"][each] = after[last]
        table.evidence[each] = np.maximum(score[last], 0.0)
        self._described(batch, rows, mine, slots, p)
        self._pooled(slots, each, counting)
        self._vote(each, p[last], np.bincount(groups, minlength=len(each)), score[last] < threshold / 2)
        together = self._together(threshold + np.log(GROUPINGS))
        return Look(
            accounts=self,
            rows=mine,
            slots=slots,
            score=score,
            log_e=steps,
            together=together,
            everybody=bool(self._strange[0] > EVERYBODY),
        )

    def spread(self, slots: Ints) -> Floats:
        """(n,) slots -> (n,) variance of a principal's rows, in that of the reference's; 1 where there are too few."""
        n = np.maximum(self.table["rows"][slots].astype(np.float64), 2.0)[:, None]
        mean = self.table["sum"][slots].astype(np.float64) / n
        variance = np.maximum(self.table["square"][slots].astype(np.float64) / n - mean * mean, 0.0) * n / (n - 1)
        return np.where(n[:, 0] < 3, 1.0, variance.mean(axis=1))

    def walking(self, slots: Ints) -> Masks:
        """(n,) slots -> (n,) is it a path, as of a sensor, and neither scattered rows nor probes around a place?

        In two steps a random walk gets twice as far as in one, in squares, a drift four times, and probes no further.
        """
        n = np.maximum(self.table["rows"][slots].astype(np.float64), 4.0)
        one, two = self.table["steps"][slots, 0] / (n - 1), self.table["steps"][slots, 1] / (n - 2)
        return (self.table["rows"][slots] >= 4) & (two > WALK * one) & (one < SHORT * 2 * AXES)

    def main(self, slots: Ints) -> Masks:
        """(n,) slots -> (n,) does this principal ask more than all others together, and has done so for long?"""
        asked = self.table["asked"][slots]
        return (asked >= MAIN) & (2 * asked > self._asked[0])

    def changes(self, slots: Ints) -> Masks:
        """(n,) slots -> (n,) has the label changed between a principal's rows, as far as labels are known?"""
        return (self.table["flips"][slots] > 0) | (self.table["label"][slots] == UNKNOWN)

    def log_product(self, slots: Ints) -> Floats:
        """(n,) slots -> (n,) log e-value of an account as a whole."""
        return np.logaddexp.reduce(self.table["product"][slots].astype(np.float64), axis=1) - np.log(N_STATISTICS)

    def _together(self, threshold: float) -> Together | None:
        score, stretch, share = self.pool.evidence()
        if score < threshold:
            return None
        slots = np.flatnonzero(self.table["stretch"] == stretch)
        values = self.table["counted"][slots].astype(np.float64)
        sure = slots[np.argsort(-values)][: int((membership(values, share) >= MEMBER).sum())]
        return Together(slots=sure, score=score, stretch=stretch, share=len(sure) / len(slots)) if len(sure) >= LEAST else None

    def _slots(self, batch: Batch, calls: Ints) -> Ints:
        distinct, at = np.unique(calls, return_inverse=True)
        numbers: list[int] = distinct.tolist()
        names = names_of(batch, numbers)
        if self.table.flooded and batch.sources:  # more names than can be told apart: new ones are their network
            known = self.table.known(names)
            sources = [batch.sources[call] for call in numbers]
            names = [
                name if old or not of else shown(of[0]) for name, old, of in zip(names, known.tolist(), sources, strict=True)
            ]
        slots = self.table.slots_of(names)
        new = np.unique(slots[self.table["asked"][slots] == 0])
        self.table["who"][slots] = np.array(names, "S24") if names else b""
        named = new[self.table["who"][new] != b""]  # nobody is no account
        self.table["stretch"][named] = self.pool.stretches(len(named))
        self.table["first"][new] = np.inf
        self.table["label"][new] = UNKNOWN
        return slots[at]

    def _edited(self, rows: Rows, mine: Ints, slots: Ints, groups: Ints) -> Masks:
        signs = self._edits.signs(rows.cells[mine])
        bases = self.table["bases"]
        edits = self._edits.edited(signs, groups, bases[slots])
        for back in reversed(range(BASES)):  # so that the latest comes last, and stands first
            kept = np.flatnonzero(~edits)
            wanted = kept[back_of(slots[kept], back)]
            bases[slots[wanted]] = np.concatenate([signs[wanted][:, None], bases[slots[wanted]][:, :-1]], axis=1)
        return edits

    def _first(self, slots: Ints, fresh: Masks) -> Masks:
        """(n,) is it the first of a principal's rows that is like none before?  Of a sensor in a strange place it is all."""
        count = np.cumsum(fresh)
        start = np.searchsorted(slots, slots)
        so_far = count - np.where(start > 0, count[start - 1], 0) + self.table["fresh"][slots]
        np.add.at(self.table["fresh"], slots, fresh.astype(np.int32))
        return fresh & (so_far == 1)

    def _pooled(self, slots: Ints, each: Ints, steps: Floats) -> None:
        """Called when rows and steps are known; sensors do not count."""
        table = self.table
        np.add.at(table["product"], slots, steps)
        table["product"][each] = np.clip(table["product"][each], -700.0, MOST)
        before, after = table["counted"][each].astype(np.float64), np.where(self.walking(each), 0.0, self.log_product(each))
        table["counted"][each] = after
        self.pool.add(table["stretch"][each].astype(np.int64), before, after)

    def _described(self, batch: Batch, rows: Rows, mine: Ints, slots: Ints, p: Floats) -> None:
        table = self.table
        y = (rows.e[mine] @ self._axes - self._middle) / self._sd
        self._stepped(slots, y)
        np.add.at(table["rows"], slots, 1)
        np.add.at(table["rare"], slots, (p <= RARE).astype(np.int32))
        np.add.at(table["sum"], slots, y)
        np.add.at(table["square"], slots, y * y)
        np.minimum.at(table["first"], slots, batch.times[mine])
        np.maximum.at(table["last"], slots, batch.times[mine])
        label = rows.label[mine]
        before = np.where(np.diff(slots, prepend=-1) == 0, np.roll(label, 1), table["label"][slots])
        np.add.at(table["flips"], slots, ((label != before) & (label != UNKNOWN) & (before != UNKNOWN)).astype(np.int32))
        table["label"][slots] = label

    def _stepped(self, slots: Ints, y: Float32s) -> None:
        """Called before the rows are counted."""
        table, at = self.table, np.arange(len(slots))
        rank = at - np.searchsorted(slots, slots)  # of a principal's rows in the batch
        latest, asked = table["latest"][slots].astype(np.float32), table["rows"][slots] + rank
        one = np.where((rank >= 1)[:, None], y[np.maximum(at - 1, 0)], latest[:, 0])
        two = np.where((rank >= 2)[:, None], y[np.maximum(at - 2, 0)], np.where((rank == 1)[:, None], latest[:, 0], latest[:, 1]))
        squares = np.stack([((y - one) ** 2).sum(axis=1) * (asked >= 1), ((y - two) ** 2).sum(axis=1) * (asked >= 2)], axis=1)
        np.add.at(table["steps"], slots, squares)
        last = np.append(slots[1:] != slots[:-1], np.ones(min(len(slots), 1), np.bool_))
        table["latest"][slots[last]] = np.stack([y[last], one[last]], axis=1)

    def _felt(self, each: Ints, p: Floats, groups: Ints) -> None:
        """Called before the rows are counted; p is 1 of rows that say nothing."""
        if not len(each):
            return
        least = p[np.diff(groups, append=groups[-1] + 1) > 0]  # of one row each: of many, one is rare by chance
        told = (least < 1.0) & (self.table["rows"][each] >= ESTABLISHED) & ~self.walking(each)
        if told.any():
            self._strange += min(1.0, int(told.sum()) / LATEST) * (float((least[told] <= STRANGE).mean()) - self._strange)

    def _vote(self, each: Ints, p: Floats, counts: Ints, ordinary: Masks) -> None:
        """Called after the rows were counted."""
        now = self.table["rows"][each]
        due = (now >= VOTES_AT) & (now // VOTES_EVERY > (now - counts) // VOTES_EVERY) & ordinary
        self.votes.cast(p[due])

    def _expose(self, rows: Rows, mine: Ints, slots: Ints) -> None:
        tracked = np.isin(slots, self.exposure.slots)
        asked = self.table["asked"]
        np.add.at(asked, slots, 1)
        self._asked += len(slots)
        active = asked[slots] >= 2 * max(int(self.exposure.rows.min()), 16)
        for slot in np.unique(slots[tracked | active]).tolist():
            his = mine[slots == slot]
            self.exposure.add(slot, int(asked[slot]), rows.squares[his], rows.label[his])

    def name(self, slot: int) -> str:
        return bytes(self.table["who"][slot]).decode("ascii", "replace")

    def snapshot(self) -> State:
        parts = {"table": self.table, "votes": self.votes, "pool": self.pool, "exposure": self.exposure}
        kept = {f"{name}.{key}": array for name, part in parts.items() for key, array in part.snapshot().items()}
        return kept | {"strange": self._strange.copy(), "asked": self._asked.copy()}

    def restore(self, state: State) -> None:
        self._strange, self._asked = state["strange"].astype(np.float64), state["asked"].astype(np.float64)
        for name, part in (("table", self.table), ("votes", self.votes), ("pool", self.pool), ("exposure", self.exposure)):
            part.restore({key.partition(".")[2]: array for key, array in state.items() if key.startswith(f"{name}.")})


def back_of(slots: Ints, back: int) -> Ints:
    """(n,) slots, those of a principal together -> places of each one's last row, or of the one `back` before it."""
    ends = np.flatnonzero(np.append(slots[1:] != slots[:-1], np.ones(min(len(slots), 1), np.bool_)))
    at = ends - back
    return at[(at >= 0) & (slots[np.maximum(at, 0)] == slots[ends])]


def principal_of(batch: Batch, row: int) -> str:
    [name] = names_of(batch, [int(batch.calls[row])])
    return name


def first_rows(look: Look, wanted: Masks) -> Sequence[tuple[int, int]]:
    """(slot, place in the look) of the first wanted row of every principal, in the order of the batch."""
    at = np.flatnonzero(wanted)
    _, first = np.unique(look.slots[at], return_index=True)
    places = at[first]
    return [(int(look.slots[i]), int(i)) for i in places[np.argsort(look.rows[places])]]
