"""Counts by slice -> how each column differs from the reference, since when, and how far slice by slice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.cli.report import cases as told
from otel_mlsec.cli.report.result import Case, Compared
from otel_mlsec.cli.report.slices import Slices
from otel_mlsec.detectors.drift.effect import effect
from otel_mlsec.finding import Severity
from otel_mlsec.reference.column import Column
from otel_mlsec.reference.reference import Reference
from otel_mlsec.sketches.bins import INVALID, MISSING
from otel_mlsec.sketches.distance import distance

CYCLES = 7  # that what moves by the cycle is compared by
FEW_ROWS = 30  # of a slice, below which a distance says nothing
RETYPED = 0.5  # share of values of another type


def compared(
    reference: Reference, slices: Slices, cases: Sequence[Case], levels: Mapping[str, dict[int, str]]
) -> tuple[Compared, ...]:
    """The most severe first."""
    found: list[Compared] = []
    starts, rows = slices.starts, slices.total("rows").astype(np.int64)
    usual = dict(zip(reference.rhythm.names, reference.rhythm.usual.tolist(), strict=True)) if reference.rhythm else {}
    important = reference.importance.relative() if reference.importance is not None else {}
    cycle = reference.cycle_seconds or reference.cycle_rows
    together = max(1, round(CYCLES * cycle / slices.width))
    for name, columns in (("inputs", reference.inputs), ("outputs", reference.outputs)):
        counts, totals = slices.total(name).astype(np.int64), slices.total(f"{name}_total").astype(np.float64)
        for i, column in enumerate(columns if counts.size else ()):
            slow = name == "inputs" and column.name in usual
            found.append(
                _compared(
                    column, name == "outputs", counts[:, i], totals[:, i], starts, rows, told.of(cases, column.name),
                    usual.get(column.name, 0.0) if slow else 0.0, together if slow else 1, levels.get(column.name, {}),
                    important.get(column.name) if name == "inputs" else None, i,
                )
            )  # fmt: skip
    return tuple(sorted(found, key=_rank))


def _compared(
    column: Column, output: bool, counts: Ints, totals: Floats, starts: Floats, rows: Ints, cases: tuple[Case, ...],
    usual: float, together: int, levels: dict[int, str],
    importance: float | None, seed: int,
) -> Compared:  # fmt: skip
    known = counts.sum(axis=1)
    main = min(cases, key=lambda case: (-case.severity, case.since), default=None)
    since = main.since if main is not None else None
    until = main.episodes[-1].until if main is not None else None
    first, end = _span(starts, known, since, until)
    after = counts[first:end].sum(axis=0)
    size = None
    if after.any():
        size = effect(column, after, float(totals[first:end].sum()), float(starts[first]), seed)
        if not any(size.looks_like and size.looks_like in said for case in cases for said in case.effects):
            size = replace(size, looks_like="")  # a season may look like a changed unit; only a finding says so
        size = replace(size, importance=importance)
    values = max(1, int(after.sum() - after[MISSING]))
    return Compared(
        column=column,
        output=output,
        counts=after,
        effect=size,
        since=since,
        until=until,
        distances=_distances(column, counts, together),
        usual=usual,
        rows=rows,
        missing=np.where(known > 0, counts[:, MISSING] / np.maximum(known, 1), 1.0),
        cases=cases,
        levels=levels,
        retyped=int(after[INVALID]) / values > RETYPED,
    )


def _span(starts: Floats, known: Ints, since: float | None, until: float | None) -> tuple[int, int]:
    """Slices from the one with `since` to the one with `until`, more to the left where these have no row."""
    first, end = 0, len(starts)
    if since is not None:
        first = min(max(0, int(np.searchsorted(starts, since, side="right")) - 1), len(starts) - 1)
    if until is not None:
        end = max(first + 1, int(np.searchsorted(starts, until)))
    while first and not known[first:end].any():
        first -= 1
    return first, end


def _distances(column: Column, counts: Ints, together: int) -> Floats:
    """(n_slices,) of each slice with those before it, `together` in all; NaN where there are too few rows."""
    summed = np.cumsum(counts, axis=0)
    summed[together:] -= summed[:-together].copy()
    enough = summed.sum(axis=1) >= FEW_ROWS
    if together < len(counts):
        enough[: together - 1] = False  # of fewer cycles than what is usual is of
    return np.where(enough, distance(summed.astype(np.float64), column.counts.astype(np.float64)), np.nan)


def _rank(each: Compared) -> tuple[float, ...]:
    size = each.effect.low if each.effect is not None else 1.0
    return (-(each.severity or Severity.LOW - 1), not each.open, not each.differs, -size)
