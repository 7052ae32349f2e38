"""The same rows in any container are the same matrix, and nothing handed over raises."""

import datetime as dt
from collections import OrderedDict
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_mlsec.observation import TEXT, text_code
from otel_mlsec.table import table

NOON = dt.datetime(2013, 1, 31, 12, 0, 0, 123456)  # noqa: DTZ001 - without a zone is the case
COLUMNS: dict[str, list[Any]] = {
    "delay": [1.5, None, 2.0, float("nan"), -3.25],
    "hour": [5, 6, 7, 8, 2**40],
    "late": [True, False, True, None, True],
    "origin": ["JFK", "LGA", None, "JFK", "Zürich"],
    "when": [NOON + dt.timedelta(days=i) for i in range(5)],
    "day": [NOON.date() + dt.timedelta(days=i) for i in range(5)],
}
NAMES = tuple(COLUMNS)
RECORDS = [{name: cells[i] for name, cells in COLUMNS.items()} for i in range(5)]


def expected() -> np.ndarray:
    nan, first = np.nan, NOON.replace(tzinfo=dt.UTC).timestamp()
    days = np.arange(5) * 86400.0
    return np.column_stack(
        [
            [1.5, nan, 2.0, nan, -3.25],
            [5.0, 6.0, 7.0, 8.0, 2.0**40],
            [1.0, 0.0, 1.0, nan, 1.0],
            [text_code("JFK"), text_code("LGA"), nan, text_code("JFK"), text_code("Zürich")],
            first + days,
            first - 43200.123456 + days,
        ]
    )


def pandas_plain() -> Any:
    return pytest.importorskip("pandas").DataFrame(COLUMNS)


def pandas_typed() -> Any:
    frame = pandas_plain()
    frame["origin"] = frame["origin"].astype("category")
    frame["hour"] = frame["hour"].astype("Int64")
    frame["late"] = frame["late"].astype("boolean")
    frame["when"] = frame["when"].dt.tz_localize("UTC").dt.tz_convert("America/New_York")
    return frame


def pandas_arrow() -> Any:
    pytest.importorskip("pyarrow")
    return pandas_plain().convert_dtypes(dtype_backend="pyarrow")


def polars_plain() -> Any:
    return pytest.importorskip("polars").DataFrame(COLUMNS)


def polars_typed() -> Any:
    pl = pytest.importorskip("polars")
    return polars_plain().with_columns(pl.col("origin").cast(pl.Categorical), pl.col("when").cast(pl.Datetime("ns", "UTC")))


CONTAINERS = {
    "pandas": pandas_plain,
    "pandas with types of its own": pandas_typed,
    "pandas over arrow": pandas_arrow,
    "pandas of objects": lambda: pandas_plain().astype(object),
    "polars": polars_plain,
    "polars with categories": polars_typed,
    "list of dicts": lambda: RECORDS,
    "dict of lists": lambda: OrderedDict(COLUMNS),
    "object ndarray": lambda: np.array([list(row.values()) for row in RECORDS], dtype=object),
    "tuple of tuples": lambda: tuple(tuple(row.values()) for row in RECORDS),
}


@pytest.mark.parametrize("container", CONTAINERS)
def test_one_table_is_one_matrix_in_every_container(container: str):
    matrix, names = table(CONTAINERS[container]())

    assert names == (() if container in ("object ndarray", "tuple of tuples") else NAMES)
    np.testing.assert_array_equal(matrix, expected())


def test_numbers_are_the_same_in_every_container():
    numbers = np.array([[1.0, 0.0, np.nan], [-2.5, 3.0, np.inf]])
    sparse = pytest.importorskip("scipy.sparse")
    filled = np.nan_to_num(numbers, nan=7.0)

    for same in (
        numbers,
        np.asfortranarray(numbers),
        numbers.tolist(),
        list(numbers),
        np.rec.fromarrays(numbers.T),
        numbers[::1],
    ):
        np.testing.assert_array_equal(table(same)[0], numbers)
    for same in (sparse.csr_array(filled), sparse.csc_matrix(filled), sparse.coo_array(filled)):
        np.testing.assert_array_equal(table(same)[0], filled)


def test_what_a_dmatrix_does_not_hold_is_missing():
    xgboost = pytest.importorskip("xgboost")
    held = xgboost.DMatrix(np.array([[1.0, np.nan], [0.0, 2.0]]), feature_names=["a", "b"])

    matrix, names = table(held)

    assert names == ("a", "b")
    np.testing.assert_array_equal(matrix, [[1.0, np.nan], [0.0, 2.0]])


def test_categories_of_a_dmatrix_are_those_of_the_frame_it_came_from():
    xgboost, pd = pytest.importorskip("xgboost"), pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0], "c": pd.Categorical(["x", None, "y"]), "i": pd.Categorical([5, 7, 5])})

    matrix, names = table(xgboost.DMatrix(frame, enable_categorical=True))

    assert names == ("a", "c", "i")
    np.testing.assert_array_equal(matrix, table(frame)[0])


def test_a_quantile_dmatrix_holds_bins_and_is_no_table():
    xgboost = pytest.importorskip("xgboost")

    assert table(xgboost.QuantileDMatrix(np.eye(3))) == (None, ())


def test_names_are_only_those_that_somebody_gave():
    pd = pytest.importorskip("pandas")
    data = np.eye(2)

    assert table(pd.DataFrame(data))[1] == ()
    assert table(pd.DataFrame(data, columns=["a", "a"]))[1] == ("a", "a")
    assert table(pd.Series([1.0, 2.0], name="label"))[1] == ("label",)
    assert table(np.array([(1, "x")], dtype=[("n", int), ("t", "U1")]))[1] == ("n", "t")


def test_a_key_that_a_record_lacks_is_missing():
    matrix, names = table([{"a": 1}, {"b": 2, "a": 3}])

    assert names == ("a", "b")
    np.testing.assert_array_equal(matrix, [[1.0, np.nan], [3.0, 2.0]])


def test_masked_cells_are_missing():
    masked = np.ma.masked_array([[1.0, 2.0]], mask=[[False, True]])

    np.testing.assert_array_equal(table(masked)[0], [[1.0, np.nan]])


def test_times_and_numbers_of_every_kind():
    cells = [
        dt.timedelta(hours=1),
        np.datetime64("1970-01-02"),
        np.datetime64("NaT", "s"),
        Decimal("2.5"),
        10**400,
        -(10**400),
        np.float32(2),
    ]

    matrix, _ = table(cells)

    np.testing.assert_array_equal(matrix[:, 0], [3600.0, 86400.0, np.nan, 2.5, np.inf, -np.inf, 2.0])


def test_what_is_in_an_unknown_object_is_not_looked_at():
    class Secret:
        def __str__(self) -> str:
            raise AssertionError("looked at")

        __repr__ = __float__ = __hash__ = __eq__ = __array__ = __str__  # type: ignore[assignment]

    matrix, _ = table([[Secret(), {"k": 1}], [1.0, {1, 2}]])

    np.testing.assert_array_equal(matrix, [[text_code("Secret"), text_code("dict")], [1.0, text_code("set")]])


def test_long_texts_are_not_kept():
    text_code.cache_clear()

    matrix, _ = table(["x" * 100_000, "short"])

    assert (matrix <= -TEXT).all()
    assert text_code.cache_info().currsize == 1


def test_wide_images_are_flattened():
    assert table(np.zeros((3, 4, 5)))[0].shape == (3, 20)
    assert table(np.zeros((3, 4, 5)).tolist())[0].shape == (3, 20)


class Broken(list[Any]):
    def __iter__(self) -> Any:
        raise ValueError("no")


class Pair(NamedTuple):
    a: int
    b: str


@pytest.mark.parametrize(
    "odd",
    [
        None,
        object(),
        [[1], [1, 2]],
        [[1], 2],
        Broken([1]),
        {"a": [1, 2], "b": [1]},
        iter([1]),
        lambda: 1,
        {1},
        [np.eye(2), np.eye(3)],
    ],
)
def test_what_is_no_table_is_none(odd: Any):
    assert table(odd) == (None, ())


@pytest.mark.parametrize(
    ("empty", "shape"),
    [
        ([], (0, 0)),
        (np.empty((0, 3)), (0, 3)),
        ({}, (0, 0)),
        (np.empty((3, 0)), (3, 0)),
        (np.float32(1), (1, 1)),
        ("text", (1, 1)),
    ],
)
def test_empty_and_single_are_tables(empty: Any, shape: tuple[int, int]):
    assert table(empty)[0].shape == shape


def test_named_tuples_are_rows():
    np.testing.assert_array_equal(table([Pair(1, "x"), Pair(2, "x")])[0][:, 0], [1.0, 2.0])


leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.binary(max_size=3)
    | st.datetimes()
    | st.complex_numbers()
)
odd_data = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(leaves, inner, max_size=3) | st.tuples(inner, inner),
    max_leaves=12,
)


@given(odd_data)
def test_nothing_raises_and_everything_has_two_dimensions(data: Any):
    matrix, names = table(data)

    assert matrix is None or (matrix.ndim == 2 and matrix.dtype == np.float64)
    assert names == () or (matrix is not None and len(names) == matrix.shape[1])


@given(st.lists(st.lists(leaves, min_size=2, max_size=2), min_size=1, max_size=5))
def test_lists_and_object_arrays_agree(rows: list[list[Any]]):
    held = np.empty((len(rows), 2), dtype=object)
    for i, row in enumerate(rows):
        held[i, :] = row

    np.testing.assert_array_equal(table(rows)[0], table(held)[0])
