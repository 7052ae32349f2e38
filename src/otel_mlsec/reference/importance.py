"""How much a model leans on each of its features: what changes in its answers when a column is shuffled.

Permutation importance (Breiman 2001, "Random forests"; Fisher, Rudin and Dominici 2019, "All models are wrong, but many are
useful"), the same for every model and without labels: the model's own answers are the truth.  `feature_importances_` and `coef_`
are not asked: they are of the columns behind a pipeline's preprocessing, and each kind of model means something else by them.
Of two columns that say the same, either may get all of it, or each a part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from otel_mlsec.arrays import Floats, Ints

if TYPE_CHECKING:
    from otel_mlsec.reference.reference import Reference

ROWS, LEAST = 2000, 100  # that are asked again with one column shuffled
ASKED = 200_000  # rows, of all columns together
SEED = 20131
Answer = npt.NDArray[Any]
Ask = Callable[[Any], Answer | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Importance:
    """Share of each input in what decides the answers; they sum to one."""

    names: tuple[str, ...]
    shares: Floats  # (n,)

    def sound(self, reference: Reference) -> bool:
        return (
            self.shares.shape == (len(self.names),)
            and self.names == tuple(c.name for c in reference.inputs)
            and bool(((self.shares >= 0) & (self.shares <= 1)).all())
            and abs(float(self.shares.sum()) - 1) < 1e-6
        )

    def relative(self) -> dict[str, float]:
        """By name, as a multiple of what each would have if all had the same."""
        return dict(zip(self.names, (self.shares * len(self.names)).tolist(), strict=True))


def measured(ask: Ask, rows: Any, names: tuple[str, ...]) -> Importance | None:
    """Ask a model about at most 2,000 of `rows`, and again with each column shuffled: 200,000 rows or 100 a column in all.

    Args:
        ask: one array of answers to rows in the container that `rows` has; None where there is no such array.
        rows: DataFrame, array, list or sparse matrix.
        names: of its first columns, those that are watched.

    None: rows in a container whose columns cannot be shuffled, or answers that no column changes.
    """
    d = len(names)
    n = int(rows.shape[0]) if hasattr(rows, "shape") else len(rows)
    rng = np.random.default_rng(SEED)
    kept: Ints = np.sort(rng.permutation(n)[: min(n, ROWS, max(LEAST, ASKED // max(d, 1)))])
    shuffled = _shuffler(rows, kept)
    if shuffled is None or shuffled.width < d:
        return None
    before = ask(shuffled.rows)
    if before is None:
        return None
    changes = np.zeros(d)
    for i, order in enumerate(_orders(rng, len(kept), d)):
        after = ask(shuffled(i, order))
        changes[i] = _change(before, after) if after is not None else 0.0
    total = float(changes.sum())
    return Importance(names=names, shares=changes / total) if np.isfinite(total) and total > 0 else None


def _orders(rng: np.random.Generator, n: int, d: int) -> Iterator[Ints]:
    for _ in range(d):
        yield rng.permutation(n)


def _change(before: Answer, after: Answer) -> float:
    """Mean change of numbers, share of changed labels."""
    if before.dtype.kind == "f" and after.shape == before.shape:
        apart = np.abs(after.astype(np.float64) - before.astype(np.float64))
        return float(np.mean(apart[np.isfinite(apart)])) if np.isfinite(apart).any() else 0.0
    return float(np.asarray(before != after, np.float64).mean())


class _Shuffled:
    """Some rows of a container, and the same with one column in another order."""

    def __init__(self, rows: Any, width: int, put: Callable[[Any, int, Ints], Any]) -> None:
        self.rows, self.width, self._put = rows, width, put

    def __call__(self, column: int, order: Ints) -> Any:
        return self._put(self.rows, column, order)


def _shuffler(rows: Any, kept: Ints) -> _Shuffled | None:
    at: list[int] = kept.tolist()
    if hasattr(rows, "iloc") and hasattr(rows, "isetitem"):  # pandas
        return _Shuffled(rows.iloc[kept], rows.shape[1], _pandas)
    if hasattr(rows, "with_columns"):  # polars
        return _Shuffled(rows[at], rows.shape[1], _polars)
    if hasattr(rows, "tocsr"):  # scipy
        part = rows.tocsr()[kept]
        return _Shuffled(part, part.shape[1], _sparse)
    if type(rows) is np.ndarray and rows.ndim == 2 and rows.dtype.names is None:
        return _Shuffled(rows[kept], rows.shape[1], _array)
    if type(rows) is list and all(type(row) in (list, tuple) for row in cast("list[Any]", rows)):
        lists: list[list[Any]] = [[*rows[i]] for i in at]
        return _Shuffled(lists, min(len(row) for row in lists), _lists)
    return None


def _pandas(part: Any, column: int, order: Ints) -> Any:
    other = part.copy()
    other.isetitem(column, part.iloc[order, column].array)
    return other


def _polars(part: Any, column: int, order: Ints) -> Any:
    return part.with_columns(part.to_series(column)[order.tolist()])


def _sparse(part: Any, column: int, order: Ints) -> Any:
    other = part.tocsc(copy=True)
    start, end = other.indptr[column], other.indptr[column + 1]
    to = np.argsort(order)  # where each row goes
    other.indices[start:end] = to[other.indices[start:end]]
    return other.tocsr()


def _array(part: Any, column: int, order: Ints) -> Any:
    other = part.copy()
    other[:, column] = part[order, column]
    return other


def _lists(part: Any, column: int, order: Ints) -> Any:
    other = [row.copy() for row in part]
    for row, source in zip(other, order.tolist(), strict=True):
        row[column] = part[source][column]
    return other
