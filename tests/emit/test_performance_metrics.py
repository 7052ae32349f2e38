"""The gauge of what a model's answers are worth."""

from otel_mlsec.emit.performance_metrics import MAX_SERIES
from otel_mlsec.observation import Model

NAME = "mlsec.performance.estimate"


def test_a_series_is_of_a_model_a_detector_and_a_measure(telemetry, call):
    told = [(call.model, "drift/performance", "auc", 0.8), (call.model, "drift/concept", "accuracy", 0.7)]

    telemetry.performance.set([(call.model, "drift/performance", "auc", 0.1), *told])

    of = {"mlsec.model.name": "flights", "mlsec.model.version": "3"}
    assert [(dict(point.attributes), point.value) for point in telemetry.points()[NAME]] == [
        ({**of, "security_rule.name": detector, "mlsec.performance.measure": measure}, value)
        for _, detector, measure, value in told
    ]


def test_series_are_bounded_and_what_is_no_number_is_not_shown(telemetry, call):
    telemetry.performance.set([(call.model, "drift/performance", "accuracy", float("nan"))])
    telemetry.performance.set((Model(name=f"m{i}"), "drift/performance", "accuracy", 0.5) for i in range(2 * MAX_SERIES))

    assert len(telemetry.points()[NAME]) == MAX_SERIES - 1
