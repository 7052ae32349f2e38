"""The whole agent in this process, on the real SDK with exporters in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import otel_mlsec

linear_model = pytest.importorskip("sklearn.linear_model")


class Watched:
    """Providers, what came out of them, and a model with a reference."""

    def __init__(self) -> None:
        self._spans, self._logs, self._reader = InMemorySpanExporter(), InMemoryLogRecordExporter(), InMemoryMetricReader()
        self.tracers = TracerProvider(shutdown_on_exit=False)
        self.tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        self.loggers = LoggerProvider(shutdown_on_exit=False)
        self.loggers.add_log_record_processor(SimpleLogRecordProcessor(self._logs))
        self.meters = MeterProvider([self._reader], shutdown_on_exit=False)
        self._random = np.random.default_rng(5)

    def instrument(self, **settings: Any) -> None:
        otel_mlsec.instrument(tracer_provider=self.tracers, meter_provider=self.meters, logger_provider=self.loggers, **settings)

    def rows(self, n: int = 100, colour: float = 0.0) -> np.ndarray:
        """Two measures and a colour of 0 to 4, plus `colour`."""
        rows = self._random.normal(size=(n, 3))
        rows[:, 2] = self._random.integers(0, 5, n) + colour
        return rows

    def model(self, name: str = "wines") -> Any:
        rows = self.rows(2000)
        model = linear_model.LogisticRegression().fit(rows, rows[:, 0] > 0)
        reference = otel_mlsec.Reference.fit(rows, name=name, version="1")
        return otel_mlsec.watch(model, name=name, version="1", reference=reference)

    def spans(self) -> list[Any]:
        assert self.tracers.force_flush()
        return list(self._spans.get_finished_spans())

    def findings(self) -> list[Any]:
        assert self.loggers.force_flush()
        return [each.log_record for each in self._logs.get_finished_logs()]

    def series(self, name: str) -> dict[tuple[tuple[str, Any], ...], float]:
        """Value by attributes; of a histogram, its count."""
        assert self.tracers.force_flush()
        data: Any = self._reader.get_metrics_data()
        return {
            tuple(sorted(point.attributes.items())): getattr(point, "value", getattr(point, "count", None))
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        }


@pytest.fixture
def watched() -> Iterator[Watched]:
    yield Watched()
    otel_mlsec.uninstrument()
