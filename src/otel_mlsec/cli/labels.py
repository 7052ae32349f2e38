"""Labels of a file, held until the recorded predictions that they are of are read; each is joined once, or counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.capture.predicted import LONGEST, digest
from otel_mlsec.cli.recording import Part
from otel_mlsec.pipeline.answers import row_keys
from otel_mlsec.pipeline.codes import codes, truths
from otel_mlsec.pipeline.early import HELD, LAST_ROW, RECORD, TAKEN
from otel_mlsec.pipeline.ledger import Keys, Ledger

MOST = 1 << 23  # labels, 51 bytes each
SEGMENT = 1 << 18
DECIDES = 25  # labels; of fewer nothing is concluded
DISTINCT = 1024  # labels that are held against the classes of a model before anything is judged


class Labels:
    """State: at most 8,388,608 labels, and counts of what became of the others."""

    def __init__(self) -> None:
        self._ledger = Ledger(RECORD, segment=SEGMENT)
        self.counts: Counter[str] = Counter()
        self.n_rows = 0
        self._said = np.empty(0)  # distinct codes, up to DISTINCT

    def of_classes(self, classes: Sequence[str]) -> bool:
        """May they be of these classes?  Not if there are enough labels, few distinct ones, and none of these is listed."""
        few = self.n_rows - self.counts["invalid"] < DECIDES
        return few or len(self._said) > DISTINCT or bool((truths(self._said, classes) >= 0).any())

    def add(self, part: Part, ids: str, labels: str, index: str, times: Floats | None) -> None:
        """`times`: s since the epoch, when each became known, or None.

        Raises:
            ValueError: there are too many.
        """
        keys, known = keys_of(part, ids, index)
        at, words = part.words(labels)
        told = codes(words)[at] if words else np.empty(0)
        usable = known & ~np.isnan(told)
        self.n_rows += part.n_rows
        self.counts["invalid"] += int((~usable).sum())
        keys, told = keys[usable], told[usable]
        self._said = np.union1d(self._said, told)[: DISTINCT + 1]
        _, first, which = np.unique(keys, return_index=True, return_inverse=True)
        again = np.setdiff1d(np.arange(len(keys)), first)
        self._repeated(told[first[which[again]]], told[again])
        first = np.sort(first)
        numbers = self._ledger.find(keys[first])
        there = numbers >= 0
        self._repeated(self._ledger.get(numbers[there])["code"], told[first[there]])
        new = first[~there]
        held = np.zeros(len(new), RECORD)
        held["key"], held["code"] = keys[new], told[new]
        held["time"] = np.nan if times is None else times[usable][new]
        self._ledger.append(held, 0.0)
        if len(self._ledger) > MOST:
            raise ValueError(f"more than {MOST:,} labels; split the file, for instance by month")

    def take(self, part: Part, ids: str, index: str) -> tuple[Ints, Floats, Floats]:
        """Rows of predictions that have a label, in their order; their labels' codes and times, NaN where nobody told any."""
        keys, known = keys_of(part, ids, index)
        numbers = self._ledger.find(keys)
        rows = np.flatnonzero(known & (numbers >= 0))
        records = self._ledger.get(numbers[rows])
        _, first = np.unique(numbers[rows], return_index=True)
        fresh = np.zeros(len(rows), bool)
        fresh[first] = records["state"][first] == HELD
        self.counts["answered_again"] += int((~fresh).sum())
        rows, records = rows[fresh], records[fresh]
        self._ledger.put(numbers[rows], "state", TAKEN)
        return rows, np.ascontiguousarray(records["code"]), np.ascontiguousarray(records["time"])

    def unknown(self) -> int:
        """Labels whose prediction has not come; nothing can be asked afterwards."""
        n = 0
        while len(self._ledger):
            n += int((self._ledger.forget()["state"] == HELD).sum())
        return n

    def _repeated(self, before: Floats, now: Floats) -> None:
        self.counts["duplicate"] += int((before == now).sum())
        self.counts["contradictory"] += int((before != now).sum())


def keys_of(part: Part, ids: str, index: str) -> tuple[Keys, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """(n,) keys, and which of them say something: an id is there, and a row that can be."""
    at, words = part.words(ids)
    rows = part.numbers(index) if index else np.zeros(part.n_rows)
    known = np.array([bool(word) for word in words], bool)[at] & (rows >= 0) & (rows < LAST_ROW) & (rows == np.floor(rows))
    return row_keys(_digests(words)[at], np.where(known, rows, 0).astype(np.int64)), known


def _digests(words: Sequence[str]) -> Keys:
    return np.array([digest(word[:LONGEST]) for word in words], np.uint64)
