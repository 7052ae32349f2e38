"""Metrics, whole; and their bounds."""

import logging
from dataclasses import replace

import pytest
from opentelemetry.context import Context

from otel_mlsec import errors
from otel_mlsec.detectors import OUTCOMES, TABLE
from otel_mlsec.detectors import llm as texts
from otel_mlsec.detectors.drift import wording
from otel_mlsec.emit.exposure import MOST
from otel_mlsec.emit.kinds import KINDS
from otel_mlsec.emit.metrics import MAX_ZEROS
from otel_mlsec.finding import Severity, Status
from otel_mlsec.observation import Model

MODEL = {"mlsec.model.name": "flights", "mlsec.model.version": "3"}
FINDING = {"mlsec.finding.type": "drift.data", "security_rule.name": "drift/data", **MODEL}


def values(points):
    return [(dict(point.attributes), point.value) for point in points]


def counted(points):
    return {tuple(sorted(attributes.items())): value for attributes, value in values(points)}


def test_names_units_and_kinds(sending, call, finding):
    telemetry = sending(errors={"capture.sklearn": 2})
    telemetry.send(call, finding)
    telemetry.metrics.detected(0.01)
    telemetry.metrics.processed(1)
    telemetry.metrics.scores([(call.model, "drift/data", "temp", 0.5), (call.model, "extraction/account", "app:1", 0.5)])
    telemetry.metrics.evicted("extraction/account", 1)

    assert telemetry.instruments() == {
        "mlsec.findings": ("{finding}", "Sum"),
        "mlsec.model.predictions": ("{prediction}", "Sum"),
        "mlsec.model.operation.duration": ("s", "Histogram"),
        "mlsec.detection.duration": ("s", "Histogram"),
        "mlsec.detection.processed": ("{detection}", "Sum"),
        "mlsec.drift.score": ("1", "Gauge"),
        "mlsec.extraction.exposure": ("1", "Gauge"),
        "mlsec.principals.evicted": ("{principal}", "Sum"),
        "mlsec.detection.queue.size": ("{call}", "Sum"),
        "mlsec.detection.queue.capacity": ("{call}", "Sum"),
        "mlsec.agent.errors": ("{error}", "Sum"),
    }


def test_rows_are_counted_and_durations_measured_by_model_and_operation(telemetry, call):
    telemetry.metrics.calls([call, call, replace(call, method="predict", error="builtins.ValueError", n_rows=1)])

    proba = {**MODEL, "mlsec.model.operation": "predict_proba"}
    failed = {**MODEL, "mlsec.model.operation": "predict", "error.type": "builtins.ValueError"}
    points = telemetry.points()
    assert values(points["mlsec.model.predictions"]) == [(proba, 500), (failed, 1)]
    assert [(dict(p.attributes), p.count, p.sum) for p in points["mlsec.model.operation.duration"]] == [
        ({**proba, "mlsec.model.framework": "xgboost"}, 2, pytest.approx(0.008)),
        ({**failed, "mlsec.model.framework": "xgboost"}, 1, pytest.approx(0.004)),
    ]


def test_series_are_there_at_zero_before_the_first_finding(telemetry, finding):
    telemetry.metrics.model_seen(finding.model, ["drift/data"])

    assert values(telemetry.points()["mlsec.findings"]) == [
        ({**FINDING, "mlsec.finding.type": kind, "mlsec.finding.severity": severity.name, "mlsec.finding.status": "new"}, 0)
        for kind in ("drift.data", "drift.order")
        for severity in Severity
    ]


def test_a_finding_adds_to_a_series_that_was_there(telemetry, call, finding):
    telemetry.metrics.model_seen(finding.model, ["drift/data"])
    before = counted(telemetry.points()["mlsec.findings"])
    telemetry.send(call, finding)
    after = counted(telemetry.points()["mlsec.findings"])
    telemetry.send(call, replace(finding, status=Status.RESOLVED), replace(finding, status=Status.REOPENED))
    later = counted(telemetry.points()["mlsec.findings"])

    [changed] = [series for series, value in after.items() if value]
    assert dict(changed) == {**FINDING, "mlsec.finding.severity": "HIGH", "mlsec.finding.status": "new"}
    assert before[changed] == 0
    assert after[changed] == 1
    assert sum(later.values()) == 3
    assert later.keys() == after.keys()  # resolved and reopened were there at zero, too


def test_counters_of_findings_link_to_the_trace(telemetry, call, finding):
    telemetry.send(call, finding)

    linked = [exemplar for point in telemetry.points()["mlsec.findings"] for exemplar in point.exemplars]
    assert [(exemplar.trace_id, exemplar.span_id) for exemplar in linked] == [(0xA, 0xD)]


def test_every_detector_has_its_kinds_listed_and_no_others():
    said = {wording.SAYS[word][0] for word in wording.SAYS}

    assert {*TABLE, *OUTCOMES} <= set(KINDS) <= {*TABLE, *OUTCOMES, *texts.TABLE, "llm/second_opinion"}
    assert set(KINDS["drift/facts"]) == said


def test_zeros_are_bounded_and_findings_beyond_are_counted_all_the_same(telemetry, finding):
    for i in range(500):
        telemetry.metrics.model_seen(Model(name=f"m{i}"), list(TABLE))
    before = len(telemetry.points()["mlsec.findings"])
    telemetry.metrics.found(replace(finding, model=Model(name="m499")), Context())
    after = telemetry.points()["mlsec.findings"]

    assert before == MAX_ZEROS
    assert [dict(point.attributes)["mlsec.model.name"] for point in after if point.value] == ["m499"]


def test_what_detection_did_and_did_not_see(telemetry):
    telemetry.metrics.detected(0.02)
    telemetry.metrics.processed(5)
    telemetry.metrics.processed(2, error_type="queue_full")

    points = telemetry.points()
    [duration] = points["mlsec.detection.duration"]
    assert (dict(duration.attributes), duration.count, duration.sum) == ({}, 1, 0.02)
    assert values(points["mlsec.detection.processed"]) == [({}, 5), ({"error.type": "queue_full"}, 2)]


def test_queue_and_errors_are_read_when_asked(telemetry):
    before = telemetry.points()
    telemetry.queue = (7, 8)
    telemetry.errors["capture.sklearn"] = 2
    after = telemetry.points()

    assert [values(before[f"mlsec.detection.queue.{name}"]) for name in ("size", "capacity")] == [[({}, 3)], [({}, 8)]]
    assert values(after["mlsec.detection.queue.size"]) == [({}, 7)]
    assert values(after["mlsec.agent.errors"]) == [({"mlsec.agent.site": "capture.sklearn"}, 2)]


def test_the_gauge_keeps_its_first_series_and_says_once_that_there_are_more(sending, caplog):
    caplog.set_level(logging.DEBUG, "otel_mlsec")
    telemetry = sending(series=2)
    model = Model(name="flights", version="3")
    for value in (0.1, 0.2):
        telemetry.metrics.scores((model, "drift/data", feature, value) for feature in ("temp", "dewp", "wind", "hour"))

    rule = {**MODEL, "security_rule.name": "drift/data"}
    assert values(telemetry.points()["mlsec.drift.score"]) == [
        ({**rule, "mlsec.feature.name": "temp"}, 0.2),
        ({**rule, "mlsec.feature.name": "dewp"}, 0.2),
    ]
    assert caplog.messages == ["mlsec.drift.score is kept for the first 2 features only"]


def test_exposure_is_of_those_who_are_followed_now_and_of_no_others(telemetry):
    model = Model(name="flights", version="3")
    telemetry.metrics.scores([(model, "extraction/account", who, kappa) for who, kappa in (("app:1", 0.5), ("nobody", 0.2))])
    before = telemetry.points()
    telemetry.metrics.scores([(model, "extraction/account", "app:2", 0.9), (model, "extraction/account", "app:3", float("nan"))])
    after = telemetry.points()
    telemetry.metrics.scores([])

    rule = {**MODEL, "security_rule.name": "extraction/account"}
    assert values(before["mlsec.extraction.exposure"]) == [({**rule, "user.hash": "app:1"}, 0.5), (rule, 0.2)]
    assert values(after["mlsec.extraction.exposure"]) == [({**rule, "user.hash": "app:2"}, 0.9)]
    assert "mlsec.extraction.exposure" not in telemetry.points()
    assert "mlsec.drift.score" not in after


def test_exposure_has_series_of_the_most_exposed_only(sending):
    telemetry = sending(series=3)
    telemetry.metrics.scores((Model(name="m"), "extraction/account", f"app:{i}", i / 1000) for i in range(1000))
    few = telemetry.points()["mlsec.extraction.exposure"]
    telemetry = sending()
    telemetry.metrics.scores((Model(name="m"), "extraction/account", f"app:{i}", i / 1000) for i in range(1000))

    assert [point.value for point in few] == [0.999, 0.998, 0.997]
    assert len(telemetry.points()["mlsec.extraction.exposure"]) == MOST


def test_forgotten_principals_are_counted_by_detector(telemetry):
    telemetry.metrics.evicted("extraction/account", 3)
    telemetry.metrics.evicted("extraction/account", 2)

    assert values(telemetry.points()["mlsec.principals.evicted"]) == [({"security_rule.name": "extraction/account"}, 5)]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_score_that_is_no_number_is_not_shown_and_the_sdk_has_nothing_to_complain_of(telemetry, caplog, value):
    telemetry.metrics.scores([(Model(name="m"), "drift/data", "a", value), (Model(name="m"), "drift/data", "b", 0.5)])

    assert [dict(p.attributes)["mlsec.feature.name"] for p in telemetry.points()["mlsec.drift.score"]] == ["b"]
    assert not caplog.messages


def test_a_queue_that_cannot_be_read_costs_its_own_series_only(sending, monkeypatch):
    monkeypatch.setattr(errors, "raising", False)
    telemetry = sending(queue=())
    telemetry.metrics.processed(1)
    points = telemetry.points()

    assert points.keys() == {"mlsec.detection.processed"}
    assert errors.counts["emit.metrics"] == 2  # size and capacity


def test_no_metric_says_who_or_in_which_trace(telemetry, call, finding):
    telemetry.metrics.model_seen(call.model, list(TABLE))
    telemetry.send(call, finding)

    attributes = {name for points in telemetry.points().values() for point in points for name in point.attributes}
    assert attributes <= {
        "mlsec.finding.type", "mlsec.finding.severity", "mlsec.finding.status", "security_rule.name", "mlsec.model.name",
        "mlsec.model.version", "mlsec.model.framework", "mlsec.model.operation",
    }  # fmt: skip
