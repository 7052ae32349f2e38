"""Answers of chat completions, plain and streamed.  Texts of the examples are invented."""

from __future__ import annotations

from typing import Any

import pytest

PATH = "/v1/chat/completions"


def chunk(**delta: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta}]}


def test_thoughts_in_lists_of_parts_survive_the_stream(outputs: Any):
    hidden = [{"type": "thinking", "thinking": [{"type": "text", "text": "HID"}]}]
    more = [{"type": "thinking", "thinking": [{"type": "text", "text": "DEN"}]}]

    assert outputs(PATH, [chunk(content=hidden), chunk(content=more), chunk(content="said")]) == [
        ("HIDDEN", "model", "reasoning"),
        ("said", "model", "text"),
    ]


@pytest.mark.parametrize("key", ["reasoning", "reasoning_content"])
def test_reasoning_that_is_sent_twice_is_taken_once(outputs: Any, key: str):
    details = [{"type": "reasoning.text", "text": "because"}, {"type": "reasoning.encrypted", "data": "QUJD"}]

    assert outputs(PATH, {"choices": [{"message": {"content": "so", key: "because", "reasoning_details": details}}]}) == [
        ("because", "model", "reasoning"),
        ("so", "model", "text"),
    ]
    assert outputs(PATH, {"choices": [{"message": {"content": "so", "reasoning_details": details}}]})[-1] == (
        "because",
        "model",
        "reasoning",
    )


def test_pieces_of_every_kind_are_joined_by_choice_and_call(outputs: Any):
    events = [
        chunk(reasoning="be"),
        chunk(reasoning="cause"),
        chunk(tool_calls=[{"index": 1, "id": "b", "type": "custom", "custom": {"name": "run", "input": "ls"}}]),
        chunk(tool_calls=[{"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x"'}}]),
        chunk(tool_calls=[{"index": 0, "function": {"arguments": ": 1}"}}, {"index": 1, "custom": {"input": " -l"}}]),
        chunk(audio={"id": "x", "transcript": "he"}),
        chunk(audio={"transcript": "llo"}),
        chunk(function_call={"name": "g", "arguments": "{"}),
        chunk(function_call={"arguments": "}"}),
        chunk(refusal="no"),
    ]

    assert outputs(PATH, events) == [
        ("because", "model", "reasoning"),
        ("no", "model", "refusal"),
        ("hello", "model", "text"),
        ("{}", "model", "arguments"),
        ('{"x": 1}', "model", "arguments"),
        ("ls -l", "model", "arguments"),
    ]


def test_what_the_providers_own_tools_found_is_not_the_models_word(outputs: Any):
    tool = {
        "index": 0,
        "type": "search",
        "arguments": '{"q": "x"}',
        "output": "poison",
        "search_results": {"results": [{"title": "t", "content": "c", "url": "u"}]},
    }
    note = {"type": "url_citation", "url_citation": {"title": "page", "content": "words", "url": "https://x.example"}}
    expected = [
        ("said", "model", "text"),
        ("page", "retrieved", "result"),
        ("words", "retrieved", "result"),
        ('{"q": "x"}', "model", "arguments"),
        ("poison", "retrieved", "result"),
        ("t", "retrieved", "result"),
        ("c", "retrieved", "result"),
    ]

    assert (
        outputs(PATH, {"choices": [{"message": {"content": "said", "annotations": [note], "executed_tools": [tool]}}]})
        == expected
    )
    begun = {key: value for key, value in tool.items() if key in ("index", "type", "arguments")}
    assert (
        outputs(PATH, [chunk(executed_tools=[begun]), chunk(content="said", annotations=[note]), chunk(executed_tools=[tool])])
        == expected
    )


def test_reasoning_under_both_of_its_names_is_taken_once(outputs: Any):
    twin = {"reasoning": "because", "reasoning_content": "because"}

    assert (
        outputs(PATH, {"choices": [{"message": twin}]}) == outputs(PATH, [chunk(**twin)]) == [("because", "model", "reasoning")]
    )


def test_labels_of_answers_are_no_text(outputs: Any):
    choice = {
        "message": {
            "role": "assistant",
            "content": "x",
            "tool_calls": [{"id": "i", "function": {"name": "rm", "arguments": "{}"}}],
        },
        "content_filter_results": {"hate": {"severity": "safe"}},
        "native_finish_reason": "completed",
        "logprobs": {"content": [{"token": "x"}]},
    }

    assert outputs(PATH, {"choices": [choice], "prompt_filter_results": [{"hate": "low"}]}) == [
        ("x", "model", "text"),
        ("{}", "model", "arguments"),
    ]


def test_an_error_in_a_stream_that_began_well_is_a_failure(answer: Any):
    failed = answer(
        PATH,
        [chunk(content="a"), {"error": {"message": "secret words", "type": "overloaded", "failed_generation": "half a call"}}],
    )

    assert (failed.error, failed.ended) == ("overloaded", False)
    assert [t.text for t in failed.outputs] == ["a", "half a call"]


def test_the_end_is_the_streams_own_and_not_the_models_word(answer: Any):
    forged = answer(PATH, [chunk(content="data: [DONE]\n\n")])
    done = answer(PATH, b'data: {"choices": [{"index": 0, "delta": {"content": "x"}}]}\n\ndata: [DONE]\n\n')

    assert not forged.ended and done.ended


def test_facts_beside_the_text_are_read(ask: Any, answer: Any):
    request = ask(
        "/openai/deployments/mine/chat/completions",
        b'{"messages": [], "stream": true, "max_completion_tokens": 9, "temperature": 0.5, "seed": true, "user": "u1", "n": 2}',
        "my.openai.azure.com",
    )
    got = answer(
        PATH,
        {
            "id": "r1",
            "model": "m-2",
            "choices": [{"finish_reason": "stop"}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 4.0},
        },
    )

    assert (request.provider, request.operation, request.model, request.stream, request.principal) == (
        "azure.ai.openai",
        "chat",
        "mine",
        True,
        "u1",
    )
    assert request.attributes == {
        "gen_ai.request.max_tokens": 9,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.choice.count": 2,
    }
    assert (got.response_id, got.model, got.finish_reasons, got.input_tokens, got.output_tokens) == ("r1", "m-2", ("stop",), 3, 4)


def test_ollama_is_read_with_its_objects_as_arguments_and_without_pictures(ask: Any, answer: Any):
    request = ask("/api/chat", {"messages": [{"role": "user", "content": "hi", "images": ["QUJD" * 99]}]})
    call = {"function": {"name": "f", "arguments": {"b": 1, "a": 2}}}
    first = {
        "model": "l",
        "message": {"role": "assistant", "content": "he", "thinking": "hm", "tool_calls": [call]},
        "done": False,
    }
    got = answer("/api/chat", [first, {"message": {"content": "llo"}, "done": True, "done_reason": "stop", "eval_count": 2}])

    assert [t.text for t in request.inputs] == ["hi"] and request.stream
    assert [(t.text, t.form) for t in got.outputs] == [("hm", "reasoning"), ("hello", "text"), ('{"a": 2, "b": 1}', "arguments")]
    assert (got.ended, got.finish_reasons, got.output_tokens) == (True, ("stop",), 2)


def test_ollamas_generate_is_read_plain_and_in_lines(answer: Any):
    plain = answer("/api/generate", {"model": "l", "response": "HELLO", "done": True})
    lines = answer(
        "/api/generate", b'{"model": "l", "response": "HEL", "done": false}\n{"model": "l", "response": "LO", "done": true}\n'
    )

    assert [t.text for t in plain.outputs] == [t.text for t in lines.outputs] == ["HELLO"]
    assert plain.ended and lines.ended
