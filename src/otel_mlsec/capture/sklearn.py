"""Every estimator of scikit-learn and of those who subclass it, now and later."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from otel_mlsec.capture._estimator import class_patcher, patch_estimators
from otel_mlsec.capture._patch import Patches
from otel_mlsec.detector import Submit
from otel_mlsec.errors import contained

TARGETS = (("sklearn.base", "BaseEstimator.__init_subclass__"), ("sklearn.base", "BaseEstimator.__setstate__"))
ESTIMATORS = (("sklearn.base", "BaseEstimator"),)


def patch(patches: Patches, submit: Submit) -> None:
    patch_class = class_patcher(patches, submit)

    def later(wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any, /) -> Any:
        """A class pickled by value is made empty and filled afterwards, so it is looked at when its instance is loaded."""
        done = wrapped(*args, **kwargs)
        with contained("capture.sklearn"):
            patch_class(instance if isinstance(instance, type) else type(instance))
        return done

    for module, path in ESTIMATORS:
        patch_estimators(patches, submit, module, path)
    for module, path in TARGETS:
        patches.wrap_when_imported(module, path, later, lambda: patches.active)
