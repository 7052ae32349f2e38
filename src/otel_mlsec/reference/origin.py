"""Where a reference comes from: with which model and from which data it was fitted, and which one it took the place of.

Standard library only: who looks for a model's reference compares digests before numpy is there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from otel_mlsec.arrays import Floats
    from otel_mlsec.reference.reference import Reference

CHUNK = 1 << 20  # bytes, or rows, that are read at a time
SIZE = 16  # bytes of a digest
LONGEST = 200  # characters of a digest with what says of what it is
NOTE = 1000  # characters
LAST_VERSION = 9999


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Digests are BLAKE2b, of 128 bits; "" or 0 where nobody said.

    Attributes:
        schema: of the model's columns and classes, as `naming.schema_of` says them.
        file: of the model's file, `file:…`; of an MLflow model `mlflow:` and the id in its MLmodel.
        columns: of the names of the data's columns, whatever their order.
        rows: of the data's cells.
        first, last: event times of the data, s since the epoch.
        parent: SHA-256 of the file of the reference that this one took the place of.
        version: how many there were, with this one.
        note: of who reviewed it.
        in_sample: the model was fitted on the same rows, so what it says of them is surer than what it says of others.
    """

    schema: str = ""
    file: str = ""
    columns: str = ""
    rows: str = ""
    first: float = 0.0
    last: float = 0.0
    parent: str = ""
    version: int = 1
    note: str = ""
    in_sample: bool = False

    @classmethod
    def of(cls, matrix: Floats, names: Sequence[str], times: Floats | None, *, schema: str = "") -> Origin:
        """Of (n, d) rows in order, and their (n,) times."""
        timed = times is not None and len(times) > 0
        return cls(
            schema=schema,
            columns=columns_digest(names),
            rows=_rows_digest(matrix),
            first=float(times[0]) if timed and times is not None else 0.0,
            last=float(times[-1]) if timed and times is not None else 0.0,
        )

    def sound(self, reference: Reference) -> bool:
        del reference
        digests = (self.schema, self.file, self.columns, self.rows, self.parent)
        return (
            all(len(digest) <= LONGEST for digest in digests)
            and self.first <= self.last
            and 1 <= self.version <= LAST_VERSION
            and len(self.note) <= NOTE
        )

    def refusal(self, *, schema: str = "", file: str = "", columns: Sequence[str] | None = None) -> str:
        """Why a model cannot be judged by it, as the end of a sentence; "" if it can, as far as both sides say."""
        if file and self.file and file != self.file:
            return f"it was fitted with another model ({_short(self.file)}; this one is {_short(file)})"
        if columns is not None and self.columns and columns_digest(columns) != self.columns:
            return "it was fitted to data of other columns than the model's signature has"
        if schema and self.schema and schema != self.schema:
            return f"it was fitted with a model of other columns or classes ({self.schema}; this one's are {schema})"
        return ""


def columns_digest(names: Sequence[str]) -> str:
    return hashlib.blake2b(json.dumps(sorted(map(str, names))).encode(), digest_size=SIZE).hexdigest()


def file_digest(path: Path) -> str:
    """Of a model's file, without reading anything into it.

    Raises:
        OSError: it cannot be read.
    """
    digest = hashlib.blake2b(digest_size=SIZE)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return f"file:{digest.hexdigest()}"


def mlflow_digest(identifier: Any) -> str:
    """Of the `model_uuid` that MLflow gives every model when it is saved, and keeps when it is logged, copied or registered."""
    return f"mlflow:{identifier}"[:LONGEST] if identifier else ""


def _rows_digest(matrix: Floats) -> str:
    digest = hashlib.blake2b(f"{matrix.shape}".encode(), digest_size=SIZE)
    rows = max(1, CHUNK // max(1, 8 * matrix.shape[1]))
    for at in range(0, len(matrix), rows):
        digest.update(matrix[at : at + rows].tobytes())
    return digest.hexdigest()


def _short(digest: str) -> str:
    kind, _, value = digest.partition(":")
    return f"{kind}:{value[:12]}"
