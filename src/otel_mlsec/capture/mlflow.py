"""Models that MLflow loads: which model it is, by the registry's name, and the reference that lies among its artifacts.

What is asked is observed where it is asked: of the flavors that we know, the model inside; of the others, the wrapper of MLflow.
"""

from __future__ import annotations

import os
import sys
import weakref
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any
from urllib.parse import unquote

from otel_mlsec.capture._call import LIBRARIES, application_asks, observed
from otel_mlsec.capture._cells import class_of
from otel_mlsec.capture._describe import Said, say
from otel_mlsec.capture._patch import Patches
from otel_mlsec.detector import Submit
from otel_mlsec.errors import contained
from otel_mlsec.reference.origin import mlflow_digest
from otel_mlsec.reference.place import Place

FLAVORS = ("mlflow.pyfunc", "mlflow.sklearn", "mlflow.xgboost", "mlflow.lightgbm")
DOWNLOAD = "_download_artifact_from_uri"  # gives the directory of a model, wherever that is, to each of their `load_model`
WRAPPER = ("mlflow.pyfunc", "PyFuncModel.predict")
REFERENCE = os.path.join("otel_mlsec", "reference.mlsec")  # among the artifacts of a model
REGISTERED = "models:/"
ID = 12  # characters of MLflow's own id of a model, its version where the registry gives it none
Wrapped = weakref.WeakValueDictionary[int, Any]  # by identity: those whose own `predict` is observed

_loading: ContextVar[list[str] | None] = ContextVar("otel_mlsec_mlflow", default=None)  # directories, while a model is loaded


def patch(patches: Patches, submit: Submit) -> None:
    wrapped: Wrapped = weakref.WeakValueDictionary()
    predict = observed(submit, "predict", lambda args, kwargs: args[0] if args else kwargs.get("data"))

    def load(load_model: Callable[..., Any], _: Any, args: Any, kwargs: Any, /) -> Any:
        token = _loading.set(directories := [])
        try:
            model = load_model(*args, **kwargs)
        finally:
            _loading.reset(token)
        with contained("capture.mlflow"):
            _remember(model, str(args[0] if args else kwargs.get("model_uri", "")), directories, wrapped)
        return model

    def download(get: Callable[..., Any], _: Any, args: Any, kwargs: Any, /) -> Any:
        directory = get(*args, **kwargs)
        directories = _loading.get()
        if directories is not None:
            directories.append(str(directory))
        return directory

    def ask(asked: Callable[..., Any], instance: Any, args: Any, kwargs: Any, /) -> Any:
        return predict(asked, instance, args, kwargs) if wrapped.get(id(instance)) is instance else asked(*args, **kwargs)

    for module in FLAVORS:
        patches.wrap_when_imported(module, "load_model", load, lambda: patches.active)
        patches.wrap_when_imported(module, DOWNLOAD, download, lambda: patches.active and _loading.get() is not None)
    patches.wrap_when_imported(*WRAPPER, ask, application_asks(patches))


def _remember(model: Any, uri: str, directories: list[str], wrapped: Wrapped) -> None:
    name, version = name_in(uri)
    place = _place(directories[0]) if directories else Place()
    said = Said(name=name, version=version or place.digest.rpartition(":")[2].removeprefix("m-")[:ID], reference=place)
    is_wrapper = class_of(model).__name__ == "PyFuncModel"
    inner = _inner(model) if is_wrapper else model
    if inner is not None:
        say(inner, said)
    if is_wrapper:
        say(model, said)
        if inner is None:
            wrapped[id(model)] = model


def _inner(model: Any) -> Any:
    """The model in MLflow's wrapper, if it is one whose calls are observed."""
    get = getattr(model, "get_raw_model", None)
    try:
        raw = get() if get is not None else None
    except NotImplementedError:
        return None
    known = any(base.__module__.partition(".")[0] in LIBRARIES for base in class_of(raw).__mro__)
    return raw if known else None


def name_in(uri: str) -> tuple[str, str]:
    """Name and version in the registry: of `models:/name/version`, `models:/name/stage` and `models:/name@alias`.

    >>> name_in("models:/fraud/14"), name_in("models:/fraud@champion"), name_in("runs:/1f/model")
    (('fraud', '14'), ('fraud', ''), ('', ''))
    """
    if not uri.startswith(REGISTERED):
        return "", ""
    name, slash, version = uri.removeprefix(REGISTERED).strip("/").partition("/")
    name, at, _ = name.partition("@")
    if not slash and not at:  # an id of a model that nobody has registered
        return "", ""
    return unquote(name), version if version.isdigit() else ""


def _place(directory: str) -> Place:
    manifest = sys.modules["mlflow.models"].Model.load(directory)  # YAML, read without executing any of it
    signature = manifest.signature
    inputs = signature.inputs if signature is not None else None
    columns = tuple(map(str, inputs.input_names())) if inputs is not None and inputs.has_input_names() else None
    return Place(
        beside=os.path.join(os.path.abspath(directory), REFERENCE), digest=mlflow_digest(manifest.model_uuid), columns=columns
    )
