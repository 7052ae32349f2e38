"""With which model a reference is fitted, what is said of that, and features that look like the label."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from otel_mlsec.cli.models import MLMODEL, read_mlmodel
from otel_mlsec.reference.origin import Origin, columns_digest, file_digest, mlflow_digest
from otel_mlsec.reference.reference import Reference
from otel_mlsec.reference.store import SUFFIX
from otel_mlsec.table import table

IN_MLFLOW = Path("otel_mlsec") / f"reference{SUFFIX}"  # among the artifacts of a model, where `mlflow.…load_model` finds it
LABELS = frozenset({"y", "label", "labels", "target", "class", "outcome", "ground_truth", "y_true", "is_fraud", "churned"})
AGREEMENT = 0.98  # share of rows, or correlation, with what the model predicts: more than a feature should have
ROWS = 2000  # that are compared
DAY = 86400.0  # s


def beside(model: Path) -> Path:
    """Where the reference of a saved model is looked for."""
    return model / IN_MLFLOW if model.is_dir() else model.with_name(model.name + SUFFIX)


def stamped(reference: Reference, model: Path | None, *, in_sample: bool = False) -> Reference:
    """The same, and with which file it was fitted.

    Raises:
        ValueError: the columns are not those of an MLflow model's signature.
    """
    origin = reference.origin or Origin()
    if model is not None and model.is_dir():
        reference = of_mlflow(reference, *read_mlmodel(model), str(model / MLMODEL))
        origin = reference.origin or origin
    elif model is not None:
        origin = replace(origin, file=file_digest(model))
    return replace(reference, origin=replace(origin, in_sample=in_sample or origin.in_sample))


def of_mlflow(reference: Reference, identifier: str, columns: Sequence[str] | None, where: str) -> Reference:
    """
    Raises:
        ValueError: the columns are not those of the signature.
    """
    origin = reference.origin or Origin()
    if columns is not None and origin.columns and origin.columns != columns_digest(columns):
        raise ValueError(f"the columns of the data are not those of the signature in {where}: {', '.join(columns[:20])}")
    return replace(reference, origin=replace(origin, file=mlflow_digest(identifier)))


def told(reference: Reference) -> Iterator[str]:
    """Lines for a person."""
    origin = reference.origin
    if origin is None:
        yield "Fitted by an earlier release, which did not note with which model."
        return
    schema = f"a model of schema {origin.schema}" if origin.schema else "no model"
    with_what = f"model {_short(origin.file)}" if origin.file else schema
    of_when = f", data of {_day(origin.first)} to {_day(origin.last)}" if origin.last > 0 else ""
    yield f"Version {origin.version}, fitted {_day(reference.created)} with {with_what}{of_when}."
    if origin.parent:
        yield f"It took the place of {origin.parent[:12]}" + (f": {origin.note}" if origin.note else ".")
    if origin.in_sample:
        yield "The model was fitted on the same rows: of others it is less sure, so expect some drift of its answers."


def age_in_days(reference_created: float, last: float) -> float:
    return max(0.0, time.time() - (last if last > 0 else reference_created)) / DAY


def labels_in(features: Any, model: Any) -> Iterator[str]:
    """Sentences on columns that look like the label that somebody forgot to name."""
    known = set(map(str, getattr(model, "feature_names_in_", ())))
    for name in map(str, features.columns):
        if name.lower() in LABELS and name not in known:
            yield f"column {name!r} is taken for a feature; if it is the label, name it: --label {name}"
    if model is None:
        return
    some = features.iloc[np.linspace(0, len(features) - 1, min(ROWS, len(features))).astype(int)]
    predicted, _ = table(np.asarray(model.predict(some)) if type(model).__name__ != "Booster" else None)
    matrix, _ = table(some)
    if predicted is None or matrix is None or predicted.shape != (len(some), 1):
        return
    for i, name in enumerate(map(str, features.columns)):
        if name.lower() not in LABELS and _same(matrix[:, i], predicted[:, 0]):
            yield f"column {name!r} is nearly what the model predicts; if it is the label, name it: --label {name}"


def _same(x: Any, y: Any) -> bool:
    both = np.isfinite(x) & np.isfinite(y)
    if both.mean() < 0.5 or len(np.unique(x[both])) < 2 or len(np.unique(y[both])) < 2:
        return False
    if np.mean(x[both] == y[both]) >= AGREEMENT:
        return True
    return len(np.unique(y[both])) > 20 and float(np.corrcoef(x[both], y[both])[0, 1]) >= AGREEMENT


def mlflow_client() -> Any:
    try:
        return import_module("mlflow")
    except ImportError as error:
        raise ImportError("a model by its URI needs MLflow: pip install mlflow-skinny") from error


def _short(digest: str) -> str:
    kind, _, value = digest.partition(":")
    return f"{kind}:{value[:12]}"


def _day(seconds: float) -> str:
    try:
        return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%d")
    except (ValueError, OverflowError, OSError):
        return "an impossible day"
