"""OpenAI's Responses: items, the same in requests and answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from otel_mlsec.capture.bodies.api import Api, Joined
from otel_mlsec.capture.bodies.grow import Grown, Pieces, Slots, grow, whole
from otel_mlsec.capture.bodies.parse import Event
from otel_mlsec.capture.bodies.reader import Reader
from otel_mlsec.capture.bodies.rows import Blocks, How, Rows, row
from otel_mlsec.capture.bodies.shapes import Object, is_array, mapping, position, sequence, string
from otel_mlsec.capture.bodies.taken import At, Taken
from otel_mlsec.capture.bodies.voices import (
    CALL,
    FOUND,
    LISTED_TOOLS,
    MODEL,
    OPERATOR,
    REASONING,
    REFUSAL,
    RESULT,
    SCHEMA,
    TOOLS,
    USER,
    of_role,
)

ANNOTATED: Final = row("annotations.*.title", FOUND, How.STRING)
SHELL: Final[Rows] = (row("output", RESULT, How.STRING), row("output.*.stdout|stderr", RESULT, How.STRING))
ITEMS: Final[Blocks] = {
    "input_text": (row("text"),),
    "output_text": (row("text"), ANNOTATED),
    "summary_text": (row("text"),),
    "reasoning_text": (row("text", REASONING),),
    "text": (row("text"), ANNOTATED),
    "refusal": (row("refusal", REFUSAL),),
    "output_audio": (row("transcript"),),
    "input_image": (),
    "input_audio": (),
    "computer_screenshot": (),
    "input_file": (row("filename"),),
    "reasoning": (row("summary", REASONING, How.PARTS), row("content", REASONING, How.PARTS)),
    "function_call": (row("arguments", CALL, How.ONE),),
    "function_call_output": (row("output", RESULT, How.PARTS),),
    "custom_tool_call": (row("input", CALL, How.ONE),),
    "custom_tool_call_output": (row("output", RESULT, How.PARTS),),
    "web_search_call": (row("action.query|pattern|url", CALL, How.STRING), row("action.queries.*", CALL, How.STRING)),
    "file_search_call": (row("queries.*", CALL, How.STRING), row("results.*.text|filename", FOUND, How.STRING)),
    "code_interpreter_call": (row("code", CALL), row("outputs.*.logs", RESULT, How.STRING)),
    "image_generation_call": (row("revised_prompt", CALL),),
    "mcp_list_tools": (row("tools", LISTED_TOOLS, How.TOOLS), row("error", LISTED_TOOLS, How.PARTS)),
    "mcp_call": (
        row("arguments", CALL, How.ONE),
        row("output", RESULT, How.PARTS),
        row("error", RESULT, How.STRING),
        row("error.message", RESULT, How.STRING),
        row("error.content", RESULT, How.PARTS),
    ),
    "mcp_approval_request": (row("arguments", CALL, How.ONE),),
    "mcp_approval_response": (row("reason", USER),),
    "tool_search_call": (row("arguments", CALL, How.ONE),),
    "tool_search_output": (row("tools", TOOLS, How.TOOLS),),
    "additional_tools": (row("tools", TOOLS, How.TOOLS),),
    "computer_call": (
        row("action.text", CALL, How.STRING),
        row("actions.*.text", CALL, How.STRING),
        row("pending_safety_checks.*.message", CALL, How.STRING),
    ),
    "computer_call_output": (),
    "local_shell_call": (row("action.command", CALL, How.PARTS),),
    "local_shell_call_output": SHELL,
    "shell_call": (row("action.command|commands", CALL, How.PARTS),),
    "shell_call_output": SHELL,
    "apply_patch_call": (row("operation.path|diff", CALL, How.STRING),),
    "apply_patch_call_output": (row("output", RESULT, How.PARTS),),
    "program": (row("code", CALL),),
    "program_output": (row("result", RESULT, How.PARTS),),
    "compaction": (),
    "compaction_summary": (),
    "compaction_trigger": (),
    "item_reference": (),
    "configuration_update": (),
}
ON_SERVER: Final = frozenset({"compaction", "compaction_summary", "item_reference"})
TOP: Final[Rows] = (
    row("instructions", OPERATOR, How.PARTS),
    row("text.format", SCHEMA, How.TOLD),
    row("tools", TOOLS, How.TOOLS),
    row("prompt.variables.*", USER, How.PARTS),
)


def ask(body: Object, taken: Taken) -> None:
    read = Reader(ITEMS, taken)
    at = At(USER, path=())
    read.rows(body, TOP, at)
    taken.partial = taken.partial or bool(mapping(body.get("prompt")).get("id"))
    if is_array(body.get("input")):
        for index, item in taken.each(sequence(body["input"])):
            _item(read, item, At(USER, index, path=("input", index)))
    else:
        read.parts(body.get("input"), at.into("input"))


def say(answer: Object, taken: Taken) -> None:
    read = Reader(ITEMS, taken)
    for index, item in taken.each(sequence(answer.get("output"))):
        _item(read, item, At(MODEL, index), answer=True)


def _item(read: Reader, item: object, at: At, *, answer: bool = False) -> None:
    seen = mapping(item)
    kind = seen.get("type")
    if isinstance(item, str):
        read.taken.add(item, at)
    elif kind == "message" or (kind is None and "content" in seen):
        said = at if answer else at.says(of_role(seen.get("role")))
        read.parts(seen.get("content"), said.into("content"))
    else:
        read.taken.partial = read.taken.partial or (isinstance(kind, str) and kind in ON_SERVER)
        read.block(seen, at)


def join(events: Sequence[Event]) -> Joined:
    """The final event carries the answer; without one, items as they were finished, and the pieces of the others."""
    answer: Object = {}
    items: dict[int, Object] = {}
    grown: dict[int, Grown] = {}
    for _, event in events:
        kind = string(event.get("type"))
        response = mapping(event.get("response"))
        if response:
            answer = response
        if kind in ("response.completed", "response.incomplete", "response.failed"):
            return Joined({**response, "output": response.get("output") or _output(items, grown)}, ended=True)
        if kind == "error":
            answer = {**answer, "error": event.get("error") or event}
        at = position(event.get("output_index"))
        if kind == "response.output_item.done" and len(items) < 4096:
            items[at] = mapping(event.get("item"))
        elif kind == "response.output_item.added" and len(grown) < 4096:
            grown[at] = Grown(mapping(event.get("item")))
        elif kind.endswith(".delta") and isinstance(event.get("delta"), str) and (at in grown or len(grown) < 4096):
            _grow(grown.setdefault(at, Grown()), kind, event, event["delta"])
        elif kind == "response.output_text.annotation.added" and at in grown:
            grow(_part(grown[at], "content", "output_text", event), {"annotations": [event.get("annotation")]})
    return Joined({**answer, "output": _output(items, grown)}, ended=False)


def _output(items: dict[int, Object], grown: dict[int, Grown]) -> list[Object]:
    return [items[at] if at in items else whole(grown[at]) for at in sorted(items.keys() | grown.keys())]


PIECE: Final = {  # event → type of the item if it never said, key, and type of the part if there are parts
    "response.output_text.delta": ("message", "content", "output_text", "text"),
    "response.refusal.delta": ("message", "content", "refusal", "refusal"),
    "response.output_audio_transcript.delta": ("message", "content", "output_audio", "transcript"),
    "response.reasoning_text.delta": ("reasoning", "content", "reasoning_text", "text"),
    "response.reasoning_summary_text.delta": ("reasoning", "summary", "summary_text", "text"),
    "response.function_call_arguments.delta": ("function_call", "arguments", "", ""),
    "response.custom_tool_call_input.delta": ("custom_tool_call", "input", "", ""),
    "response.mcp_call_arguments.delta": ("mcp_call", "arguments", "", ""),
    "response.code_interpreter_call_code.delta": ("code_interpreter_call", "code", "", ""),
}


def _grow(item: Grown, kind: str, event: Object, delta: str) -> None:
    if kind not in PIECE:
        return
    of, key, part_type, part_key = PIECE[kind]
    item.setdefault("type", of)
    if not part_type:
        if not isinstance(item.get(key), Pieces):
            item[key] = Pieces()
        item[key].append(delta)
        return
    _part(item, key, part_type, event).setdefault(part_key, Pieces()).append(delta)


def _part(item: Grown, key: str, kind: str, event: Object) -> Grown:
    """The part that an event adds to; of more than 4,096 the last is all of them."""
    parts = item.get(key)
    if not isinstance(parts, Slots):
        parts = item[key] = Slots()
    at = min(position(event.get("summary_index", event.get("content_index"))), 4095)
    return parts.setdefault(at, Grown(type=kind))


LIMITS: Final = {
    "gen_ai.request.max_tokens": ("max_output_tokens",),
    "gen_ai.request.temperature": ("temperature",),
    "gen_ai.request.top_p": ("top_p",),
}
RESPONSES: Final = Api(
    needs=("input", "instructions", "prompt", "previous_response_id", "conversation"), ask=ask, join=join, say=say, limits=LIMITS
)
