"""Recorded rows of a reference's columns, part by part, with a progress bar; for commands that need no more of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from otel_mlsec.arrays import Floats
from otel_mlsec.cli.recording import JSON_LINES, JsonLines, Recording
from otel_mlsec.cli.recording_arrow import CSV, PARQUET, Csv, Parquet
from otel_mlsec.cli.traffic import Columns, Reader, Roles, columns
from otel_mlsec.detectors.align import aligned
from otel_mlsec.reference.reference import Reference

PART = 32 << 20  # bytes of the features of the rows that are in memory at once
ROWS = 1 << 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """In the order of the recording."""

    first: int  # number of the first of them, over all files
    inputs: Floats  # (n, d) in the order of the reference's columns; NaN for a column that is not recorded
    times: Floats | None  # (n,) s since the epoch, where a column of times was named


def opened(path: Path) -> Recording:
    """
    Raises:
        ValueError: no file, of no kind that is known, or not to be read as rows; the sentence says which.
    """
    if not path.is_file():
        raise ValueError(f"{path} is no file")
    name = path.name.lower()
    kinds = ((PARQUET, Parquet), (CSV, Csv), (JSON_LINES, JsonLines))
    kind = next((kind for suffixes, kind in kinds if name.endswith(suffixes)), None)
    if kind is None:
        raise ValueError(f"{path} must end in {', '.join(suffix for suffixes, _ in kinds for suffix in suffixes)}")
    try:
        return kind(path)
    except (ValueError, OSError, NotImplementedError) as error:  # the last: what pyarrow cannot read
        raise ValueError(f"{path} cannot be read as rows ({str(error).partition(chr(10))[0]})") from error


class Rereading:
    """The rows of some files, as often as they are wanted; never more than one part of them in memory."""

    def __init__(self, paths: Sequence[Path], reference: Reference, time: str, say: Callable[[str], None]) -> None:
        """`time`: column of event times, or ""; `say` is given what a person must know of the files, once."""
        self._reference, self._roles, self._say = reference, Roles(time=time, label=""), say
        self._known = {c.name for c in reference.inputs}
        self._texts = {c.name for c in reference.inputs if c.bins.text}
        self._paths = tuple(paths)
        self._read = False
        self.rising: tuple[str, ...] = ()  # columns that only rise, as a row number does

    def rows(self, what: str) -> Iterator[Rows]:
        """`what` is done with them, for the progress bar.

        Raises:
            ValueError: a file cannot be read; the sentence says why.
        """
        reader = Reader(principal=str, source=lambda _, cell: cell, rows_per_second=1.0)
        with progress() as bar:
            for path in self._paths:
                recording = opened(path)
                task = bar.add_task(f"{what}: {path.name}", total=recording.total)
                try:
                    chosen = self._chosen(path, recording)
                    for part in recording.parts(chosen.all, min(ROWS, max(PART // (8 * len(chosen.all)), 256))):
                        first = reader.n_rows
                        requests = reader.read(part, chosen)
                        inputs, _ = aligned(requests.inputs, requests.features, self._reference.inputs, [*self._known])
                        yield Rows(first=first, inputs=inputs, times=requests.times if self._roles.time else None)
                        bar.update(task, completed=part.position)
                except (ValueError, OSError, NotImplementedError) as error:
                    raise ValueError(f"{path}: {str(error).partition(chr(10))[0]}") from error
                if recording.malformed and not self._read:
                    self._say(f"{path}: {recording.malformed:,} lines are no rows and were left out")
        if not reader.n_rows:
            raise ValueError("no row was read")
        if reader.untimed and not self._read:
            self._say(f"{reader.untimed:,} rows have no time and were taken for as late as the row before")
        self._read, self.rising = True, reader.rising

    def _chosen(self, path: Path, recording: Recording) -> Columns:
        if self._roles.time and self._roles.time not in recording.names:
            raise ValueError(
                f"--time names {self._roles.time!r}, which is no column; those are {', '.join(recording.names[:20])}"
            )
        chosen = columns(recording.names, self._roles, self._known, self._texts)
        missing = [c.name for c in self._reference.inputs if c.name not in chosen.features]
        if missing and not self._read:
            self._say(f"{path}: no column {', '.join(missing[:5])}{f' and {len(missing) - 5} more' if len(missing) > 5 else ''}")
        return chosen


def progress() -> Progress:
    """On standard error, and only where that is a terminal."""
    console = Console(stderr=True)
    shown = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*shown, console=console, transient=True, disable=not console.is_terminal)
