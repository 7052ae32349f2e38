"""The methods of estimators, wherever in their class tree they are defined."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from otel_mlsec.capture._call import application_asks, learns, observed, of_function, unobserved
from otel_mlsec.capture._patch import Patches, Wrapper, is_patched, plain
from otel_mlsec.detector import Submit

OBSERVED = ("predict", "predict_proba", "predict_log_proba", "decision_function", "score_samples")
TRAINING = ("fit", "partial_fit", "fit_predict", "fit_transform")
IMMUTABLE = 1 << 8  # Py_TPFLAGS_IMMUTABLETYPE: classes written in C


def class_patcher(patches: Patches, submit: Submit) -> Callable[[type], None]:
    """-> a function that patches the methods of a class and of what it inherits from; once, however often it is called."""
    asks, fits = application_asks(patches), learns(patches)
    wrappers = {name: (observed(submit, name), asks) for name in OBSERVED} | dict.fromkeys(TRAINING, (unobserved, fits))

    def patch_class(cls: type) -> None:
        for owner in cls.__mro__[:-1]:  # LogisticRegression.predict lives in a mixin that is no BaseEstimator
            if owner.__flags__ & IMMUTABLE:
                continue
            for name in wrappers.keys() & owner.__dict__.keys():
                own = owner.__dict__[name]
                wrapper, enabled = wrappers[name]
                if hasattr(own, "attribute_name"):  # available_if: others ask what it is, so it stays what it is
                    _patch_attribute(patches, own, "fn", of_function(wrapper), enabled)
                elif _is_method(own):
                    _patch_attribute(patches, owner, name, wrapper, enabled)

    return patch_class


def _patch_attribute(patches: Patches, owner: Any, name: str, wrapper: Wrapper, enabled: Callable[[], bool]) -> None:
    own = owner.__dict__[name]
    below = plain(own)
    if below is not own:  # undoing the class that it was taken from would leave this one patched
        setattr(owner, name, below)
    if not is_patched(below):
        patches.wrap(owner, name, wrapper, enabled)


def _is_method(own: Any) -> bool:
    """Not a property, nor the None that takes an inherited method away, nor what binds no instance."""
    return callable(own) and hasattr(type(own), "__get__") and not isinstance(own, staticmethod | classmethod | type)


def subclasses(cls: type) -> Iterator[type]:
    yield cls
    for each in cls.__subclasses__():
        yield from subclasses(each)


def patch_estimators(patches: Patches, submit: Submit, module: str, path: str) -> None:
    """Patch the class of that name and all that inherit from it, when it is imported."""
    patch_class = class_patcher(patches, submit)

    def imported(loaded: Any) -> None:
        for cls in tuple(subclasses(getattr(loaded, path))):
            patch_class(cls)

    patches.when_imported(module, imported)
