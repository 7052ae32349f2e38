"""The whole agent, a real client of a model, a provider in memory, and all that a backend would receive."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
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

import otel_mlsec

openai = pytest.importorskip("openai")
httpx = pytest.importorskip("httpx2")


def chat(text: str = "Paris.", model: str = "gpt-4o-2024-08-06") -> dict[str, Any]:
    return {
        "id": "resp-1",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15},
    }


def events(text: str = "Paris.") -> bytes:
    chunks = [
        {
            "id": "resp-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-2024-08-06",
            "choices": [{"index": 0, "delta": {"role": "assistant", "content": letter}, "finish_reason": None}],
        }
        for letter in text
    ]  # fmt: skip
    return b"".join(b"data: %b\n\n" % json.dumps(chunk).encode() for chunk in chunks) + b"data: [DONE]\n\n"


@dataclass
class World:
    """Providers of telemetry, what came out of them, and a provider of a model with what it was sent."""

    sent: list[dict[str, Any]] = field(default_factory=list)
    answer: Callable[[Any], Any] = lambda request: httpx.Response(200, json=chat())

    def __post_init__(self) -> None:
        self._spans, self._logs, self._reader = InMemorySpanExporter(), InMemoryLogRecordExporter(), InMemoryMetricReader()
        self.tracers = TracerProvider(shutdown_on_exit=False)
        self.tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        self.loggers = LoggerProvider(shutdown_on_exit=False)
        self.loggers.add_log_record_processor(SimpleLogRecordProcessor(self._logs))
        self.meters = MeterProvider([self._reader], shutdown_on_exit=False)

    def instrument(self, **settings: Any) -> None:
        otel_mlsec.instrument(tracer_provider=self.tracers, meter_provider=self.meters, logger_provider=self.loggers, **settings)

    def provide(self, request: Any) -> Any:
        assert int(request.headers["content-length"]) == len(request.content)
        self.sent.append(json.loads(request.content))
        if self.sent[-1].get("stream"):
            return httpx.Response(200, content=iter([events()]), headers={"content-type": "text/event-stream"})
        return self.answer(request)

    async def aprovide(self, request: Any) -> Any:
        return self.provide(request)

    def client(self, **fields: Any) -> Any:
        transport = httpx.Client(transport=httpx.MockTransport(self.provide))
        return openai.OpenAI(api_key="k", http_client=transport, **{"max_retries": 0, **fields})

    def aclient(self, **fields: Any) -> Any:
        transport = httpx.AsyncClient(transport=httpx.MockTransport(self.aprovide))
        return openai.AsyncOpenAI(api_key="k", http_client=transport, **{"max_retries": 0, **fields})

    def ask(self, *said: str, client: Any = None, **fields: Any) -> Any:
        messages = [{"role": "user", "content": text} for text in said]
        return (client or self.client()).chat.completions.create(model="gpt-4o", messages=messages, **fields)

    def spans(self) -> list[Any]:
        assert self.tracers.force_flush()
        return list(self._spans.get_finished_spans())

    def findings(self) -> list[Any]:
        assert self.loggers.force_flush()
        return [each.log_record for each in self._logs.get_finished_logs()]

    def kinds(self) -> list[str]:
        return [each.attributes["mlsec.finding.type"] for each in self.findings()]

    def series(self, name: str) -> dict[tuple[tuple[str, Any], ...], float]:
        """Value by attributes; of a histogram, its sum."""
        assert self.tracers.force_flush()
        data: Any = self._reader.get_metrics_data()
        return {
            tuple(sorted(point.attributes.items())): getattr(point, "value", getattr(point, "sum", None))
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        }


@pytest.fixture
def world() -> Iterator[World]:
    yield World()
    otel_mlsec.uninstrument()
