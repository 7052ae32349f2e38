"""Labels by what became of them, whole; and the bound on models."""

import pytest

from otel_mlsec.emit.feedback_metrics import MAX_MODELS
from otel_mlsec.observation import Model

FLIGHTS = Model(name="flights", version="3")
MODEL = {"mlsec.model.name": "flights", "mlsec.model.version": "3"}


def values(points):
    return [(dict(point.attributes), point.value) for point in points]


def test_labels_coverage_and_what_was_forgotten_are_of_a_model_or_of_nobody_knows_which(telemetry):
    telemetry.feedback.labels(FLIGHTS, "joined", 5)
    telemetry.feedback.labels(FLIGHTS, "joined", 2)
    telemetry.feedback.labels(Model(name=""), "early", 1)
    telemetry.feedback.coverage([(FLIGHTS, 0.25), (Model(name="none"), float("nan"))])
    telemetry.feedback.forgotten(FLIGHTS, "horizon", 9)

    points = telemetry.points()
    assert values(points["mlsec.feedback.labels"]) == [
        ({**MODEL, "mlsec.feedback.outcome": "joined"}, 7), ({"mlsec.feedback.outcome": "early"}, 1)
    ]  # fmt: skip
    assert values(points["mlsec.feedback.coverage"]) == [(MODEL, pytest.approx(0.25))]
    assert values(points["mlsec.feedback.forgotten"]) == [({**MODEL, "mlsec.feedback.reason": "horizon"}, 9)]


def test_names_of_models_are_bounded(telemetry):
    for i in range(MAX_MODELS + 10):
        telemetry.feedback.labels(Model(name=f"m{i}"), "joined", 1)

    counted = {point.attributes["mlsec.model.name"]: point.value for point in telemetry.points()["mlsec.feedback.labels"]}
    assert len(counted) == MAX_MODELS + 1
    assert counted["other"] == 10
