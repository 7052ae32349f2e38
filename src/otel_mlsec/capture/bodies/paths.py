"""What a path says of a request: whether it may be a call of a language model, of which API, and which model is named in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from otel_mlsec.capture.bodies.shapes import Object

# How a path ends → its API.  Of two that fit, the longer counts.
ENDS: Final[Mapping[str, str]] = {
    "/chat/completions": "chat",
    "/agents/completions": "chat",
    "/fim/completions": "completions",
    "/completions": "completions",
    "/responses": "responses",
    "/responses/compact": "responses",
    "/messages": "messages",
    "/v1/complete": "complete",
    "/v1/chat": "cohere_v1",
    "/v2/chat": "cohere_v2",
    "/v1/generate": "cohere_generate",
    "/api/chat": "chat",
    "/api/generate": "completions",
    "/interactions": "interactions",
    "/threads/runs": "runs",
    "/runs": "runs",
    "/conversations": "conversations",
    "/embeddings": "embeddings",
    "/v1/embed": "embeddings",
    "/v2/embed": "embeddings",
    "/api/embed": "embeddings",
    ":generateContent": "gemini",
    ":streamGenerateContent": "gemini",
    ":embedContent": "embeddings",
    ":batchEmbedContents": "embeddings",
    ":rawPredict": "raw",
    ":streamRawPredict": "raw",
    "/invoke": "invoke",
    "/invoke-with-response-stream": "invoke",
    "/converse": "converse",
    "/converse-stream": "converse",
}
_ENDS: Final = tuple(ENDS)
_BY_LENGTH: Final = sorted(ENDS, key=len, reverse=True)
STREAMED: Final = (":streamGenerateContent", ":streamRawPredict", "-stream")


class Route(NamedTuple):
    api: str
    model: str  # as the path names it, or ""
    stream: bool  # the path says so
    thread: str  # conversation that the path names, or ""


def asks(method: str, path: str) -> bool:
    """Whether a request may be a call of a language model.  Cheap: for every request that a process makes.

    >>> asks("POST", "/v1/chat/completions"), asks("POST", "/v1/messages/count_tokens"), asks("GET", "/v1/responses")
    (True, False, False)
    """
    if method != "POST":
        return False
    path = path.partition("#")[0]
    if path.endswith("/"):
        path = path[:-1]
    if not path.endswith(_ENDS):
        return False
    if path.endswith("/messages"):
        return "/threads/" not in path
    if path.endswith("/runs"):
        return "/threads/" in path
    return "/model/" in path if path.endswith(("/invoke", "-stream", "/converse")) else True


def route(path: str, body: Object) -> Route | None:
    """Of a path that `asks`, with what the body adds where a path serves several APIs."""
    path = path.partition("#")[0].removesuffix("/")
    if not asks("POST", path):
        return None
    end = next(end for end in _BY_LENGTH if path.endswith(end))
    model = _model(path.removesuffix(end))
    thread = path.rpartition("/threads/")[2].partition("/")[0] if ENDS[end] == "runs" and end == "/runs" else ""
    return Route(_by_body(ENDS[end], body, model), model, path.endswith(STREAMED), thread)


def _model(path: str) -> str:
    """What stands behind `/models/`, `/model/` or `/deployments/`."""
    for key in ("/deployments/", "/models/", "/model/", "/engines/"):
        _, found, rest = path.rpartition(key)
        if found:
            return (rest if key == "/model/" else rest.partition("/")[0])[:256]  # an ARN has slashes of its own
    return ""


def _by_body(api: str, body: Object, model: str) -> str:
    match api:
        case "raw" | "invoke":
            if "anthropic_version" in body or "anthropic" in model or "claude" in model:
                return "messages" if "messages" in body else "complete"
            if "messages" in body:
                return "converse" if "schemaVersion" in body or "inferenceConfig" in body else "chat"
            return "cohere_v1" if "message" in body else "bedrock"
        case "cohere_v1" if "messages" in body:
            return "chat"
        case "completions" if "messages" in body:
            return "chat"
        case _:
            return api
