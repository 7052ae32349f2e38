"""Gemini's generateContent and Interactions.  Texts of the examples are invented."""

from __future__ import annotations

import json
from typing import Any

import pytest

PATH = "/v1beta/models/gemini-x:generateContent"
STREAM = "/v1beta/models/gemini-x:streamGenerateContent"
STEPS = "/v1beta/interactions"


def parts(*of: dict[str, Any], **beside: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"role": "model", "parts": list(of)}, **beside}]}


def test_both_spellings_are_read_and_the_block_says_whose_it_is(inputs: Any):
    camel = {
        "systemInstruction": {"role": "user", "parts": [{"text": "be kind"}]},
        "contents": [
            {
                "role": "user",
                "parts": [
                    {"text": "hi"},
                    {"inlineData": {"mimeType": "image/png", "data": "QUJD"}},
                    {"fileData": {"fileUri": "gs://x"}},
                ],
            },
            {
                "role": "model",
                "parts": [{"functionCall": {"name": "f", "args": {"id": "../etc"}}, "thoughtSignature": "QUJD" * 99}],
            },
            {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"any": "poison", "type": "model"}}}]},
        ],
    }
    snake = {
        "system_instruction": {"role": "user", "parts": [{"text": "be kind"}]},
        "contents": [
            {
                "role": "user",
                "parts": [
                    {"text": "hi"},
                    {"inline_data": {"mime_type": "image/png", "data": "QUJD"}},
                    {"file_data": {"file_uri": "gs://x"}},
                ],
            },
            {
                "role": "model",
                "parts": [{"function_call": {"name": "f", "args": {"id": "../etc"}}, "thought_signature": "QUJD" * 99}],
            },
            {"role": "user", "parts": [{"function_response": {"name": "f", "response": {"any": "poison", "type": "model"}}}]},
        ],
    }

    assert (
        inputs(PATH, camel)
        == inputs(PATH, snake)
        == [
            ("be kind", "operator", "text"),
            ("hi", "user", "text"),
            ('{"id": "../etc"}', "model", "arguments"),
            ('{"any": "poison", "type": "model"}', "tool", "result"),
        ]
    )


def test_nobody_in_the_contents_speaks_for_the_operator(inputs: Any):
    assert inputs(PATH, {"contents": [{"role": "system", "parts": [{"text": "obey"}]}]}) == [("obey", "user", "text")]
    assert inputs(PATH, {"contents": "hi"}) == inputs(PATH, {"contents": {"parts": {"text": "hi"}}}) == [("hi", "user", "text")]


def test_tools_and_schemas_are_read(inputs: Any):
    tools = {
        "functionDeclarations": [{"name": "f", "description": "d", "parameters": {"properties": {"a": {"description": "e"}}}}],
        "googleSearch": {},
    }
    body = {"contents": [], "tools": tools, "generationConfig": {"responseSchema": {"description": "s"}, "maxOutputTokens": 5}}

    assert (
        inputs(PATH, body)
        == inputs(PATH, {**body, "tools": [tools]})
        == [
            ("d\ne", "tool_description", "description"),
            ("s", "operator", "description"),
        ]
    )


def test_model_and_stream_come_from_the_path_and_the_rest_from_both_spellings(ask: Any, answer: Any):
    request = ask(
        STREAM,
        b'{"contents": [], "generation_config": {"top_p": 0.5}, "cachedContent": "c"}',
        "generativelanguage.googleapis.com",
    )
    got = answer(
        PATH,
        {
            **parts({"text": "x"}, finishReason="STOP"),
            "modelVersion": "gemini-x-1",
            "responseId": "r",
            "usageMetadata": {"promptTokenCount": 2, "candidatesTokenCount": 3, "thoughtsTokenCount": 4},
        },
    )

    assert (request.model, request.stream, request.partial, request.provider, request.operation) == (
        "gemini-x",
        True,
        True,
        "gcp.gemini",
        "generate_content",
    )
    assert request.attributes == {"gen_ai.request.top_p": 0.5}
    assert (got.model, got.response_id, got.finish_reasons, got.input_tokens, got.output_tokens) == (
        "gemini-x-1",
        "r",
        ("STOP",),
        2,
        7,
    )


def test_grounds_are_found_and_the_answer_that_they_repeat_is_taken_once(outputs: Any):
    grounds = {
        "webSearchQueries": ["q"],
        "groundingChunks": [{"web": {"uri": "https://x.example", "title": "t"}}, {"retrievedContext": {"text": "poison"}}],
        "groundingSupports": [{"segment": {"text": "said"}}],
        "searchEntryPoint": {"renderedContent": "<div>"},
    }

    assert outputs(
        PATH, parts({"text": "said"}, groundingMetadata=grounds, finishMessage="words", safetyRatings=[{"category": "C"}])
    ) == [
        ("said", "model", "text"),
        ("q", "model", "arguments"),
        ("poison", "retrieved", "result"),
        ("t", "retrieved", "result"),
    ]


def test_code_and_tools_of_the_server_are_split_between_model_and_tool(outputs: Any):
    said = outputs(
        PATH,
        parts(
            {"executableCode": {"language": "PYTHON", "code": "1+1"}},
            {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "2"}},
            {"toolCall": {"args": {"q": "x"}}},
            {"toolResponse": {"response": {"a": "poison", "searchSuggestions": "<div>"}}},
        ),
    )

    assert said == [
        ("1+1", "model", "arguments"),
        ("2", "tool", "result"),
        ('{"q": "x"}', "model", "arguments"),
        ('{"a": "poison"}', "retrieved", "result"),
    ]


@pytest.mark.parametrize("as_array", [False, True])
def test_streams_are_joined_by_candidate_and_thought_and_never_with_arguments(ask: Any, answer: Any, as_array: bool):
    events = [
        parts({"text": "hm", "thought": True}),
        parts({"text": "m", "thought": True}),
        parts({"text": "The "}),
        parts({"text": "sky"}),
        parts({"functionCall": {"name": "get_weather", "args": {"city": "Boston"}}}, finishReason="STOP"),
    ]

    got = answer(STREAM, json.dumps(events).encode() if as_array else events)

    assert [(t.text, t.form) for t in got.outputs] == [
        ("hmm", "reasoning"),
        ("The sky", "text"),
        ('{"city": "Boston"}', "arguments"),
    ]
    assert got.ended


def test_arguments_in_pieces_are_put_together(outputs: Any):
    def piece(text: str, more: bool, **name: str) -> dict[str, Any]:
        return parts(
            {"functionCall": {**name, "partialArgs": [{"jsonPath": "$.city", "stringValue": text}], "willContinue": more}}
        )

    assert outputs(STREAM, [piece("Bos", True, name="f"), piece("ton", True), piece("!", False)]) == [
        ('{"$.city": "Boston!"}', "model", "arguments")
    ]


def test_a_part_that_nobody_knows_is_counted_and_walked(ask: Any):
    request = ask(PATH, {"contents": [{"parts": [{"hologram": {"words": "poison"}}]}]})

    assert [(t.text, t.origin) for t in request.inputs] == [("poison", "user")]
    assert request.unknown == {"hologram": 1}


def test_steps_of_interactions_are_whose_they_are(inputs: Any, outputs: Any):
    steps = [
        {"type": "user_input", "content": [{"type": "text", "text": "hi"}, {"type": "image", "data": "QUJD"}]},
        {"type": "thought", "summary": [{"type": "text", "text": "hm"}], "signature": "QUJD"},
        {"type": "function_call", "name": "f", "id": "c", "arguments": {"a": 1}},
        {"type": "function_result", "call_id": "c", "result": "poison"},
        {"type": "google_search_result", "call_id": "d", "result": [{"title": "t"}]},
        {"type": "model_output", "content": [{"type": "text", "text": "said"}]},
    ]
    said = [
        ("hi", "user", "text"),
        ("hm", "model", "reasoning"),
        ('{"a": 1}', "model", "arguments"),
        ("poison", "tool", "result"),
        ('[{"title": "t"}]', "retrieved", "result"),
        ("said", "model", "text"),
    ]

    assert inputs(STEPS, {"system_instruction": "be kind", "input": steps}) == [("be kind", "operator", "text"), *said]
    assert (
        inputs(STEPS, {"input": [{"role": "user", "content": "hi"}]})
        == inputs(STEPS, {"input": {"type": "text", "text": "hi"}})
        == [said[0]]
    )
    assert outputs(STEPS, {"steps": steps}) == said


def test_interactions_are_read_the_same_from_a_stream(answer: Any):
    events = [
        {"event_type": "interaction.created", "interaction": {"id": "i", "model": "m"}},
        {"event_type": "step.start", "index": 0, "step": {"type": "thought"}},
        {"event_type": "step.delta", "index": 0, "delta": {"type": "thought_summary", "content": {"type": "text", "text": "hm"}}},
        {"event_type": "step.start", "index": 1, "step": {"type": "model_output"}},
        {"event_type": "step.delta", "index": 1, "delta": {"type": "text", "text": "sa"}},
        {"event_type": "step.delta", "index": 1, "delta": {"type": "text", "text": "id"}},
        {"event_type": "step.start", "index": 2, "step": {"type": "function_call", "name": "f", "id": "c", "arguments": {}}},
        {"event_type": "step.delta", "index": 2, "delta": {"type": "arguments_delta", "arguments": '{"b": 1, '}},
        {"event_type": "step.delta", "index": 2, "delta": {"type": "arguments_delta", "arguments": '"a": 2}'}},
        {"event_type": "interaction.completed", "interaction": {"id": "i", "status": "completed"}},
    ]
    got = answer(STEPS, events)

    assert [(t.text, t.form) for t in got.outputs] == [("hm", "reasoning"), ("said", "text"), ('{"a": 2, "b": 1}', "arguments")]
    assert (got.ended, got.model, got.response_id) == (True, "m", "i")
