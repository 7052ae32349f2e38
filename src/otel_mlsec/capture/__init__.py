"""Calls of models and of web servers, seen from beside them: one file a library, one row each in `TABLE`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from importlib import import_module

from otel_mlsec.capture import _watch
from otel_mlsec.capture._observe import Call, prediction, with_prose
from otel_mlsec.capture._patch import Patches
from otel_mlsec.capture._watch import watch
from otel_mlsec.detector import Guard, Submit
from otel_mlsec.errors import contained

__all__ = ["TABLE", "Call", "Patches", "patch", "prediction", "watch", "with_prose"]

TABLE: Mapping[str, str] = {
    "sklearn": "otel_mlsec.capture.sklearn",
    "xgboost": "otel_mlsec.capture.xgboost",
    "lightgbm": "otel_mlsec.capture.lightgbm",
    "mlflow": "otel_mlsec.capture.mlflow",
    "httpx": "otel_mlsec.capture.httpx",
    "genai": "otel_mlsec.capture.foreign",
}
GUARDED = frozenset({"httpx"})  # rows whose calls can be looked at before they are made


def patch(patches: Patches, submit: Submit, disabled: Collection[str] = (), guard: Guard | None = None) -> None:
    """Patch every library of `TABLE` that is not `disabled`, when the application imports it; none is imported here.

    `submit` gets a `Call` in the caller's thread; `prediction(call)` makes it a `Prediction` in the worker's.  Of language
    models it gets what `capture.llm` and `capture.foreign` say; `guard` looks at their requests first.
    `patches.undo()` takes all of it back.
    """
    patches.active = True
    for name, module in TABLE.items():
        if name not in disabled:
            with contained(f"capture.{name}"):
                import_module(module).patch(patches, submit, **({"guard": guard} if name in GUARDED else {}))
    with contained("capture.watch"):
        _watch.patch(patches, submit)
