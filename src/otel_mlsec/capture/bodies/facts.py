"""What bodies say beside texts: settings, who asks, names, numbers of tokens, ends and errors."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from otel_mlsec.capture.bodies.shapes import Object, count, label, mapping, sequence, string

LONGEST: Final = 256  # characters of a name or an id


def model(body: Object) -> str:
    """The model that a body names; an agent or assistant stands for the model that it is set up with."""
    for key in ("model", "modelVersion", "model_version", "agent_id", "assistant_id", "agent"):
        if isinstance(body.get(key), str) and body[key]:
            return body[key][:LONGEST]
    return ""


def principal(body: Object) -> str:
    """Whom the application says it asks for."""
    for said in (body.get("safety_identifier"), body.get("user"), mapping(body.get("metadata")).get("user_id")):
        if isinstance(said, str) and said:
            return said[:LONGEST]
    return ""


def conversation(body: Object) -> str:
    """The id by which the provider joins this call to earlier ones."""
    known = body.get("conversation")
    for said in (
        known,
        mapping(known).get("id"),
        body.get("previous_response_id"),
        body.get("conversation_id"),
        body.get("previous_interaction_id"),
    ):
        if isinstance(said, str) and said:
            return said[:LONGEST]
    return ""


def settings(body: Object, limits: Mapping[str, tuple[str, ...]]) -> dict[str, str | int | float]:
    """Numbers under `limits` that are some, and the type of output that was asked for."""
    found: dict[str, str | int | float] = {}
    for attribute, keys in limits.items():
        for key in keys:
            value = _at(body, key)
            if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and abs(value) < 2**63:
                found[attribute] = value
                break
    wanted = _at(body, "response_format.type") or _at(body, "text.format.type") or _at(body, "output_config.format.type")
    mime = _at(body, "generationConfig.responseMimeType") or _at(body, "generation_config.response_mime_type")
    if wanted in ("json_object", "json_schema") or mime == "application/json" or body.get("format") == "json":
        found["gen_ai.output.type"] = "json"
    elif wanted == "text" or mime == "text/plain":
        found["gen_ai.output.type"] = "text"
    return found


def _at(body: Object, keys: str) -> Any:
    value: Any = body
    for key in keys.split("."):
        value = mapping(value).get(key)
    return value


def finish_reasons(answer: Object) -> tuple[str, ...]:
    """Why each choice ended, in the provider's words."""
    of_choices = [
        mapping(choice) for key in ("choices", "candidates", "generations") for choice in sequence(answer.get(key))[:128]
    ]
    said: Sequence[Any] = [choice.get("finish_reason") or choice.get("finishReason") for choice in of_choices]
    if not any(said):
        incomplete = mapping(answer.get("incomplete_details")).get("reason")
        keys = ("stop_reason", "stopReason", "finish_reason", "done_reason")
        said = [incomplete or next((answer[key] for key in keys if answer.get(key)), None) or answer.get("status")]
    return tuple(word for each in said if (word := label(each)))


def tokens(answer: Object) -> tuple[int | None, int | None]:
    """Tokens read and written, cached ones and those of reasoning among them."""
    usage = mapping(
        answer.get("usage")
        or mapping(answer.get("x_groq")).get("usage")
        or answer.get("usageMetadata")
        or answer.get("usage_metadata")
        or answer.get("meta")
    )
    usage = mapping(usage.get("tokens")) or mapping(usage.get("billed_units")) or usage
    read = _first(
        usage, "input_tokens", "prompt_tokens", "promptTokenCount", "prompt_token_count", "inputTokens", "total_input_tokens"
    )
    written = _first(
        usage,
        "output_tokens",
        "completion_tokens",
        "candidatesTokenCount",
        "candidates_token_count",
        "outputTokens",
        "total_output_tokens",
    )
    if read is not None:  # Anthropic counts what it read from its cache, and wrote to it, apart
        read += sum(count(usage.get(key)) or 0 for key in ("cache_read_input_tokens", "cache_creation_input_tokens"))
    thoughts = _first(usage, "thoughtsTokenCount", "thoughts_token_count")  # Gemini's, beside those of the candidates
    if written is not None and thoughts:
        written += thoughts
    return (
        count(answer.get("prompt_eval_count")) if read is None else read,
        count(answer.get("eval_count")) if written is None else written,
    )


def _first(usage: Object, *keys: str) -> int | None:
    return next((number for key in keys if (number := count(usage.get(key))) is not None), None)


def error(answer: Object) -> str:
    """What the provider calls a failure that the body tells of: a word of its own, never its message."""
    said = answer.get("error")
    if not said:
        if answer.get("type") in ("error", "conversation.response.error"):
            said = answer
        elif answer.get("status") in ("failed", "expired"):
            return label(mapping(answer.get("last_error")).get("code"), string(answer["status"]))
        else:
            return ""
    told = mapping(said)
    for key in ("type", "code", "status"):
        word = told.get(key)
        if isinstance(word, int) and not isinstance(word, bool):
            word = str(word)[:16] if abs(word) < 10**9 else ""
        if label(word) not in ("", "error"):
            return label(word)
    return "error"
