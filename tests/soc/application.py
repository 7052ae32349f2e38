"""A service that a SOC watches: the real agent, a real model whose rows drift, and one user who copies it.

Its first minute is over in a few seconds: ordinary users, then a feature that changes, then a thief, and from then on all of
it, until it is told to end.  Telemetry goes where OpenTelemetry's variables say; "ready" says that all of it has begun.
"""

from __future__ import annotations

import itertools
import os
import time

import numpy as np
import pandas as pd
from opentelemetry import metrics
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from sklearn.linear_model import LogisticRegression

import otel_mlsec

FEATURES = [f"f{i}" for i in range(8)]
CHANGE = 0.6 * np.eye(len(FEATURES))[0]  # of one feature, too little to make rows strange
draw = np.random.default_rng(7)
mix = np.eye(len(FEATURES)) + 0.4 * draw.normal(size=(len(FEATURES), len(FEATURES))) / np.sqrt(len(FEATURES))


def ordinary(n: int) -> pd.DataFrame:
    return pd.DataFrame(draw.normal(size=(n, len(FEATURES))) @ mix, columns=FEATURES)


def asked_by_the_thief(n: int) -> pd.DataFrame:
    """Uniform over the box that holds the reference."""
    return pd.DataFrame(draw.uniform(-4, 4, (n, len(FEATURES))) @ np.abs(mix), columns=FEATURES)


@otel_mlsec.on_finding
def handler(finding: otel_mlsec.Finding) -> None:
    if finding.kind.startswith("drift."):
        raise ValueError("a handler of the application that fails")


def main() -> None:
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(), export_interval_millis=500)
    metrics.set_meter_provider(MeterProvider([reader], resource=Resource.create({"service.name": "loans"})))
    known = ordinary(4000)
    model = LogisticRegression().fit(known, known.sum(axis=1) > 0)
    reference = otel_mlsec.Reference.fit(known, model=model, name="loans", version="3")
    otel_mlsec.instrument()
    otel_mlsec.watch(model, name="loans", version="3", reference=reference)
    for i in itertools.count():
        for user in range(10):
            with otel_mlsec.principal(f"user-{(i * 10 + user) % 60}"):
                model.predict_proba(ordinary(5) + (CHANGE if i > 20 else 0.0))
        if i > 120:
            with otel_mlsec.principal("thief"):
                model.predict_proba(asked_by_the_thief(40))
        if i == 140:
            os.write(1, b"ready\n")
        time.sleep(0.05)


if __name__ == "__main__":
    main()
