"""How much each feature moves from cycle to cycle in a period that is known to be good, and which tolerance that asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.reference.column import Column
from otel_mlsec.reference.order import second_largest
from otel_mlsec.reference.reference import Reference
from otel_mlsec.reference.sketch import Sketch
from otel_mlsec.sketches.bins import MISSING

ENOUGH = 50  # rows of a cycle that is looked at
SURELY = 3.0  # standard errors by which a cycle may be off before that is movement
COMMON = 0.02  # share of a level from which on it is looked at
LEAST = 0.01  # sd: tolerances are multiples of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """Of one feature: of its score, its spread, its gaps or its levels, whichever moves most.  In their standard deviations."""

    column: str
    usual: float  # root mean square over the cycles, without what chance alone does
    most: float  # beyond what chance does, in the second worst cycle: one bad cycle does not decide
    cycles: int  # that were looked at
    constant: bool  # one bin has it all, in the reference and since

    @property
    def tolerance(self) -> float:
        """0: none is needed."""
        return float(np.ceil(round(self.most / LEAST, 6))) * LEAST


def movements(reference: Reference, sketch: Sketch) -> list[Movement]:
    """Of every input column, in the order of the reference.

    A tolerance is what an alternative's likelihood ratio may be enlarged by, in its standard deviations (`bank`), so here the
    same scores are looked at: where all of them stay within it, no alarm is due.
    """
    return [_movement(column, sketch.counts[:, i]) for i, column in enumerate(reference.inputs)]


def _movement(column: Column, counts: Ints) -> Movement:
    """Of (c, N_BINS) counts, a row a cycle."""
    rows = counts.sum(axis=1)
    counts, rows = counts[rows >= ENOUGH], rows[rows >= ENOUGH]
    inflation = 1.0 if column.independent else column.variance_inflation
    usual = most = 0.0
    for score in _scores(column) if len(rows) else ():
        mean = float(column.shares @ score)
        sd = float(np.sqrt(column.shares @ (score - mean) ** 2))
        if sd <= 0:
            continue
        off = (counts @ score / rows - mean) / sd
        chance = inflation * (1 / rows + 1 / max(int(column.counts.sum()), 1))  # variance
        usual = max(usual, float(np.sqrt(max(0.0, float((off**2 - chance).mean())))))
        beyond = np.maximum(np.abs(off) - SURELY * np.sqrt(chance), 0.0)
        most = max(most, second_largest(beyond) if len(beyond) > 1 else float(beyond[0]))
    together = counts.sum(axis=0)
    constant = int((column.counts > 0).sum()) == 1 and bool(len(rows)) and bool((together[column.counts == 0] == 0).all())
    return Movement(column=column.name, usual=usual, most=most, cycles=len(rows), constant=constant)


def _scores(column: Column) -> Sequence[Floats]:
    """(N_BINS,) each: what a bin counts for."""
    bins = np.arange(len(column.shares))
    missing = (bins == MISSING).astype(np.float64)
    if column.numeric:
        score = column.normal_scores
        return [score, score**2, missing]
    return [(bins == level).astype(np.float64) for level in np.flatnonzero(column.shares >= COMMON)] + [missing]
