"""A model that was just fitted and some of the rows: what its reference is made of, where the operator asks for one at every fit.

The caller copies rows and nothing more; the worker asks the model about them, and may be asking while the application is.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from otel_mlsec.capture._cells import class_of
from otel_mlsec.capture._patch import Patches
from otel_mlsec.detector import Submit

LEAST = 100  # rows, fewer make no reference
ROWS = 5000  # of a fit, evenly chosen, in their order
BYTES = 16 << 20
FRAMES = (("numpy", "ndarray"), ("pandas", "DataFrame"))  # others are not copied

_submit: Submit | None = None
_directory = Path()


@dataclass(slots=True, kw_only=True)
class Fitted:
    model: Any
    rows: Any  # private
    directory: Path  # where its reference is to be
    n_bytes: int


def listen(patches: Patches, submit: Submit, directory: str) -> None:
    """From now on, until the patches are undone, every fit of the application is handed over; of none without a directory."""
    global _submit, _directory
    if directory:
        _submit, _directory = submit, Path(directory).absolute()
        patches.at_undo(_stop)


def listening() -> bool:
    return _submit is not None


def _stop() -> None:
    global _submit
    _submit = None


def begin(model: Any, data: Any) -> Fitted | None:
    """Before the fit, which may scale its rows in place; None where nothing can be made of it."""
    cls = class_of(data)
    numbers = getattr(getattr(data, "dtype", None), "kind", "f") in "fiub"
    known = any((base.__module__.partition(".")[0], base.__name__) in FRAMES for base in cls.__mro__)
    if not known or not numbers or len(data.shape) != 2 or len(data) < LEAST or not hasattr(class_of(model), "predict"):
        return None
    step = -(-len(data) // ROWS)
    frame = hasattr(data, "iloc")
    some = data.iloc[::step] if frame else data[::step]
    least = len(some) * data.shape[1] if frame else some.nbytes  # a cell has a byte or more, and what is too wide is not copied
    if least > BYTES:
        return None
    rows = some.copy(deep=True) if frame else some.copy()
    n_bytes = int(rows.memory_usage(deep=True).sum()) if frame else int(rows.nbytes)
    return Fitted(model=model, rows=rows, directory=_directory, n_bytes=n_bytes) if n_bytes <= BYTES else None


def done(fitted: Fitted) -> None:
    """After the fit, which went well."""
    if _submit is not None:
        _submit(fitted)
