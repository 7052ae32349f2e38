"""Text in values whose shape nobody knows: free-form objects whole, schemas by what they tell, anything else by its strings."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from otel_mlsec.capture.bodies.shapes import is_array, is_object
from otel_mlsec.capture.bodies.taken import DEEPEST, Path

# Longer than 256 characters and nothing but base64: bytes of a picture, a signature, a state of the provider's.
BLOB = re.compile(r"(?:data:[\w/+.;=-]{0,100},)?[A-Za-z0-9+/_=-]{257,}")
SECRET = re.compile(r"(?i)authorization|headers$|api_?key|signature$|^encrypted")
NAME = re.compile(r"^(?:id|type|role|object|status|index)$|_id$|Id$")
WORDS = frozenset({"description", "title", "enum", "const", "default", "examples", "example"})  # of a schema: what tells of it
NAMED = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "parameter_definitions"})


def strings(value: object, path: Path = ()) -> Iterator[tuple[str, Path | None]]:
    """Every string in `value` that may be words, with its path, in order; not recursive, so any depth will do.

    Left out are names and ids, secrets, and bytes in base64.
    """
    stack: list[tuple[Any, Path | None]] = [(value, path)]
    while stack:
        value, path_ = stack.pop()
        if isinstance(value, str):
            if not BLOB.fullmatch(value):
                yield value, path_
            continue
        if is_object(value):
            items = [(k, v) for k, v in value.items() if not SECRET.search(k) and not (isinstance(v, str) and NAME.search(k))]
        elif is_array(value):
            items = list(enumerate(value))
        else:
            continue
        stack.extend((v, _on(path_, k)) for k, v in reversed(items))


def one_text(value: object) -> str:
    """A free-form object as one JSON text with sorted keys: no key of it can hide what stands under another.

    >>> one_text({"b": 1, "a": {"type": "x"}})
    '{"a": {"type": "x"}, "b": 1}'
    """
    if value is None or value == {} or value == []:
        return ""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    except RecursionError:  # nested deeper than Python calls itself
        return "\n".join(_words(value))


def _words(value: object) -> Iterator[str]:
    """Keys and values, in order."""
    stack: list[Any] = [value]
    while stack:
        value = stack.pop()
        if is_object(value):
            stack.extend(item for pair in reversed(value.items()) for item in reversed(pair))
        elif is_array(value):
            stack.extend(reversed(value))
        elif value is not None:
            yield str(value)


def told(schema: object) -> Iterator[tuple[str, Path | None]]:
    """What a JSON schema tells whoever reads it: descriptions, titles, enumerated, default and example values.

    Sentences under any other key, or as a key, are told as well: they reach the model all the same.
    """
    stack: list[_Seen] = [(schema, (), "", False)]
    while stack:
        value, path, key, named = stack.pop()
        if isinstance(value, str):
            if key in WORDS or _sentence(value):
                yield value, path
        elif is_object(value):
            inner: list[_Seen] = []
            for k, v in value.items():
                if _sentence(k):
                    inner.append((k, None, "title", False))
                under = "" if named else k if k in WORDS else key
                if named or not SECRET.search(k):
                    inner.append((v, _on(path, k), under, not named and not under and k in NAMED))
            stack.extend(reversed(inner))
        elif is_array(value):
            stack.extend((v, _on(path, i), key, False) for i, v in reversed(list(enumerate(value))))


_Seen = tuple[Any, Path | None, str, bool]  # value, its path, the key of `WORDS` that it stands under, whether its keys are names


def _on(path: Path | None, step: str | int) -> Path | None:
    return (*path, step) if path is not None and len(path) < DEEPEST else None


def _sentence(text: str) -> bool:
    return " " in text.strip()
