"""The agent beside the SDK's own processors: flushed first, within their time, attached once."""

import threading
import time

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import otel_mlsec
from otel_mlsec.config import ConfigError
from otel_mlsec.detectors.drift.data import DataDrift
from otel_mlsec.processor import DetectionProcessor


def processors(provider):
    return [each for each in provider._active_span_processor._span_processors if isinstance(each, DetectionProcessor)]


@pytest.mark.parametrize("end", ["force_flush", "shutdown"])
def test_what_was_asked_before_a_flush_or_the_end_is_exported_by_it(watched, end):
    exporter = InMemorySpanExporter()
    watched.tracers.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=3_600_000))
    watched.instrument()
    model = watched.model()
    for _ in range(20):
        model.predict(watched.rows())

    getattr(watched.tracers, end)()

    assert len(exporter.get_finished_spans()) == 20


@pytest.mark.parametrize("provider", ["tracers", "meters", "loggers"])
def test_a_flush_of_a_hanging_agent_ends_at_its_time(watched, monkeypatch, provider):
    release = threading.Event()
    monkeypatch.setattr(DataDrift, "update", lambda self, batch: release.wait(30) and [])
    watched.instrument()
    watched.model().predict(watched.rows())

    began = time.monotonic()
    getattr(watched, provider).force_flush(timeout_millis=100)
    took = time.monotonic() - began
    release.set()

    assert 0.1 <= took < 10


def test_a_provider_gets_one_processor_for_its_life(watched):
    for _ in range(3):
        watched.instrument()
        watched.model().predict(watched.rows())
        otel_mlsec.uninstrument()

    assert len(processors(watched.tracers)) == 1
    assert len(watched.spans()) == 3


def test_a_provider_given_is_used_and_no_other_touched(watched):
    other = TracerProvider(shutdown_on_exit=False)
    watched.instrument()
    watched.model().predict(watched.rows())

    assert len(watched.spans()) == 1
    assert processors(other) == []
    assert "force_flush" not in vars(other)


def test_a_config_beside_single_settings_is_refused_since_one_of_them_would_be_ignored(watched):
    with pytest.raises(ConfigError, match="a config or single settings, got both: queue_items"):
        watched.instrument(config=otel_mlsec.Config(), queue_items=3)
