"""How rows fill the bins of a reference, cycle by cycle: whole numbers, so that what many processes counted is added exactly."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.reference.column import Column
from otel_mlsec.reference.envelope import Raw, read, write
from otel_mlsec.reference.order import DAY, LATEST
from otel_mlsec.reference.parts import array, raw
from otel_mlsec.sketches.bins import N_BINS, is_text

KIND = "sketch"  # of file
MOST_CYCLES = 1000
MOST_ROWS = 1 << 38  # of which sums of whole numbers stay exact
UNTIMED = -1  # cycle of rows whose time nobody knows
STEPS = 256  # into which a standard deviation is cut where numbers are summed up: sums of whole numbers have no order
FAR = 1 << 16  # standard deviations from the reference's mean that a number counts for at most, and its neighbourhood if less
MOST_SHIFT = FAR * STEPS * MOST_ROWS


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """Of n rows in c cycles, by d columns of one reference.  Holds no value of any row."""

    reference: str  # SHA-256 that the reference's file carries, in hexadecimal digits
    names: tuple[str, ...]  # of its inputs
    cycles: Ints  # (c,) ascending; the number of a UTC day since the epoch, or `UNTIMED`
    spans: Floats  # (c, 2) s since the epoch, of the first and the last row
    counts: Ints  # (c, d, N_BINS)
    shifts: Ints  # (c, d) sum of the numbers' distances from the reference's mean, in sd / STEPS

    @property
    def n_rows(self) -> int:
        return int(self.counts[:, :1].sum())

    def save(self, path: Path, *, key: bytes | None = None) -> None:
        manifest = {"reference": self.reference, "names": self.names}
        arrays = {"cycles": raw(self.cycles, "<i8"), "spans": raw(self.spans, "<f8"), "shifts": raw(self.shifts, "<i8")}
        flat = self.counts.reshape(len(self.cycles), len(self.names) * N_BINS)
        write(path, manifest, arrays | {"counts": raw(flat, "<i8")}, key, KIND)

    @classmethod
    def load(cls, path: Path, *, key: bytes | None = None) -> Sketch:
        """
        Raises:
            ValueError: the file is no sketch, damaged, or unsigned or wrongly signed where there is a key.
        """
        manifest, raws = read(path, key, KIND)
        try:
            return _sound(manifest, raws)
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise ValueError(f"{path} is damaged: {error}") from error


def _sound(manifest: dict[str, Any], raws: dict[str, Raw]) -> Sketch:
    reference, names = manifest["reference"], tuple(manifest["names"])
    cycles, spans = array(raws["cycles"], "<i8"), array(raws["spans"], "<f8", dimensions=2)
    shifts, flat = array(raws["shifts"], "<i8", dimensions=2), array(raws["counts"], "<i8", dimensions=2)
    c, d = len(cycles), len(names)
    if (
        not all(isinstance(text, str) for text in (reference, *names))
        or c > MOST_CYCLES
        or spans.shape != (c, 2)
        or shifts.shape != (c, d)
        or flat.shape != (c, d * N_BINS)
        or not bool((cycles[1:] > cycles[:-1]).all() and (np.abs(spans) <= LATEST).all())
        or not bool(((flat >= 0) & (flat <= MOST_ROWS)).all())
        or not bool(((shifts >= -MOST_SHIFT) & (shifts <= MOST_SHIFT)).all())
    ):
        raise ValueError("its arrays do not fit each other")
    counts = flat.reshape(c, d, N_BINS)
    if not bool((counts.sum(axis=2) == counts[:, :1].sum(axis=2)).all()):
        raise ValueError("its columns are not of the same rows")
    return Sketch(reference=reference, names=names, cycles=cycles, spans=spans, counts=counts, shifts=shifts)


class Counting:
    """Makes a sketch of rows, part by part.  State: counts of at most 1,000 cycles."""

    def __init__(self, columns: Sequence[Column], reference: str) -> None:
        self._columns, self._reference = tuple(columns), reference
        self._cycles: dict[int, tuple[Floats, Ints, Ints]] = {}

    def add(self, values: Floats, times: Floats | None, cycles: Ints | None = None) -> None:
        """(n, d) values, (n,) times; (n,) cycles, which are days of the times or `UNTIMED` where they are left out.

        Raises:
            ValueError: there are more than 1,000 cycles.
        """
        n, d = len(values), len(self._columns)
        own = _days(times, n) if cycles is None else cycles
        found = np.unique(own)
        of = np.searchsorted(found, own)
        index = _index(self._columns, values)
        steps = np.stack([_steps(c, values[:, i]) for i, c in enumerate(self._columns)], axis=1)
        flat: Ints = (of[:, None] * d + np.arange(d)) * N_BINS + index
        counts = np.bincount(flat.ravel(), minlength=len(found) * d * N_BINS).reshape(len(found), d, N_BINS)
        when = np.zeros(n) if times is None else times
        for k, cycle in enumerate(found.tolist()):
            rows = of == k
            span = np.array([when[rows].min(), when[rows].max()])
            before = self._cycles.get(cycle)
            self._cycles[cycle] = _sum((span, counts[k], steps[rows].sum(axis=0)), before) if before else (
                span, counts[k].copy(), steps[rows].sum(axis=0)
            )  # fmt: skip
        _check(len(self._cycles))

    def sketch(self) -> Sketch:
        return _of(self._reference, tuple(c.name for c in self._columns), self._cycles)


def merged(sketches: Iterable[Sketch]) -> Sketch:
    """The sketch of all their rows, whatever the order and however the rows were split; at least one.

    Raises:
        ValueError: they are of different references, or there are too many cycles or rows.
    """
    cycles: dict[int, tuple[Floats, Ints, Ints]] = {}
    first: Sketch | None = None
    rows = 0
    for each in sketches:
        first = first or each
        if (each.reference, each.names) != (first.reference, first.names):
            which = f"{first.reference[:12]} and {each.reference[:12]}"
            raise ValueError(f"sketches of different references cannot be merged: {which}")
        for cycle, span, counts, shifts in zip(each.cycles.tolist(), each.spans, each.counts, each.shifts, strict=True):
            before = cycles.get(cycle)
            cycles[cycle] = _sum((span, counts, shifts), before) if before else (span, counts, shifts)
        _check(len(cycles))
        rows += each.n_rows
        if rows > MOST_ROWS:
            raise ValueError(f"a sketch is of at most {MOST_ROWS:,} rows, these are more")
    if first is None:
        raise ValueError("no sketch to merge")
    return _of(first.reference, first.names, cycles)


def _sum(one: tuple[Floats, Ints, Ints], other: tuple[Floats, Ints, Ints]) -> tuple[Floats, Ints, Ints]:
    span = np.array([min(one[0][0], other[0][0]), max(one[0][1], other[0][1])])
    return span, one[1] + other[1], one[2] + other[2]


def _of(reference: str, names: tuple[str, ...], cycles: dict[int, tuple[Floats, Ints, Ints]]) -> Sketch:
    order = sorted(cycles)
    d = len(names)
    return Sketch(
        reference=reference,
        names=names,
        cycles=np.array(order, np.int64),
        spans=np.array([cycles[c][0] for c in order]).reshape(-1, 2),
        counts=np.array([cycles[c][1] for c in order], np.int64).reshape(-1, d, N_BINS),
        shifts=np.array([cycles[c][2] for c in order], np.int64).reshape(-1, d),
    )


def _steps(column: Column, x: Floats) -> Ints:
    """(n,) whole steps from the reference's mean, 0 for what is no number."""
    if not column.numeric or column.sd <= 0:
        return np.zeros(len(x), np.int64)
    low, high = max(2 * column.low - column.high, -1e300), min(2 * column.high - column.low, 1e300)
    numbers = np.isfinite(x) & ~is_text(x)
    z = (np.clip(np.where(numbers, x, column.mean), low, high) - column.mean) / column.sd
    return np.round(np.clip(z, -FAR, FAR) * STEPS).astype(np.int64)


def _index(columns: Sequence[Column], values: Floats) -> Ints:
    return np.stack([c.bins.index(values[:, i]) for i, c in enumerate(columns)], axis=1).astype(np.int64)


def _days(times: Floats | None, n: int) -> Ints:
    days: Ints = np.floor((np.zeros(n) if times is None else times) / DAY).astype(np.int64)
    if times is None:
        days[:] = UNTIMED
    return days


def _check(cycles: int) -> None:
    if cycles > MOST_CYCLES:
        raise ValueError(f"a sketch is of at most {MOST_CYCLES:,} cycles: take a shorter period, or leave the times out")
