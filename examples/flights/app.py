"""Will it be late?  A service of one route; the agent comes with `opentelemetry-instrument uvicorn app:app`."""

from typing import Any

import pandas as pd
import xgboost
from data import CATEGORIES, FEATURES
from fastapi import FastAPI
from pydantic import BaseModel
from train import BUILD, NAME, VERSION

import otel_mlsec

model = xgboost.XGBClassifier(n_jobs=1)
model.load_model(BUILD / "model.ubj")
otel_mlsec.watch(model, name=NAME, version=VERSION, reference=BUILD / "flights.ref")
types = {name: "category" if name in CATEGORIES else "float" for name in FEATURES}
app = FastAPI()


class Flights(BaseModel):
    time: float  # when they were asked about, s since the epoch: the past is replayed here
    columns: dict[str, list[Any]]


@app.post("/predict")
def predict(flights: Flights) -> list[float]:
    rows = pd.DataFrame(flights.columns, columns=FEATURES).astype(types)
    with otel_mlsec.event_time(flights.time):
        return model.predict_proba(rows)[:, 1].tolist()
