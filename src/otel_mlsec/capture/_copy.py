"""Private, bounded copies of what a model was given and gave.  Made in the caller, read in the worker.

A batch is thinned to at most `ROWS` rows by a stride with a random start, so every row has the same chance and no
caller can know which rows are looked at.  Frameworks are known by the names of their classes: none is imported here.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from otel_mlsec.capture._cells import CELL_BYTES, private_cells, private_rows

ROWS = 256
BYTES = 1 << 18  # a copy; at least one row, unless the row alone is over `ROW_BYTES`
ROW_BYTES = 1 << 22
KEYS = 4096  # of a dict

_random = random.Random()  # of our own: the application may have seeded the common one


class Copy(NamedTuple):
    """Every `step`-th row of `n_rows`, from `start` on."""

    rows: Any  # None where the data could not be copied within the bounds
    n_rows: int  # of the original
    n_bytes: int
    start: int = 0
    step: int = 1
    columns: Any = None  # names of the columns of an array that has lost its frame


NOTHING = Copy(None, 0, 0)
Copier = Callable[[Any, Copy | None], Copy]


def private(data: object, like: Copy | None = None) -> Copy:
    """Copy `data`; at the rows of `like` where it has as many rows, or at every k-th of those if they are too big."""
    cls = type(data)
    copier = _by_type.get(cls) or _remember(cls)
    return copier(data, like if like is not None and like.rows is not None else None)


def _rows(n_rows: int, row_bytes: float, like: Copy | None) -> slice:
    keep = max(1, min(ROWS, int(BYTES // max(row_bytes, 1))))
    if like is not None and like.n_rows == n_rows:
        step = like.step * (-(-len(range(like.start, n_rows, like.step)) // keep) or 1)
        return slice(like.start, None, step)
    step = -(-n_rows // keep) or 1
    return slice(_random.randrange(step) if step > 1 else 0, None, step)


def _numpy(x: Any, like: Copy | None) -> Copy:
    n_bytes: int = x.nbytes
    if x.ndim == 0:
        return Copy(x.copy(), 1, n_bytes)
    n = len(x)
    plain = not x.dtype.hasobject
    if plain and n <= ROWS and n_bytes <= BYTES and (like is None or like.step == 1):
        return Copy(x.copy(), n, n_bytes)
    row_bytes = (n_bytes if plain else x.size * CELL_BYTES) / max(n, 1)
    if row_bytes > ROW_BYTES or not (plain or x.dtype.names is None):
        return Copy(None, n, 0)
    at = _rows(n, row_bytes, like)
    rows = x[at].copy()
    if plain:
        return Copy(rows, n, rows.nbytes, at.start, at.step)
    cells, weight = private_cells(rows.ravel().tolist())
    if cells is None:
        return Copy(None, n, 0)
    rows.ravel()[:] = cells  # ravel of a fresh C-ordered copy is a view
    return Copy(rows, n, weight, at.start, at.step)


def _pandas(x: Any, like: Copy | None) -> Copy:
    """Copy-on-write guards a frame, not the ndarray that it may be a view of: a deep copy, or one array."""
    if _lies_on_one_ndarray(x):
        return _framed(_numpy(x.to_numpy(), like), x)
    n, width = len(x), x.shape[1] if x.ndim == 2 else 1
    dtypes = x.dtypes.tolist() if x.ndim == 2 else [x.dtype]
    objects = [i for i, dtype in enumerate(dtypes) if getattr(dtype, "hasobject", False)]
    row_bytes = 8 * width + CELL_BYTES * len(objects)
    if row_bytes > ROW_BYTES:
        return Copy(None, n, 0)
    at = _rows(n, row_bytes, like)
    rows = x.iloc[at] if at.step > 1 else x
    weight = 8 * len(rows) * width
    for i, dtype in enumerate(dtypes):
        if type(dtype).__name__ in ("StringDtype", "ArrowDtype"):
            weight += int(rows.iloc[:, i].array.nbytes if x.ndim == 2 else rows.array.nbytes)
    for i in objects:  # the copy would share their cells
        cells = (rows.iloc[:, i] if x.ndim == 2 else rows).tolist()
        kept, more = private_cells(cells)
        weight += more
        if kept is not cells:
            held = _numpy(rows.to_numpy(dtype=object), None)
            return _framed(held._replace(n_rows=n, start=at.start + at.step * held.start, step=at.step * held.step), x)
    return Copy(rows.copy(deep=True) if weight <= 4 * BYTES else None, n, weight, at.start, at.step)


def _lies_on_one_ndarray(frame: Any) -> bool:
    """A hint from inside pandas, ten times faster than `dtypes`; without it the frame is copied as a frame."""
    blocks = getattr(getattr(frame, "_mgr", None), "blocks", ())
    return len(blocks) == 1 and not getattr(blocks[0].dtype, "hasobject", True)


def _framed(held: Copy, frame: Any) -> Copy:
    names = getattr(frame, "columns", None)  # an Index is immutable
    return held if names is None or type(names).__name__ == "RangeIndex" else held._replace(columns=names)


def _polars(x: Any, like: Copy | None) -> Copy:
    """Neither clone nor slice nor gather copies a column that lies over an ndarray; to_numpy(writable=True) does."""
    n = len(x)
    flat = not hasattr(x, "columns")
    at = _rows(n, 8 * (1 if flat else x.width), like)
    rows = x[at] if at.step > 1 else x
    weight = int(rows.estimated_size())
    if weight > 4 * BYTES:
        return Copy(None, n, 0)
    if flat:
        return Copy(rows.to_numpy(writable=True), n, weight, at.start, at.step)
    if all(dtype.is_numeric() for dtype in rows.dtypes):
        return Copy(rows.to_numpy(writable=True), n, weight, at.start, at.step, tuple(x.columns))
    columns = {series.name: series.to_numpy(writable=True) for series in rows.iter_columns()}  # each keeps its type
    return Copy(columns, n, weight, at.start, at.step)


def _scipy(x: Any, like: Copy | None) -> Copy:
    n, width = x.shape if x.ndim == 2 else (1, x.shape[0])
    if x.ndim != 2 or 8 * width > ROW_BYTES or (x.format != "csr" and x.nnz > 1 << 16):
        return Copy(None, n, 0)
    at = _rows(n, 8 * width, like)  # dense, as the worker will make it
    rows = x.tocsr()[at].copy()
    return Copy(rows, n, 8 * rows.shape[0] * width, at.start, at.step)


def _sequence(x: Sequence[Any], like: Copy | None) -> Copy:
    n = len(x)
    first: Any = x[0] if n else None
    if getattr(first, "ndim", 0):
        return _arrays(x, like)
    if type(first) not in (list, tuple, dict):
        at = _rows(n, CELL_BYTES, like)
        cells, weight = private_cells(list(x[at]))
        return Copy(cells, n, weight, at.start, at.step)
    at = _rows(n, CELL_BYTES * max(len(first), 1), like)
    rows, weight = private_rows(x[at])
    return Copy(rows, n, weight, at.start, at.step)


def _arrays(x: Any, like: Copy | None) -> Copy:
    """A list of arrays, one a row."""
    n = len(x)
    at = _rows(n, x[0].nbytes, like)
    if any(type(row).__module__ != "numpy" or row.nbytes > ROW_BYTES for row in x[at]):
        return Copy(None, n, 0)
    held = [_numpy(row, None) for row in x[at]]
    weight = sum(copy.n_bytes for copy in held)
    if weight > 4 * BYTES or any(copy.rows is None or copy.step > 1 for copy in held):
        return Copy(None, n, 0)
    return Copy([copy.rows for copy in held], n, weight, at.start, at.step)


def _mapping(x: Any, like: Copy | None) -> Copy:
    """Columns by name, each at the rows of the first."""
    if not 0 < len(x) <= KEYS:
        return NOTHING
    parts: dict[str, Any] = {}
    weight = 0
    for name in x:
        part = private(x[name], like)
        if part.rows is None or (like is not None and part.step != like.step):
            return Copy(None, part.n_rows, 0)
        parts[str(name)] = part.rows
        weight += part.n_bytes
        like = like or part
        if weight > 4 * BYTES:
            return Copy(None, part.n_rows, 0)
    assert like is not None
    return Copy(parts, like.n_rows, weight, like.start, like.step)


def _dmatrix(x: Any, like: Copy | None) -> Copy:
    n, width = int(x.num_row()), int(x.num_col())
    if type(x).__name__ != "DMatrix" or 8 * width > ROW_BYTES:  # a QuantileDMatrix has bins instead of values
        return Copy(None, n, 0)
    at = _rows(n, 8 * width, like)
    picked = range(n)[at]
    rows = x if at.step == 1 else x.slice(picked)  # its values cannot be changed, so a small one needs no copy
    return Copy(rows, n, 8 * width * len(picked), at.start, at.step)


def _scalar(x: Any, _: Copy | None) -> Copy:
    cells, weight = private_cells([x])
    return Copy(cells, 1, weight)


def _unknown(_: Any, __: Copy | None) -> Copy:
    return NOTHING  # never `__array__` and the like: their cost has no bound


COPIERS: Mapping[tuple[str, str], Copier] = {
    ("numpy", "ndarray"): _numpy,
    ("numpy", "generic"): _scalar,
    ("pandas", "DataFrame"): _pandas,
    ("pandas", "Series"): _pandas,
    ("polars", "DataFrame"): _polars,
    ("polars", "Series"): _polars,
    ("scipy", "_spbase"): _scipy,
    ("scipy", "spmatrix"): _scipy,
    ("xgboost", "DMatrix"): _dmatrix,
    ("builtins", "list"): _sequence,
    ("builtins", "tuple"): _sequence,
    ("builtins", "dict"): _mapping,
    ("builtins", "str"): _scalar,
    ("builtins", "bytes"): _scalar,
    ("builtins", "int"): _scalar,
    ("builtins", "float"): _scalar,
}
_by_type: dict[type, Copier] = {}  # at most `KEYS`


def _remember(cls: type) -> Copier:
    found = next((c for base in cls.__mro__ if (c := COPIERS.get((base.__module__.partition(".")[0], base.__name__)))), _unknown)
    if len(_by_type) >= KEYS:
        _by_type.clear()
    return _by_type.setdefault(cls, found)
