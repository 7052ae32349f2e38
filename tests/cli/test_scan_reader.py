"""What a scan reads: any bytes, any JSON, never a traceback."""

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_mlsec.cli import prompts
from otel_mlsec.cli.prompts import Prompt, Reader


def read(content: bytes, kind: str = "json_lines", role: str = "user") -> tuple[list[Prompt], Reader]:
    reader = Reader(role=role)
    return list(getattr(reader, kind)(io.BytesIO(content), "f")), reader


def test_an_object_a_line_is_a_prompt_with_what_it_says_of_itself():
    said = {"id": 7, "role": "tool", "content": "x", "conversation": "c", "principal": 12, "tool": "search", "label": 1}

    found, reader = read(json.dumps(said).encode() + b'\n\n{"content": "y"}')

    assert found == [
        Prompt(id=7, role="tool", content="x", conversation="c", principal="12", tool="search"),
        Prompt(id="f:3", role="user", content="y"),
    ]
    assert not reader.malformed


def test_a_file_is_one_text_and_lines_are_many():
    content = "first line\r\n\r\n\u2028second\n".encode()

    [whole], _ = read(content, "whole", role="document")
    lines, _ = read(content, "lines")

    assert (whole.id, whole.role, whole.content) == ("f", "document", content.decode())
    assert [(each.id, each.content) for each in lines] == [("f:1", "first line"), ("f:3", "\u2028second")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"content": ', "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b'{"content": "x", "id": ' + b"9" * 5000 + b"}", "no JSON"),
        (b"[1]", "no object"),
        (b'"text"', "no object"),
        (b'{"id": 1}', "without a text as content"),
        (b'{"content": ["a"]}', "without a text as content"),
        (b'{"content": "x", "role": "boss"}', "of no known role"),
        (b'{"content": "x", "role": ["user"]}', "of no known role"),
        (b'{"content": "x", "role": null}', "of no known role"),
    ],
)
def test_lines_that_are_none_are_counted_and_the_others_read(line: bytes, reason: str):
    found, reader = read(b'{"content": "a"}\n' + line + b'\n{"content": "b"}\n' + line)

    assert [each.content for each in found] == ["a", "b"]
    assert reader.malformed == {reason: 2}
    assert reader.first == {reason: "f:2"}


@pytest.mark.parametrize("id_", [None, True, 1.5, [1], {"a": 1}, float("nan")])
def test_an_id_that_is_none_is_the_place(id_: Any):
    [found], _ = read(json.dumps({"id": id_, "content": "x"}).encode())

    assert found.id == "f:1"


def test_a_line_that_is_too_long_is_left_out_and_the_next_is_read(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(prompts, "LINE_LIMIT", 1000)

    found, reader = read(b"x" * 5000 + b"\n" + b"short\n" + b"y" * 1000 + b"\nend", "lines")

    assert [each.id for each in found] == ["f:2", "f:4"]
    assert sum(reader.malformed.values()) == 2


def test_a_text_that_is_too_long_is_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(prompts, "FILE_LIMIT", 1000)

    with pytest.raises(ValueError, match="--lines"):
        read(b"x" * 1001, "whole")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("\ufeffhé".encode(), "hé"),
        ("\ufeffhé".encode("utf-16-le"), "hé"),
        ("\ufeffhé".encode("utf-16-be"), "hé"),
        (b"\xff\xfeh", "\ufffd"),
        (b"a\xffb", "a\udcffb"),
    ],
)
def test_any_bytes_are_a_text(content: bytes, text: str):
    [found], _ = read(content, "whole")

    assert found.content == text


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        (b'{"content": "a"}\n{"content": "b"}', ["a", "b"]),
        (b"hello\nworld", ["hello\nworld"]),
        (b'{"other": 1}\n', ['{"other": 1}\n']),
        (b"", [""]),
    ],
)
def test_standard_input_is_json_lines_if_its_first_line_is(content: bytes, texts: list[str]):
    found, reader = read(content, "guessed")

    assert [each.content for each in found] == texts
    assert not reader.malformed


@given(st.binary(max_size=300), st.sampled_from(["whole", "lines", "json_lines", "guessed"]))
def test_no_bytes_raise(content: bytes, kind: str):
    found, _ = read(content, kind)

    assert all(isinstance(each.content, str) for each in found)


KEYS = st.sampled_from(["id", "role", "content", "conversation", "principal", "tool", "x"])
LEAVES = st.none() | st.booleans() | st.floats() | st.text() | st.integers()


@given(st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=12))
def test_no_json_raises(value: Any):
    found, reader = read(json.dumps(value).encode())

    assert len(found) + sum(reader.malformed.values()) == 1
    assert all(isinstance(each.id, str | int) and isinstance(each.principal, str) for each in found)
