"""lightgbm: its scikit-learn estimators, and boosters."""

from __future__ import annotations

from os import PathLike
from typing import Any

from otel_mlsec.capture._call import application_asks, learns, observed, rows_argument, unobserved
from otel_mlsec.capture._estimator import patch_estimators
from otel_mlsec.capture._patch import Patches
from otel_mlsec.detector import Submit

TARGETS = (("lightgbm.basic", "Booster.predict"),)
ESTIMATORS = (("lightgbm.sklearn", "LGBMModel"),)
# Callbacks of the user run in these.  `lightgbm` holds them by its own names, so the package is waited for.
TRAINING = (("lightgbm", "train"), ("lightgbm", "cv"), ("lightgbm", "engine.train"), ("lightgbm", "engine.cv"))


def patch(patches: Patches, submit: Submit) -> None:
    for module, path in TARGETS:
        patches.wrap_when_imported(module, path, observed(submit, "predict", _rows), application_asks(patches))
    for module, path in TRAINING:
        patches.wrap_when_imported(module, path, unobserved, learns(patches))
    for module, path in ESTIMATORS:
        patch_estimators(patches, submit, module, path)


def _rows(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    rows = rows_argument(args, kwargs)
    return None if isinstance(rows, str | PathLike) else rows  # the name of a file
