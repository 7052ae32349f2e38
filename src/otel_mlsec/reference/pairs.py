"""Which columns of a reference go together, and how: the products of the normal scores of at most 128 pairs of them.

The mean of such a product is the pair's correlation as van der Waerden measures it, whatever the columns' own laws.  A product
is known from the bins that its two values are in, so that a live pair costs one look into a table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.reference.column import Column
from otel_mlsec.reference.importance import Importance
from otel_mlsec.reference.order import judge, statistics_of
from otel_mlsec.sketches.bins import LEVELS, N_BINS, Bins, numeric_bins

if TYPE_CHECKING:
    from otel_mlsec.reference.reference import Reference

MOST = 128  # pairs
EDGES = len(LEVELS) + 2
CONCENTRATED = 0.9  # share of one bin from which on a column says too little
SLOW = 10.0  # variance inflation of a column or a pair that lives by the day
CHOOSING = 4000  # rows that choose pairs, or a third of a small reference: those that count them are others
STRETCH, STRETCHES = 1000, 100  # rows in a row that are looked at, of a large reference
SEED = 20132
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """At most 128 pairs of input columns, each with the law of its product."""

    names: tuple[str, ...]  # of the input columns that `left` and `right` are positions in
    left: Ints  # (p,)
    right: Ints  # (p,)
    edges: Floats  # (p, EDGES) of the bins of the product, NaN behind the last
    counts: Ints  # (p, N_BINS) of rows that did not choose the pairs
    moments: Floats  # (p, 4) mean, standard deviation, least and greatest product
    inflation: Floats  # (p,) worst variance inflation that its order showed
    independent: Ints  # (p,) 1: it showed no dependence

    def sound(self, reference: Reference) -> bool:
        p, d = len(self.left), len(self.names)
        return (
            p <= MOST
            and self.names == tuple(c.name for c in reference.inputs)
            and self.left.shape == self.right.shape == self.inflation.shape == self.independent.shape == (p,)
            and self.edges.shape == (p, EDGES)
            and self.counts.shape == (p, N_BINS)
            and self.moments.shape == (p, 4)
            and all(bool(((side >= 0) & (side < d)).all()) for side in (self.left, self.right))
            and all(reference.inputs[int(i)].numeric for i in {*self.left.tolist(), *self.right.tolist()})
            and bool(((self.counts >= 0) & (self.counts <= 1 << 40)).all())
            and bool(np.isfinite(self.moments).all())
            and bool((self.inflation >= 1).all())
            and bool(np.isfinite(self.inflation).all())
            and all(_are_edges(row) for row in self.edges)
        )

    def columns(self) -> tuple[Column, ...]:
        """A pair's product as one column, named `a × b`."""
        return tuple(
            Column(
                name=f"{self.names[int(self.left[k])]} × {self.names[int(self.right[k])]}",
                bins=Bins(edges=self.edges[k][~np.isnan(self.edges[k])]),
                counts=self.counts[k],
                mean=float(self.moments[k, 0]),
                sd=float(self.moments[k, 1]),
                low=float(self.moments[k, 2]),
                high=float(self.moments[k, 3]),
                variance_inflation=float(self.inflation[k]),
                independent=bool(self.independent[k]),
            )
            for k in range(len(self.left))
        )


def scores_of(column: Column) -> Floats:
    """(N_BINS,) normal score of each bin, of mean nought and variance one in the reference; NaN for what is no number."""
    n = len(column.bins.edges) + 1
    shares = column.shares[:n] / column.shares[:n].sum()
    centred = column.normal_scores[:n] - column.normal_scores[:n] @ shares
    scores = np.full(N_BINS, np.nan)
    scores[:n] = centred / max(float(np.sqrt(shares @ centred**2)), 1e-9)
    return scores


def pairs_of(matrix: Floats, inputs: Sequence[Column], importance: Importance | None) -> Pairs | None:
    """Of (n, d) rows in order and their columns; None where no two of these can be judged.

    Half of the pairs are those of the largest correlation, the others those of the columns that the model leans on most, or
    random ones where that is not known.  What chose the pairs does not count them: what is chosen for being large looks
    larger than it is.
    """
    able = [i for i, column in enumerate(inputs) if _able(column)]
    columns = [inputs[i] for i in able]
    if len(able) < 2:
        return None
    rows = _some(len(matrix))
    index = np.stack([column.bins.index(matrix[rows, i]) for i, column in zip(able, columns, strict=True)], axis=1)  # (n, f)
    table = np.nan_to_num(np.stack([scores_of(column) for column in columns])).astype(np.float32)
    left, right = np.triu_indices(len(able), 1)
    order = np.random.default_rng(SEED).permutation(len(rows))
    counted = order
    if len(left) > MOST:
        choosing = min(CHOOSING, len(rows) // 3)
        scores = table[np.arange(len(able)), index[order[:choosing]]]
        weights = importance.relative() if importance is not None else {}
        best = _chosen(np.abs(scores.T @ scores)[left, right], _weight(weights, columns, left, right))
        left, right, counted = left[best], right[best], order[choosing:]
    found = _described(index, np.sort(counted), columns, left, right)
    return _part([(able[one], able[other], column) for one, other, column in found], inputs) if found else None


def _able(column: Column) -> bool:
    if not column.numeric or column.calendar or len(column.bins.edges) < 3:
        return False
    return bool(column.shares.max() <= CONCENTRATED) and (column.independent or column.variance_inflation <= SLOW)


def _some(n: int) -> Ints:
    """Rows that are looked at: all, or stretches of a large reference, since their order is judged, too."""
    if n <= STRETCH * STRETCHES:
        return np.arange(n)
    starts = np.linspace(0, n - STRETCH, STRETCHES).astype(np.int64)
    return (starts[:, None] + np.arange(STRETCH)).reshape(-1)


def _weight(importance: Mapping[str, float], columns: Sequence[Column], left: Ints, right: Ints) -> Floats:
    """(pairs,) larger for pairs to be chosen first."""
    if not importance:
        return np.random.default_rng(SEED + 1).random(len(left))
    of = np.array([importance.get(column.name, 0.0) for column in columns])
    return of[left] * of[right]


def _chosen(correlation: Floats, weight: Floats) -> Ints:
    """Positions of `MOST` pairs: the first half by correlation, the others by weight."""
    first = np.argsort(-correlation, kind="stable")[: MOST // 2]
    by_weight = np.argsort(-weight, kind="stable")
    others = by_weight[~np.isin(by_weight, first)][: MOST - len(first)]
    return np.sort(np.concatenate([first, others]))


def _described(index: Bytes, counted: Ints, columns: Sequence[Column], left: Ints, right: Ints) -> list[tuple[int, int, Column]]:
    """Of pairs of columns whose bins are (n, f) `index`; those that are constant or live by the day are left out."""
    scores = [scores_of(column) for column in columns]
    found: list[tuple[int, int, Column]] = []
    ones: list[int] = left.tolist()
    others: list[int] = right.tolist()
    for one, other in zip(ones, others, strict=True):
        product: Floats = scores[one][index[:, one]] * scores[other][index[:, other]]
        known: Floats = product[counted][~np.isnan(product[counted])]
        if len(known) < 2 or known.min() == known.max():
            continue
        bins = numeric_bins(known)
        bin_of = bins.index(product)
        column = Column(
            name="", bins=bins, counts=np.bincount(bin_of[counted], minlength=N_BINS).astype(np.int64),
            mean=float(known.mean()), sd=float(known.std()), low=float(known.min()), high=float(known.max()),
        )  # fmt: skip
        inflation, independent = judge(statistics_of(bin_of, column.normal_scores, column.shares, True), len(product))
        if independent or inflation <= SLOW:
            found.append((one, other, replace(column, variance_inflation=inflation, independent=independent)))
    return found


def _part(found: Sequence[tuple[int, int, Column]], inputs: Sequence[Column]) -> Pairs:
    columns = [column for _, _, column in found]
    edges = np.full((len(found), EDGES), np.nan)
    for k, column in enumerate(columns):
        edges[k, : len(column.bins.edges)] = column.bins.edges
    return Pairs(
        names=tuple(c.name for c in inputs),
        left=np.array([one for one, _, _ in found], np.int64),
        right=np.array([other for _, other, _ in found], np.int64),
        edges=edges,
        counts=np.stack([c.counts for c in columns]),
        moments=np.array([[c.mean, c.sd, c.low, c.high] for c in columns]),
        inflation=np.array([c.variance_inflation for c in columns]),
        independent=np.array([c.independent for c in columns], np.int64),
    )


def _are_edges(row: Floats) -> bool:
    """Two or more finite ones that rise, and NaN behind them."""
    n = int((~np.isnan(row)).sum())
    return n >= 2 and bool(np.isfinite(row[:n]).all()) and bool((row[1:n] > row[: n - 1]).all())
