"""A call of a real model, through real detectors, to what a backend receives."""

import threading

import pytest
from opentelemetry.trace import SpanKind

import otel_mlsec
from otel_mlsec.finding import Severity

linear_model = pytest.importorskip("sklearn.linear_model")
where_predict_is = pytest.importorskip("sklearn.linear_model._base").LinearClassifierMixin


def test_one_call_with_a_value_never_seen_is_span_record_and_count_of_the_same_thing(watched):
    watched.instrument()
    model = watched.model()

    with watched.tracers.get_tracer("app").start_as_current_span("request") as request, otel_mlsec.principal("alice"):
        model.predict(watched.rows(colour=100.0))

    span, outer = sorted(watched.spans(), key=lambda each: each.name)  # either may be exported first
    [finding] = watched.findings()
    assert (outer.name, span.name, span.kind) == ("request", "predict wines", SpanKind.INTERNAL)
    assert span.parent.span_id == request.get_span_context().span_id
    assert outer.start_time <= span.start_time <= span.end_time <= outer.end_time
    assert dict(span.attributes) == {
        "mlsec.model.name": "wines",
        "mlsec.model.version": "1",
        "mlsec.model.framework": "sklearn",
        "mlsec.model.operation": "predict",
        "mlsec.model.rows": 100,
        "mlsec.finding.count": 1,
        "mlsec.finding.max_severity": finding.attributes["mlsec.finding.severity"],
    }
    assert [event.name for event in span.events] == ["mlsec.finding"]
    assert finding.event_name == "mlsec.finding"
    assert (finding.trace_id, finding.span_id) == (span.context.trace_id, span.context.span_id)
    assert finding.attributes["mlsec.finding.type"] == "drift.unseen"
    assert finding.attributes["security_rule.name"] == "drift/facts"
    assert finding.attributes["user.hash"].startswith("app:")
    assert "alice" not in str(finding)
    assert finding.body.startswith(f"{finding.attributes['mlsec.finding.severity']} Value never seen: wines 1, ")


def test_a_counter_of_every_severity_is_zero_before_the_first_finding_and_one_after(watched):
    watched.instrument()
    model = watched.model()
    model.predict(watched.rows())
    before = watched.series("mlsec.findings")

    model.predict(watched.rows(colour=100.0))
    after = watched.series("mlsec.findings")

    unseen = [key for key in before if ("mlsec.finding.type", "drift.unseen") in key and ("mlsec.finding.status", "new") in key]
    assert {dict(key)["mlsec.finding.severity"] for key in unseen} == {severity.name for severity in Severity}
    assert set(before.values()) == {0}
    assert sum(after.values()) == 1
    assert sum(after[key] for key in unseen) == 1


def test_rows_durations_and_the_agents_own_state_are_counted(watched):
    watched.instrument(queue_items=77)
    model = watched.model()
    for _ in range(3):
        model.predict_proba(watched.rows(50))

    operation = (
        ("mlsec.model.name", "wines"), ("mlsec.model.operation", "predict_proba"), ("mlsec.model.version", "1")
    )  # fmt: skip
    assert watched.series("mlsec.model.predictions") == {operation: 150}
    assert list(watched.series("mlsec.model.operation.duration").values()) == [3]
    assert watched.series("mlsec.detection.processed") == {(): 3}
    assert watched.series("mlsec.detection.queue.capacity") == {(): 77}
    assert watched.series("mlsec.detection.queue.size") == {(): 0}


def test_effects_of_features_are_a_gauge(watched):
    watched.instrument()
    model = watched.model()
    for _ in range(30):
        shifted = watched.rows()
        shifted[:, 0] += 1.0
        model.predict(shifted)

    types = [finding.attributes["mlsec.finding.type"] for finding in watched.findings()]
    scores = {dict(key)["mlsec.feature.name"]: value for key, value in watched.series("mlsec.drift.score").items()}
    assert "drift.data" in types
    assert max(scores, key=scores.__getitem__) == "x0"
    assert 0.1 < scores["x0"] <= 1
    assert max(scores["x1"], scores["x2"]) < 0.1


def test_a_call_that_raises_is_the_users_and_a_span_with_its_type(watched):
    watched.instrument()
    model = watched.model()

    try:
        model.predict(watched.rows()[:, :2])
        raised = None
    except ValueError as error:
        raised = error

    [span] = watched.spans()
    assert "features" in str(raised)
    assert span.attributes["error.type"] == "ValueError"
    assert not span.status.is_ok
    assert str(raised) not in span.to_json()


def test_eight_threads_and_a_small_queue_what_is_accepted_and_what_is_dropped_are_all_that_was_asked(watched):
    watched.instrument(queue_items=5)
    model = watched.model()
    rows = watched.rows(1)
    threads = [threading.Thread(target=lambda: [model.predict(rows) for _ in range(200)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    spans = watched.spans()
    processed = watched.series("mlsec.detection.processed")
    assert sum(processed.values()) == 1600
    assert processed[()] == len(spans)
    assert set(processed) <= {(), (("error.type", "queue_full"),)}


def test_instrument_twice_is_once_and_after_uninstrument_the_classes_are_as_they_were(watched):
    original = where_predict_is.__dict__["predict"]
    for _ in range(2):
        watched.instrument()
        watched.instrument()
        model = watched.model()
        model.predict(watched.rows())
        model.predict_proba(watched.rows())
        otel_mlsec.uninstrument()
        model.predict(watched.rows())

    assert len(watched.spans()) == 4
    assert where_predict_is.__dict__["predict"] is original
    assert not [thread for thread in threading.enumerate() if thread.name == "otel-mlsec"]
    assert "force_flush" not in vars(watched.tracers)
    assert linear_model.LogisticRegression().fit(watched.rows(), [0, 1] * 50).predict(watched.rows()).shape == (100,)


def test_the_queue_that_is_shown_is_that_of_now(watched):
    shown = []
    for items in (10, 20):
        watched.instrument(queue_items=items)
        watched.model().predict(watched.rows())
        shown.append(watched.series("mlsec.detection.queue.capacity"))
        otel_mlsec.uninstrument()

    assert shown == [{(): 10}, {(): 20}]


def test_switched_off_it_patches_nothing(watched):
    original = where_predict_is.__dict__["predict"]

    watched.instrument(enabled=False)

    assert where_predict_is.__dict__["predict"] is original


def test_without_spans_findings_are_linked_to_the_callers_span(watched):
    watched.instrument(spans=False)
    model = watched.model()

    with watched.tracers.get_tracer("app").start_as_current_span("request") as request:
        model.predict(watched.rows(colour=100.0))

    [finding] = watched.findings()
    assert finding.span_id == request.get_span_context().span_id
    assert [span.name for span in watched.spans()] == ["request"]
