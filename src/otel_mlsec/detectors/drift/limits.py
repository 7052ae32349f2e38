"""From how many rows of a cycle on a fact is worth telling."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

import numpy as np

from otel_mlsec.arrays import Floats
from otel_mlsec.reference.column import Column
from otel_mlsec.reference.reference import Reference
from otel_mlsec.sketches.bins import UNSEEN

LEAST = 5.0  # rows
FEW_CYCLES = 10  # below, the reference does not know how much a cycle may differ from another
NEVER = np.inf


class Word(IntEnum):
    """What may be said of a column."""

    UNSEEN = 0
    MISSING = 1
    GONE = 2
    TYPE = 3
    INFINITE = 4
    RANGE = 5


SHARES = {Word.UNSEEN: 0.005, Word.MISSING: 0.05, Word.GONE: 0.005, Word.TYPE: 0.005, Word.INFINITE: 0.005, Word.RANGE: 0.02}
REPEATED_SHARE = 0.01
STUCK_SHARE = 0.3
STUCK_SECONDS = 3 * 3600.0  # a faster stream than the reference's has longer runs


class Limits:
    """Rows, as a function of how many the cycle has: a share of them, and three times the reference's second worst cycle."""

    def __init__(self, columns: Sequence[Column], reference: Reference) -> None:
        few = reference.n_cycles < FEW_CYCLES
        self.usual = reference.cycle_rows
        times = 10.0 if few else 3.0
        d = len(columns)
        shares = np.repeat([[SHARES[word]] for word in Word], d, axis=1)  # (n_words, d)
        if few:
            shares[Word.MISSING], shares[Word.UNSEEN] = 0.3, 0.02
        shares[Word.MISSING] = np.maximum(shares[Word.MISSING], [times * c.missing_limit for c in columns])
        self._shares = shares
        total = np.array([float(c.counts.sum()) for c in columns])
        held_out = np.array([0.0 if c.numeric else float(c.counts[UNSEEN]) for c in columns])
        self._unseen = (held_out + 1) / (total + 1)  # (d,) share of rows that are new to the half that chose the levels
        self._never = np.zeros(shares.shape, np.bool_)
        self._never[Word.UNSEEN] = self._unseen > 0.5  # hardly a level comes twice
        self._never[Word.UNSEEN] |= [c.numeric and not len(c.values) for c in columns]
        self._never[Word.RANGE] = [not c.numeric or len(c.values) > 0 for c in columns]
        self._never[Word.TYPE] = [not c.numeric and not c.bins.text for c in columns]
        for word in (Word.MISSING, Word.TYPE, Word.INFINITE, Word.RANGE):
            self._never[word] |= [c.calendar for c in columns]
        runs = np.array([c.run_limit for c in columns])
        stuck = np.maximum(STUCK_SHARE * self.usual, (10.0 if few else 4.0) * runs)
        self.run = np.where((stuck > 0.9 * self.usual) | [c.calendar for c in columns], NEVER, stuck)  # (d,) rows
        repeated = max(REPEATED_SHARE, times * reference.repeats_limit)
        self._repeated = repeated if repeated < 0.9 else NEVER
        self.seconds = STUCK_SECONDS if reference.timed else 0.0

    def rows(self, rows_so_far: float) -> Floats:
        """(n_words, d) rows of a cycle that has `rows_so_far`."""
        n = max(self.usual, rows_so_far)
        limits = np.maximum(LEAST, self._shares * n)
        unseen = n * self._unseen
        limits[Word.UNSEEN] = np.maximum(limits[Word.UNSEEN], unseen + 6 * np.sqrt(unseen))
        limits[self._never | (limits > 0.9 * n)] = NEVER
        return limits

    def repeated(self, rows_so_far: float) -> float:
        return max(LEAST, self._repeated * max(self.usual, rows_so_far))
