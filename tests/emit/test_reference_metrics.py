"""How old references are, what was judged by them, and what was refused; of a bounded number of models."""

from otel_mlsec.emit.reference_metrics import MAX_MODELS, OTHERS
from otel_mlsec.observation import Model

FLIGHTS = Model(name="flights", version="3", framework="xgboost")
MODEL = {"mlsec.model.name": "flights", "mlsec.model.version": "3"}


def values(points):
    return [(dict(point.attributes), point.value) for point in points]


def test_a_gauge_says_what_is_and_a_counter_what_was(telemetry):
    telemetry.references.set([(FLIGHTS, 60.0, 7)])
    telemetry.references.set([(FLIGHTS, 65.0, 9)])
    telemetry.references.refused("flights", "mismatch")
    telemetry.references.refused("flights", "mismatch")

    points = telemetry.points()
    assert values(points["mlsec.reference.age"]) == [(MODEL, 65.0)]
    assert values(points["mlsec.reference.rows_since"]) == [(MODEL, 9)]
    assert values(points["mlsec.reference.refused"]) == [({"mlsec.model.name": "flights", "error.type": "mismatch"}, 2)]


def test_models_are_bounded(telemetry):
    telemetry.references.set((Model(name=f"m{i}"), 1.0, i) for i in range(MAX_MODELS + 5))
    for i in range(MAX_MODELS + 5):
        telemetry.references.refused(f"m{i}", "unreadable")

    points = telemetry.points()
    refused = {attributes["mlsec.model.name"]: n for attributes, n in values(points["mlsec.reference.refused"])}
    assert len(points["mlsec.reference.age"]) == len(points["mlsec.reference.rows_since"]) == MAX_MODELS
    assert (len(refused), refused[OTHERS]) == (MAX_MODELS + 1, 5)
