"""Truths as arrays, and those that were told before their answer was seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.observation import Model, Truths
from otel_mlsec.pipeline.answers import row_keys
from otel_mlsec.pipeline.codes import codes
from otel_mlsec.pipeline.ledger import Keys, Ledger, Records

MAX_SOURCES = 1024  # names of them; of more, the later are "other"
SOURCE = 256  # characters of a name
LAST_ROW = 1 << 53
HELD, TAKEN = range(2)
RECORD = np.dtype([("key", "<u8"), ("code", "<f8"), ("time", "<f8"), ("since", "<f8"), ("source", "<u2"), ("state", "u1")])
Bools = npt.NDArray[np.bool_]
Count = Callable[[Model, str, int], None]


@dataclass(frozen=True, slots=True)
class Told:
    """Labels, one a position."""

    key: Keys
    call: Keys  # digest of the id
    row: Ints
    code: Floats
    time: Floats  # s since the epoch
    source: Ints
    like_a_trace: Bools  # the id has the form of a trace's
    unreadable: Bools  # there is no id, or no such row in any call

    def __len__(self) -> int:
        return len(self.key)

    def at(self, positions: Ints) -> Told:
        return Told(*(getattr(self, f.name)[positions] for f in fields(self)))


class Sources:
    """Names of who tells truths, as numbers."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {"other": 0}

    def number(self, name: str) -> int:
        name = name[:SOURCE]
        if name not in self._numbers and len(self._numbers) < MAX_SOURCES:
            self._numbers[name] = len(self._numbers)
        return self._numbers.get(name, 0)

    def name(self, number: int) -> str:
        return list(self._numbers)[number]


def digests(names: Sequence[str], digest: Callable[[str], int]) -> Keys:
    """Each distinct one is hashed once."""
    known = {name: digest(name) for name in set(names)}
    return np.array([known[name] for name in names], np.uint64)


def told_of(truths: Sequence[Truths], digest: Callable[[str], int], sources: Sources) -> Told:
    names = [name for each in truths for name in each.ids]
    rows = np.array([row for each in truths for row in each.rows], np.float64)
    unreadable = np.array([not name for name in names], bool) | ~((rows >= 0) & (rows < LAST_ROW))
    of = digests(names, digest)
    row = np.where(unreadable, 0, rows).astype(np.int64)
    return Told(
        key=row_keys(of, row),
        call=of,
        row=row,
        code=codes(label for each in truths for label in each.labels),
        time=np.array([time for each in truths for time in each.times], np.float64),
        source=np.array([sources.number(name) for each in truths for name in each.sources], np.int64),
        like_a_trace=np.array([len(name) == 32 for name in names], bool),
        unreadable=unreadable,
    )


class Early:
    """State: one ledger, which its owner bounds, and 1,024 names of sources."""

    def __init__(self, segment: int = 0) -> None:
        self._ledger = Ledger(RECORD, segment=segment)
        self.sources = Sources()

    @property
    def n_bytes(self) -> int:
        return self._ledger.n_bytes

    def hold(self, labels: Told, now: float, count: Count) -> None:
        """Until their answer comes; what is held already is a repetition."""
        numbers = self._ledger.find(labels.key)
        there = np.flatnonzero(numbers >= 0)
        same = self._ledger.get(numbers[there])["code"] == labels.code[there]
        count(_NOBODY, "duplicate", int(same.sum()))
        count(_NOBODY, "contradictory", int((~same).sum()))
        new = labels.at(np.flatnonzero(numbers < 0))
        held = np.zeros(len(new), RECORD)
        held["key"], held["code"], held["time"], held["source"] = new.key, new.code, new.time, new.source
        held["since"] = now
        self._ledger.append(held, now)
        count(_NOBODY, "early", len(new))

    def take(self, answers: Records, since: float) -> tuple[Told, Ints]:
        """Labels for answers that have come now, and the positions of the answers."""
        at: Ints = np.empty(0, np.int64)
        numbers: Ints = at
        if len(self._ledger):
            by_id, by_trace = self._ledger.find(answers["key"]), self._ledger.find(answers["also"])
            found = np.where(by_id >= 0, by_id, by_trace)
            at = np.flatnonzero(found >= 0)
            numbers = found[at]
            records = self._ledger.get(numbers)
            meant = (records["state"] == HELD) & (records["since"] >= since)
            at, numbers = at[meant], numbers[meant]
            _, last = np.unique(numbers[::-1], return_index=True)  # a trace's is of its last call
            chosen = np.sort(len(numbers) - 1 - last)
            at, numbers = at[chosen], numbers[chosen]
            self._ledger.put(numbers, "state", TAKEN)
        records = self._ledger.get(numbers)
        zeros = np.zeros(len(at), np.int64)
        none = np.zeros(len(at), bool)
        told = Told(answers["key"][at], answers["key"][at], zeros, records["code"], records["time"],
                    records["source"].astype(np.int64), none, none)  # fmt: skip
        return told, at

    def bound(self, since: float, limit: int, unknown: Callable[[int], None]) -> None:
        """Forget labels older than `since`, and of more than fits in `limit` bytes the oldest: their ids are unknown."""
        while self._ledger.latest < since or self._ledger.n_bytes > limit:
            unknown(int((self._ledger.forget()["state"] == HELD).sum()))


_NOBODY = Model(name="")
