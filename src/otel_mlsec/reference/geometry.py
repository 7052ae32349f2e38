"""Where normal rows are: a standardised space, some rows in it, and how far from them other normal rows lie.

What detectors of attacks compare a row with.  Unlike the columns of a reference it holds rows: `core`, at most 512 of them,
standardised (and projected, where there are more than 64 columns).
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from otel_mlsec.arrays import Floats, Ints, Masks
from otel_mlsec.observation import Meaning
from otel_mlsec.reference.labels import PROBABILITIES
from otel_mlsec.reference.plain import ascending, ordered
from otel_mlsec.sketches.product import product

if TYPE_CHECKING:
    from otel_mlsec.reference.reference import Reference

FINITE = ("center", "scale", "level_places", "mean", "whiten", "class_means", "class_whitens", "core", "tails")
MAX_COLUMNS = 8192  # that are looked at, the first of a wider table
DIMENSIONS = 64  # of the space: wider tables are projected (Johnson and Lindenstrauss 1984)
FURTHEST = 12.0  # standard deviations: what is further is there
ORDINARY = 0.005  # p-value above which a row is
SEED = 41207

Float32s = npt.NDArray[np.float32]


def _none() -> Floats:
    return np.empty(0)


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """Arrays are float64 as they are in the file; those that live rows meet have a float32 copy."""

    names: tuple[str, ...]  # (d,)
    center: Floats  # (d,)
    scale: Floats  # (d,) > 0
    low: Floats  # (d,) least value of a column of numbers, -inf of a category
    high: Floats  # (d,)
    level_starts: Ints  # (d + 1,) where the levels of a category begin; equal to the next for numbers
    level_codes: Floats  # (n_levels,) ascending within a column
    level_places: Floats  # (n_levels,) on the axis: 0 the most frequent
    mean: Floats  # (m,)
    whiten: Floats  # (m, m)
    class_labels: Ints  # (k,) labels that have a mean and a shape of their own
    class_means: Floats  # (k, m)
    class_whitens: Floats  # (k * m, m)
    core: Floats  # (c, m)
    core_labels: Ints  # (c,) what the model said of them, -1 unknown
    spacing: float  # median distance of a reference row to the nearest of some thousands others
    spread: float  # median distance of two reference rows
    rare_inflation: float = 1.0  # by which evidence from rare rows is divided, as they come in bunches; 1 if they do not
    value_edges: Floats = field(default_factory=_none)  # deciles of the values that a regression answered
    near_known: Floats = field(default_factory=_none)  # ascending, of other rows of the reference: distance to the core
    mahalanobis_known: Floats = field(default_factory=_none)
    class_known: Floats = field(default_factory=_none)
    range_known: Floats = field(default_factory=_none)
    tails: Floats = field(default_factory=lambda: np.empty((0, 4)))  # (2 d, 4) `tails.Tail` of columns below, then above `center`
    z_known: Floats = field(default_factory=_none)  # largest |z| of a row
    probability_known: Floats = field(default_factory=_none)  # margins of probabilities
    decision_known: Floats = field(default_factory=_none)  # margins of decision functions

    def sound(self, reference: Reference) -> bool:
        """Do arrays from a file fit each other?"""
        del reference
        d, m, k, c = len(self.names), len(self.mean), len(self.class_labels), len(self.core_labels)
        shapes = {
            "center": (d,), "scale": (d,), "low": (d,), "high": (d,), "level_starts": (d + 1,), "mean": (m,), "whiten": (m, m),
            "class_labels": (k,), "class_means": (k, m), "class_whitens": (k * m, m), "core": (c, m), "core_labels": (c,),
            "level_places": self.level_codes.shape, "tails": (2 * d, 4),
        }  # fmt: skip
        arrays: dict[str, Floats] = {name: getattr(self, name) for name in (*shapes, *FINITE)}
        known: list[Floats] = [getattr(self, f.name) for f in fields(self) if f.name.endswith("_known")]
        starts = self.level_starts
        return (
            all(arrays[name].shape == shape or (not arrays[name].size and not np.prod(shape)) for name, shape in shapes.items())
            and d <= MAX_COLUMNS
            and bool((self.scale > 0).all())
            and m == min(d, DIMENSIONS)
            and c > 0
            and len(starts) > 0
            and starts[0] == 0
            and bool((np.diff(starts) >= 0).all())
            and bool(starts[-1] == len(self.level_codes))
            and all(np.isfinite(arrays[name]).all() for name in FINITE)
            and not np.isnan(self.low).any()
            and not np.isnan(self.high).any()
            and all(values.ndim == 1 and ordered(values) for values in known)
            and self.value_edges.ndim == 1
            and ascending(self.value_edges)
            and self.spacing > 0 < self.spread
            and self.rare_inflation >= 1
        )

    @property
    def n_dimensions(self) -> int:
        return len(self.mean)

    @cached_property
    def projection(self) -> Float32s | None:
        """(d, m) with which distances stay, on average; the same in every process."""
        d = len(self.names)
        if d <= DIMENSIONS:
            return None
        return (np.random.default_rng(SEED).normal(size=(d, DIMENSIONS)) / np.sqrt(DIMENSIONS)).astype(np.float32)

    @cached_property
    def core32(self) -> Float32s:
        return self.core.astype(np.float32)

    @cached_property
    def core_squares(self) -> Float32s:
        return np.einsum("ij,ij->i", self.core32, self.core32)

    @cached_property
    def _whiten32(self) -> Float32s:
        return self.whiten.astype(np.float32)

    @cached_property
    def _class_whitens32(self) -> Float32s:
        m = self.n_dimensions
        return self.class_whitens.reshape(-1, m, m).astype(np.float32)

    def standardised(self, values: Floats) -> Floats:
        """(n, d) cells in the order of `names` -> (n, d) standard deviations from the mean; missing is 0, nothing beyond 12."""
        placed = values
        for i in np.flatnonzero(np.diff(self.level_starts)):
            if placed is values:
                placed = values.copy()
            placed[:, i] = self.places(int(i), values[:, i])
        with np.errstate(over="ignore", invalid="ignore"):
            z = (placed - self.center) / self.scale
        np.clip(z, -FURTHEST, FURTHEST, out=z)
        return np.where(np.isnan(z), 0.0, z)

    def places(self, column: int, codes: Floats) -> Floats:
        start, end = int(self.level_starts[column]), int(self.level_starts[column + 1])
        levels = self.level_codes[start:end]
        at = np.minimum(np.searchsorted(levels, codes), len(levels) - 1)
        places = np.where(levels[at] == codes, self.level_places[start:end][at], float(len(levels) + 1))
        return np.where(np.isnan(codes), np.nan, places)

    def unseen(self, cells: Floats) -> Masks:
        """(n, d) cells -> (n, d) is it a level that no row of the reference has?"""
        found = np.zeros(cells.shape, np.bool_)
        for i in np.flatnonzero(np.diff(self.level_starts)).tolist():
            found[:, i] = self.places(i, cells[:, i]) > int(self.level_starts[i + 1] - self.level_starts[i])
        return found

    def embedded(self, z: Floats) -> Float32s:
        """(n, d) standardised -> (n, m)."""
        near = z.astype(np.float32)
        return near if self.projection is None else product(near, self.projection)

    def squares_to_core(self, e: Float32s) -> Float32s:
        """(n, m) -> (n, c) squared distances."""
        squares = np.einsum("ij,ij->i", e, e)[:, None] + self.core_squares - 2 * product(e, self.core32.T)
        return np.maximum(squares, 0, out=squares)

    def mahalanobis(self, e: Float32s) -> Float32s:
        """(n, m) -> (n,) squared."""
        y = product(e - self.mean.astype(np.float32), self._whiten32)
        return np.einsum("ij,ij->i", y, y)

    def class_mahalanobis(self, e: Float32s, labels: Ints) -> Floats:
        """(n, m) rows and (n,) what the model said of them -> (n,) squared distance to that class; NaN of other labels."""
        found = np.full(len(e), np.nan)
        for k, label in enumerate(self.class_labels):
            mine = np.flatnonzero(labels == label)
            if len(mine):
                y = product(e[mine] - self.class_means[k].astype(np.float32), self._class_whitens32[k])
                found[mine] = np.einsum("ij,ij->i", y, y)
        return found

    def beyond(self, values: Floats) -> Floats:
        """(n, d) cells -> (n,) how far the worst is beyond the range of the reference, in widths of that range; 0 inside."""
        width = np.where(np.isfinite(self.high - self.low), np.maximum(self.high - self.low, self.scale), 1.0)
        with np.errstate(over="ignore", invalid="ignore"):
            out = np.maximum(self.low - values, values - self.high) / width
        return np.maximum(np.where(np.isnan(out), 0.0, out), 0.0).max(axis=1, initial=0.0)

    def faulty(self, values: Floats, e: Float32s) -> Masks:
        """(n, d) cells and (n, m) the same embedded -> (n,) is a row ordinary but for one column beyond the range?

        What is left of a Mahalanobis distance without one column follows from the precision matrix; of projected rows it is
        not known which column they owe it to.
        """
        with np.errstate(invalid="ignore"):
            beyond = (values < self.low) | (values > self.high)
        found = beyond.sum(axis=1) == 1
        if self.projection is not None or not found.any():
            return np.zeros(len(values), np.bool_)
        rows = np.flatnonzero(found)
        column = beyond[rows].argmax(axis=1)
        precision = self.whiten @ self.whiten.T
        away = e[rows].astype(np.float64) - self.mean
        pull = away @ precision
        rest = np.einsum("ij,ij->i", away, pull) - pull[np.arange(len(rows)), column] ** 2 / np.diag(precision)[column]
        found[rows] = upper(self.mahalanobis_known, rest) > ORDINARY
        return found

    def margins_known(self, meaning: Meaning) -> Floats:
        return self.probability_known if meaning in PROBABILITIES else self.decision_known


def upper(known: Floats, x: npt.NDArray[np.floating]) -> Floats:
    """Conformal p-value of being so large: (1 + how many of the known are at least x) / (1 + how many there are).

    Vovk, Gammerman and Shafer 2005; 1 where nothing is known of it.

    >>> upper(np.array([1.0, 2.0, 3.0]), np.array([2.5, 9.0, np.nan]))
    array([0.5 , 0.25, 1.  ])
    """
    n = len(known)
    if not n:
        return np.ones(len(x))
    return np.where(np.isnan(x), 1.0, (1 + n - np.searchsorted(known, x, side="left")) / (n + 1))


def lower(known: Floats, x: npt.NDArray[np.floating]) -> Floats:
    """And of being so small."""
    n = len(known)
    if not n:
        return np.ones(len(x))
    return np.where(np.isnan(x), 1.0, (1 + np.searchsorted(known, x, side="right")) / (n + 1))
