"""How the columns that move by the day go from cycle to cycle in a reference, and how much one cycle strays from another.

65,000 rows of 73 days of weather are worth 73 observations of it: what changes by the day is judged day by day.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from otel_mlsec.arrays import Floats, Ints, Masks
from otel_mlsec.reference.column import Column
from otel_mlsec.reference.cycle_statistics import Statistics
from otel_mlsec.reference.slots import Look, looks_of, pieces_of

if TYPE_CHECKING:
    from otel_mlsec.reference.reference import Reference

MAX_STATISTICS = 4096  # of all columns together; the columns beyond are not judged by the cycle
FEW_CYCLES = 10  # below, nobody knows how much one differs from another
FEWEST = 8  # cycles of a class, and in which a look says something


@dataclass(frozen=True, kw_only=True)
class Rhythm:
    """Of L looks at a cycle and S statistics of d columns (`cycle_statistics`, `slots`).

    At most (3 + classes) · 22 · 4,096 numbers, 2.9 MB; for 12 slow columns of 19, about 40 kB.
    """

    names: tuple[str, ...]  # of the input columns that are judged by the cycle
    n_cycles: int
    bounds: Ints  # (slots + 1,) pieces of a cycle, hours or eighths, where its slots begin and end
    rows: Floats  # (L,) median
    kinds: Ints  # (7,) class of the cycles of each day of the week, from Monday; all 0 where there are none
    members: Ints  # (classes,) cycles of each
    centre: Floats  # (classes · L, S) median over cycles
    upper: Floats  # (L, S) spread above it, 0 where the statistic has no shape
    lower: Floats  # (L, S)
    rare: Ints  # (S,) 1: most cycles tie, so that only what passes all of them says something
    fast: Ints  # (S,) 1: slots of one cycle stray independently of each other
    top: Floats  # (S,) the largest of the reference's cycles
    bottom: Floats  # (S,)
    usual: Floats  # (d,) Jensen–Shannon distance of seven cycles in a row from all of them, median

    def sound(self, reference: Reference) -> bool:
        known = {c.name: c for c in reference.inputs}
        slots = len(self.bounds) - 1
        if (
            self.bounds.ndim != 1
            or not 1 <= slots <= pieces_of(reference.timed)
            or self.bounds[0] != 0
            or self.bounds[-1] != pieces_of(reference.timed)
            or not bool((np.diff(self.bounds) > 0).all())
            or not 0 < len(self.names) == len(set(self.names)) <= len(known)
            or not known.keys() >= set(self.names)
            or self.n_cycles < FEW_CYCLES
        ):
            return False
        look, each = len(looks_of(self.bounds)), len(Statistics([known[name] for name in self.names]))
        shapes = {"rows": (look,), "kinds": (7,), "upper": (look, each), "lower": (look, each), "usual": (len(self.names),)}
        shapes |= dict.fromkeys(("rare", "fast", "top", "bottom"), (each,))
        return (
            each <= MAX_STATISTICS
            and all(getattr(self, name).shape == shape for name, shape in shapes.items())
            and self.members.shape in ((1,), (2,))
            and self.centre.shape == (look * len(self.members), each)
            and bool(((self.members >= FEWEST) & (self.members <= self.n_cycles)).all())
            and all(bool(np.isfinite(getattr(self, name)).all()) for name in (*shapes, "centre"))
            and bool((self.upper >= 0).all() and (self.lower >= 0).all() and (self.rows >= 0).all())
            and bool(((self.kinds >= 0) & (self.kinds < len(self.members))).all())
        )

    def columns(self, reference: Reference) -> tuple[Column, ...]:
        known = {c.name: c for c in reference.inputs}
        return tuple(known[name] for name in self.names)

    @cached_property
    def looks(self) -> tuple[Look, ...]:
        return looks_of(self.bounds)

    def centre_of(self, kind: int, look: int) -> Floats:
        """(S,)"""
        return self.centre[kind * len(self.looks) + look]

    @cached_property
    def has_shape(self) -> Masks:
        """(L, S)"""
        return self.upper > 0

    def kind(self, cycle: int, *, timed: bool) -> int:
        """Class of a cycle: of the weekday that a UTC day is (day 0 of the epoch was a Thursday)."""
        return int(self.kinds[(cycle + 3) % 7]) if timed else 0
