"""What a model says of itself, the same for who fits a reference and for who watches: its name, its columns, its classes."""

from __future__ import annotations

import hashlib
from typing import Any

from otel_mlsec.errors import contained

NESTED = 8  # models in models that are looked into for a name
BOOSTERS = ("xgboost", "lightgbm")


def name_of(model: object) -> str:
    """The class that does the work: the last step of a pipeline, the best estimator of a search."""
    for _ in range(NESTED):
        inner = getattr(model, "best_estimator_", None)
        if inner is None:
            inner = _last_step(getattr(model, "steps", None))
        if not hasattr(inner, "predict"):
            break
        model = inner
    return type(model).__name__


def is_booster(model: object) -> bool:
    return type(model).__name__ == "Booster" and type(model).__module__.partition(".")[0] in BOOSTERS


def features_of(model: Any) -> tuple[str, ...]:
    """Names of the columns that it was fitted on; () where it was not told any."""
    if not is_booster(model):
        return _names(getattr(model, "feature_names_in_", None))
    return _names(model.feature_names if hasattr(model, "feature_names") else model.feature_name())  # xgboost, lightgbm


def classes_of(model: Any) -> tuple[Any, ...]:
    """As the model gives them."""
    classes: Any = None if is_booster(model) else getattr(model, "classes_", None)
    if getattr(classes, "ndim", 0) != 1:  # one list an output, of a model with several
        return ()
    return tuple(classes.tolist())


def schema_of(model: Any) -> str:
    """8 hexadecimal digits of its columns, or their number, and its classes; "" where it says neither.

    All processes agree on it, and it tells models of one class over other columns apart.
    """
    features, classes = features_of(model), classes_of(model)
    width = "" if features else _width(model)
    if not (features or classes or width):
        return ""
    schema = repr((features or width, classes))
    return hashlib.blake2b(schema.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()


def schema_if_any(model: Any) -> str:
    """The same; "" also where a property of the model fails."""
    with contained("reference.schema"):
        return schema_of(model)
    return ""


def _last_step(steps: Any) -> Any:
    """Of a pipeline's pairs of name and estimator."""
    try:
        return steps[-1][-1]
    except (TypeError, LookupError):  # `steps` of something else
        return None


def _names(names: Any) -> tuple[str, ...]:
    return () if names is None else tuple(map(str, names))


def _width(model: Any) -> str:
    return str(
        model.num_features() if is_booster(model) and hasattr(model, "num_features") else getattr(model, "n_features_in_", "")
    )
