"""What is attacked in this process: a saved model, or a function.  Both are given tables, and answer for all rows at once."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

Target = Callable[[Any], Any]
"""A pandas table of n rows -> n answers."""


def of_model(model: Any) -> Target:
    """Probabilities where it has any, else what it predicts; an array where it was fitted on one."""
    if type(model).__name__ == "Booster":
        return _booster(model)
    ask = getattr(model, "predict_proba", None) or model.predict
    if type(model).__module__.partition(".")[0] == "sklearn" and getattr(model, "feature_names_in_", None) is None:
        return lambda frame: ask(frame.to_numpy())
    return ask


def classes_of(model: Any) -> tuple[str, ...]:
    known = getattr(model, "classes_", None)
    return tuple(str(name) for name in known.tolist()) if getattr(known, "ndim", 0) == 1 else ()  # pyright: ignore[reportOptionalMemberAccess]


def of_callable(path: str) -> Target:
    """`module:function`, found from the working directory, too.

    Raises:
        ValueError: it is not written like that, or there is no such function.
        ImportError: there is no such module.
    """
    module, colon, name = path.partition(":")
    if not (module and colon and name):
        raise ValueError(f"--callable must be module:function, got {path!r}")
    here = os.getcwd()
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found: Any = import_module(module)
    except ImportError as error:
        raise ImportError(f"--callable: {error}") from error
    for part in name.split("."):
        found = getattr(found, part, None)
    if not callable(found):
        raise ValueError(f"--callable: {module} has no function {name}")
    return found


def _booster(model: Any) -> Target:
    library = sys.modules[type(model).__module__.partition(".")[0]]  # it is loaded: the model is of it
    if library.__name__ == "xgboost":
        return lambda frame: model.predict(library.DMatrix(frame, enable_categorical=True))
    return model.predict
