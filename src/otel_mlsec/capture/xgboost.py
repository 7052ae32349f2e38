"""xgboost: its scikit-learn estimators, and boosters, which are asked with a DMatrix or in place."""

from __future__ import annotations

from otel_mlsec.capture._call import application_asks, learns, observed, unobserved
from otel_mlsec.capture._estimator import patch_estimators
from otel_mlsec.capture._patch import Patches
from otel_mlsec.detector import Submit

TARGETS = (("xgboost.core", "Booster.predict"), ("xgboost.core", "Booster.inplace_predict"))
ESTIMATORS = (("xgboost.sklearn", "XGBModel"),)
# Where code of the user runs while a booster learns.  Not `train` and `cv`, of which others may hold the originals.
TRAINING = (
    ("xgboost.core", "Booster.update"),
    ("xgboost.callback", "CallbackContainer.before_training"),
    ("xgboost.callback", "CallbackContainer.before_iteration"),
    ("xgboost.callback", "CallbackContainer.after_iteration"),
    ("xgboost.callback", "CallbackContainer.after_training"),
)


def patch(patches: Patches, submit: Submit) -> None:
    for module, path in TARGETS:
        patches.wrap_when_imported(module, path, observed(submit, path.rpartition(".")[2]), application_asks(patches))
    for module, path in TRAINING:
        patches.wrap_when_imported(module, path, unobserved, learns(patches))
    for module, path in ESTIMATORS:
        patch_estimators(patches, submit, module, path)
