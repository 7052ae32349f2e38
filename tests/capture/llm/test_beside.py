"""Beside the instrumentations of others, as an application may have both: a call has one span, theirs, and is seen once."""

import gc

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.capture.llm.wire import provider

from otel_mlsec.capture import foreign
from otel_mlsec.processor import DetectionProcessor

openai = pytest.importorskip("openai", minversion="3")
import httpx2  # noqa: E402 - of openai 3

OTHERS = (
    "opentelemetry.instrumentation.openai",
    "openinference.instrumentation.openai",
    "opentelemetry.instrumentation.genai.openai",
)
SAY = [{"role": "user", "content": "Where is it?"}]


def helper(client):
    with client.responses.stream(model="m", input="Where is it?") as stream:
        list(stream)


SHAPES = {
    "chat": lambda client: client.chat.completions.create(model="m", messages=SAY),
    "chat streamed": lambda client: list(client.chat.completions.create(model="m", messages=SAY, stream=True)),
    "chat raw": lambda client: client.chat.completions.with_raw_response.create(model="m", messages=SAY).parse(),
    "responses": lambda client: client.responses.create(model="m", input="Where is it?"),
    "responses streamed": lambda client: list(client.responses.create(model="m", input="Where is it?", stream=True)),
    "responses helper": helper,
    "embeddings": lambda client: client.embeddings.create(model="m", input="Where is it?"),
}


@pytest.fixture(scope="module", params=OTHERS)
def sdk(request):
    """One of them, for all tests of it: not all of what it patches is taken back."""
    module = pytest.importorskip(request.param)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OTEL_INSTRUMENTATION_GENAI_COMPLETION_HOOK", "otel_mlsec")
        made, processor = TracerProvider(), DetectionProcessor()
        processor.worker = object()
        made.exporter = InMemorySpanExporter()
        made.add_span_processor(processor)
        made.add_span_processor(SimpleSpanProcessor(made.exporter))
        module.OpenAIInstrumentor().instrument(tracer_provider=made)
        yield made
        module.OpenAIInstrumentor().uninstrument()
        processor.worker = None


@pytest.mark.filterwarnings("ignore")  # of libraries' own
@pytest.mark.parametrize("within", [True, False], ids=["within a request", "alone"])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_call_has_one_span_and_is_seen_once(seen, sdk, shape, within):
    sdk.exporter.clear()
    client = openai.OpenAI(api_key="k", http_client=httpx2.Client(transport=httpx2.MockTransport(provider())))
    with sdk.get_tracer("app").start_as_current_span("request") if within else trace.use_span(trace.INVALID_SPAN):
        SHAPES[shape](client)
        gc.collect()  # some end their spans when their streams are forgotten

    [span] = [span for span in sdk.exporter.get_finished_spans() if span.name != "request"]
    told = [item for item in seen.items if isinstance(item, foreign.Foreign)]
    wire = [item for item in seen.items if item not in told]
    seen.items = [*wire]
    assert len(seen.prompts()) == 1
    [completion] = seen.answered()
    assert completion.attached
    assert not within or completion.span.trace_id == span.context.trace_id
    assert [found for item in told if (found := foreign.whole(item)) is not None] == []
