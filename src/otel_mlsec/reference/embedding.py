"""Rows that are embeddings, as a few columns that can be watched: hundreds of dimensions say nothing one by one.

The first principal components (Pearson 1901), signed random projections for what these leave out, the norm, and the cosine to
the mean.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from otel_mlsec.arrays import Floats, Masks
from otel_mlsec.observation import Batch
from otel_mlsec.sketches.bins import is_text

if TYPE_CHECKING:
    from otel_mlsec.reference.reference import Reference

COMPONENTS, PROJECTIONS = 12, 4
ROWS = 20_000  # that components are learned from
MAX_DIMENSIONS = 8192
LARGEST = 1e9  # of a cell that is taken as it is
CLEAR = 4.0  # times the largest variance of a component of noise
SEED = 71933


@dataclass(frozen=True, kw_only=True)
class Embedding:
    names: tuple[str, ...]  # (d,) of the dimensions
    mean: Floats  # (d,)
    axes: Floats  # (k + 4, d) components, then random signs over the root of d

    def sound(self, reference: Reference) -> bool:
        d = len(self.names)
        return (
            0 < d <= MAX_DIMENSIONS
            and self.mean.shape == (d,)
            and self.axes.ndim == 2
            and self.axes.shape[1] == d
            and PROJECTIONS <= len(self.axes) <= COMPONENTS + PROJECTIONS
            and bool(np.isfinite(self.mean).all() and np.isfinite(self.axes).all())
            and tuple(c.name for c in reference.inputs) == self.columns
        )

    @property
    def columns(self) -> tuple[str, ...]:
        components = (f"component {i + 1}" for i in range(len(self.axes) - PROJECTIONS))
        return (*components, *(f"projection {i + 1}" for i in range(PROJECTIONS)), "norm", "cosine to the mean")

    def of(self, rows: Floats) -> Floats:
        """(n, d) embeddings -> (n, len(columns)); a row with a cell that is no number is missing throughout."""
        known = _known(rows)
        cells = np.where(known[:, None], rows, 0.0)
        norm = np.sqrt(np.einsum("ij,ij->i", cells, cells))
        length = float(np.sqrt(self.mean @ self.mean))
        cosine = cells @ self.mean / np.maximum(norm * length, 1e-300)
        found = np.column_stack([(cells - self.mean) @ self.axes.T, norm, np.clip(cosine, -1.0, 1.0)])
        found[~known] = np.nan
        return found

    def batch(self, batch: Batch) -> Batch:
        """With the watched columns in place of the dimensions; of embeddings of another width none of these is there."""
        if batch.inputs is None:
            return batch
        d = len(self.names)
        if batch.inputs.ndim != 2 or batch.inputs.shape[1] != d:
            some = batch.inputs.ndim == 2 and batch.inputs.shape[1] > 0
            first = batch.inputs[:, :1] if some else np.full((batch.n_rows, 1), np.nan)
            return replace(batch, inputs=first, features=("of another width",))
        named = dict(zip(batch.features, range(d), strict=True)) if len(set(batch.features)) == d else {}
        order = [named[name] for name in self.names] if named.keys() == set(self.names) else slice(None)
        return replace(batch, inputs=self.of(batch.inputs[:, order]), features=self.columns)


def embedding_of(rows: Floats, names: tuple[str, ...]) -> Embedding:
    """Learned from (n, d) rows, the first 20,000 that are numbers throughout.

    Components that noise could have made are left out, as of the rows that they were chosen by they vary more than of any
    others: the variance of a component must be four times the edge of Marchenko and Pastur 1967 for as many rows.

    Raises:
        ValueError: fewer than two such rows, or too many dimensions.
    """
    if rows.shape[1] > MAX_DIMENSIONS:
        raise ValueError(f"an embedding must have at most {MAX_DIMENSIONS} dimensions, got {rows.shape[1]}")
    chosen = rows[_known(rows)][:ROWS]
    if len(chosen) < 2:
        raise ValueError("an embedding must have at least two rows of numbers")
    mean = chosen.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov((chosen - mean).T).reshape(rows.shape[1], -1))
    some = values[values > 1e-12 * max(float(values[-1]), 1e-300)]  # of more dimensions than rows the others are nought
    edge = float(np.median(some)) * (1 + np.sqrt(rows.shape[1] / len(chosen))) ** 2 if len(some) else 0.0
    components = vectors[:, values > CLEAR * edge][:, ::-1].T[:COMPONENTS]
    signs = np.random.default_rng(SEED).choice([-1.0, 1.0], (PROJECTIONS, rows.shape[1])) / np.sqrt(rows.shape[1])
    return Embedding(names=names, mean=mean, axes=np.concatenate([components, signs]))


def _known(rows: Floats) -> Masks:
    """(n,) whose cells are all numbers of a size that can be squared."""
    usable: Masks = np.isfinite(rows) & ~is_text(rows) & (np.abs(rows) <= LARGEST)
    return np.logical_and.reduce(usable, axis=1)
