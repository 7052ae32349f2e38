"""OpenAI's Assistants: runs, whose threads are on the server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from otel_mlsec.capture.bodies.api import Api, Joined
from otel_mlsec.capture.bodies.grow import Grown, grow, whole
from otel_mlsec.capture.bodies.parse import Event
from otel_mlsec.capture.bodies.reader import Reader
from otel_mlsec.capture.bodies.rows import Blocks, How, Rows, row
from otel_mlsec.capture.bodies.shapes import Object, mapping, sequence, string
from otel_mlsec.capture.bodies.taken import At, Taken
from otel_mlsec.capture.bodies.voices import CALL, FOUND, MODEL, OPERATOR, REFUSAL, RESULT, SCHEMA, TOOLS, USER, of_role

TEXT: Final[Rows] = (row("text", None, How.STRING), row("text.value", None, How.STRING))
PARTS: Final[Blocks] = {
    "text": TEXT,
    "refusal": (row("refusal", REFUSAL),),
    "image_url": (),
    "image_file": (),
    "function": (row("function.arguments", CALL, How.ONE), row("function.output", RESULT, How.STRING)),
    "code_interpreter": (
        row("code_interpreter.input", CALL, How.STRING),
        row("code_interpreter.outputs.*.logs", RESULT, How.STRING),
    ),
    "file_search": (row("file_search.results.*.content.*.text", FOUND, How.STRING),),
}
TOP: Final[Rows] = (
    row("instructions|additional_instructions", OPERATOR),
    row("response_format", SCHEMA, How.TOLD),
    row("tools", TOOLS, How.TOOLS),
)
CALLS: Final = row("required_action.submit_tool_outputs.tool_calls", CALL, How.PARTS)


def ask(body: Object, taken: Taken) -> None:
    read = Reader(PARTS, taken)
    top = At(USER, path=())
    read.rows(body, TOP, top)
    taken.partial = True
    for messages, where in (
        (mapping(body.get("thread")).get("messages"), top.into("thread", "messages")),
        (body.get("additional_messages"), top.into("additional_messages")),
    ):
        for index, message, at in taken.items(messages, where):
            seen = mapping(message)
            read.parts(seen.get("content"), at.says(of_role(seen.get("role")), index).into("content"))


def say(answer: Object, taken: Taken) -> None:
    read = Reader(PARTS, taken)
    read.parts(answer.get("said"), At(MODEL))
    read.rows(answer, (CALLS,), At(CALL))


def join(events: Sequence[Event]) -> Joined:
    """The run as it was last told, with the messages and calls of tools that were finished, or what came of them."""
    answer: Object = {}
    said: list[object] = []
    growing: dict[str, Grown] = {}
    ended = False
    for name, event in events:
        if name == "thread.message.delta":
            grow(_of(growing, event), _values(mapping(event.get("delta"))))
        elif name == "thread.message.completed":
            growing.pop(string(event.get("id")), None)
            said.extend(sequence(event.get("content")))
        elif name == "thread.run.step.completed":
            said.extend(sequence(mapping(event.get("step_details")).get("tool_calls")))
        elif name.startswith("thread.run.") and "step" not in name:
            answer = event
            ended = ended or name.rpartition(".")[2] in (
                "completed",
                "failed",
                "cancelled",
                "expired",
                "incomplete",
                "requires_action",
            )
        elif name == "error":
            answer = {**answer, "error": event.get("error") or event}
    for message in growing.values():
        said.extend(sequence(whole(message).get("content")))
    return Joined({**answer, "said": said[:8192]}, ended)


def _of(growing: dict[str, Grown], event: Object) -> Grown:
    identifier = string(event.get("id")) if len(growing) < 64 else ""
    return growing.setdefault(identifier, Grown())


def _values(delta: Object) -> Object:
    """Parts of a delta with their text where a part's text is elsewhere, so that it grows."""
    parts = [mapping(part) for part in sequence(delta.get("content"))]
    return {
        "content": [
            {**part, "text": mapping(part.get("text")).get("value")} if part.get("type") == "text" else part for part in parts
        ]
    }


LIMITS: Final = {
    "gen_ai.request.max_tokens": ("max_completion_tokens",),
    "gen_ai.request.temperature": ("temperature",),
    "gen_ai.request.top_p": ("top_p",),
}
RUNS: Final = Api(needs=("assistant_id", "thread", "instructions"), ask=ask, join=join, say=say, limits=LIMITS)
