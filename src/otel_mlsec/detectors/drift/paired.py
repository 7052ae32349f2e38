"""Changes of how columns go together: those of the products of pairs, where neither column itself has changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.detector import State
from otel_mlsec.detectors.drift.bank import bounded
from otel_mlsec.detectors.drift.change import ENOUGH, Change, Changes, Counts
from otel_mlsec.detectors.drift.effect import SHOWN, Effect, distance
from otel_mlsec.reference.column import Column
from otel_mlsec.reference.pairs import scores_of
from otel_mlsec.sketches.bins import INVALID, MISSING, N_BINS

TILTS = (0.1, 0.2, 0.4, 0.8)  # of the law of a product, by its own size
AGAIN, RECENT = 8, 512  # blocks between two looks at whether columns have changed, and rows that these are at
SURELY = 4.0  # standard errors that the mean, the spread or the gaps of such a column are off
EXPLAINS = 0.5  # share of a pair's distance that one of its columns may have moved before the change is the column's


class PairChanges(Changes):
    """State beside that of `Changes`: which pairs are set aside, as a column of theirs has changed.

    The columns that pairs are of are counted beside these, and not judged.
    """

    def __init__(
        self, pairs: Sequence[Column], sides: Sequence[tuple[int, int]], features: Sequence[Column],
        tolerances: Sequence[float], weights: Sequence[float], *, threshold: float, seed: int, importance: Sequence[float | None],
    ) -> None:  # fmt: skip
        """`sides`: positions in `features` of the columns of each pair."""
        p, f = len(pairs), len(features)
        super().__init__(
            [*pairs, *features], tolerances, weights, threshold=threshold, seed=seed, bank=products,
            importance=[*importance, *[None] * f],
        )  # fmt: skip
        self._left, self._right = np.array(sides, np.int64).reshape(-1, 2).T.copy()
        scores = np.stack([scores_of(c) for c in features])  # (f, N_BINS), NaN of what is no number
        self._scores = np.nan_to_num(scores)
        self._bins = np.concatenate([_table(scores[i], scores[j], pair) for (i, j), pair in zip(sides, pairs, strict=True)])
        self._offset = (np.arange(p) * N_BINS**2).astype(np.int32)
        self._middle = np.stack([middles(pair) for pair in pairs])  # (p, N_BINS)
        self._aside = np.zeros(p, np.bool_)

    def _binned(self, values: Floats) -> tuple[Counts, Floats]:
        """(n, f) values of the features; nothing is summed up, since the bins say enough of a product."""
        n, p = len(values), len(self._left)
        index: Counts = np.empty((n, len(self.columns)), np.int64)
        for i, column in enumerate(self.columns[p:]):
            index[:, p + i] = column.bins.index(values[:, i])
        own = index[:, p:].astype(np.int32)
        both = own.take(self._left, axis=1)
        both *= N_BINS
        both += own.take(self._right, axis=1)
        both += self._offset
        index[:, :p] = self._bins.take(both)
        return index, np.empty((n, 0))

    def _counted(self, index: Counts, numbers: Floats, block: Ints) -> tuple[Counts, Floats]:
        counts, _ = super()._counted(index, numbers, block)
        return counts, np.zeros(counts.shape[:2])

    def _since(self, i: int) -> tuple[int, Counts, Floats, Floats]:
        best, counts, _, starts = super()._since(i)
        pair, n = self.columns[i], counts[:, :MISSING].sum(axis=1)
        shares = pair.shares[:MISSING] / pair.shares[:MISSING].sum()
        off = (counts[:, :MISSING] - n[:, None] * shares) @ self._middle[i, :MISSING]
        return best, counts, n * pair.mean + off, starts

    def distances(self) -> dict[str, float]:
        """Of the pairs that were told of: a hundred series of noughts are worth nobody's money."""
        told = {self.columns[int(i)].name for i in np.flatnonzero(self._ever)}
        return {name: size for name, size in super().distances().items() if name in told} if told else {}

    def _absorb(self, log_ratios: Floats, n_rows: int) -> float:
        score = super()._absorb(log_ratios, n_rows)
        if self._n_blocks % AGAIN == AGAIN - 1:
            self._look()
        if self._aside.any():
            self._evidence.sums[self._aside] = 0.0
            score = float(self._evidence.sums.sum())
        return score

    def _look(self) -> None:
        """Pairs of columns that differ from the reference are set aside, until these do no more."""
        p = len(self._left)
        counts = self._recent(RECENT, np.arange(p, len(self.columns)))[p:]
        moved = (counts.sum(axis=1) >= ENOUGH) & (distance(counts.astype(np.float64), self._reference[p:]) >= SHOWN)
        self._aside = moved[self._left] | moved[self._right]
        self._small[:p] &= ~self._aside
        if self._aside.any():
            for bucket in self._history.buckets:  # what the columns did then is no part of what the pair does next
                bucket.counts[:p][self._aside] = 0
                bucket.sums[:p][self._aside] = 0.0

    def _effect(self, i: int) -> Effect:
        """Nothing where one of the columns has surely changed, too, and by enough to explain it."""
        found = super()._effect(i)
        if not self._changed[i] and any(self._explains(int(c), i, found.distance) for c in (self._left[i], self._right[i])):
            self._aside[i] = True
            return replace(found, distance=0.0, low=0.0)
        return found

    def _explains(self, column: int, pair: int, size: float) -> bool:
        """Over the rows that a pair's effect is of: is the column as far from the reference, and is that no chance?"""
        at = len(self._left) + column
        of, buckets = self.columns[at], self._history.buckets[self._since(pair)[0] :]
        counts = np.sum([bucket.counts[at] for bucket in buckets if bucket.counts[pair].any()], axis=0)
        if float(distance(counts.astype(np.float64), self._reference[at])) < EXPLAINS * size:
            return False
        n = max(int(counts.sum()), 1)
        worth = (1.0 if of.independent else of.variance_inflation) * (1 / n + 1 / max(int(of.counts.sum()), 1))
        score, missing = self._scores[column], np.arange(N_BINS) >= MISSING
        return any(
            abs(float((counts / n - of.shares) @ each)) >= SURELY * np.sqrt(worth * float(of.shares @ each**2) + 1 / n**2)
            for each in (score, score**2 - 1.0 * ~missing, missing.astype(np.float64))
        )

    def _alarm(self, score: float, row: int) -> list[Change]:
        found = super()._alarm(score, row)
        self._small[: len(self._aside)] &= ~self._aside
        return found

    def snapshot(self) -> State:
        return {**super().snapshot(), "aside": self._aside.copy()}

    def restore(self, state: State) -> None:
        super().restore(state)
        self._aside = np.array(state["aside"], np.bool_)

    def merge(self, state: State) -> None:
        super().merge(state)
        self._aside = self._aside | np.array(state["aside"], np.bool_)


def products(pair: Column, tolerance: float) -> tuple[Floats, Floats]:
    """The alternatives of a product, as `bank.table_of`: its mean, which is the correlation, has moved either way."""
    p, middle = pair.shares, middles(pair)
    laws = [p * np.exp(np.clip(sign * size * middle, -20, 20)) for size in TILTS for sign in (1, -1)]
    ratios = np.stack([bounded(law / law.sum(), pair, tolerance) for law in laws], axis=1)
    return ratios, np.full(len(laws), 1 / len(laws))


def middles(pair: Column) -> Floats:
    """(N_BINS,) product in the middle of each bin; 0 for what is no number."""
    edges, middle = pair.bins.edges, np.zeros(N_BINS)
    middle[: len(edges) + 1] = np.concatenate([edges[:1], (edges[1:] + edges[:-1]) / 2, edges[-1:]])
    return middle


def _table(left: Floats, right: Floats, pair: Column) -> npt.NDArray[np.uint8]:
    """(N_BINS²,) bin of the product of every two bins."""
    found = pair.bins.index((left[:, None] * right[None, :]).ravel())
    return np.where(found == INVALID, np.uint8(MISSING), found)
