"""What several detectors need to know of the rows of a batch, computed once: where they are, and how rare that is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.detectors.align import positions
from otel_mlsec.observation import Batch
from otel_mlsec.reference.geometry import Float32s, Geometry, lower, upper
from otel_mlsec.reference.labels import UNKNOWN, labels_of, margins_of

KEY = "rows"
FRESH = "fresh"  # in `Batch.derived`: (n,) neither asked before nor near another; made by evasion/near_duplicate
PROBE = "probe"  # and: (n,) not asked before, but near another


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """p-values are conformal, against rows of the reference that nothing else of it rests on; 1 where nothing is known."""

    cells: Floats  # (n, d) as they came, in the order of the geometry's columns
    z: Floats  # (n, d) standardised
    e: Float32s  # (n, m) the same, or projected
    squares: Float32s  # (n, c) squared distances to the core rows
    near: Float32s  # (n,) distance to the nearest of them
    label: Ints  # (n,) -1 unknown
    margin: Floats  # (n,) NaN unknown
    mahalanobis: Float32s  # (n,) squared
    of_class: Floats  # (n,) squared, NaN unknown
    beyond: Floats  # (n,) widths of the reference's range
    p_range: Floats
    p_mahalanobis: Floats
    p_class: Floats
    p_novelty: Floats
    p_margin: Floats

    def __len__(self) -> int:
        return len(self.z)


def rows_of(batch: Batch, geometry: Geometry) -> Rows | None:
    """None for a batch without inputs.  The first detector that asks pays."""
    if batch.inputs is None or not batch.n_rows or batch.inputs.ndim != 2:
        return None
    known = batch.derived.get((KEY, id(geometry)))
    if known is None:
        known = batch.derived[KEY, id(geometry)] = _rows(batch, batch.inputs, geometry)
    return known


def _rows(batch: Batch, inputs: Floats, geometry: Geometry) -> Rows:
    cells = _aligned(inputs, batch.features, geometry)
    z = geometry.standardised(cells)
    e = geometry.embedded(z)
    squares = geometry.squares_to_core(e)
    near = np.sqrt(squares.min(axis=1))
    label, margin = np.full(len(e), UNKNOWN), np.full(len(e), np.nan)
    if batch.outputs is not None and len(batch.outputs) == len(e):
        label = labels_of(batch.meaning, batch.outputs, geometry.value_edges)
        margin = margins_of(batch.meaning, batch.outputs)
    mahalanobis, of_class, beyond = geometry.mahalanobis(e), geometry.class_mahalanobis(e, label), geometry.beyond(cells)
    return Rows(
        cells=cells, z=z, e=e, squares=squares, near=near, label=label, margin=margin, mahalanobis=mahalanobis,
        of_class=of_class, beyond=beyond,
        p_range=upper(geometry.range_known, beyond),
        p_mahalanobis=upper(geometry.mahalanobis_known, mahalanobis),
        p_class=upper(geometry.class_known, of_class),
        p_novelty=upper(geometry.near_known, near),
        p_margin=lower(geometry.margins_known(batch.meaning), margin),
    )  # fmt: skip


def _aligned(inputs: Floats, live: tuple[str, ...], geometry: Geometry) -> Floats:
    names = geometry.names
    if live == names or (not live and inputs.shape[1] == len(names)):
        return inputs
    found = positions(live or tuple(f"x{i}" for i in range(inputs.shape[1])), names, names)
    cells = np.full((len(inputs), len(names)), np.nan)
    present = [i for i, at in enumerate(found) if at is not None]
    cells[:, present] = inputs[:, [at for at in found if at is not None]]
    return cells
