"""Drift in counts that were summed up elsewhere: no alarm at a false-alarm rate, but how far each feature is, and since when."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from otel_mlsec.arrays import Ints
from otel_mlsec.config import ModelSettings
from otel_mlsec.detectors.drift.data import pooled, worth_watching
from otel_mlsec.detectors.drift.effect import Effect, effect
from otel_mlsec.detectors.drift.evidence import Evidence
from otel_mlsec.detectors.drift.settings import by_cycle, importance
from otel_mlsec.reference.column import Column
from otel_mlsec.reference.reference import Reference
from otel_mlsec.reference.sketch import STEPS, Sketch
from otel_mlsec.sketches.bins import REST, UNSEEN

WORTH = 8  # rows: a cycle alone is no change unless its rows are worth so many independent ones


@dataclass(frozen=True, slots=True, kw_only=True)
class Summed:
    """Of one feature."""

    effect: Effect  # over the cycles since the change
    cycle: int  # number of the first of these
    by_day: bool  # `drift/cycle` judges it, as its rows of one day are worth one: its size is no evidence here


def effects(reference: Reference, sketch: Sketch, seed: int = 0) -> list[Summed]:
    """Of every feature that `drift/data` would watch, the effect over the last cycles that are likeliest to be a change.

    Raises:
        ValueError: the sketch is of columns that the reference does not have.
    """
    if sketch.names != tuple(c.name for c in reference.inputs):
        raise ValueError("the sketch is not of this reference: its columns are others")
    watched = [i for i, c in enumerate(reference.inputs) if not c.calendar and worth_watching(c)]
    columns = [pooled(reference.inputs[i]) for i in watched]
    if not columns or not len(sketch.cycles):
        return []
    evidence = Evidence(columns, [0.0] * len(columns), [1 / len(columns)] * len(columns))
    days = by_cycle(reference, ModelSettings())
    known = importance([c.name for c in columns], ModelSettings(), reference)
    found: list[Summed] = []
    for k, (i, column) in enumerate(zip(watched, columns, strict=True)):
        counts = _as_pooled(column, reference.inputs[i], sketch.counts[:, i])
        suffixes = np.cumsum(counts[::-1], axis=0)[::-1]
        rows = suffixes.sum(axis=1)
        enough = rows >= min(WORTH * (1.0 if column.independent else column.variance_inflation), rows[0])
        best = int(np.argmax(np.where(enough, evidence.likelihood(k, suffixes), -np.inf)))
        own = effect(column, suffixes[best], _total(column, suffixes[best], sketch.shifts[best:, i]), _start(sketch, best), seed)
        by_day = column.name in days
        found.append(Summed(effect=replace(own, importance=known[k]), cycle=int(sketch.cycles[best]), by_day=by_day))
    return sorted(found, key=lambda each: -each.effect.distance)


def _as_pooled(column: Column, before: Column, counts: Ints) -> Ints:
    """(c, N_BINS) counts in the bins of `before` -> in those of `column`."""
    if column is before:
        return counts
    together = counts.copy()
    together[:, UNSEEN] += together[:, REST]
    together[:, REST] = 0
    return together


def _total(column: Column, counts: Ints, shifts: Ints) -> float:
    """Sum of the numbers, as `effect` takes it."""
    return int(counts[:30].sum()) * column.mean + sum(map(int, shifts)) * column.sd / STEPS


def _start(sketch: Sketch, cycle: int) -> float:
    return float(sketch.spans[cycle, 0])
