"""A model that somebody named on the command line; loading one is the user's explicit act."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

SUFFIXES = (".joblib", ".pkl", ".skops", ".ubj", ".json", ".txt")


def load_model(path: Path) -> Any:
    """A saved model by its suffix: joblib (executes code), skops (only its trusted types), xgboost, lightgbm.

    Raises:
        ValueError: an unknown suffix, a skops file with types that skops does not trust, or no model in the file.
        ImportError: the library that wrote it is not installed.
    """
    if not path.exists():
        raise ValueError(f"{path} does not exist")
    if path.suffix not in SUFFIXES:
        raise ValueError(f"{path} must end in one of {', '.join(SUFFIXES)}")
    try:
        model = _load(path)
    except ImportError:
        raise
    except Exception as error:  # a foreign file, read by a foreign library, raises anything
        said = str(error).partition("\n")[0]
        raise ValueError(f"{path} cannot be loaded as a model ({type(error).__name__}: {said})") from error
    if not hasattr(model, "predict"):
        raise ValueError(f"{path} holds a {type(model).__name__}, which has no predict")
    return model


def _load(path: Path) -> Any:
    match path.suffix:
        case ".joblib" | ".pkl":
            return import_module("joblib").load(path)
        case ".skops":
            io = import_module("skops.io")
            if untrusted := io.get_untrusted_types(file=path):
                raise ValueError(f"it holds types that skops does not trust: {', '.join(untrusted)}")
            return io.load(path, trusted=[])
        case ".ubj" | ".json":
            return _xgboost(path)
        case _:
            return import_module("lightgbm").Booster(model_file=str(path))


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
