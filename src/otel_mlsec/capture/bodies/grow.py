"""Pieces of a streamed answer, put together to the object that would have come at once."""

from __future__ import annotations

from collections.abc import Set
from typing import Any

from otel_mlsec.capture.bodies.shapes import Object, is_array, is_object, position

SLOTS = 4096  # elements that one list may grow to
DEEPEST = 16

# Keys whose strings come in pieces; a string under any other key replaces the one before.
PIECEWISE = frozenset({
    "content", "text", "refusal", "reasoning", "reasoning_content", "thinking", "arguments", "input", "transcript", "tool_plan",
    "summary", "code",
})  # fmt: skip


class Pieces(list[str]):
    """A string that grows."""


class Slots(dict[int, Any]):
    """A list that grows, by index: an index may be any number, and must not cost memory."""

    top = -1  # the highest index so far


class Grown(dict[str, Any]):
    """An object that grows."""


def grow(into: Grown, delta: Object, piecewise: Set[str] = PIECEWISE, depth: int = 0) -> None:
    """Add what `delta` has to `into`."""
    for key, value in delta.items():
        if value is None:
            continue
        old = into.get(key)
        if isinstance(value, str) and key in piecewise:
            if isinstance(old, Pieces):
                old.append(value)
            elif isinstance(old, Slots):
                _append(old, {"type": "text", "text": value}, piecewise, depth)
            else:
                into[key] = Pieces([value])
        elif is_array(value) and depth < DEEPEST:
            if not isinstance(old, Slots):
                into[key] = slots = Slots()
                if isinstance(old, Pieces):
                    slots[0], slots.top = Grown(type="text", text=old), 0
            for element in value:
                _append(into[key], element, piecewise, depth)
        elif is_object(value) and key not in piecewise and depth < DEEPEST:
            if not isinstance(old, Grown):
                old = into[key] = Grown()
            grow(old, value, piecewise, depth + 1)
        elif value != "" or key not in into:
            into[key] = value


def _append(slots: Slots, element: Any, piecewise: Set[str], depth: int) -> None:
    """To the element with its index; without one, to the last if it is a part of the same type, else behind it."""
    at = slots.top + 1
    if is_object(element):
        part = element
        if "index" in part:
            at = position(part["index"], at)
        elif isinstance(slots.get(slots.top), Grown) and _continues(slots[slots.top], part):
            at = slots.top
        if at not in slots and len(slots) >= SLOTS:
            return
        if not isinstance(slots.get(at), Grown):
            slots[at] = Grown()
        grow(slots[at], part, piecewise, depth + 1)
    elif len(slots) < SLOTS:
        slots[at] = element
    slots.top = max(slots.top, at)


def _continues(last: Object, part: Object) -> bool:
    """Words and thoughts go on; what is not words, and a call of a tool, is a new one."""
    same = part.get("type") == last.get("type") and isinstance(part.get("type"), str)
    return same and bool(part.keys() & {"text", "thinking"}) and not part.keys() & {"id", "function", "custom"}


def whole(value: Any) -> Any:
    """What has grown, as plain JSON."""
    if isinstance(value, Pieces):
        return "".join(value)
    if isinstance(value, Slots):
        return [whole(value[index]) for index in sorted(value)]
    if isinstance(value, Grown):
        return {key: whole(inner) for key, inner in value.items()}
    return value
