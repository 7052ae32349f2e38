"""One call, one finding, and the real SDK with its in-memory exporters; ids and clock are fixed."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from opentelemetry.context import Context
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

from otel_mlsec.emit import delivery_metrics, to_sdk
from otel_mlsec.emit.completions import CompletionSpans
from otel_mlsec.emit.feedback_metrics import FeedbackMetrics
from otel_mlsec.emit.metrics import Metrics
from otel_mlsec.emit.performance_metrics import PerformanceMetrics
from otel_mlsec.emit.records import Records
from otel_mlsec.emit.reference_metrics import ReferenceMetrics
from otel_mlsec.emit.spans import Spans
from otel_mlsec.emit.spool.spool import Spool
from otel_mlsec.emit.usage import Usage
from otel_mlsec.finding import Finding, Severity
from otel_mlsec.observation import Completion, Meaning, Model, Origin, Prediction, Role, Text

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
    content: bool = False
    series: int = 1000
    queue: tuple[int, int] = (3, 8)
    errors: dict[str, int] = field(default_factory=dict)
    spools: list[Spool] = field(default_factory=list)
    handled: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._spans, self._logs, self._reader = InMemorySpanExporter(), InMemoryLogRecordExporter(), InMemoryMetricReader()
        tracers = TracerProvider(sampler=self.sampler, id_generator=OneId(), shutdown_on_exit=False)
        tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        loggers = LoggerProvider(shutdown_on_exit=False)
        loggers.add_log_record_processor(SimpleLogRecordProcessor(self._logs))
        self.meters = MeterProvider([self._reader], shutdown_on_exit=False)
        self.spans = Spans(tracers.get_tracer("otel_mlsec"), events=self.events)
        self.completions = CompletionSpans(tracers.get_tracer("otel_mlsec"), events=self.events, content=self.content)
        self._logger = loggers.get_logger("otel_mlsec")
        self.records = Records(now=lambda: NOW, version="0.0", resource=lambda: {"service.name": "shop"})
        meter = self.meters.get_meter("otel_mlsec")
        self.metrics = Metrics(meter, series=self.series, queue=lambda: self.queue, errors=lambda: self.errors)
        self.usage = Usage(meter)
        self.feedback = FeedbackMetrics(meter)
        self.performance = PerformanceMetrics(meter)
        self.references = ReferenceMetrics(meter)
        delivery_metrics.observe(meter, lambda: self.spools, lambda: self.handled)

    def send(self, call: Prediction, *findings: Finding) -> None:
        """As the emitter does it."""
        context = self.spans.record(call, findings)
        self.metrics.calls([call])
        for finding in findings:
            self.emit(finding, context, call)
            self.metrics.found(finding, context)

    def emit(self, finding: Finding, context: Context, call: Prediction | Completion) -> None:
        to_sdk.emit(self._logger, self.records.of(finding, IDENTIFIER, context, call), context)

    def complete(self, completion: Completion, *findings: Finding, status: str = "") -> None:
        """As the emitter does it, of a call of a language model."""
        span = self.completions.start(completion)
        context = self.completions.context(span, completion)
        for finding in findings:
            self.emit(finding, context, completion)
        self.usage.answered(completion, context)
        self.usage.not_read(completion, context)
        if span is not None:
            self.completions.end(span, completion, findings, status)

    @property
    def span(self) -> Any:
        [span] = self._spans.get_finished_spans()
        return span

    def spans_out(self) -> Any:
        return self._spans.get_finished_spans()

    def records_out(self) -> list[Any]:
        return [log.log_record for log in self._logs.get_finished_logs()]

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


@pytest.fixture
def completion() -> Completion:
    return Completion(
        model=Model(name="gpt-4o", version="gpt-4o-2024-08-06", framework="openai"),
        operation="chat",
        inputs=(
            Text(text="Be brief.", role=Role.SYSTEM, origin=Origin.OPERATOR),
            Text(text="Write to bob@example.org", role=Role.USER, origin=Origin.USER, message=1),
        ),
        outputs=(Text(text="Done.", role=Role.ASSISTANT, origin=Origin.MODEL),),
        conversation="conv-1",
        principal="app:0123456789ab",
        start_ns=START,
        end_ns=END,
        span=CALLER,
        attributes={"server.address": "api.openai.com", "gen_ai.request.temperature": 0.5, "client.address": "192.0.2.7"},
        response_id="resp-1",
        finish_reasons=("stop",),
        input_tokens=12,
        output_tokens=3,
        unknown={"hologram": 2},
        unread=5,
    )


@pytest.fixture
def injection() -> Finding:
    return Finding(
        kind="llm.injection.indirect",
        detector="llm/injection",
        title="Indirect prompt injection",
        summary="text 3, tool result: override; 1 in 12,000 benign texts looks so",
        severity=Severity.HIGH,
        score=4.1,
        threshold=3.0,
        model=Model(name="gpt-4o", framework="openai"),
        time=1_700_000_000.25,
        first_seen=1_700_000_000.25,
        principal="app:0123456789ab",
        evidence={"role": "tool", "origin": "tool", "form": "result", "message": 3},
    )
