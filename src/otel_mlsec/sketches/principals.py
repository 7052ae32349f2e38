"""What is known of many principals, in a table that does not grow and that nobody can flush himself out of."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from otel_mlsec.arrays import Ints

WAYS = 16  # places that a principal may take
SETS = 8192
FLOOD = 0.5  # share of the latest look-ups that had to push somebody out
MEMORY = 1 / 4096  # of a look-up in that share
SHORT = 64  # characters of a name whose key is remembered: what is remembered is bounded

Column = npt.NDArray[Any]


def key_of(name: str) -> int:
    """64 bits, never 0; the same in every process."""
    return _remembered(name) if len(name) <= SHORT else _hash(name)


def _hash(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little") | 1


_remembered = lru_cache(maxsize=1 << 15)(_hash)


class Principals:
    """State: `SETS * WAYS` rows of the columns that the owner asked for, by a 64-bit hash of the name.

    A new principal takes a free place of his set; else that of whoever has the least `evidence`, and of those the one that was
    silent for the longest.  So new names push out the innocent only, whom it costs nothing.  Memory that was never
    used is not touched.
    """

    def __init__(self, columns: Mapping[str, Any], *, sets: int = SETS) -> None:
        n = sets * WAYS
        self._sets = sets
        self._columns: dict[str, Column] = {name: np.zeros(n, dtype) for name, dtype in columns.items()}
        self._keys = np.zeros(n, np.uint64)
        self._touched = np.zeros(n, np.int64)  # look-up at which it was seen last
        self.evidence = np.zeros(n, np.float32)  # kept up by the owner; >= 0
        self._lookups = 0
        self.evicted = 0
        self._pressed = 0.0  # share of the latest look-ups that pushed somebody out

    def __getitem__(self, column: str) -> Column:
        return self._columns[column]

    def __len__(self) -> int:
        return int(np.count_nonzero(self._keys))

    @property
    def flooded(self) -> bool:
        """Do more principals come than can be told apart?"""
        return self._pressed > FLOOD

    def known(self, names: Sequence[str]) -> npt.NDArray[np.bool_]:
        """(n,) has this principal a place?  Nothing is changed."""
        keys = np.fromiter(map(key_of, names), np.uint64, len(names))
        return (self._keys[self._places(keys)] == keys[:, None]).any(axis=1)

    def slots_of(self, names: Sequence[str]) -> Ints:
        """(n,) rows of the columns; whoever is new has zeros in them."""
        distinct, at = np.unique(np.fromiter(map(key_of, names), np.uint64, len(names)), return_inverse=True)
        places = self._places(distinct)
        hit = self._keys[places] == distinct[:, None]
        slots = places[np.arange(len(distinct)), hit.argmax(axis=1)]
        self._lookups += 1
        self._touched[slots[hit.any(axis=1)]] = self._lookups
        pushed = self.evicted
        new = np.flatnonzero(~hit.any(axis=1))
        while len(new):  # one a set at a time
            _, first = np.unique(places[new, 0], return_index=True)
            slots[new[first]] = self._enter(distinct[new[first]], places[new[first]])
            new = np.delete(new, first)
        if len(distinct):
            weight = min(1.0, len(distinct) * MEMORY)
            self._pressed += weight * ((self.evicted - pushed) / len(distinct) - self._pressed)
        return slots[at]

    def _places(self, keys: npt.NDArray[np.uint64]) -> Ints:
        return ((keys >> np.uint64(1)) % np.uint64(self._sets)).astype(np.int64)[:, None] * WAYS + np.arange(WAYS)

    def _enter(self, keys: npt.NDArray[np.uint64], places: Ints) -> Ints:
        """(n,) new keys of n sets and their (n, WAYS) places -> (n,) the place that each has taken."""
        taken = self._keys[places] != 0
        best = np.lexsort((self._touched[places], self.evidence[places], taken), axis=-1)[:, 0]
        slots = places[np.arange(len(keys)), best]
        self.evicted += int(taken.all(axis=1).sum())
        for column in self._columns.values():
            column[slots] = column.dtype.type()  # nought, or no text
        self._keys[slots], self._touched[slots], self.evidence[slots] = keys, self._lookups, 0.0
        return slots

    def snapshot(self) -> dict[str, Column]:
        own = {"keys": self._keys, "touched": self._touched, "evidence": self.evidence}
        counters = np.array([self._lookups, self.evicted, self._pressed])
        columns = {f"column.{name}": column for name, column in self._columns.items()}  # may have names like our own
        return {name: part.copy() for name, part in (own | columns).items()} | {"counters": counters}

    def restore(self, state: Mapping[str, Column]) -> None:
        self._keys, self._touched, self.evidence = (state[name].copy() for name in ("keys", "touched", "evidence"))
        self._columns = {name: state[f"column.{name}"].copy() for name in self._columns}
        lookups, evicted, self._pressed = state["counters"].tolist()
        self._lookups, self.evicted = int(lookups), int(evicted)
