"""One call, one finding, and the real SDK with its in-memory exporters; ids and clock are fixed."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler
from opentelemetry.trace import SpanContext, TraceFlags

from otel_mlsec.emit.logs import Logs
from otel_mlsec.emit.metrics import Metrics
from otel_mlsec.emit.spans import Spans
from otel_mlsec.finding import Finding, Severity
from otel_mlsec.observation import Meaning, Model, Prediction

START, END, NOW = 1_700_000_000_000_000_000, 1_700_000_000_004_000_000, 1_700_000_001_000_000_000
CALLER = SpanContext(0xA, 0xB, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))
IDENTIFIER = "018bcfe5-6be8-7000-8000-000000000000"


class OneId(IdGenerator):
    def generate_trace_id(self) -> int:
        return 0xC

    def generate_span_id(self) -> int:
        return 0xD


@dataclass
class Telemetry:
    """What left, as values; all three signals go to memory."""

    sampler: Sampler = ALWAYS_ON
    events: bool = True
    series: int = 1000
    queue: tuple[int, int] = (3, 8)
    errors: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._spans, self._logs, self._reader = InMemorySpanExporter(), InMemoryLogRecordExporter(), InMemoryMetricReader()
        tracers = TracerProvider(sampler=self.sampler, id_generator=OneId(), shutdown_on_exit=False)
        tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        loggers = LoggerProvider(shutdown_on_exit=False)
        loggers.add_log_record_processor(SimpleLogRecordProcessor(self._logs))
        self.meters = MeterProvider([self._reader], shutdown_on_exit=False)
        self.spans = Spans(tracers.get_tracer("otel_mlsec"), events=self.events)
        self.logs = Logs(loggers.get_logger("otel_mlsec"), now=lambda: NOW, rules="0.0")
        meter = self.meters.get_meter("otel_mlsec")
        self.metrics = Metrics(meter, series=self.series, queue=lambda: self.queue, errors=lambda: self.errors)

    def send(self, call: Prediction, *findings: Finding) -> None:
        """As the emitter does it."""
        context = self.spans.record(call, findings)
        self.metrics.calls([call])
        for finding in findings:
            self.logs.emit(finding, IDENTIFIER, context, call)
            self.metrics.found(finding, context)

    @property
    def span(self) -> Any:
        [span] = self._spans.get_finished_spans()
        return span

    @property
    def n_spans(self) -> int:
        return len(self._spans.get_finished_spans())

    @property
    def record(self) -> Any:
        [log] = self._logs.get_finished_logs()
        return log.log_record

    def points(self) -> dict[str, list[Any]]:
        """Data points by the name of the instrument."""
        data = self._reader.get_metrics_data()
        of_resources = data.resource_metrics if data else []
        return {m.name: list(m.data.data_points) for r in of_resources for s in r.scope_metrics for m in s.metrics}

    def instruments(self) -> dict[str, tuple[str, str]]:
        """Unit and kind of data by name."""
        data = self._reader.get_metrics_data()
        return {
            m.name: (m.unit, type(m.data).__name__) for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics
        }


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry()


@pytest.fixture
def sending() -> type[Telemetry]:
    return Telemetry


@pytest.fixture
def call() -> Prediction:
    return Prediction(
        model=Model(name="flights", version="3", framework="xgboost"),
        method="predict_proba",
        meaning=Meaning.PROBABILITY,
        n_rows=250,
        principal="app:0123456789ab",
        start_ns=START,
        end_ns=END,
        span=CALLER,
        attributes={"client.address": "192.0.2.7"},
    )


@pytest.fixture
def finding() -> Finding:
    return Finding(
        kind="drift.data",
        detector="drift/data",
        title="Data drift",
        summary="temp +1.2 sd (+9.1) JS 0.54 [0.50, 0.58]",
        severity=Severity.HIGH,
        score=2_500_000.0,
        threshold=2_000_000.0,
        model=Model(name="flights", version="3", framework="xgboost"),
        time=1_365_429_600.25,
        first_seen=1_365_343_200.0,
        count=12_345,
        subject=("temp",),
        evidence={
            "features": ("temp",),
            "n_features": 1,
            "js_distance": 0.5,
            "shift": 9.0,
            "independent": False,
            "reference": "fitted",
        },
    )
