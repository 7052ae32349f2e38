"""Cohere, Mistral's conversations, OpenAI's runs, Bedrock's Converse, embeddings.  Texts of the examples are invented."""

from __future__ import annotations

import json
from typing import Any

V2 = "/v2/chat"


def test_cohere_v1_reads_preamble_history_documents_and_results(inputs: Any):
    body = {
        "preamble": "be kind",
        "chat_history": [
            {"role": "USER", "message": "a"},
            {"role": "CHATBOT", "message": "b"},
            {"role": "SYSTEM", "message": "c"},
            {"role": "TOOL", "tool_results": [{"call": {"name": "f", "parameters": {"q": 1}}, "outputs": [{"x": "poison"}]}]},
        ],
        "tools": [{"name": "f", "description": "d", "parameter_definitions": {"q": {"type": "str", "description": "e"}}}],
        "documents": [{"id": "1", "title": "t", "snippet": "poison"}],
        "message": "hi",
    }

    assert inputs("/v1/chat", body) == [
        ("be kind", "operator", "text"),
        ("d\ne", "tool_description", "description"),
        ("a", "user", "text"),
        ("b", "model", "text"),
        ("c", "operator", "text"),
        ('{"q": 1}', "model", "arguments"),
        ('{"x": "poison"}', "tool", "result"),
        ("t", "retrieved", "result"),
        ("poison", "retrieved", "result"),
        ("hi", "user", "text"),
    ]


def test_cohere_v1_answers_are_read_plain_and_in_lines(outputs: Any, answer: Any):
    plain = {
        "text": "said",
        "tool_calls": [{"name": "f", "parameters": {"q": 1}}],
        "chat_history": [{"role": "USER", "message": "again"}],
    }
    expected = [("said", "model", "text"), ('{"q": 1}', "model", "arguments")]
    lines = b'{"event_type": "text-generation", "text": "sa"}\n{"event_type": "text-generation", "text": "id"}\n'
    calls = b'{"event_type": "tool-calls-generation", "text": "said", "tool_calls": [{"name": "f", "parameters": {"q": 1}}]}\n'

    assert outputs("/v1/chat", plain) == outputs("/v1/chat", lines + calls) == expected
    assert answer("/v1/chat", lines + b'{"event_type": "stream-end", "is_finished": true, "response": {"text": "said"}}').ended


def test_cohere_v2_keeps_plans_calls_and_documents_in_streams(inputs: Any, outputs: Any):
    document = {"type": "document", "document": {"id": "1", "data": {"id": "x", "text": "poison"}}}
    events = [
        {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "PLAN"}}},
        {
            "type": "tool-call-start",
            "index": 0,
            "delta": {"message": {"tool_calls": {"id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}}},
        },
        {"type": "tool-call-delta", "index": 0, "delta": {"message": {"tool_calls": {"function": {"arguments": "{}"}}}}},
        {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"thinking": "hm"}}}},
        {
            "type": "citation-start",
            "index": 0,
            "delta": {
                "message": {"citations": {"text": "x", "sources": [{"type": "document", "document": {"snippet": "page"}}]}}
            },
        },
    ]

    assert inputs(V2, {"messages": [{"role": "tool", "content": [document]}]}) == [
        ('{"id": "x", "text": "poison"}', "retrieved", "result")
    ]
    assert ("PLAN", "model", "reasoning") in outputs(V2, events)
    assert ("{}", "model", "arguments") in outputs(V2, events)
    assert ('{"snippet": "page"}', "retrieved", "result") in outputs(V2, events)


def test_cohere_v2_thoughts_of_a_stream_are_thoughts(outputs: Any):
    events = [
        {"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "thinking", "thinking": ""}}}},
        {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"thinking": "hm"}}}},
    ]

    assert outputs(V2, events) == [("hm", "model", "reasoning")]


def test_conversations_of_mistral_are_read_plain_and_streamed(inputs: Any, outputs: Any, answer: Any):
    path = "/v1/conversations"
    entries = [
        {"type": "message.input", "role": "user", "content": "hi"},
        {"type": "function.call", "tool_call_id": "c", "name": "f", "arguments": '{"a": 1}'},
        {"type": "function.result", "tool_call_id": "c", "result": "poison"},
        {"role": "assistant", "content": [{"type": "text", "text": "yo"}]},
    ]
    events = [
        {"type": "conversation.response.started", "conversation_id": "conv"},
        {"type": "message.output.delta", "output_index": 0, "content": "sa"},
        {"type": "message.output.delta", "output_index": 0, "content": {"type": "text", "text": "id"}},
        {"type": "function.call.delta", "output_index": 1, "name": "f", "tool_call_id": "c", "arguments": "{"},
        {"type": "function.call.delta", "output_index": 1, "name": "f", "tool_call_id": "c", "arguments": "}"},
        {"type": "conversation.response.done", "usage": {"prompt_tokens": 1}},
    ]

    assert inputs(path, {"instructions": "be kind", "inputs": entries}) == [
        ("be kind", "operator", "text"),
        ("hi", "user", "text"),
        ('{"a": 1}', "model", "arguments"),
        ("poison", "tool", "result"),
        ("yo", "model", "text"),
    ]
    assert outputs(path, {"outputs": [{"type": "message.output", "content": "said"}]}) == [("said", "model", "text")]
    assert [(t.text, t.tool) for t in answer(path, events).outputs if t.form == "arguments"] == [("{}", "f")]
    assert "".join(t.text for t in answer(path, events).outputs if t.form == "text") == "said"
    assert answer(path, events).ended


def test_runs_are_read_and_messages_to_threads_are_no_calls(ask: Any, answer: Any):
    body = {
        "assistant_id": "asst",
        "additional_instructions": "be kind",
        "additional_messages": [{"role": "user", "content": "hi"}],
    }
    run = ask("/v1/threads/thread_1/runs", json.dumps(body).encode())

    def event(name: str, **data: Any) -> bytes:
        return f"event: thread.message.{name}\ndata: {json.dumps({'id': 'm', **data})}\n\n".encode()

    stream = b"".join(
        event("delta", delta={"content": [{"index": 0, "type": "text", "text": {"value": piece}}]}) for piece in ("he", "llo")
    )
    completed = event("completed", content=[{"type": "text", "text": {"value": "hello", "annotations": []}}])

    assert (run.model, run.conversation, run.partial) == ("asst", "thread_1", True)
    assert [(t.text, t.origin) for t in run.inputs] == [("be kind", "operator"), ("hi", "user")]
    for body in (stream, stream + completed):
        assert [t.text for t in answer("/v1/threads/t/runs", body).outputs] == ["hello"]


def test_converse_is_read_by_the_key_of_each_block(ask: Any, inputs: Any):
    path = "/model/some.model/converse"
    body = {
        "system": [{"text": "be kind"}],
        "toolConfig": {
            "tools": [
                {
                    "toolSpec": {
                        "name": "f",
                        "description": "d",
                        "inputSchema": {"json": {"properties": {"a": {"description": "e"}}}},
                    }
                }
            ]
        },
        "messages": [
            {
                "role": "user",
                "content": [
                    {"text": "hi"},
                    {"document": {"name": "n", "source": {"text": "poison"}}},
                    {"image": {"source": {"bytes": "QUJD"}}},
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"toolUse": {"toolUseId": "t", "name": "f", "input": {"a": 1}}},
                    {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "QUJD"}}},
                ],
            },
            {"role": "user", "content": [{"toolResult": {"toolUseId": "t", "content": [{"json": {"b": "x"}}, {"text": "y"}]}}]},
        ],
    }

    assert inputs(path, body) == [
        ("be kind", "operator", "text"),
        ("d\ne", "tool_description", "description"),
        ("hi", "user", "text"),
        ("n", "retrieved", "text"),
        ("poison", "retrieved", "text"),
        ('{"a": 1}', "model", "arguments"),
        ("hm", "model", "reasoning"),
        ('{"b": "x"}', "tool", "result"),
        ("y", "tool", "result"),
    ]
    assert [t.tool for t in ask(path, body).inputs][-2:] == ["f", "f"]
    assert ask(path, body).inputs[-1].path == ("messages", 2, "content", 0, "toolResult", "content", 1, "text")


def test_embeddings_have_inputs_only(inputs: Any, answer: Any):
    assert (
        inputs("/v1/embeddings", {"input": ["a", "b"]})
        == inputs("/v2/embed", {"texts": ["a", "b"]})
        == [("a", "user", "text"), ("b", "user", "text")]
    )
    assert inputs("/v1/embeddings", {"input": [[1, 2], [3]]}) == []
    assert inputs("/v1beta/models/e:batchEmbedContents", {"requests": [{"content": {"parts": [{"text": "a"}]}}]}) == [
        ("a", "user", "text")
    ]
    assert answer("/v1/embeddings", {"data": [{"embedding": "QUJD"}], "usage": {"prompt_tokens": 2}}).outputs == ()
