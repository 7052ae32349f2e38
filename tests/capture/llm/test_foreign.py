"""Calls that only others see, by what their spans and their hook tell of them."""

import json
import time
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from tests.capture.llm.wire import TEXT, clients, provider

from otel_mlsec import capture, errors
from otel_mlsec.capture import _messages, foreign, identity
from otel_mlsec.observation import Ending, Form, Role
from otel_mlsec.processor import DetectionProcessor

SYSTEM, USER, ASSISTANT, TOOL = Role.SYSTEM, Role.USER, Role.ASSISTANT, Role.TOOL
CONVENTIONS = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "aws.bedrock",
    "gen_ai.request.model": "m",
    "gen_ai.response.model": "m-1",
    "gen_ai.usage.input_tokens": 3,
    "gen_ai.usage.output_tokens": 4,
    "gen_ai.response.finish_reasons": ("stop",),
    "gen_ai.conversation.id": "c-1",
    "gen_ai.system_instructions": json.dumps([{"type": "text", "content": "Be kind."}]),
    "gen_ai.input.messages": json.dumps(
        [
            {"role": "user", "parts": [{"type": "text", "content": "Where is it?"}]},
            {"role": "assistant", "parts": [{"type": "tool_call", "name": "find", "id": "1", "arguments": {"b": 1, "a": [2]}}]},
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "1", "response": {"found": "here"}}]},
        ]
    ),
    "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": TEXT}]}]),
}
OLD = {
    "llm.request.type": "chat",
    "gen_ai.system": "AWS",
    "gen_ai.request.model": "m",
    "gen_ai.prompt.0.role": "system",
    "gen_ai.prompt.0.content": "Be kind.",
    "gen_ai.prompt.1.role": "user",
    "gen_ai.prompt.1.content": "Where is it?",
    "gen_ai.prompt.2.role": "assistant",
    "gen_ai.prompt.2.tool_calls.0.name": "find",
    "gen_ai.prompt.2.tool_calls.0.arguments": '{"a": [2], "b": 1}',
    "gen_ai.prompt.10.role": "tool",
    "gen_ai.prompt.10.content": '{"found": "here"}',
    "gen_ai.completion.0.role": "assistant",
    "gen_ai.completion.0.content": TEXT,
}
INFERENCE = {
    "openinference.span.kind": "LLM",
    "llm.model_name": "m",
    "llm.provider": "aws",
    "input.value": "all of it again",
    "llm.input_messages.0.message.role": "system",
    "llm.input_messages.0.message.content": "Be kind.",
    "llm.input_messages.1.message.role": "user",
    "llm.input_messages.1.message.contents.0.message_content.type": "text",
    "llm.input_messages.1.message.contents.0.message_content.text": "Where is it?",
    "llm.input_messages.2.message.role": "assistant",
    "llm.input_messages.2.message.tool_calls.0.tool_call.function.name": "find",
    "llm.input_messages.2.message.tool_calls.0.tool_call.function.arguments": '{"a": [2], "b": 1}',
    "llm.input_messages.3.message.role": "tool",
    "llm.input_messages.3.message.content": '{"found": "here"}',
    "llm.output_messages.0.message.role": "assistant",
    "llm.output_messages.0.message.content": TEXT,
}
FOUND = [
    (SYSTEM, Form.TEXT, "Be kind.", ""),
    (USER, Form.TEXT, "Where is it?", ""),
    (ASSISTANT, Form.ARGUMENTS, '{"a": [2], "b": 1}', "find"),
    (TOOL, Form.RESULT, '{"found": "here"}', ""),
]


@pytest.fixture
def sdk():
    made = TracerProvider()
    processor = DetectionProcessor()
    processor.worker = object()
    made.add_span_processor(processor)
    yield made
    processor.worker = None


def told(seen):
    found = [foreign.whole(item) for item in seen.calls() if isinstance(item, foreign.Foreign)]
    return [completion for completion in found if completion is not None]


def tell(sdk, attributes, scope="opentelemetry.instrumentation.bedrock"):
    with sdk.get_tracer(scope).start_as_current_span("call") as span:
        span.set_attributes(attributes)
    return span


@pytest.mark.parametrize("attributes", [CONVENTIONS, OLD, INFERENCE], ids=["conventions", "old", "inference"])
def test_a_call_that_only_a_span_tells_of_is_read_from_it(seen, sdk, attributes):
    span = tell(sdk, attributes)

    [completion] = told(seen)
    assert [(text.role, text.form, text.text, text.tool) for text in completion.inputs] == FOUND
    assert [(text.role, text.text) for text in completion.outputs] == [(ASSISTANT, TEXT)]
    assert (completion.attached, completion.span) == (True, span.get_span_context())
    assert (completion.model.name, completion.operation, completion.ending) == ("m", "chat", Ending.COMPLETE)
    assert (completion.start_ns, completion.end_ns) == (span.start_time, span.end_time)


def test_what_the_conventions_say_of_a_call_is_taken_over(seen, sdk):
    with identity.principal("alice"):
        tell(sdk, CONVENTIONS | {"error.type": "throttled"})

    [completion] = told(seen)
    assert (completion.model.version, completion.model.framework) == ("m-1", "aws.bedrock")
    assert (completion.input_tokens, completion.output_tokens, completion.finish_reasons) == (3, 4, ("stop",))
    assert (completion.conversation, completion.ending, completion.error) == ("c-1", Ending.FAILED, "throttled")
    assert completion.principal.startswith("app:")


def test_the_user_that_a_span_names_is_who_asked(seen, sdk):
    tell(sdk, INFERENCE | {"user.id": "u-1"})

    [completion] = told(seen)
    assert completion.principal.startswith("user:")


@pytest.mark.parametrize(
    ("attributes", "inputs"),
    [
        ({"gen_ai.input.messages": '[{"role": "user", "parts": [{"type": "te'}, ['[{"role": "user", "parts": [{"type": "te']),
        ({"input.value": "Where is it?"}, ["Where is it?"]),
        ({"llm.prompts.0.prompt.text": "Where is it?"}, ["Where is it?"]),
        ({"embedding.embeddings.0.embedding.text": "Where is it?"}, ["Where is it?"]),
        (
            {"gen_ai.input.messages": '[{"role": ["evil"], "parts": [{"type": "new", "content": "Where is it?"}]}]'},
            ["Where is it?"],
        ),
        ({"gen_ai.input.messages": "[" * 100_000}, ["[" * 100_000]),
        ({"gen_ai.input.messages": "7"}, []),
        ({}, []),
    ],
)
def test_what_was_cut_or_is_of_another_shape_is_still_read(seen, sdk, attributes, inputs):
    tell(sdk, {"openinference.span.kind": "LLM", "llm.model_name": "m"} | attributes)

    [completion] = told(seen)
    assert [text.text for text in completion.inputs] == inputs
    assert all(text.role is USER for text in completion.inputs)


def test_other_spans_tell_nothing(seen, sdk):
    for scope, attributes in (
        ("opentelemetry.instrumentation.httpx", {"http.request.method": "POST"}),
        ("opentelemetry.instrumentation.langchain", {"gen_ai.operation.name": "invoke_agent", "input.value": "x"}),
        ("openinference.instrumentation.langchain", {"openinference.span.kind": "TOOL"}),
        ("app", {}),
    ):
        tell(sdk, attributes, scope)

    assert seen.items == []


def test_a_span_around_a_call_that_was_seen_at_the_wire_is_not_another_call(seen, sdk):
    tracer = sdk.get_tracer("opentelemetry.instrumentation.genai.langchain")
    ask = {"model": "m", "messages": [{"role": "user", "content": "Where is it?"}]}
    with tracer.start_as_current_span("chat", attributes={"gen_ai.operation.name": "chat"}) as outer:
        outer.set_attribute(
            "gen_ai.input.messages", json.dumps([{"role": "user", "parts": [{"type": "text", "content": "Where is it?"}]}])
        )
        inner = sdk.get_tracer("opentelemetry.instrumentation.openai").start_as_current_span("chat")
        with inner:
            clients(provider())[0].post("https://a.example/v1/chat/completions", json=ask)

    prompts = seen.prompts()
    assert len(prompts) == 1
    assert told(seen) == []


def test_a_span_that_is_made_when_its_call_is_over_is_not_another_call(seen, sdk):
    ask = {"model": "m", "messages": [{"role": "user", "content": "Where is it?"}]}
    began = time.time_ns()
    clients(provider())[0].post("https://a.example/v1/chat/completions", json=ask)
    late = sdk.get_tracer("opentelemetry.instrumentation.openai.v1").start_span("openai.response", start_time=began)
    late.set_attributes({"gen_ai.operation.name": "chat", "gen_ai.prompt.0.content": " Where is it?"})
    late.end()

    assert len(seen.prompts()) == 1
    assert told(seen) == []


def test_two_instrumentations_that_tell_of_one_call_tell_of_one(seen, sdk):
    with sdk.get_tracer("openinference.instrumentation.bedrock").start_as_current_span("call") as outer:
        outer.set_attributes(INFERENCE)
        outer.set_attribute("llm.input_messages.3.message.content", "here")
        with sdk.get_tracer("opentelemetry.instrumentation.bedrock").start_as_current_span("call") as inner:
            inner.set_attributes(OLD | {"gen_ai.prompt.10.content": "here"})
    tell(sdk, OLD)  # of another trace

    assert len(told(seen)) == 2


@dataclass
class Part:
    type: str
    content: Any = None
    arguments: Any = None
    name: str | None = None


@dataclass
class Said:
    role: str
    parts: list[Any]


def test_a_hook_is_told_what_no_span_has(seen):
    hook = foreign.completion_hook()
    live = {"path": "/"}
    span = TracerProvider(sampler=ALWAYS_OFF).get_tracer("opentelemetry.instrumentation.genai.x").start_span("chat")
    with trace.use_span(span):
        hook.on_completion(
            inputs=[Said("user", [Part("text", "Where is it?"), Part("blob", b"\xff")])],
            outputs=[Said("assistant", [Part("text", TEXT), Part("tool_call", arguments=live, name="rm")])],
            system_instruction=[Part("text", "Be kind.")],
            tool_definitions=None,
            span=span,
            something_new=1,
        )
    live["path"] = "changed"

    [completion] = told(seen)
    assert [(text.role, text.text) for text in completion.inputs] == [(SYSTEM, "Be kind."), (USER, "Where is it?")]
    assert [(text.form, text.text, text.tool) for text in completion.outputs] == [
        (Form.TEXT, TEXT, ""),
        (Form.ARGUMENTS, '{"path": "/"}', "rm"),
    ]
    assert completion.span == span.get_span_context()


def test_a_span_of_which_the_hook_was_told_tells_nothing_new(seen, sdk):
    with sdk.get_tracer("opentelemetry.instrumentation.genai.x").start_as_current_span("chat") as span:
        span.set_attributes(CONVENTIONS)
        foreign.completion_hook().on_completion(inputs=[Said("user", [Part("text", "x")])], outputs=[], span=span)

    [completion] = told(seen)
    assert completion.model.name == "m"


def test_a_call_that_was_seen_at_the_wire_is_not_told_by_the_hook(seen, sdk):
    ask = {"model": "m", "messages": [{"role": "user", "content": "Where is it?"}]}
    tracer = sdk.get_tracer("opentelemetry.instrumentation.genai.openai")
    with tracer.start_as_current_span("chat", attributes={"gen_ai.operation.name": "chat"}) as span:
        clients(provider())[0].post("https://a.example/v1/chat/completions", json=ask)
        foreign.completion_hook().on_completion(inputs=[Said("user", [Part("text", "Where is it?")])], outputs=[], span=span)

    assert [type(item).__name__ for item in seen.items] == ["Asked", "Answered"]


def test_the_hook_is_found_by_its_name():
    [point] = entry_points(group="opentelemetry_genai_completion_hook", name="otel_mlsec")

    assert point.load()() is foreign.completion_hook()


def test_what_is_undone_is_told_nothing(seen, sdk):
    seen.patches.undo()
    tell(sdk, CONVENTIONS)
    foreign.completion_hook().on_completion(inputs=[], outputs=[], system_instruction=[])

    assert seen.items == []


def test_what_is_disabled_is_told_nothing(sdk):
    items = []
    patches = capture.Patches()
    capture.patch(patches, lambda item: not items.append(item), disabled={"genai"})
    tell(sdk, CONVENTIONS)
    patches.undo()

    assert items == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(("role", "parts", "type", "content", "arguments", "x")), inner)
    ),
)


@given(JSON, st.text())
def test_any_json_and_any_text_is_survived(value, text):
    for attribute in (json.dumps(value), json.dumps([value]), text):
        told = {key: attribute for key in ("gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions")}
        assert all(isinstance(found.text, str) for found in (*_messages.inputs(told), *_messages.outputs(told)))


def test_texts_are_bounded():
    many = json.dumps([{"role": "user", "parts": [{"type": "text", "content": str(number)}]} for number in range(10_000)])

    found = _messages.inputs({"gen_ai.input.messages": many})
    assert len(found) == _messages.MOST
    assert (found[0].text, found[-1].text) == ("0", "9999")


def test_without_an_sdk_a_hook_is_told_of_every_call(seen):
    for said in ("Where is it?", "Where is he?"):
        foreign.completion_hook().on_completion(inputs=[Said("user", [Part("text", said)])], outputs=[])

    assert [text.text for completion in told(seen) for text in completion.inputs] == ["Where is it?", "Where is he?"]


def test_what_a_hook_cannot_write_down_is_still_read_from_the_span(seen, sdk, monkeypatch):
    monkeypatch.setattr(errors, "raising", False)
    with sdk.get_tracer("opentelemetry.instrumentation.genai.x").start_as_current_span("chat") as span:
        span.set_attributes(CONVENTIONS)
        foreign.completion_hook().on_completion(inputs=[{(1, 2): "no JSON"}], outputs=[], span=span)

    [completion] = told(seen)
    assert completion.outputs[0].text == TEXT
