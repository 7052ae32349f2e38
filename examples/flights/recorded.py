"""A model of January, a reference of January and February, and what was served from March on: what `otel-mlsec report` needs.

Writes `build/report/`: `model.ubj`, `flights.ref` and `served.parquet`.  How often the model errs the reference learns from
February, which the model has not seen.
"""

import xgboost
from data import CATEGORIES, FEATURES, flights
from train import BUILD

import otel_mlsec

OUT = BUILD / "report"


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    rows = flights()
    known, january = rows.query("month <= 2"), rows["month"] == 1
    inputs = known[FEATURES].astype(dict.fromkeys(CATEGORIES, "category"))
    seen = january[known.index]
    model = xgboost.XGBClassifier(n_estimators=100, max_depth=4, learning_rate=0.1, enable_categorical=True, n_jobs=1)
    model.fit(inputs[seen], known["late"][seen])
    model.save_model(OUT / "model.ubj")
    labels = known["late"].astype(float).mask(seen)  # NaN: not known
    reference = otel_mlsec.Reference.fit(inputs, labels, model, time=known["time"], name="flights", version="2013.01")
    reference.save(OUT / "flights.ref")
    rows.query("month > 2").to_parquet(OUT / "served.parquet", index=False)


if __name__ == "__main__":
    main()
