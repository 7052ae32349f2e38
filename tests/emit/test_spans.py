"""The span of a call, whole."""

from dataclasses import replace

import pytest
from opentelemetry import context as context_api
from opentelemetry import trace
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanContext, SpanKind, StatusCode, TraceFlags

from otel_mlsec.emit.spans import MAX_EVENTS, Spans
from otel_mlsec.finding import Severity, Status


def described(span):
    return {
        "name": span.name,
        "kind": span.kind,
        "trace": span.context.trace_id,
        "span": span.context.span_id,
        "parent": span.parent and span.parent.span_id,
        "times": (span.start_time, span.end_time),
        "status": (span.status.status_code, span.status.description),
        "attributes": list(span.attributes.items()),
        "events": [(event.name, event.timestamp, list(event.attributes.items())) for event in span.events],
    }


def test_a_call_is_a_span_with_its_own_times_below_the_caller(telemetry, call):
    telemetry.spans.record(call, [])

    assert described(telemetry.span) == {
        "name": "predict_proba flights",
        "kind": SpanKind.INTERNAL,
        "trace": 0xA,
        "span": 0xD,
        "parent": 0xB,
        "times": (1_700_000_000_000_000_000, 1_700_000_000_004_000_000),
        "status": (StatusCode.UNSET, None),
        "attributes": [
            ("mlsec.model.name", "flights"),
            ("mlsec.model.version", "3"),
            ("mlsec.model.framework", "xgboost"),
            ("mlsec.model.operation", "predict_proba"),
            ("mlsec.model.rows", 250),
        ],
        "events": [],
    }


def test_a_finding_is_an_event_of_eight_attributes_and_two_of_the_span(telemetry, call, finding):
    telemetry.spans.record(call, [finding])

    span = described(telemetry.span)
    assert span["attributes"][5:] == [("mlsec.finding.count", 1), ("mlsec.finding.max_severity", "HIGH")]
    assert span["events"] == [
        (
            "mlsec.finding",
            1_700_000_000_004_000_000,
            [
                ("mlsec.finding.severity", "HIGH"),
                ("mlsec.finding.type", "drift.data"),
                ("mlsec.finding.title", "Data drift"),
                ("mlsec.finding.summary", "temp +1.2 sd (+9.1) JS 0.54 [0.50, 0.58]"),
                ("mlsec.finding.status", "new"),
                ("mlsec.finding.score", 2_500_000.0),
                ("security_rule.name", "drift/data"),
                ("mlsec.finding.dedup_key", finding.dedup_key),
            ],
        )
    ]
    assert span["status"] == (StatusCode.UNSET, None)  # the call did what it was asked


def test_of_many_findings_the_worst_are_events_and_all_are_counted(telemetry, call, finding):
    low = [replace(finding, severity=Severity.LOW)] * 20
    telemetry.spans.record(call, [*low, replace(finding, severity=Severity.CRITICAL)])

    severities = [event.attributes["mlsec.finding.severity"] for event in telemetry.span.events]
    assert severities == ["CRITICAL"] + ["LOW"] * (MAX_EVENTS - 1)
    assert telemetry.span.attributes["mlsec.finding.count"] == 21
    assert telemetry.span.attributes["mlsec.finding.max_severity"] == "CRITICAL"


def test_events_can_be_off_and_the_span_still_says_that_there_are_findings(sending, call, finding):
    telemetry = sending(events=False)
    telemetry.spans.record(call, [replace(finding, status=Status.RESOLVED)])

    assert not telemetry.span.events
    assert telemetry.span.attributes["mlsec.finding.count"] == 1


def test_a_call_that_raised_is_an_error_with_its_type_and_without_its_message(telemetry, call):
    telemetry.spans.record(replace(call, error="builtins.ValueError"), [])

    span = described(telemetry.span)
    assert span["status"] == (StatusCode.ERROR, None)
    assert span["attributes"][-1] == ("error.type", "builtins.ValueError")


@pytest.mark.parametrize("nobody", [None, SpanContext(0, 0, is_remote=False), "no span context"])
def test_a_call_outside_a_trace_begins_one_also_where_the_worker_is_in_another(telemetry, call, nobody):
    worker = trace.NonRecordingSpan(SpanContext(0x1, 0x2, is_remote=False))
    with trace.use_span(worker):
        telemetry.spans.record(replace(call, span=nobody), [])

    assert telemetry.span.parent is None
    assert telemetry.span.context.trace_id == 0xC


def test_the_context_returned_is_that_of_the_new_span(telemetry, call):
    context = telemetry.spans.record(call, [])

    assert trace.get_current_span(context).get_span_context() == telemetry.span.context


def test_nothing_of_the_workers_own_context_is_in_the_one_returned(telemetry, call):
    token = context_api.attach(context_api.set_value("worker", "its own"))
    try:
        context = telemetry.spans.record(call, [])
    finally:
        context_api.detach(token)

    assert "worker" not in context


def test_what_is_sampled_out_gives_no_span_and_a_context_in_the_trace(sending, call, finding):
    telemetry = sending(sampler=ALWAYS_OFF)
    context = telemetry.spans.record(call, [finding])

    here = trace.get_current_span(context).get_span_context()
    assert telemetry.n_spans == 0
    assert here.trace_id == 0xA
    assert not here.trace_flags.sampled


def test_where_nobody_makes_spans_the_context_is_the_callers(call, finding):
    context = Spans(trace.NoOpTracer()).record(call, [finding])
    outside = Spans(trace.NoOpTracer()).record(replace(call, span=None), [finding])

    here = trace.get_current_span(context).get_span_context()
    assert (here.trace_id, here.span_id, here.trace_flags) == (0xA, 0xB, TraceFlags.SAMPLED)
    assert not trace.get_current_span(outside).get_span_context().is_valid


def test_a_clock_that_was_set_back_during_the_call_gives_no_negative_duration(telemetry, call):
    telemetry.spans.record(replace(call, end_ns=call.start_ns - 10**9), [])

    assert telemetry.span.end_time == telemetry.span.start_time == call.start_ns
