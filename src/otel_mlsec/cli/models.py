"""A model that somebody named on the command line; loading one is the user's explicit act."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

MLMODEL = "MLmodel"  # the file that makes a directory a model of MLflow
SUFFIXES = (".joblib", ".pkl", ".skops", ".ubj", ".json", ".txt")


def load_model(path: Path) -> Any:
    """A saved model by its suffix: joblib (executes code), skops (only its trusted types), xgboost, lightgbm.

    A directory is a model of MLflow (executes code, unless it holds skops).

    Raises:
        ValueError: an unknown suffix, a skops file with types that skops does not trust, or no model in the file.
        ImportError: the library that wrote it is not installed.
    """
    if not path.exists():
        raise ValueError(f"{path} does not exist")
    if path.is_dir():
        if not (path / MLMODEL).is_file():
            raise ValueError(f"{path} is a directory and no model of MLflow: it has no {MLMODEL}")
    elif path.suffix not in SUFFIXES:
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


def read_mlmodel(path: Path) -> tuple[str, tuple[str, ...] | None]:
    """-> the id of an MLflow model in a directory, and the names of its signature's columns; executes nothing of it.

    Raises:
        ValueError: no model of MLflow, or one without an id.
        ImportError: no PyYAML, which comes with MLflow.
    """
    try:
        manifest: Any = import_module("yaml").safe_load((path / MLMODEL).read_text("utf-8"))
        identifier = str(manifest.get("model_uuid") or "")
        signature: Any = manifest.get("signature")
        columns = json.loads((signature["inputs"] if signature else None) or "[]")
        names = tuple(str(column["name"]) for column in columns if "name" in column)
    except ImportError as error:
        raise ImportError("reading a model of MLflow needs PyYAML, which comes with it: pip install mlflow-skinny") from error
    except OSError as error:
        raise ValueError(f"{path / MLMODEL} cannot be read ({error.strerror})") from error
    except Exception as error:  # YAML of strangers
        raise ValueError(f"{path / MLMODEL} is no manifest of MLflow ({type(error).__name__})") from error
    if not identifier:
        raise ValueError(f"{path / MLMODEL} has no model_uuid")
    return identifier, names if columns and len(names) == len(columns) else None


def _load(path: Path) -> Any:
    if path.is_dir():
        return _mlflow(path)
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


def _mlflow(path: Path) -> Any:
    """What is in MLflow's wrapper, as far as that can be asked: it says more of its answers."""
    wrapper = import_module("mlflow.pyfunc").load_model(str(path), suppress_warnings=True)
    try:
        inner = wrapper.get_raw_model()
    except NotImplementedError:
        return wrapper
    return inner if hasattr(inner, "predict") else wrapper


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
