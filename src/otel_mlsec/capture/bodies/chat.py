"""Chat completions and completions: OpenAI, and everybody who speaks like it; Cohere v2 and Ollama, who nearly do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from otel_mlsec.capture.bodies.api import Api, Joined
from otel_mlsec.capture.bodies.grow import Grown, Slots, grow, whole
from otel_mlsec.capture.bodies.parse import Event
from otel_mlsec.capture.bodies.reader import Reader
from otel_mlsec.capture.bodies.rows import Blocks, How, Rows, row
from otel_mlsec.capture.bodies.shapes import Object, is_object, mapping, position, sequence, string
from otel_mlsec.capture.bodies.taken import At, Taken
from otel_mlsec.capture.bodies.voices import CALL, FOUND, MODEL, OPERATOR, REASONING, REFUSAL, SCHEMA, TOOLS, USER, of_role

PARTS: Final[Blocks] = {
    "text": (row("text"),),
    "input_text": (row("text"),),
    "output_text": (row("text"),),
    "refusal": (row("refusal", REFUSAL),),
    "thinking": (row("thinking", REASONING, How.PARTS),),
    "image_url": (),
    "video_url": (),
    "audio_url": (),
    "image": (),
    "input_audio": (),
    "file": (row("file.filename"),),
    "document_url": (row("document_name"),),
    "document": (row("document.data", FOUND, How.ONE), row("document.title", FOUND, How.STRING)),
    "resource": (row("content.text|resource.text", FOUND),),
    "resource_link": (),
    "reference": (),
    "tool_file": (row("file_name", FOUND),),
    "tool_reference": (row("title", FOUND), row("description", FOUND)),
}
TOOL_CALL: Final[Rows] = (
    row("function.arguments", CALL, How.ONE),
    row("custom.input", CALL, How.ONE),
)
MESSAGE: Final[Rows] = (
    row("reasoning|reasoning_content|thinking", REASONING, How.PARTS),
    row("tool_plan", REASONING),
    row("content", None, How.PARTS),
    row("refusal", REFUSAL),
    row("audio.transcript", MODEL, How.STRING),
    row("function_call.arguments", CALL, How.ONE),
)
FOUND_BESIDE: Final[Rows] = (  # what the provider's own tools found for the answer
    row("annotations.*.url_citation.title|content", FOUND, How.STRING),
    row("annotations.*.file.content.*.text", FOUND, How.STRING),
    row("context.citations.*.content|title", FOUND, How.STRING),
    row("citations.*.sources.*.document", FOUND, How.ONE),
    row("citations.*.sources.*.tool_output", FOUND, How.ONE),
)
EXECUTED: Final[Rows] = (
    row("arguments", CALL, How.ONE),
    row("output", FOUND, How.STRING),
    row("search_results.results.*.title|content", FOUND, How.STRING),
    row("code_results.*.text", FOUND, How.STRING),
)
DOCUMENT: Final[Rows] = (row("data", FOUND, How.ONE), row("title|text|snippet", FOUND))
TOP: Final[Rows] = (
    row("response_format", SCHEMA, How.TOLD),
    row("format", SCHEMA, How.TOLD),  # Ollama's schema
    row("tools", TOOLS, How.TOOLS),
    row("functions", TOOLS, How.TOOLS),
)
LEGACY: Final[Rows] = (
    row("system", OPERATOR, How.PARTS),
    row("template", OPERATOR),
    row("prompt", USER, How.PARTS),
    row("suffix", USER),
    row("format", SCHEMA, How.TOLD),
)


def ask(body: Object, taken: Taken) -> None:
    read = Reader(PARTS, taken)
    top = At(USER, path=())
    read.rows(body, TOP, top)
    for _, document, at in taken.items(body.get("documents"), top.into("documents")):
        _document(read, document, at.says(FOUND))
    for index, message, at in taken.items(body.get("messages"), top.into("messages")):
        _message(read, message, at.says(of_role(mapping(message).get("role")), index))
    prediction = mapping(body.get("prediction"))
    read.parts(prediction.get("content"), top.into("prediction", "content"))


def ask_legacy(body: Object, taken: Taken) -> None:
    """A prompt.  Prompts of numbers are tokens: nothing that can be read."""
    Reader(PARTS, taken).rows(body, LEGACY, At(USER, path=()))


def say(answer: Object, taken: Taken) -> None:
    read = Reader(PARTS, taken)
    for index, choice in taken.each(_choices(answer)):
        seen = mapping(choice)
        at = At(MODEL, position(seen.get("index"), index))
        message = seen.get("message")
        if is_object(message):
            _message(read, mapping(message), at)
            _beside(read, mapping(message), at)
        else:
            read.parts(seen.get("text"), at)
    for result in sequence(answer.get("search_results"))[:64]:
        read.rows(mapping(result), (row("title|snippet", FOUND, How.STRING),), At(FOUND))
    taken.add(string(mapping(answer.get("error")).get("failed_generation")), At(MODEL))


def _choices(answer: Object) -> Sequence[object]:
    """The choices of an answer, also of those that have only one and do not call it so."""
    if "choices" in answer:
        return sequence(answer["choices"])
    if is_object(answer.get("message")):  # Cohere v2, Ollama
        return ({"message": answer["message"]},)
    if isinstance(answer.get("response"), str):  # Ollama's generate
        return ({"message": {"content": answer["response"], "thinking": answer.get("thinking")}},)
    return ()


def _message(read: Reader, message: object, at: At) -> None:
    if isinstance(message, str):
        read.taken.add(message, at)
        return
    seen = mapping(message)
    if isinstance(seen.get("reasoning"), str) and seen.get("reasoning_content") == seen["reasoning"]:
        seen = {key: value for key, value in seen.items() if key != "reasoning_content"}
    tool = read.taken.tool(seen) if "role" in seen else ""
    at = At(at.voice, at.message, tool, at.path, at.depth)
    read.rows(seen, MESSAGE, at)
    _details(read, seen, at)
    for _, call, where in read.taken.items(seen.get("tool_calls"), at.into("tool_calls")):
        _call(read, call, where)


def _details(read: Reader, message: Object, at: At) -> None:
    """Details of reasoning, unless they are the same words as the message's reasoning."""
    details = [mapping(detail) for detail in sequence(message.get("reasoning_details"))]
    words = "".join(string(detail.get("text")) or string(detail.get("summary")) for detail in details)
    if words and words.strip() in string(message.get("reasoning")) + string(message.get("reasoning_content")):
        return
    for _, detail, where in read.taken.items(message.get("reasoning_details"), at.into("reasoning_details")):
        read.rows(detail, (row("text|summary", REASONING, How.STRING),), where)


def _call(read: Reader, call: object, at: At) -> None:
    seen = mapping(call)
    function = mapping(seen.get("function")) or mapping(seen.get("custom"))
    if not function:
        read.unknown(seen.get("type"), seen, at.says(CALL))
        return
    read.taken.call(seen.get("id"), function.get("name"))
    read.rows(seen, TOOL_CALL, At(CALL, at.message, string(function.get("name"))[:128], at.path, at.depth))


def _beside(read: Reader, message: Object, at: At) -> None:
    read.rows(message, FOUND_BESIDE, at)
    for tool in sequence(message.get("executed_tools")):
        read.rows(mapping(tool), EXECUTED, At(CALL, at.message, string(mapping(tool).get("type"))[:128]))


def _document(read: Reader, document: object, at: At) -> None:
    if isinstance(document, str):
        read.taken.add(document, at)
    elif "data" in mapping(document):
        read.rows(mapping(document), DOCUMENT, at)
    else:  # keys of the application's own
        read.walk(document, at)


def join(events: Sequence[Event]) -> Joined:
    """Chunks of `choices[].delta` (or of a whole `message`, or `text`), Ollama's lines, and what is beside them."""
    answer = Grown()
    choices = Slots()
    ended = False
    for _, event in events:
        for at, chunk in enumerate(_chunks(event)):
            index = position(chunk.get("index"), at)
            if index not in choices:
                if len(choices) >= 128:
                    continue
                choices[index] = Grown(index=index, message=Grown())
            choice = choices[index]
            delta = mapping(chunk.get("delta")) or mapping(chunk.get("message"))
            executed = delta.get("executed_tools")
            grow(choice["message"], {key: value for key, value in delta.items() if key != "executed_tools"})
            for tool in sequence(executed)[:64]:  # each comes with all that is known of it by then
                _executed(choice["message"], mapping(tool))
            if not delta.get("content") and isinstance(chunk.get("text"), str):
                grow(choice["message"], {"content": chunk["text"]})  # Together says the same words in both
            if chunk.get("finish_reason"):
                choice["finish_reason"] = chunk["finish_reason"]
        beside = {
            key: value
            for key, value in event.items()
            if key not in ("choices", "message", "response", "thinking") and value is not None
        }
        answer.update(beside)
        ended = ended or event.get("done") is True
    answer["choices"] = choices
    finished = bool(choices) and all("finish_reason" in choice for choice in choices.values())
    return Joined(whole(answer), ended or finished)


def _chunks(event: Object) -> list[Object]:
    if "choices" in event:
        return [mapping(chunk) for chunk in sequence(event["choices"])]
    done = event.get("done_reason") if event.get("done") is True else None
    if is_object(event.get("message")):
        return [{"message": event["message"], "finish_reason": done}]
    if isinstance(event.get("response"), str):
        return [{"message": {"content": event["response"], "thinking": event.get("thinking")}, "finish_reason": done}]
    return []


def _executed(message: Grown, tool: Object) -> None:
    tools = message.setdefault("executed_tools", Slots())
    if isinstance(tools, Slots):
        index = position(tool.get("index"), len(tools))
        if index in tools or len(tools) < 64:
            tools[index] = {**tools.get(index, {}), **{key: value for key, value in tool.items() if value is not None}}


LIMITS: Final = {
    "gen_ai.request.max_tokens": ("max_completion_tokens", "max_tokens", "options.num_predict"),
    "gen_ai.request.temperature": ("temperature", "options.temperature"),
    "gen_ai.request.top_p": ("top_p", "p", "options.top_p"),
    "gen_ai.request.top_k": ("top_k", "k", "options.top_k"),
    "gen_ai.request.frequency_penalty": ("frequency_penalty", "options.frequency_penalty"),
    "gen_ai.request.presence_penalty": ("presence_penalty", "options.presence_penalty"),
    "gen_ai.request.seed": ("seed", "random_seed", "options.seed"),
    "gen_ai.request.choice.count": ("n",),
}
CHAT: Final = Api(needs=("messages",), ask=ask, join=join, say=say, limits=LIMITS)
COMPLETIONS: Final = Api(operation="text_completion", needs=("prompt",), ask=ask_legacy, join=join, say=say, limits=LIMITS)
