"""Which model was asked: what the application said of it, or else what the object says of itself."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from otel_mlsec.capture._cells import class_of
from otel_mlsec.errors import contained
from otel_mlsec.observation import Model
from otel_mlsec.reference.naming import classes_of, features_of, name_of, schema_of

KEPT = 4096  # models described at one time
LABELLED = ("classifier", "clusterer", "outlier_detector")  # kinds of estimators whose `predict` says which, not how much


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    model: Model
    features: tuple[str, ...] = ()
    classes: tuple[Any, ...] = ()  # as the model gives them
    labels: bool = False  # `predict` says which class, cluster or outlier
    schema: str = ""  # digest of its columns and classes
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


def said_names() -> list[str]:
    """Of all models that the application named so far."""
    return sorted({said.name for _, said in _said.values() if said.name})


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
    classes, schema = classes_of(model), schema_of(model)
    return Described(
        model=Model(name=name_of(model), version=schema, framework=framework),
        features=features_of(model),
        classes=classes,
        labels=_labels(model, classes),
        schema=schema,
    )


def _labels(model: Any, classes: tuple[Any, ...]) -> bool:
    tags = getattr(model, "__sklearn_tags__", None)
    return tags().estimator_type in LABELLED if tags is not None else bool(classes)
