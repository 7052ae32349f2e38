"""Any container of rows -> a float64 matrix and the names of its columns.

The serving path and the fitting of references both read data here, so the same table in another container is the same
matrix.  Frameworks are known by the names of their classes; only numpy is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from otel_mlsec import cells
from otel_mlsec.arrays import Floats

Names = tuple[str, ...]
Table = tuple[Floats | None, Names]
NOTHING: Table = (None, ())
ODD = (AttributeError, TypeError, ValueError, LookupError, ArithmeticError, RuntimeError, NotImplementedError)


def table(rows: Any) -> Table:
    """Rows in any container -> (n, k) float64 and k column names, () where nobody named them.

    Text is `text_code(cell)`, missing NaN, true 1, times seconds since the epoch; see `cells`.  A flat container is one
    column, a dict is columns by name, more than two dimensions are flattened to two.  (None, ()) for what is no table.

    >>> table([{"hour": 7, "late": True}, {"hour": None}])
    (array([[ 7.,  1.],
           [nan, nan]]), ('hour', 'late'))
    """
    try:
        read = _reader(rows)
        return read(rows) if read is not None else NOTHING
    except ODD:  # what foreign containers raise when they are not what they look like
        return NOTHING


def _reader(rows: object) -> Callable[[Any], Table] | None:
    cls = type(rows)  # not __class__, which a proxy may claim
    for base in cls.__mro__:
        found = READERS.get((base.__module__.partition(".")[0], base.__name__))
        if found is not None:
            return found
    if issubclass(cls, Mapping):
        return _columns_by_name
    if hasattr(cls, "__array__"):
        return lambda held: _array(np.asarray(held))
    return None


def _array(rows: npt.NDArray[Any]) -> Table:
    if rows.dtype.names is not None:
        return _columns_by_name({name: rows[name] for name in rows.dtype.names})
    if isinstance(rows, np.ma.MaskedArray):
        return np.where(np.ma.getmaskarray(rows), np.nan, cells.array(rows.data)).reshape(_flat(rows.shape)), ()
    return cells.array(rows).reshape(_flat(rows.shape)), ()


def _flat(shape: tuple[int, ...]) -> tuple[int, int]:
    return (shape[0] if shape else 1), int(np.prod(shape[1:]))


def _sequence(rows: Any) -> Table:
    kinds = set(map(type, rows))
    if not kinds:
        return np.empty((0, 0)), ()
    if all(issubclass(kind, Mapping) for kind in kinds):
        return _records(rows)
    if all(issubclass(kind, list | tuple) for kind in kinds):
        return _lists(rows)
    if all(issubclass(kind, np.ndarray) for kind in kinds):
        return _array(np.stack(rows))
    if any(issubclass(kind, Mapping | list | tuple | np.ndarray) for kind in kinds):
        return NOTHING
    return cells.column(rows)[:, None], ()


def _lists(rows: Any) -> Table:
    width = len(rows[0])
    if any(len(row) != width for row in rows):
        return NOTHING
    if any(isinstance(value, list | tuple | np.ndarray) for value in rows[0]):  # an image in lists
        return _array(np.asarray(rows))
    return _stack([cells.column(values) for values in zip(*rows, strict=True)], len(rows)), ()


def _records(rows: Any) -> Table:
    names = list(dict.fromkeys(name for row in rows for name in row))  # in the order of first appearance
    return _stack([cells.column([row.get(name) for row in rows]) for name in names], len(rows)), tuple(map(str, names))


def _columns_by_name(columns: Mapping[Any, Any]) -> Table:
    """Columns of one length; a part of several columns is `name.0`, `name.1`; scalars are one row."""
    if columns and all(np.ndim(part) == 0 for part in columns.values()):
        return _records([columns])
    names: list[str] = []
    parts: list[Floats] = []
    for name, part in columns.items():
        matrix, _ = table(part)
        if matrix is None:
            return NOTHING
        width = matrix.shape[1]
        names += [str(name)] if width == 1 else [f"{name}.{i}" for i in range(width)]
        parts.append(matrix)
    return (np.concatenate(parts, axis=1) if parts else np.empty((0, 0))), tuple(names)


def _pandas_frame(frame: Any) -> Table:
    named = type(frame.columns).__name__ != "RangeIndex"
    names = tuple(map(str, frame.columns)) if named else ()
    if all(_is_number(dtype) for dtype in frame.dtypes):
        return frame.to_numpy(dtype=np.float64), names
    return _stack([_pandas_column(frame.iloc[:, i]) for i in range(frame.shape[1])], len(frame)), names


def _is_number(dtype: Any) -> bool:
    return type(dtype).__module__.startswith("numpy") and dtype.kind in "fiub"


def _pandas_series(series: Any) -> Table:
    return _pandas_column(series)[:, None], (() if series.name is None else (str(series.name),))


def _pandas_column(series: Any) -> Floats:
    if isinstance(series.dtype, np.dtype):
        return cells.array(series.to_numpy())
    kind = type(series.dtype).__name__
    if kind == "DatetimeTZDtype":
        return cells.array(series.to_numpy(dtype="datetime64[us]"))
    if kind == "CategoricalDtype":
        used, at = np.unique(series.cat.codes.to_numpy(), return_inverse=True)  # a few rows may have a million categories
        known = used[used >= 0]
        return _decode(at - (len(used) - len(known)), series.cat.categories.take(known).tolist())
    if kind in ("StringDtype", "ArrowDtype"):
        at, distinct = series.factorize()
        return _decode(at, distinct.tolist())
    return cells.column(series.tolist())


def _decode(at: npt.NDArray[Any], distinct: list[Any]) -> Floats:
    """Positions in a list of distinct values, -1 for missing."""
    return np.append(cells.column(distinct), np.nan)[at]


def _polars_frame(frame: Any) -> Table:
    return _stack([_polars_column(series) for series in frame.iter_columns()], len(frame)), tuple(frame.columns)


def _polars_series(series: Any) -> Table:
    return _polars_column(series)[:, None], ((series.name,) if series.name else ())


def _polars_column(series: Any) -> Floats:
    if type(series.dtype).__name__ in ("String", "Categorical", "Enum"):
        distinct = series.unique()
        codes = cells.column(distinct.to_list())
        return series.replace_strict(distinct, codes, default=np.nan, return_dtype=float).to_numpy()
    return cells.array(series.to_numpy())


def _sparse(matrix: Any) -> Table:
    return cells.array(np.asarray(matrix.toarray())), ()


def _dmatrix(data: Any) -> Table:
    """What a DMatrix does not hold is missing, not zero.  A QuantileDMatrix holds bins instead of values."""
    if type(data).__name__ != "DMatrix":
        return NOTHING
    held = data.get_data()  # scipy's csr_matrix
    starts: npt.NDArray[np.int64] = held.indptr
    dense = np.full(held.shape, np.nan)
    dense[np.repeat(np.arange(len(starts) - 1), np.diff(starts)), held.indices] = held.data
    if "c" in (data.feature_types or ()):
        _name_categories(dense, data)
    return dense, tuple(data.feature_names or ())


def _name_categories(dense: Floats, data: Any) -> None:
    """Positions of categories -> the categories, as in the frame that they came from, if it was one."""
    try:
        levels = data.get_categories(export_to_arrow=True).to_arrow()
    except (AttributeError, ImportError):  # xgboost before 3.1, or no pyarrow: positions they stay
        return
    for i, (_, names) in enumerate(levels):
        if names is not None:
            known = ~np.isnan(dense[:, i])
            used, at = np.unique(dense[known, i].astype(np.int64), return_inverse=True)
            dense[known, i] = cells.column(names.take(used).to_pylist())[at]


def _scalar(value: Any) -> Table:
    return np.array([[cells.cell(value)]]), ()


def _stack(columns: Iterable[Floats], n_rows: int) -> Floats:
    held = list(columns)
    return np.stack(held, axis=1) if held else np.empty((n_rows, 0))


READERS: dict[tuple[str, str], Callable[[Any], Table]] = {
    ("numpy", "ndarray"): _array,
    ("numpy", "generic"): _scalar,
    ("pandas", "DataFrame"): _pandas_frame,
    ("pandas", "Series"): _pandas_series,
    ("pandas", "Index"): lambda index: _pandas_series(index.to_series()),
    ("polars", "DataFrame"): _polars_frame,
    ("polars", "Series"): _polars_series,
    ("scipy", "_spbase"): _sparse,
    ("scipy", "spmatrix"): _sparse,
    ("xgboost", "DMatrix"): _dmatrix,
    ("builtins", "list"): _sequence,
    ("builtins", "tuple"): _sequence,
    ("builtins", "str"): _scalar,
    ("builtins", "bytes"): _scalar,
    ("builtins", "int"): _scalar,
    ("builtins", "float"): _scalar,
}
