"""OpenAI's Responses.  Texts of the examples are invented."""

from __future__ import annotations

from typing import Any

PATH = "/v1/responses"


def test_items_without_a_role_are_whose_their_type_says(inputs: Any):
    items = [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "thought"}], "encrypted_content": "QUJD"},
        {"type": "function_call", "call_id": "c", "name": "f", "namespace": "n", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "poison"},
        {"type": "custom_tool_call", "call_id": "d", "name": "g", "input": "ls"},
        {"type": "custom_tool_call_output", "call_id": "d", "output": [{"type": "input_text", "text": "files"}]},
        {
            "type": "mcp_call",
            "name": "h",
            "arguments": "{}",
            "output": "from afar",
            "error": {"type": "x", "message": "bad", "content": [{"type": "text", "text": "worse"}]},
        },
        {
            "type": "code_interpreter_call",
            "container_id": "cntr",
            "code": "1+1",
            "outputs": [{"type": "logs", "logs": "2"}, {"type": "image", "url": "data:x"}],
        },
        {
            "type": "file_search_call",
            "queries": ["q"],
            "results": [{"file_id": "f", "filename": "a.md", "text": "found", "score": 1}],
        },
        {"type": "image_generation_call", "result": "QUJD" * 999, "revised_prompt": "a cat"},
        {"type": "shell_call", "action": {"commands": ["ls", "pwd"]}},
        {"type": "shell_call_output", "output": [{"stdout": "out", "stderr": "err"}]},
        {"type": "apply_patch_call", "operation": {"type": "update", "path": "a.py", "diff": "+1"}},
        {"type": "computer_call_output", "output": {"type": "computer_screenshot", "image_url": "data:x"}},
        {"role": "user", "content": "hi"},
    ]

    assert inputs(PATH, {"input": items}) == [
        ("thought", "model", "reasoning"),
        ("{}", "model", "arguments"),
        ("poison", "tool", "result"),
        ("ls", "model", "arguments"),
        ("files", "tool", "result"),
        ("{}", "model", "arguments"),
        ("from afar", "tool", "result"),
        ("bad", "tool", "result"),
        ("worse", "tool", "result"),
        ("1+1", "model", "arguments"),
        ("2", "tool", "result"),
        ("q", "model", "arguments"),
        ("found", "retrieved", "result"),
        ("a.md", "retrieved", "result"),
        ("a cat", "model", "arguments"),
        ("ls", "model", "arguments"),
        ("pwd", "model", "arguments"),
        ("out", "tool", "result"),
        ("err", "tool", "result"),
        ("a.py", "model", "arguments"),
        ("+1", "model", "arguments"),
        ("hi", "user", "text"),
    ]


def test_results_carry_the_name_of_the_tool_that_was_called(ask: Any):
    call = {"type": "function_call", "call_id": "c", "name": "look_up", "arguments": "{}"}
    request = ask(PATH, {"input": [call, {"type": "function_call_output", "call_id": "c", "output": "x"}]})

    assert [t.tool for t in request.inputs] == ["look_up", "look_up"]
    assert request.inputs[1].path == ("input", 1, "output")


def test_secrets_of_tools_never_become_text_and_their_descriptions_do(inputs: Any):
    server = {
        "type": "mcp",
        "server_label": "docs",
        "server_description": "knows documents",
        "server_url": "https://x.example",
        "authorization": "Bearer secret words",
        "headers": {"X-Key": "secret words too"},
        "allowed_tools": ["a b"],
    }
    listed = {
        "type": "mcp_list_tools",
        "server_label": "docs",
        "tools": [{"name": "t", "description": "poison", "input_schema": {"properties": {"a": {"description": "more"}}}}],
    }
    nested = {
        "type": "additional_tools",
        "role": "developer",
        "tools": [{"type": "namespace", "name": "n", "tools": [{"name": "f", "description": "inner"}]}],
    }

    assert inputs(PATH, {"tools": [server], "input": [listed, nested]}) == [
        ("knows documents", "tool_description", "description"),
        ("poison\nmore", "tool_description", "description"),
        ("inner", "tool_description", "description"),
    ]


def test_instructions_variables_and_schemas_are_read(inputs: Any):
    body = {
        "instructions": "be kind",
        "prompt": {"id": "p", "variables": {"name": "Ann", "file": {"type": "input_text", "text": "words"}}},
        "text": {
            "format": {
                "type": "json_schema",
                "name": "n",
                "description": "of a joke",
                "schema": {"properties": {"a": {"title": "A"}}},
            }
        },
        "input": "hi",
    }

    assert inputs(PATH, body) == [
        ("be kind", "operator", "text"),
        ("of a joke\nA", "operator", "description"),
        ("Ann", "user", "text"),
        ("words", "user", "text"),
        ("hi", "user", "text"),
    ]


def test_history_that_is_on_the_server_is_said_to_be(ask: Any):
    assert ask(PATH, {"input": "x", "previous_response_id": "resp_1"}).conversation == "resp_1"
    assert ask(PATH, {"input": "x", "conversation": {"id": "conv_1"}}).conversation == "conv_1"
    assert [
        ask(PATH, body).partial
        for body in (
            {"input": "x"},
            {"input": "x", "previous_response_id": "resp_1"},
            {"input": [{"type": "item_reference", "id": "i"}]},
            {"input": [{"type": "compaction", "encrypted_content": "QUJD"}]},
            {"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "file-1"}]}]},
        )
    ] == [False, True, True, True, True]


def test_a_type_that_nobody_knows_is_counted_and_its_words_are_taken(ask: Any):
    item = {
        "type": "telepathy_output",
        "id": "x y",
        "words": ["poison"],
        "authorization": "Bearer words",
        "encrypted_thing": "a b",
        "picture": "QUJD" * 99,
        "deep": {"type": "t", "more": "more"},
    }
    request = ask(PATH, {"input": [item, {"type": "x\nevil name", "a": "b"}]})

    assert [(t.text, t.origin, t.form) for t in request.inputs] == [
        ("poison", "tool", "result"),
        ("more", "tool", "result"),
        ("b", "user", "text"),
    ]
    assert request.unknown == {"telepathy_output": 1, "?": 1}


def test_titles_of_cited_pages_are_not_the_models_words(outputs: Any):
    part = {
        "type": "output_text",
        "text": "said",
        "annotations": [{"type": "url_citation", "title": "page", "url": "https://x.example"}],
    }

    assert outputs(PATH, {"output": [{"type": "message", "role": "user", "phase": "final", "content": [part]}]}) == [
        ("said", "model", "text"),
        ("page", "retrieved", "result"),
    ]


def test_a_stream_whose_last_event_is_empty_or_never_came_is_put_together(outputs: Any, answer: Any):
    events = [
        {"type": "response.created", "response": {"id": "r", "model": "m-1", "output": []}},
        {"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": "he"},
        {"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": "llo"},
        {
            "type": "response.output_item.done",
            "output_index": 0,
            "item": {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
        },
        {"type": "response.mcp_call_arguments.delta", "output_index": 2, "delta": "{}"},
    ]
    expected = [("hm", "model", "reasoning"), ("hello", "model", "text"), ("{}", "model", "arguments")]

    assert outputs(PATH, events) == expected
    assert outputs(PATH, [*events, {"type": "response.completed", "response": {"output": []}}]) == expected
    assert (answer(PATH, events).model, answer(PATH, events).ended) == ("m-1", False)


def test_a_failed_response_is_a_failure(answer: Any):
    failed = answer(
        PATH,
        [{"type": "response.failed", "response": {"status": "failed", "error": {"code": "server_error", "message": "words"}}}],
    )

    assert (failed.error, failed.ended) == ("server_error", False)
