"""Our own bugs: the application gets its answers, the rest of the agent goes on, and the bug is counted."""

import logging

import numpy as np
import pytest
from opentelemetry.sdk._logs import LogRecordProcessor
from opentelemetry.trace import SpanKind

from otel_mlsec import errors
from otel_mlsec.capture import _call
from otel_mlsec.detectors.drift.data import DataDrift
from otel_mlsec.emit.spans import Spans


@pytest.fixture(autouse=True)
def _contained(monkeypatch):
    monkeypatch.setattr(errors, "raising", False)


def fails(*_, **__):
    raise RuntimeError("ours, with the user's data in it: 4111-1111")


def test_a_capture_that_fails_leaves_the_answer_alone(watched, monkeypatch):
    monkeypatch.setattr(_call, "begin", fails)
    watched.instrument()
    model, rows = watched.model(), watched.rows()

    answer = model.predict(rows)

    assert np.array_equal(answer, rows @ model.coef_[0] + model.intercept_[0] > 0)
    assert watched.spans() == []
    assert watched.series("mlsec.agent.errors") == {(("mlsec.agent.site", "capture.predict"),): 1}


def test_a_detector_that_fails_costs_its_own_findings_only(watched, monkeypatch, caplog):
    monkeypatch.setattr(DataDrift, "update", fails)
    watched.instrument()
    model = watched.model()

    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            model.predict(watched.rows(colour=100.0))
            watched.spans()

    assert [finding.attributes["mlsec.finding.type"] for finding in watched.findings()] == ["drift.unseen"]
    assert errors.counts == {"detect drift/data": 2}
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert said == ["detect drift/data failed with RuntimeError; the application is unaffected"]


def test_a_span_that_cannot_be_made_costs_no_record(watched, monkeypatch):
    monkeypatch.setattr(Spans, "record", fails)
    watched.instrument()

    watched.model().predict(watched.rows(colour=100.0))

    assert len(watched.findings()) == 1
    assert watched.spans() == []
    assert sum(watched.series("mlsec.findings").values()) == 1


def test_somebody_elses_log_processor_that_fails_costs_no_span_and_no_count(watched):
    class Broken(LogRecordProcessor):
        on_emit = fails

        def shutdown(self):
            pass

        def force_flush(self, timeout_millis=30_000):
            return True

    watched.loggers.add_log_record_processor(Broken())
    watched.instrument()

    watched.model().predict(watched.rows(colour=100.0))

    [span] = watched.spans()
    assert span.attributes["mlsec.finding.count"] == 1
    assert sum(watched.series("mlsec.findings").values()) == 1
    assert errors.counts == {"emit.logs": 1}


def test_a_hook_of_the_processor_that_fails_is_contained_since_the_sdk_would_hand_it_to_the_application(watched, monkeypatch):
    monkeypatch.setattr("otel_mlsec.capture.server.serving", None)
    watched.instrument()

    with watched.tracers.get_tracer("app").start_as_current_span("GET /", kind=SpanKind.SERVER):
        answered = True

    assert answered
    assert errors.counts == {"capture.server": 1}
