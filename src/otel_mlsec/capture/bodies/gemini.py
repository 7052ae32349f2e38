"""Gemini's generateContent, in Google AI and in Vertex: parts without types, in two spellings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from otel_mlsec.capture.bodies.api import Api, Joined
from otel_mlsec.capture.bodies.grow import Pieces, whole
from otel_mlsec.capture.bodies.parse import Event
from otel_mlsec.capture.bodies.reader import Reader
from otel_mlsec.capture.bodies.rows import Blocks, How, Rows, row
from otel_mlsec.capture.bodies.shapes import Object, is_array, mapping, position, sequence, string
from otel_mlsec.capture.bodies.taken import At, Taken
from otel_mlsec.capture.bodies.voices import CALL, FOUND, MODEL, OPERATOR, REASONING, RESULT, SCHEMA, TOOLS, USER, Voice

NAMED: Final[Rows] = (row("displayName|display_name", None, How.STRING),)
CALLED: Final[Rows] = (row("args|partialArgs|partial_args", CALL, How.ONE),)
ANSWERED: Final[Rows] = (row("response", RESULT, How.ONE),)
CODE: Final[Rows] = (row("code", CALL),)
RAN: Final[Rows] = (row("output", RESULT),)
FETCHED: Final[Rows] = (row("response", FOUND, How.ONE),)
PARTS: Final[Blocks] = {
    "text": (row(""),),
    "functionCall": CALLED,
    "function_call": CALLED,
    "functionResponse": ANSWERED,
    "function_response": ANSWERED,
    "executableCode": CODE,
    "executable_code": CODE,
    "codeExecutionResult": RAN,
    "code_execution_result": RAN,
    "toolCall": CALLED,
    "tool_call": CALLED,
    "toolResponse": FETCHED,
    "tool_response": FETCHED,
    "inlineData": NAMED,
    "inline_data": NAMED,
    "fileData": NAMED,
    "file_data": NAMED,
    "role": (),
    "thought": (),
    "thoughtSignature": (),
    "thought_signature": (),
    "videoMetadata": (),
    "video_metadata": (),
    "mediaResolution": (),
    "media_resolution": (),
    "partMetadata": (),
    "part_metadata": (),
}
HTML: Final = ("searchSuggestions", "search_suggestions")  # a button for the page: the model does not read it
TOP: Final[Rows] = (
    row("tools", TOOLS, How.TOOLS),
    row("generationConfig|generation_config.responseSchema|response_schema", SCHEMA, How.TOLD),
    row("generationConfig|generation_config.responseJsonSchema|response_json_schema|_responseJsonSchema", SCHEMA, How.TOLD),
)
GROUNDS: Final[Rows] = (
    row("webSearchQueries|web_search_queries.*", CALL, How.STRING),
    row("groundingChunks|grounding_chunks.*.retrievedContext|retrieved_context.text|title", FOUND, How.STRING),
    row("groundingChunks|grounding_chunks.*.web|maps.title|text", FOUND, How.STRING),
)


def ask(body: Object, taken: Taken) -> None:
    read = Reader(PARTS, taken)
    top = At(USER, path=())
    for key in ("systemInstruction", "system_instruction"):
        content_of(read, body.get(key), top.says(OPERATOR).into(key))
    read.rows(body, TOP, top)
    taken.partial = taken.partial or bool(body.get("cachedContent") or body.get("cached_content"))
    contents = body.get("contents")
    if not is_array(contents):
        content_of(read, contents, top.into("contents"), _voice(contents))
        return
    for index, content in taken.each(sequence(contents)):
        content_of(read, content, At(USER, index, path=("contents", index)), _voice(content))


def say(answer: Object, taken: Taken) -> None:
    read = Reader(PARTS, taken)
    for index, candidate in taken.each(sequence(answer.get("candidates"))):
        seen = mapping(candidate)
        at = At(MODEL, position(seen.get("index"), index))
        content_of(read, seen.get("content"), at)
        for key in ("groundingMetadata", "grounding_metadata"):
            read.rows(seen.get(key), GROUNDS, at)


def _voice(content: object) -> Voice:
    """Contents are the user's or the model's; what the operator says stands elsewhere, so nobody here speaks for them."""
    role = mapping(content).get("role")
    return MODEL if role == "model" else RESULT if role in ("function", "tool") else USER


def content_of(read: Reader, content: object, at: At, voice: Voice | None = None) -> None:
    """A string, one part, parts, or an object with parts."""
    at = at.says(voice)
    if isinstance(content, str):
        read.taken.add(content, at)
        return
    parts: Any = content
    if "parts" in mapping(content):
        parts, at = mapping(content)["parts"], at.into("parts")
    if not is_array(parts):
        _part(read, parts, at)
        return
    for index, part in read.taken.each(sequence(parts)):
        _part(read, part, at.into(index))


def _part(read: Reader, part: object, at: At) -> None:
    if isinstance(part, str):
        read.taken.add(part, at)
        return
    seen = mapping(part)
    if is_array(seen.get("parts")):  # contents where parts are expected, as some clients send
        for index, inner in read.taken.each(sequence(seen["parts"])):
            read.keyed(mapping(inner), PARTS, at.into("parts", index))
        return
    for key in ("toolResponse", "tool_response"):
        response = mapping(mapping(seen.get(key)).get("response"))
        if response.keys() & set(HTML):
            left = {k: v for k, v in response.items() if k not in HTML}
            seen = {**seen, key: {**mapping(seen[key]), "response": left}}
    thought = seen.get("thought") is True
    read.keyed(seen, PARTS, at.says(REASONING) if thought else at)


def join(events: Sequence[Event]) -> Joined:
    """Responses one after the other, each with some parts of the candidates."""
    answer: Object = {}
    candidates: dict[int, Object] = {}
    for _, event in events:
        answer |= {key: value for key, value in event.items() if value is not None and key != "candidates"}
        for at, candidate in enumerate(sequence(event.get("candidates"))):
            seen = mapping(candidate)
            index = position(seen.get("index"), at)
            if index not in candidates and len(candidates) >= 128:
                continue
            known = candidates.setdefault(index, {"index": index, "content": {"parts": list[Object]()}})
            known |= {key: value for key, value in seen.items() if key not in ("content", "index") and value is not None}
            for part in sequence(mapping(seen.get("content")).get("parts")):
                _append(known["content"]["parts"], mapping(part))
    for candidate in candidates.values():
        candidate["content"]["parts"] = [
            {key: whole(value) for key, value in part.items()} for part in candidate["content"]["parts"]
        ]
    answer["candidates"] = [candidates[index] for index in sorted(candidates)]
    ended = any(c.get("finishReason") or c.get("finish_reason") for c in candidates.values())
    return Joined(answer, ended)


def _append(parts: list[Object], part: Object) -> None:
    """Text goes on from the part before if both are thoughts, or both are not; so do the arguments of one call."""
    before = parts[-1] if parts else {}
    if isinstance(part.get("text"), str):
        if isinstance(before.get("text"), Pieces) and (before.get("thought") is True) == (part.get("thought") is True):
            before["text"].append(part["text"])
            return
        part = {**part, "text": Pieces([part["text"]])}
    for key in ("functionCall", "function_call"):
        call, earlier = mapping(part.get(key)), mapping(before.get(key))
        pieces: object = call.get("partialArgs", call.get("partial_args"))
        if is_array(pieces) or (not call.get("name") and earlier.get("willContinue") is True):
            into: Object = earlier if earlier.get("willContinue") is True else {**call, "partialArgs": {}}
            for piece in sequence(pieces):
                _argument(mapping(into["partialArgs"]), mapping(piece))
            into["willContinue"] = call.get("willContinue", call.get("will_continue"))
            if into is not earlier:
                parts.append({**part, key: into})
            return
    parts.append(part)


def _argument(arguments: Object, piece: Object) -> None:
    """`jsonPath` → value; strings come in pieces."""
    name = string(piece.get("jsonPath", piece.get("json_path")))
    value = piece.get("stringValue", piece.get("string_value"))
    if not isinstance(value, str):
        value = piece.get("numberValue", piece.get("boolValue"))
    before = arguments.get(name)
    if len(arguments) < 1024:
        arguments[name] = before + value if isinstance(before, str) and isinstance(value, str) else value


def _either(*keys: str) -> tuple[str, ...]:
    return tuple(f"{config}.{key}" for config in ("generationConfig", "generation_config") for key in keys)


LIMITS: Final = {
    "gen_ai.request.max_tokens": _either("maxOutputTokens", "max_output_tokens"),
    "gen_ai.request.temperature": _either("temperature"),
    "gen_ai.request.top_p": _either("topP", "top_p"),
    "gen_ai.request.top_k": _either("topK", "top_k"),
    "gen_ai.request.frequency_penalty": _either("frequencyPenalty", "frequency_penalty"),
    "gen_ai.request.presence_penalty": _either("presencePenalty", "presence_penalty"),
    "gen_ai.request.seed": _either("seed"),
    "gen_ai.request.choice.count": _either("candidateCount", "candidate_count"),
}
GEMINI: Final = Api(operation="generate_content", needs=("contents",), ask=ask, join=join, say=say, limits=LIMITS)
