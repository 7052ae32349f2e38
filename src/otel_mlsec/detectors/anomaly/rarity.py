"""How rare a row is: p-values of several comparisons with the reference, combined; and which row is beyond all that is known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from otel_mlsec.arrays import Floats, Masks
from otel_mlsec.detectors.rows import Rows
from otel_mlsec.reference.forest import Forest
from otel_mlsec.reference.geometry import Geometry, upper
from otel_mlsec.reference.reference import Reference
from otel_mlsec.reference.tails import Tail, tail

OUTSIDE = 1.0  # width beyond a range, at least
LEAST = 1.0  # standard deviation, at least
DISTANCES = ("mahalanobis", "class", "nearest")  # of all features together


@dataclass(frozen=True, slots=True)
class Rare:
    """Of n rows."""

    p: Floats  # (n,) of being so unlike the reference in any of the comparisons (Simes 1986)
    excess: Floats  # (n,) distance as a multiple of the one that no row in a million, or what is asked for, has; see `Rarity`


class Rarity:
    """Compares in the ways that `names` say and the reference allows.

    Whether one row is beyond all that is known is judged by its worst column where a cell is outside of its range, else by the
    distance of all together.  A level that was never seen, or the first other value of a constant column, is no distance: the
    next row may have one.
    """

    def __init__(self, reference: Reference, names: Sequence[str], log_rows: float) -> None:
        """log_rows: natural logarithm of rows of which one may be beyond by chance."""
        assert reference.geometry is not None
        self._geometry: Geometry = reference.geometry
        self._forest: Forest | None = reference.forest
        known = _known(reference.geometry, reference.forest)
        most = max((len(known[name]) for name in names), default=0)
        self.names: tuple[str, ...] = tuple(name for name in dict.fromkeys(names) if len(known[name]) > most / 2)
        self.n_known = min((len(known[name]) for name in self.names), default=0)
        log_rows += math.log(max(len(self.names), 1))
        self._cuts = {
            name: max(LEAST, tail(_distance(name, known[name])).reach(log_rows))
            for name in self.names
            if name in (*DISTANCES, "zscore")
        }
        self._far = _far(reference.geometry, log_rows) if "range" in self.names else None
        missing = {column.name for column in reference.inputs if column.missing_limit > 0}
        self._never_missing = np.array([name not in missing for name in reference.geometry.names], np.bool_)

    def of(self, rows: Rows) -> Rare:
        if not self.names:
            return Rare(np.ones(len(rows)), np.zeros(len(rows)))
        incomplete = self._incomplete(rows)
        p = np.ones((len(rows), len(self.names)))
        excess, far = np.zeros(len(rows)), np.zeros(len(rows))
        for i, name in enumerate(self.names):
            found, values = self._compared(name, rows)
            if incomplete is not None and name in (*DISTANCES, "forest"):
                found, values = np.where(incomplete, 1.0, found), np.where(incomplete, 0.0, values)
            p[:, i] = found
            if name in self._cuts:
                excess = np.fmax(excess, _distance(name, values) / self._cuts[name])
            elif name == "range":
                outside = np.flatnonzero(values > 0)
                far[outside] = self._outside(rows.cells[outside])
        excess[rows.beyond > 0] = 0.0
        apart = np.flatnonzero(excess >= 1)
        excess[apart[self._geometry.unseen(rows.cells[apart]).any(axis=1)]] = 0.0
        return Rare(simes(p), np.maximum(excess, far))

    def _compared(self, name: str, rows: Rows) -> tuple[Floats, npt.NDArray[np.floating]]:
        """-> (n,) p-values, and the values that they are of."""
        match name:
            case "range":
                return rows.p_range, rows.beyond
            case "mahalanobis":
                return rows.p_mahalanobis, rows.mahalanobis
            case "class":
                return rows.p_class, rows.of_class
            case "nearest":
                return rows.p_novelty, rows.near
            case "zscore":
                values = np.abs(rows.z).max(axis=1, initial=0.0)
                return upper(self._geometry.z_known, values), values
            case _:
                assert self._forest is not None
                values = self._forest.scores(rows.z)
                return upper(self._forest.known, values), values

    def _outside(self, cells: Floats) -> Floats:
        """(n, d) -> (n,) distance of the worst cell from its column's centre, as a multiple of the furthest to be expected."""
        assert self._far is not None
        with np.errstate(over="ignore", invalid="ignore"):  # an infinite cell of a category, whose furthest is infinite
            away = cells - self._geometry.center
            ratio = np.fmax(away / self._far[1], -away / self._far[0])
        return np.nan_to_num(ratio, nan=0.0).max(axis=1, initial=0.0)

    def _incomplete(self, rows: Rows) -> Masks | None:
        """Rows without a cell that rows of the reference always have: what is missing is a fact, and no distance."""
        missing = np.isnan(rows.cells)
        if not missing.any():
            return None
        return np.asarray((missing & self._never_missing).any(axis=1))


def simes(p: Floats) -> Floats:
    """(n, k) p-values -> (n,): valid also where they depend on each other as distances do.

    >>> simes(np.array([[0.01, 0.9], [0.02, 0.02]]))
    array([0.02, 0.02])
    """
    k = p.shape[1]
    raised = np.sort(p, axis=1) * np.array([k / i for i in range(1, k + 1)])
    return raised.min(axis=1)


def _known(geometry: Geometry, forest: Forest | None) -> dict[str, Floats]:
    return {
        "range": geometry.range_known, "mahalanobis": geometry.mahalanobis_known, "class": geometry.class_known,
        "nearest": geometry.near_known, "zscore": geometry.z_known,
        "forest": forest.known if forest is not None else np.empty(0),
    }  # fmt: skip


def _distance(name: str, values: npt.NDArray[np.floating]) -> Floats:
    """In standard deviations."""
    return (np.sqrt(values) if name in ("mahalanobis", "class") else values).astype(np.float64)


def _far(geometry: Geometry, log_rows: float) -> Floats:
    """-> (2, d) distances from the centre, below and above, that no row has; infinite of a category."""
    reach = np.array([Tail(*each).reach(log_rows) for each in geometry.tails.tolist()]).reshape(2, -1)
    width = np.maximum(geometry.high - geometry.low, geometry.scale)
    with np.errstate(invalid="ignore"):
        least = np.stack([geometry.center - geometry.low, geometry.high - geometry.center]) + OUTSIDE * width
    return np.where(np.isfinite(width), np.maximum(reach, least), np.inf)
