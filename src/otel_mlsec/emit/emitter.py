"""Findings and calls on their way out: span, log record, metrics, in that order, so that all three are linked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

from opentelemetry import _logs, metrics, trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import OTELResourceDetector
from opentelemetry.trace import Span

from otel_mlsec.emit import delivery_metrics, fallback, to_sdk
from otel_mlsec.emit.completions import CompletionSpans
from otel_mlsec.emit.delivery import Delivery
from otel_mlsec.emit.feedback_metrics import FeedbackMetrics
from otel_mlsec.emit.handlers import HANDLERS, Handlers
from otel_mlsec.emit.identifier import uuid7
from otel_mlsec.emit.metrics import Metrics
from otel_mlsec.emit.performance_metrics import PerformanceMetrics
from otel_mlsec.emit.records import SCOPE, Records
from otel_mlsec.emit.reference_metrics import ReferenceMetrics
from otel_mlsec.emit.spans import Spans
from otel_mlsec.emit.spool.spool import Spool
from otel_mlsec.emit.usage import Usage
from otel_mlsec.errors import contained
from otel_mlsec.finding import Finding, Severity
from otel_mlsec.observation import Completion, Model, Prediction

ABSENT = ("ProxyLoggerProvider", "NoOpLoggerProvider")  # of the API: nobody has set the SDK up


class Emitter:
    """The way out of one process.  Each part is contained by itself: a broken exporter of spans costs no log record."""

    def __init__(
        self,
        *,
        version: str,
        tracer_provider: Any = None,
        meter_provider: Any = None,
        logger_provider: Any = None,
        queue: Callable[[], tuple[int, int]],
        errors: Callable[[], Mapping[str, int]],
        delivery: Delivery,
        spools: Callable[[], Sequence[Spool]] = tuple,
        handlers: Handlers = HANDLERS,
        quiet: Callable[[], AbstractContextManager[Any]] = nullcontext,
        series: int = 1000,
        spans: bool = True,
        span_events: bool = True,
        content: bool = False,
        now: Callable[[], int] = time.time_ns,
        new_id: Callable[[int], str] = uuid7,
    ) -> None:
        self._logger_provider, self._tracer_provider = logger_provider, tracer_provider
        self._now, self._new_id = now, new_id
        self._delivery, self._handlers, self._quiet = delivery, handlers, quiet
        tracer = trace.get_tracer(SCOPE, version, tracer_provider) if spans else trace.NoOpTracer()
        self._spans = Spans(tracer, events=span_events)
        self._completions = CompletionSpans(tracer, events=span_events, content=content)
        self._logger = _logs.get_logger(SCOPE, version, logger_provider)
        self._records = Records(now=now, version=version, resource=self._resource)
        meter = metrics.get_meter(SCOPE, version, meter_provider)
        self._metrics = Metrics(meter, series=series, queue=queue, errors=errors)
        self._usage = Usage(meter)
        self._references = ReferenceMetrics(meter)
        self._feedback = FeedbackMetrics(meter)
        self._performance = PerformanceMetrics(meter)
        delivery_metrics.observe(meter, spools, lambda: handlers.counts)
        self._environment: Mapping[str, Any] | None = None  # resource that is there without an SDK
        self._seen: set[tuple[Model, tuple[str, ...]]] = set()

    def model_seen(self, model: Model, detectors: Sequence[str]) -> None:
        """Series of a model start at zero, so that the first finding is an increase."""
        if (model, tuple(detectors)) not in self._seen and len(self._seen) < 1000:
            self._seen.add((model, tuple(detectors)))
            with contained("emit.metrics"):
                self._metrics.model_seen(model, detectors)

    def call(self, call: Prediction, findings: Sequence[Finding]) -> None:
        context = Context()
        with contained("emit.spans"):
            context = self._spans.record(call, findings)
        with contained("emit.metrics"):
            self._metrics.calls([call])
        for finding in findings:
            self.finding(finding, call, context)

    def asked(self, completion: Completion) -> tuple[Span | None, Context]:
        """Begin the span of a call of a language model, unless it has one; its findings belong in the context."""
        with contained("emit.spans"):
            span = self._completions.start(completion)
            return span, self._completions.context(span, completion)
        return None, Context()

    def answered(
        self, span: Span | None, completion: Completion, findings: Sequence[Finding], context: Context, status: str = ""
    ) -> None:
        """End it, and count what it used; `findings` are all of the call, which have been sent by `finding` already."""
        with contained("emit.metrics"):
            self._usage.answered(completion, context)
            self._usage.not_read(completion, context)
        if span is not None:
            with contained("emit.spans"):
                self._completions.end(span, completion, findings, status)

    def cut_off(self, span: Span, completion: Completion, findings: Sequence[Finding], status: str) -> None:
        """End the span of a call that has not ended: its duration is nobody's, and it is not counted."""
        with contained("emit.spans"):
            self._completions.end(span, replace(completion, end_ns=self._now()), findings, status)

    def finding(self, finding: Finding, call: Prediction | Completion, context: Context) -> None:
        identifier = self._new_id(self._now())
        with contained("emit.logs"):
            record = self._records.of(finding, identifier, context, call)
            self._delivery.put(record)
            if self._delivery.otlp:
                pass  # through the application's logger provider, it would arrive twice
            elif not _absent(self._logger_provider or _logs.get_logger_provider()):
                to_sdk.emit(self._logger, record, context)
            else:
                fallback.log(finding, identifier)
        with contained("emit.metrics"):
            self._metrics.found(finding, context)
        with contained("emit.handlers"):
            self._handlers.tell(finding, self._quiet)

    def _resource(self) -> Mapping[str, Any]:
        """Of whichever provider has one; before there is any, as the environment has it."""
        for provider in (
            self._logger_provider or _logs.get_logger_provider(),
            self._tracer_provider or trace.get_tracer_provider(),
        ):
            resource = getattr(provider, "resource", None)
            if resource is not None:
                return resource.attributes
        if self._environment is None:
            self._environment = OTELResourceDetector().detect().attributes  # `Resource.create` starts threads, too late at exit
        return self._environment

    def detected(self, seconds: float, calls: int) -> None:
        with contained("emit.metrics"):
            self._metrics.detected(seconds)
            self._metrics.processed(calls)

    def dropped(self, calls: int, reason: str) -> None:
        with contained("emit.metrics"):
            self._metrics.processed(calls, error_type=reason)

    def evicted(self, detector: str, principals: int) -> None:
        with contained("emit.metrics"):
            self._metrics.evicted(detector, principals)

    def withheld(self, kind: str, severity: Severity, model: str, reason: str, findings: int = 1) -> None:
        with contained("emit.metrics"):
            self._metrics.withheld(kind, severity, model, reason, findings)

    def references(self, staleness: Iterable[tuple[Model, float, int]]) -> None:
        with contained("emit.metrics"):
            self._references.set(staleness)

    def reference_refused(self, model: str, why: str) -> None:
        with contained("emit.metrics"):
            self._references.refused(model, why)

    def labels(self, model: Model, outcome: str, labels: int) -> None:
        with contained("emit.metrics"):
            self._feedback.labels(model, outcome, labels)

    def coverage(self, coverage: Iterable[tuple[Model, float]]) -> None:
        with contained("emit.metrics"):
            self._feedback.coverage(coverage)

    def unanswered(self, model: Model, reason: str, predictions: int) -> None:
        with contained("emit.metrics"):
            self._feedback.forgotten(model, reason, predictions)

    def estimates(self, estimates: Iterable[tuple[Model, str, str, float]]) -> None:
        with contained("emit.metrics"):
            self._performance.set(estimates)

    def scores(self, scores: Iterable[tuple[Model, str, str, float]]) -> None:
        with contained("emit.metrics"):
            self._metrics.scores(scores)


def _absent(logger_provider: Any) -> bool:
    return type(logger_provider).__name__ in ABSENT
