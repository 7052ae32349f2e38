"""Google's Interactions: steps of a conversation that the server may keep."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from otel_mlsec.capture.bodies.api import Api, Joined
from otel_mlsec.capture.bodies.grow import Grown, Slots, grow, whole
from otel_mlsec.capture.bodies.parse import Event
from otel_mlsec.capture.bodies.reader import Reader
from otel_mlsec.capture.bodies.rows import Blocks, How, Rows, row
from otel_mlsec.capture.bodies.shapes import Object, is_array, mapping, position, sequence, string
from otel_mlsec.capture.bodies.taken import At, Taken
from otel_mlsec.capture.bodies.voices import CALL, FOUND, MODEL, OPERATOR, REASONING, RESULT, SCHEMA, TOOLS, USER, of_role

CALLED: Final[Rows] = (row("arguments", CALL, How.ONE),)
ANSWERED: Final[Rows] = (row("result", RESULT, How.ONE),)
FETCHED: Final[Rows] = (row("result", FOUND, How.ONE),)
STEPS: Final[Blocks] = {
    "text": (row("text"), row("annotations.*.title", FOUND, How.STRING)),
    "image": (),
    "audio": (),
    "video": (),
    "document": (),  # bytes or an address
    "user_input": (row("content", USER, How.PARTS),),
    "model_output": (row("content", MODEL, How.PARTS),),
    "thought": (row("summary", REASONING, How.PARTS),),
    "function_call": CALLED,
    "function_result": ANSWERED,
    "mcp_server_tool_call": CALLED,
    "mcp_server_tool_result": ANSWERED,
    "code_execution_call": CALLED,
    "code_execution_result": ANSWERED,
    "processing_call": CALLED,
    "processing_result": ANSWERED,
    **dict.fromkeys(
        ("google_search_call", "google_maps_call", "url_context_call", "file_search_call", "retrieval_call", "tool_search_call"),
        CALLED,
    ),
    **dict.fromkeys(
        ("google_search_result", "google_maps_result", "url_context_result", "file_search_result", "retrieval_result"), FETCHED
    ),
    "tool_search_result": (row("result", TOOLS, How.TOOLS),),
}
TOP: Final[Rows] = (
    row("system_instruction", OPERATOR, How.PARTS),
    row("tools", TOOLS, How.TOOLS),
    row("response_format", SCHEMA, How.TOLD),
)


def ask(body: Object, taken: Taken) -> None:
    read = Reader(STEPS, taken)
    at = At(USER, path=())
    read.rows(body, TOP, at)
    taken.partial = taken.partial or bool(body.get("cached_content"))
    given = body.get("input")
    if not is_array(given):
        _step(read, given, at.into("input"))
        return
    for index, step in taken.each(sequence(given)):
        _step(read, step, At(USER, index, path=("input", index)))


def say(answer: Object, taken: Taken) -> None:
    read = Reader(STEPS, taken)
    for index, step in taken.each(sequence(answer.get("steps")) or sequence(answer.get("outputs"))):
        _step(read, step, At(MODEL, index))


def _step(read: Reader, step: object, at: At) -> None:
    """A turn (with a role), or a step or part (with a type)."""
    seen = mapping(step)
    if "role" in seen and "type" not in seen:
        read.parts(
            seen.get("content", seen.get("parts")),
            at.says(of_role(seen["role"])).into("content" if "content" in seen else "parts"),
        )
    else:
        read.parts(step, at)


def join(events: Sequence[Event]) -> Joined:
    """Steps as they start, what is added to them, and at the end the whole, if the server sends it."""
    answer: Object = {}
    steps = Slots()
    ended = False
    for name, event in events:
        kind = string(event.get("event_type")) or name
        interaction = mapping(event.get("interaction"))
        if interaction:
            answer |= {key: value for key, value in interaction.items() if value is not None}
        at = position(event.get("index"))
        if kind in ("step.start", "content.start") and len(steps) < 4096:
            steps[at] = Grown()
            _add(steps[at], mapping(event.get("step", event.get("content"))))
        elif kind in ("step.delta", "content.delta") and (at in steps or len(steps) < 4096):
            _delta(steps.setdefault(at, Grown()), mapping(event.get("delta")))
        elif kind in ("error", "interaction.failed"):
            answer["error"] = event.get("error") or event
        ended = ended or kind in ("interaction.completed", "interaction.complete")
    if not (answer.get("steps") or answer.get("outputs")):
        answer["steps"] = [_plain(whole(steps[at])) for at in sorted(steps)]
    return Joined(answer, ended)


def _add(step: Grown, start: Object) -> None:
    grow(step, {key: value for key, value in start.items() if not (key == "arguments" and value == {})})


def _delta(step: Grown, delta: Object) -> None:
    kind = string(delta.get("type"))
    if kind == "arguments_delta" or kind == "arguments":
        grow(step, {"arguments": delta.get("arguments", delta.get("partial_arguments"))})
    elif kind == "thought_summary":
        step.setdefault("type", "thought")
        grow(step, {"summary": [mapping(delta.get("content"))]})
    elif kind in ("text", "text_annotation") and step.get("type") == "text":
        grow(step, {key: value for key, value in delta.items() if key != "type"})
    elif kind in ("text", "text_annotation", "image", "audio", "document", "video"):
        step.setdefault("type", "model_output")
        grow(step, {"content": [{**delta, "type": "text" if kind == "text_annotation" else kind}]})
    elif kind != "thought_signature":
        grow(step, delta)


def _plain(step: Object) -> Object:
    """Arguments that came as pieces of JSON text, as the plain answer has them."""
    if isinstance(step.get("arguments"), str):
        try:
            return {**step, "arguments": json.loads(step["arguments"])}
        except (ValueError, RecursionError):
            pass  # cut off: what came
    return step


LIMITS: Final = {
    "gen_ai.request.max_tokens": ("generation_config.max_output_tokens",),
    "gen_ai.request.temperature": ("generation_config.temperature",),
    "gen_ai.request.top_p": ("generation_config.top_p",),
    "gen_ai.request.seed": ("generation_config.seed",),
}
INTERACTIONS: Final = Api(
    operation="generate_content", needs=("input", "previous_interaction_id"), ask=ask, join=join, say=say, limits=LIMITS
)
