"""Whose span a call has: SDKs and instrumentations that make one keep it, and no second one is made."""

import asyncio
import gc

import httpx2
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.capture.llm.wire import chat, clients, provider

from otel_mlsec.capture import _owner
from otel_mlsec.processor import DetectionProcessor

URL = "https://a.example/v1/chat/completions"
ASK = {"model": "m", "messages": [{"role": "user", "content": "Where is it?"}]}


@pytest.fixture
def spans(monkeypatch):
    """A provider with our processor, whose finished spans are to be looked at."""
    exporter = InMemorySpanExporter()
    sdk = TracerProvider()
    processor = DetectionProcessor()
    processor.worker = object()
    sdk.add_span_processor(processor)
    sdk.add_span_processor(SimpleSpanProcessor(exporter))
    sdk.exporter = exporter
    yield sdk
    processor.worker = None


def post():
    return clients(provider())[0].post(URL, json=ASK)


CALLS = [
    ("opentelemetry.instrumentation.openai.v1", {"gen_ai.operation.name": "chat"}),
    ("opentelemetry.instrumentation.groq", {"llm.request.type": "chat"}),
    ("opentelemetry.instrumentation.genai.openai", {"gen_ai.operation.name": "chat"}),
    ("opentelemetry.util.genai.handler", {}),
    ("openinference.instrumentation.openai", {"openinference.span.kind": "LLM"}),
    ("com.anthropic.sdk.python", {}),
    ("mistralai_sdk_tracer", {"gen_ai.operation.name": "chat"}),
    ("the application's own", {"gen_ai.operation.name": "generate_content"}),
]
OTHERS = [
    ("opentelemetry.instrumentation.httpx", {"http.request.method": "POST"}),
    ("opentelemetry.instrumentation.fastapi", {}),
    ("opentelemetry.instrumentation.langchain", {"traceloop.span.kind": "workflow"}),
    ("openinference.instrumentation.langchain", {"openinference.span.kind": "CHAIN"}),
    ("opentelemetry.instrumentation.genai.openai_agents", {"gen_ai.operation.name": "invoke_agent"}),
    ("the application's own", {}),
]


@pytest.mark.parametrize(("scope", "attributes"), CALLS)
def test_a_call_has_the_span_that_others_make_of_it(seen, spans, scope, attributes):
    with spans.get_tracer(scope).start_as_current_span("call", attributes=attributes) as span:
        post()

    [completion] = seen.answered()
    assert (completion.attached, completion.span) == (True, span.get_span_context())
    assert seen.items == []  # the end of that span tells nothing new


@pytest.mark.parametrize(("scope", "attributes"), OTHERS)
def test_other_spans_are_no_spans_of_calls(seen, spans, scope, attributes):
    with spans.get_tracer(scope).start_as_current_span("other", attributes=attributes) as span:
        post()

    [completion] = seen.answered()
    assert (completion.attached, completion.span) == (False, span.get_span_context())


@pytest.mark.parametrize("within", [False, True])
def test_a_span_that_was_started_and_not_made_the_current_one_is_found(seen, spans, within):
    tracer = spans.get_tracer("opentelemetry.instrumentation.groq")
    outer = spans.get_tracer("app").start_span("outer")
    with trace.use_span(outer) if within else trace.use_span(trace.INVALID_SPAN):
        span = tracer.start_span("groq.chat", attributes={"gen_ai.operation.name": "chat"})
        post()
        post()  # of another client, which nobody else watches
    span.end()

    first, second = seen.answered()
    assert (first.attached, first.span) == (True, span.get_span_context())
    assert not second.attached


def test_a_span_that_was_started_and_ended_or_forgotten_or_is_elsewhere_is_not_found(seen, spans):
    tracer = spans.get_tracer("opentelemetry.instrumentation.groq")
    chats = {"gen_ai.operation.name": "chat"}
    tracer.start_span("ended", attributes=chats).end()
    post()
    tracer.start_span("forgotten", attributes=chats)
    gc.collect()
    post()
    elsewhere = tracer.start_span("elsewhere", attributes=chats)
    with spans.get_tracer("app").start_as_current_span("another request"):
        post()
    elsewhere.end()

    wire = [completion for completion in seen.answered()]
    assert [completion.attached for completion in wire] == [False, False, False]


def test_our_own_spans_are_not_somebody_elses(seen, spans):
    span = spans.get_tracer("otel_mlsec").start_span("chat m", attributes={"gen_ai.operation.name": "chat"})
    post()
    span.end()

    [completion] = seen.answered()
    assert not completion.attached
    assert seen.items == []


@pytest.mark.parametrize("asynchronous", [False, True])
def test_an_sdk_that_traces_itself_keeps_its_span(seen, spans, monkeypatch, asynchronous):
    anthropic = pytest.importorskip("anthropic", minversion="2.12")
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", spans)
    http, ahttp = clients(provider())
    ask = {"model": "m", "max_tokens": 9, "messages": ASK["messages"]}

    async def go():
        return await anthropic.AsyncAnthropic(api_key="k", http_client=ahttp).messages.create(**ask)

    asyncio.run(go()) if asynchronous else anthropic.Anthropic(api_key="k", http_client=http).messages.create(**ask)

    [span] = spans.exporter.get_finished_spans()
    [completion] = seen.answered()
    assert span.instrumentation_scope.name == "com.anthropic.sdk.python"
    assert (completion.attached, completion.span) == (True, span.context)
    assert seen.items == []


def test_attempts_of_a_call_have_the_span_of_the_first(seen, spans):
    failures = [httpx2.Response(429)]
    http = clients(lambda _: failures.pop() if failures else httpx2.Response(200, json=chat()))[0]
    span = spans.get_tracer("opentelemetry.instrumentation.groq").start_span("chat", attributes={"gen_ai.operation.name": "chat"})
    http.post(URL, json=ASK)
    http.post(URL, json=ASK)
    span.end()

    [completion] = seen.answered()
    assert (completion.attached, completion.span) == (True, span.get_span_context())


def test_what_is_remembered_is_bounded():
    recent = _owner.Recent(100)
    for number in range(1000):
        recent.add((number, 0))

    assert (999, 0) in recent and (901, 0) in recent
    assert len(recent._new) + len(recent._old) <= 200
