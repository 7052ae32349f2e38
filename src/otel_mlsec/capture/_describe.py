"""Which model was asked: what the application said of it, or else what the object says of itself."""

from __future__ import annotations

import hashlib
import weakref
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from otel_mlsec.capture._cells import class_of
from otel_mlsec.errors import contained
from otel_mlsec.observation import Model

KEPT = 4096  # models described at one time
NESTED = 8  # models in models that are looked into for a name
LABELLED = ("classifier", "clusterer", "outlier_detector")  # kinds of estimators whose `predict` says which, not how much


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    model: Model
    features: tuple[str, ...] = ()
    classes: tuple[Any, ...] = ()  # as the model gives them
    labels: bool = False  # `predict` says which class, cluster or outlier
    reference: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    name: str
    version: str
    reference: Any


Owner = Callable[[], Any]  # a weak reference, or what stands for one
_said: dict[int, tuple[Owner, Said]] = {}
_known: dict[int, tuple[Owner, Described]] = {}


def say(model: Any, said: Said) -> None:
    """What the application says goes before what the model says."""
    _keep(_said, model, said)
    forget(model)


def forget(model: Any) -> None:
    """After a `fit` it has new classes and features."""
    _known.pop(id(model), None)


def describe(model: Any) -> Described:
    """Remembered by identity: models may be equal, unhashable, or slow to ask."""
    hit = _known.get(id(model))
    if hit is not None and hit[0]() is model:
        return hit[1]
    described = Described(model=Model(name=class_of(model).__name__))
    with contained("capture.describe"):  # what it says of itself is code of the user: a property, a tag
        described = _read(model)
    told = _said.get(id(model))
    if told is not None and told[0]() is model:
        said, own = told[1], described.model
        named = replace(own, name=said.name or own.name, version=said.version or own.version)
        described = replace(described, model=named, reference=said.reference)
    _keep(_known, model, described)
    return described


def _keep(kept: dict[int, tuple[Owner, Any]], model: Any, value: Any) -> None:
    key = id(model)
    if len(kept) >= KEPT:
        kept.pop(next(iter(kept)))
    try:
        owner: Owner = weakref.ref(model, lambda _: kept.pop(key, None))
    except TypeError:  # a class with slots: the model is kept alive instead, lest another get its id
        owner = lambda: model  # noqa: E731
    kept[key] = owner, value


def _read(model: Any) -> Described:
    cls = class_of(model)
    libraries = [base.__module__.partition(".")[0] for base in cls.__mro__]
    framework = next((name for name in libraries if name in ("sklearn", "xgboost", "lightgbm")), "")
    booster = cls.__name__ == "Booster" and libraries[0] == framework
    features = _booster_features(model) if booster else _names(getattr(model, "feature_names_in_", None))
    classes = () if booster else _classes(model)
    width = "" if features else _width(model, booster)
    schema = repr((features or width, classes)) if features or classes or width else ""
    # Of the schema, so that all processes agree, and models of one class over other columns are told apart.
    version = hashlib.blake2b(schema.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest() if schema else ""
    return Described(
        model=Model(name=_name(model), version=version, framework=framework),
        features=features,
        classes=classes,
        labels=_labels(model, classes),
    )


def _name(model: object) -> str:
    """The class that does the work: the last step of a pipeline, the best estimator of a search."""
    for _ in range(NESTED):
        inner = getattr(model, "best_estimator_", None)
        if inner is None:
            inner = _last_step(getattr(model, "steps", None))
        if not hasattr(inner, "predict"):
            break
        model = inner
    return type(model).__name__


def _last_step(steps: Any) -> Any:
    """Of a pipeline's pairs of name and estimator."""
    try:
        return steps[-1][-1]
    except (TypeError, LookupError):  # `steps` of something else
        return None


def _names(names: Any) -> tuple[str, ...]:
    return () if names is None else tuple(map(str, names))


def _width(model: Any, booster: bool) -> str:
    return str(model.num_features() if booster and hasattr(model, "num_features") else getattr(model, "n_features_in_", ""))


def _booster_features(booster: Any) -> tuple[str, ...]:
    names = booster.feature_names if hasattr(booster, "feature_names") else booster.feature_name()  # xgboost, lightgbm
    return _names(names)


def _classes(model: Any) -> tuple[Any, ...]:
    classes: Any = getattr(model, "classes_", None)
    if getattr(classes, "ndim", 0) != 1:  # one list an output, of a model with several
        return ()
    return tuple(classes.tolist())


def _labels(model: Any, classes: tuple[Any, ...]) -> bool:
    tags = getattr(model, "__sklearn_tags__", None)
    return tags().estimator_type in LABELLED if tags is not None else bool(classes)
