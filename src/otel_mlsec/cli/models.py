"""A model that somebody named on the command line; loading one is the user's explicit act."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

SUFFIXES = (".joblib", ".pkl", ".skops", ".ubj", ".json", ".txt")


def load_model(path: Path) -> Any:
    """A saved model by its suffix: joblib (executes code), skops (only its trusted types), xgboost, lightgbm.

    Raises:
        ValueError: an unknown suffix, or a skops file with types that skops does not trust.
        ImportError: the library that wrote it is not installed.
    """
    if not path.exists():
        raise ValueError(f"{path} does not exist")
    match path.suffix:
        case ".joblib" | ".pkl":
            return import_module("joblib").load(path)
        case ".skops":
            io = import_module("skops.io")
            if untrusted := io.get_untrusted_types(file=path):
                raise ValueError(f"{path} holds types that skops does not trust: {', '.join(untrusted)}")
            return io.load(path, trusted=[])
        case ".ubj" | ".json":
            return _xgboost(path)
        case ".txt":
            return import_module("lightgbm").Booster(model_file=str(path))
        case _:
            raise ValueError(f"{path} must end in one of {', '.join(SUFFIXES)}")


def _xgboost(path: Path) -> Any:
    """An estimator where the file says that it was one, else a booster."""
    xgboost = import_module("xgboost")
    booster = xgboost.Booster(model_file=str(path))
    kind = str(booster.attr("scikit_learn") or "")
    for name in ("XGBClassifier", "XGBRegressor"):
        if name.removeprefix("XGB").lower() in kind:
            model = getattr(xgboost, name)()
            model.load_model(path)
            return model
    return booster
