"""Train on January and February, and write down what normal was: `model.ubj` and `flights.ref`."""

from pathlib import Path

import xgboost
from data import CATEGORIES, FEATURES, flights

import otel_mlsec

BUILD = Path(__file__).parent / "build"
NAME, VERSION = "flights", "2013.02"


def main() -> None:
    known = flights().query("month <= 2")
    inputs = known[FEATURES].astype(dict.fromkeys(CATEGORIES, "category"))
    model = xgboost.XGBClassifier(n_estimators=100, max_depth=6, learning_rate=0.1, enable_categorical=True, n_jobs=1)
    model.fit(inputs, known["late"])
    BUILD.mkdir(exist_ok=True)
    model.save_model(BUILD / "model.ubj")
    # Without labels: of the rows that it was fitted on the model has too few errors.
    reference = otel_mlsec.Reference.fit(inputs, model=model, time=known["time"], name=NAME, version=VERSION)
    reference.save(BUILD / "flights.ref")


if __name__ == "__main__":
    main()
