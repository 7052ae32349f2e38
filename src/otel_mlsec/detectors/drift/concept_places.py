"""Where errors are counted beside the whole: rows within a part of one feature's values, called by its position."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.detectors.align import aligned
from otel_mlsec.reference.column import Column
from otel_mlsec.reference.reference import Reference
from otel_mlsec.reference.truth import Truth
from otel_mlsec.sketches.bins import MISSING, N_BINS, REST

LEAST_ROWS = 50  # labelled rows of the reference; of fewer nothing is known
TENTHS = 10
NOWHERE = -1
NTH = ("lowest", "2nd", "3rd", "4th", "5th", "6th", "7th", "8th", "9th", "highest")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A slice of the rows; never told by a value, which would be captured content."""

    name: str  # "age in its highest tenth"
    feature: str
    rows: int  # of the reference
    errors: Ints  # (k,) of each kind of answer


class Places:
    """At most 8 features of at most 31 slices."""

    def __init__(self, reference: Reference, truth: Truth, features: Sequence[str]) -> None:
        by_name = {column.name: column for column in reference.inputs}
        watched = [name for name in dict.fromkeys(features) if name in truth.columns and name in by_name]
        self.columns = tuple(by_name[name] for name in watched)
        self._all = [column.name for column in reference.inputs]
        self._of_bin = np.full((len(watched), N_BINS), NOWHERE)
        self.slices: list[Place] = []
        for i, column in enumerate(self.columns):
            at = truth.columns.index(column.name)
            for name, bins in _parts(column, truth.rows[at]):
                rows = int(truth.rows[at, bins].sum())
                if rows >= LEAST_ROWS:
                    self._of_bin[i, bins] = len(self.slices)
                    errors = truth.wrong_by_bin()[:, at, bins].sum(axis=1)
                    self.slices.append(Place(name=name, feature=column.name, rows=rows, errors=errors))

    def index(self, inputs: Floats | None, features: Sequence[str], n_rows: int) -> Ints:
        """-> (n, c) number of the slice that a row is in, by feature; -1 where it is in none."""
        if inputs is None or not self.columns:
            return np.full((n_rows, len(self.columns)), NOWHERE)
        values, _ = aligned(inputs, features, self.columns, self._all)
        return np.stack([self._of_bin[i, c.bins.index(values[:, i])] for i, c in enumerate(self.columns)], axis=1)


def _parts(column: Column, rows: Ints) -> Iterator[tuple[str, list[int]]]:
    """Name and bins of each: tenths of the labelled rows of a number, levels of a category, and what is missing."""
    share = rows / max(1, int(rows.sum()))
    if column.numeric:
        used = [b for b in range(len(column.bins.edges) + 1) if rows[b]]
        middle = np.cumsum(share[used]) - share[used] / 2
        tenth = np.minimum((middle * TENTHS).astype(np.int64), TENTHS - 1)
        for i in np.unique(tenth):
            bins = [b for b, t in zip(used, tenth.tolist(), strict=True) if t == i]
            yield f"{column.name} in its {NTH[int(i)]} tenth{_odd(float(share[bins].sum()))}", bins
    else:
        for b in [b for b in range(REST) if rows[b]]:
            yield f"{_ordinal(b + 1)}most frequent level of {column.name} ({100 * share[b]:.2g} % of rows)", [b]
    if rows[MISSING]:
        yield f"{column.name} missing", [MISSING]


def _odd(share: float) -> str:
    """Of a column whose values repeat, a part may hold much more than a tenth."""
    return "" if 0.05 <= share <= 0.15 else f" ({100 * share:.2g} % of rows)"


def _ordinal(n: int) -> str:
    if n == 1:
        return ""
    return f"{n}{'th' if n in (11, 12, 13) else {1: 'st', 2: 'nd', 3: 'rd'}.get(n % 10, 'th')} "
