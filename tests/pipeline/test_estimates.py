"""What the router says of how good models are by now."""

from __future__ import annotations

import numpy as np
from tests.detectors import labelled
from tests.detectors.labelled import CLASSES, NAMES, inputs, serve, told

from otel_mlsec.config import ModelSettings
from otel_mlsec.detectors import build, build_outcomes
from otel_mlsec.observation import Meaning, Model, Prediction
from otel_mlsec.pipeline.route import Router

KNOWN = labelled.reference()
MODEL = Model(name="delay")


def router() -> Router:
    settings = ModelSettings(anomaly=())
    return Router(
        build=lambda _, reference: build(reference, settings), known=lambda call: KNOWN,
        build_outcomes=lambda _, reference: build_outcomes(reference, settings),
    )  # fmt: skip


def test_accuracy_is_expected_of_scores_and_known_of_labels():
    routing, outcomes = router(), told(3, 2000, 0.1)
    calls = [
        Prediction(
            model=MODEL, method="predict_proba", meaning=Meaning.PROBABILITY, inputs=inputs(i, 250), features=NAMES,
            outputs=outcomes.outputs[250 * i : 250 * i + 250], classes=CLASSES, n_rows=250, time=labelled.NOON + i,
        )
        for i in range(8)
    ]  # fmt: skip

    assert list(routing.estimates()) == []
    routing.detect(calls[:1])
    assert list(routing.estimates()) == []
    routing.detect(calls[1:])
    watched = routing.judging(MODEL)
    assert watched is not None
    serve(watched.of_outcomes[0], outcomes)

    estimates = {(detector, measure): value for model, detector, measure, value in routing.estimates() if model == MODEL}
    assert estimates.keys() == {
        ("drift/performance", "accuracy"), ("drift/performance", "auc"), ("drift/concept", "accuracy"), ("drift/concept", "loss"),
    }  # fmt: skip
    assert abs(estimates["drift/performance", "accuracy"] - 0.9) < 0.02
    right = (outcomes.outputs.argmax(axis=1) == outcomes.truth).mean()
    assert abs(estimates["drift/concept", "accuracy"] - right) < 0.01
    assert all(np.isfinite(value) for value in estimates.values())
