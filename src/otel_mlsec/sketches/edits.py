"""Is a row an earlier one of the same principal with a field or two changed, as of a form that is sent again?

Columns are hashed in at most eight parts; a row is an edit of another if all parts but two are the same.  Sixteen bits a part: of
parts that are told to be the same one in 65,536 is not.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from otel_mlsec.arrays import Floats, Ints, Masks

PARTS = 8
CHANGED = 2  # parts that an edit may change
LEAST = 4  # parts, of which two are enough to know a row again
LAGS = 8  # earlier rows of a batch that a row is compared with

Signs = npt.NDArray[np.uint16]  # (…, PARTS)


class Edits:
    """Pure but for its keys: what it compares with is the caller's."""

    def __init__(self, n_columns: int, *, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self._odd = rng.integers(1, 1 << 63, n_columns, dtype=np.uint64) | np.uint64(1)
        self._parts = min(PARTS, n_columns)
        self._order = np.argsort(np.arange(n_columns) % self._parts, kind="stable")
        self._starts = np.searchsorted(np.sort(np.arange(n_columns) % self._parts), np.arange(self._parts))

    def signs(self, cells: Floats) -> Signs:
        """(n, d) rows -> (n, PARTS); parts that there are not are 0 in all rows."""
        with np.errstate(over="ignore"):
            bits = np.ascontiguousarray(cells, np.float32).view(np.uint32).astype(np.uint64)
        mixed = (bits ^ (bits >> np.uint64(15))) * self._odd  # wraps
        sums = np.add.reduceat((mixed ^ (mixed >> np.uint64(29)))[:, self._order], self._starts, axis=1, dtype=np.uint64)
        found = np.zeros((len(cells), PARTS), np.uint16)
        found[:, : self._parts] = (sums ^ (sums >> np.uint64(31))) >> np.uint64(17) & np.uint64(0xFFFF)
        return found

    def edited(self, signs: Signs, groups: Ints, known: npt.NDArray[np.uint16]) -> Masks:
        """Which rows are edits, of rows that are none themselves: so a chain of edits ends where two fields of its first differ.

        Args:
            signs: (n, PARTS), a principal's rows together and in order.
            groups: (n,) number of the principal.
            known: (n, k, PARTS) of earlier rows of the principal that were no edits; all 0 is no row.
        """
        if self._parts < LEAST:
            return np.zeros(len(signs), np.bool_)
        found = ((signs[:, None] != known).sum(axis=2) <= CHANGED) & known.any(axis=2)
        edits = found.any(axis=1)
        like = np.zeros((len(signs), LAGS), np.bool_)
        for lag in range(1, min(LAGS, len(signs) - 1) + 1):
            same = groups[lag:] == groups[:-lag]
            like[lag:, lag - 1] = same & ((signs[lag:] != signs[:-lag]).sum(axis=1) <= CHANGED)
        for row in np.flatnonzero(like.any(axis=1) & ~edits).tolist():
            edits[row] = any(like[row, lag - 1] and not edits[row - lag] for lag in range(1, LAGS + 1))
        return edits
