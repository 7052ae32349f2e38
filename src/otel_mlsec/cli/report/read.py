"""Recorded files -> requests with the labels that were told of them, part by part; and what their columns are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.cli.reading import PART, ROWS, opened, progress
from otel_mlsec.cli.recording import Part, Recording
from otel_mlsec.cli.rehearsal import BATCH
from otel_mlsec.cli.report.asking import Asked
from otel_mlsec.cli.separated import separated
from otel_mlsec.cli.traffic import Columns, Reader, Requests, Roles, columns
from otel_mlsec.reference.reference import Reference

MOST_LEFT_OUT = 100  # names of columns that no reference knows


@dataclass(slots=True, kw_only=True)
class Files:
    """What there is to say of the files beside their rows."""

    names: list[str] = field(default_factory=list[str])
    absent: dict[str, int] = field(default_factory=dict[str, int])  # column of the reference -> files without it
    left_out: dict[str, None] = field(default_factory=dict[str, None])  # columns that the reference does not know
    malformed: int = 0  # lines that are no rows
    untimed: int = 0
    backwards: int = 0
    rows: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Rows of one part."""

    requests: Requests
    truth: tuple[Ints, list[str]] | None  # (n,) positions in a list of labels, "" for none
    part: Part


def pieces(
    paths: Sequence[Path], reference: Reference, roles: Roles, label: str, asked: Asked | None, files: Files,
    say: Callable[[str], None],
) -> Iterator[Piece]:  # fmt: skip
    """`label` is the column of true labels, or ""; `files` is filled.

    Raises:
        ValueError: a file cannot be read, or has not the columns that were named; the sentence says which.
    """
    known = {column.name for column in reference.inputs} - {label, roles.time, roles.label}
    texts = {column.name for column in reference.inputs if column.bins.text}
    reader = Reader(principal=str, source=lambda _, cell: cell, rows_per_second=1.0)
    with progress() as bar:
        for path in paths:
            recording = opened(path)
            task = bar.add_task(path.name, total=recording.total)
            try:
                chosen = _chosen(recording, roles, label, known, texts)
                _remember(files, path, chosen, reference, label)
                wanted = chosen.all if not label or label in chosen.all else (*chosen.all, label)
                size = min(ROWS, max(PART // (8 * len(wanted)), BATCH)) // BATCH * BATCH
                for part in recording.parts(wanted, size):
                    requests = reader.read(part, chosen)
                    if asked is not None:
                        requests = asked.answered(requests, part)
                    yield Piece(requests=requests, truth=part.words(label) if label else None, part=part)
                    bar.update(task, completed=part.position)
            except (ValueError, OSError, NotImplementedError) as error:  # the last: what pyarrow cannot read
                raise ValueError(f"{path}: {str(error).partition(chr(10))[0]}") from error
            files.malformed += recording.malformed
            if recording.malformed:
                say(f"{path}: {recording.malformed:,} lines are no rows and were left out")
    files.untimed, files.backwards, files.rows = reader.untimed, reader.backwards, reader.n_rows
    if not reader.n_rows:
        raise ValueError("no row was read")


def _chosen(recording: Recording, roles: Roles, label: str, known: set[str], texts: set[str]) -> Columns:
    names = recording.names
    if known.isdisjoint(names) and (by := separated(names)):
        raise ValueError(f"its cells seem to be separated by {by}s; a .csv has commas")
    if label and label not in names:
        raise ValueError(f"--label names {label!r}, which is no column; those are {', '.join(names[:20])}")
    return columns(names, roles, known, texts)


def _remember(files: Files, path: Path, chosen: Columns, reference: Reference, label: str) -> None:
    files.names.append(path.name)
    for column in reference.inputs:
        if column.name not in chosen.features:
            files.absent[column.name] = files.absent.get(column.name, 0) + 1
    for name in chosen.left_out:
        if name != label and len(files.left_out) < MOST_LEFT_OUT:
            files.left_out[name] = None


def truths_of(piece: Piece, told: Callable[[list[str | None]], Floats]) -> Floats | None:
    """(n,) truths of a piece; `told` makes truths of distinct labels."""
    if piece.truth is None:
        return None
    index, words = piece.truth
    return told([word or None for word in words])[index] if words else np.full(len(index), np.nan)
