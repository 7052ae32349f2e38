"""An isolation forest as flat arrays: the scores of scikit-learn's, without its cost of a call.

Liu, Ting and Zhou 2008, "Isolation forest".  Every tree is laid out as a complete one, children of place i at 2 i + 1 and
2 i + 2, so that all rows go down all trees together, one level at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.reference.geometry import SEED, Float32s

if TYPE_CHECKING:
    from otel_mlsec.reference.reference import Reference

TREES = 100
SAMPLE = 256  # rows a tree
DEEPEST, MAX_TREES = 12, 1000
PIECE = 1 << 16  # pairs of row and tree that are looked at together: they stay in the cache
EULER = 0.5772156649015329


@dataclass(frozen=True, kw_only=True)
class Forest:
    """t trees of L levels; where a tree ends early, everything goes left."""

    features: Ints  # (t, 2**L - 1) column that is asked at an inner place
    thresholds: Floats  # (t, 2**L - 1) a row goes right if its cell is above; inf where the tree has ended
    lengths: Floats  # (t, 2**L) of the path to a leaf, what is below an unfinished one included
    usual: float  # mean length of a path in a tree of as many rows
    known: Floats = field(default_factory=lambda: np.empty(0))  # ascending: scores of rows that no tree knows

    def sound(self, reference: Reference) -> bool:
        """Do arrays from a file fit each other, and the geometry whose rows they split?"""
        geometry, leaves = reference.geometry, self.lengths.shape[-1]
        return (
            geometry is not None
            and leaves in (2**level for level in range(1, DEEPEST + 1))
            and 0 < len(self.features) <= MAX_TREES
            and self.features.shape == self.thresholds.shape == (len(self.features), leaves - 1)
            and self.lengths.shape == (len(self.features), leaves)
            and bool(((self.features >= 0) & (self.features < len(geometry.names))).all())
            and not np.isnan(self.thresholds).any()
            and bool((self.lengths >= 0).all())
            and self.known.ndim == 1
            and self.usual > 0
        )

    def scores(self, z: npt.NDArray[np.floating]) -> Floats:
        """(n, d) standardised rows -> (n,) in (0, 1), higher is more suspicious: the negative of `score_samples`."""
        cells = np.ascontiguousarray(z, np.float32)  # as scikit-learn compares
        step = max(1, PIECE // len(self.features))
        means = [self._mean_length(cells[start : start + step]) for start in range(0, len(cells), step)]
        return np.exp2(-np.concatenate(means) / self.usual) if means else np.empty(0)

    def _mean_length(self, cells: Float32s) -> Floats:
        features, thresholds, lengths, starts = self._flat
        n_trees, inner = self.features.shape
        of_row = (np.arange(len(cells), dtype=np.int32) * cells.shape[1])[:, None]
        flat = cells.reshape(-1)
        place = np.zeros((len(cells), n_trees), np.int32)
        for _ in range((inner + 1).bit_length() - 1):
            at = place + starts
            right = flat[features[at] + of_row] > thresholds[at]
            place += place
            place += 1
            place += right
        leaves = place - inner + np.arange(n_trees, dtype=np.int32) * (inner + 1)
        return lengths[leaves].mean(axis=1)

    @cached_property
    def _flat(self) -> tuple[npt.NDArray[np.int32], Float32s, Floats, npt.NDArray[np.int32]]:
        n_trees, inner = self.features.shape
        starts = np.arange(n_trees, dtype=np.int32) * inner
        return self.features.astype(np.int32).reshape(-1), _below(self.thresholds).reshape(-1), self.lengths.reshape(-1), starts


def grow(kept: Floats, held_out: Floats) -> Forest:
    """(n, d) standardised rows to learn from, and (c, d) others that say how high ordinary rows score.

    Raises:
        ImportError: scikit-learn is not installed.
    """
    try:
        ensemble = import_module("sklearn.ensemble")  # only fitting needs it, and it comes with an extra
    except ImportError as error:
        raise ImportError("an isolation forest needs scikit-learn: pip install 'otel-mlsec[reference]'") from error
    sample = min(SAMPLE, len(kept))
    fitted = ensemble.IsolationForest(n_estimators=TREES, max_samples=sample, random_state=SEED).fit(kept.astype(np.float32))
    forest = flattened(fitted)
    return Forest(
        features=forest.features, thresholds=forest.thresholds, lengths=forest.lengths, usual=forest.usual,
        known=np.sort(forest.scores(held_out)),
    )  # fmt: skip


def flattened(fitted: Any) -> Forest:
    """A fitted `sklearn.ensemble.IsolationForest`.

    Raises:
        ValueError: its trees have more than 12 levels, i.e. samples of more than 4,096 rows.
    """
    trees = [(each.tree_, columns) for each, columns in zip(fitted.estimators_, fitted.estimators_features_, strict=True)]
    levels = max(1, *(int(tree.max_depth) for tree, _ in trees))
    if levels > DEEPEST:
        raise ValueError(f"trees may have at most {DEEPEST} levels, got {levels}")
    inner = 2**levels - 1
    features, thresholds = np.zeros((len(trees), inner), np.int64), np.full((len(trees), inner), np.inf)
    lengths = np.zeros((len(trees), inner + 1))
    for i, (tree, columns) in enumerate(trees):
        _lay(tree, columns, features[i], thresholds[i], lengths[i], levels)
    return Forest(
        features=features, thresholds=thresholds, lengths=lengths, usual=max(path_length(int(fitted.max_samples_)), 1e-9)
    )


def _lay(tree: Any, columns: Ints, features: Ints, thresholds: Floats, lengths: Floats, levels: int) -> None:
    waiting = [(0, 0, 0)]  # node of scikit-learn's, place in ours, level
    while waiting:
        node, place, level = waiting.pop()
        left, right = int(tree.children_left[node]), int(tree.children_right[node])
        if left < 0:  # a leaf; below it everything goes left
            first = (place + 1 << levels - level) - 1 - len(features)
            lengths[first] = level + path_length(int(tree.n_node_samples[node]))
            continue
        features[place], thresholds[place] = columns[tree.feature[node]], tree.threshold[node]
        waiting += [(left, 2 * place + 1, level + 1), (right, 2 * place + 2, level + 1)]


def path_length(rows: int) -> float:
    """Mean length of an unsuccessful search in a binary search tree of so many rows.

    >>> round(path_length(256), 3)
    10.245
    """
    if rows < 3:
        return float(max(rows - 1, 0))
    return 2.0 * (float(np.log(rows - 1.0)) + EULER) - 2.0 * (rows - 1.0) / rows


def _below(x: Floats) -> Float32s:
    """The largest float32 that is not above: a float32 is above the one iff it is above the other."""
    rounded = x.astype(np.float32)
    return np.where(rounded > x, np.nextafter(rounded, np.float32(-np.inf)), rounded)
