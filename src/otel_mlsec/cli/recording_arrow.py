"""Recorded traffic in Parquet and CSV files, read by pyarrow, which comes with the extra `reference`."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from otel_mlsec import cells
from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.cli.recording import MAX_COLUMNS, named, word

PARQUET = (".parquet", ".pq")
CSV = (".csv", ".csv.gz")
AHEAD = 1 << 18  # bytes of a column of Parquet that are read at once
BLOCK = 4 << 20  # bytes of CSV that are parsed at once; a row must fit
NULLS = ("", "#N/A", "#NA", "N/A", "NA", "<NA>", "NULL", "NaN", "None", "n/a", "nan", "null", "-NaN", "-nan")
TRUTHS = {"True": 1.0, "TRUE": 1.0, "true": 1.0, "False": 0.0, "FALSE": 0.0, "false": 0.0}


def _pyarrow(module: str = "") -> Any:
    try:
        return import_module(f"pyarrow{module}")
    except ImportError as error:
        raise ImportError("reading Parquet and CSV needs pyarrow: pip install 'otel-mlsec[reference]'") from error


class Parquet:
    """Structs are columns `outer.inner`."""

    malformed = 0

    def __init__(self, path: Path) -> None:
        # A stream of each column: without, a whole row group of it is read at once, ahead even all of them.
        self._file = _pyarrow(".parquet").ParquetFile(path, pre_buffer=False, buffer_size=AHEAD)
        flat: list[str] = [part.name for field in self._file.schema_arrow for part in field.flatten()]
        self.names = _once(path, [name for name in flat if not name.startswith("__index_level_")])
        self.total = int(self._file.metadata.num_rows)

    def parts(self, columns: Sequence[str], rows: int) -> Iterator[ArrowPart]:
        at = 0
        for table in _regrouped(self._file.iter_batches(rows, columns=list(columns), use_threads=False), rows):
            at += table.num_rows
            yield ArrowPart(table.flatten(), at, untyped=False)


class Csv:
    """Cells have no type of their own, and get none from their neighbours: what reads as a number is one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.malformed = 0
        self.total = path.stat().st_size  # bytes
        with self._source() as source, _sentences_only():
            self.names = _once(path, list(self._opened(source, {}).schema.names))
        self.malformed = 0  # once more, as the first block is read again

    def parts(self, columns: Sequence[str], rows: int) -> Iterator[ArrowPart]:
        with open(self._path, "rb") as file:  # whose position, and not that of what it is unpacked to, tells how far it is
            pyarrow = _pyarrow()
            packed = self._path.suffix == ".gz"
            source = pyarrow.CompressedInputStream(pyarrow.PythonFile(file), "gzip") if packed else pyarrow.PythonFile(file)
            wanted = dict.fromkeys(columns, pyarrow.binary())
            tables = _regrouped(self._opened(source, wanted), rows)
            while True:
                with _sentences_only():
                    table = next(tables, None)
                if table is None:
                    return
                yield ArrowPart(table, min(file.tell(), self.total), untyped=True)

    def _source(self) -> Any:
        return _pyarrow().input_stream(str(self._path), compression="gzip" if self._path.suffix == ".gz" else None)

    def _opened(self, source: Any, types: dict[str, Any]) -> Any:
        csv = _pyarrow(".csv")
        return csv.open_csv(
            source,
            read_options=csv.ReadOptions(block_size=BLOCK, use_threads=False),
            parse_options=csv.ParseOptions(newlines_in_values=True, invalid_row_handler=self._left_out),
            convert_options=csv.ConvertOptions(
                check_utf8=False, null_values=NULLS, strings_can_be_null=True, column_types=types, include_columns=list(types)
            ),
        )

    def _left_out(self, _: Any) -> str:
        self.malformed += 1
        return "skip"


@contextmanager
def _sentences_only() -> Generator[None]:
    """A malformed row that is not UTF-8 ends the reading with a sentence; pyarrow prints a traceback of its own before."""
    before = sys.unraisablehook

    def hook(told: Any) -> None:
        if not isinstance(told.exc_value, UnicodeDecodeError):
            before(told)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before


class ArrowPart:
    def __init__(self, table: Any, position: int, *, untyped: bool) -> None:
        self._table, self.position, self._untyped = table, position, untyped
        self.n_rows = int(table.num_rows)

    def numbers(self, name: str, *, text: bool = False) -> Floats:
        column = self._table.column(name)
        if self._untyped:
            return self._distinct(column, _text) if text else self._parsed(column)
        types, kind = _pyarrow().types, column.type
        if types.is_boolean(kind):
            column = column.cast("uint8")
        if types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
            return _array(column.cast("float64", safe=False), np.float64, np.nan)
        if types.is_timestamp(kind) or types.is_date(kind):
            return cells.seconds(
                _microseconds(column, _pyarrow().timestamp("us", kind.tz if types.is_timestamp(kind) else None), "M8[us]")
            )
        if types.is_duration(kind):
            return cells.seconds(_microseconds(column, _pyarrow().duration("us"), "m8[us]"))
        if types.is_dictionary(kind) or types.is_string(kind) or types.is_large_string(kind):
            return self._distinct(column, cells.cell)
        return cells.column(column.to_pylist())

    def words(self, name: str) -> tuple[Ints, list[str]]:
        column = self._table.column(name)
        try:
            index, values = _encoded(column)
        except NotImplementedError:  # lists have no dictionary
            return named(map(word, column.to_pylist()))
        at, texts = named(map(word, [*values, None]))
        return at[index], texts

    def _parsed(self, column: Any) -> Floats:
        try:
            return _array(column.cast("string").cast("float64"), np.float64, np.nan)
        except ValueError:  # pyarrow.ArrowInvalid: not all are numbers, or not all are UTF-8
            return self._distinct(column, _untyped)

    def _distinct(self, column: Any, read: Callable[[Any], float]) -> Floats:
        index, values = _encoded(column)
        return np.array([*map(read, values), np.nan])[index]


def _encoded(column: Any) -> tuple[Ints, list[Any]]:
    """-> positions in the list of distinct values, -1 for null."""
    encoded = column.combine_chunks().dictionary_encode()
    return _array(encoded.indices.cast("int64"), np.int64, -1), encoded.dictionary.to_pylist()


def _microseconds(column: Any, kind: Any, dtype: str) -> npt.NDArray[Any]:
    return _array(column.cast(kind, safe=False).cast("int64"), np.int64, np.iinfo(np.int64).min).view(dtype)  # the least is NaT


def _array(column: Any, dtype: Any, null: float) -> npt.NDArray[Any]:
    """A column of eight-byte numbers, read where it lies: pyarrow's own way to numpy loads pandas."""
    whole = column.combine_chunks() if hasattr(column, "combine_chunks") else column
    n, start = len(whole), whole.offset
    known, data = whole.buffers()
    if not n or data is None:
        return np.full(n, null, dtype)
    values = np.frombuffer(data, dtype, n, 8 * start)
    if not whole.null_count:
        return values
    bits = np.unpackbits(np.frombuffer(known, np.uint8), bitorder="little")[start : start + n]
    return np.where(bits, values, np.array(null, dtype))


def _untyped(cell: bytes) -> float:
    shown = word(cell).strip()
    if shown in TRUTHS:
        return TRUTHS[shown]
    if shown.isascii() and "_" not in shown:
        try:
            return float(shown)
        except ValueError:
            pass  # text
    return _text(cell)


def _text(cell: bytes) -> float:
    return cells.code(word(cell))


def _regrouped(batches: Iterable[Any], rows: int) -> Iterator[Any]:
    """Record batches of any size -> tables of `rows` rows, so that it does not matter how a file was written."""
    pyarrow = _pyarrow()
    held: list[Any] = []
    n_held = 0
    for batch in batches:
        while len(batch):
            piece = batch.slice(0, rows - n_held)
            batch = batch.slice(len(piece))
            held.append(piece)
            n_held += len(piece)
            if n_held == rows:
                yield pyarrow.Table.from_batches(held)
                held, n_held = [], 0
    if held:
        yield pyarrow.Table.from_batches(held)


def _once(path: Path, names: list[str]) -> tuple[str, ...]:
    if len(names) > MAX_COLUMNS:
        raise ValueError(f"{path} has {len(names):,} columns; at most {MAX_COLUMNS:,} can be read")
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise ValueError(f"{path} has more than one column {twice[0]!r}")
    return tuple(names)
