"""Clients of the providers, and what a recorded call is on them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib import import_module
from typing import Any

from tests.capture.bodies.recorded import Recorded

KEY = {"api_key": "k", "max_retries": 0}
SAMPLE = 40  # interactions of a family, of those that differ in what is asked

Call = tuple[Callable[..., Any], dict[str, Any], bool]  # method of a client, its arguments, whether it streams


def fit(method: Callable[..., Any], body: dict[str, Any]) -> dict[str, Any]:
    """Known parameters by their names, the others as the client lets one add them."""
    known = inspect.signature(method).parameters
    rest = {key: value for key, value in body.items() if key not in known}
    return {key: value for key, value in body.items() if key in known} | ({"extra_body": rest} if rest else {})


def openai_client(a: bool) -> Any:
    sdk = import_module("openai")
    return (sdk.AsyncOpenAI if a else sdk.OpenAI)(**KEY)


def openai(client: Any, each: Recorded, a: bool) -> Call | None:
    stream = bool(each.asked.get("stream"))
    ends = {
        "/chat/completions": client.chat.completions.create,
        "/completions": client.completions.create,
        "/responses": client.responses.create,
        "/embeddings": client.embeddings.create,
    }
    if each.path.endswith("/runs"):
        method = client.beta.threads.runs.create
        return method, {"thread_id": "t", **fit(method, each.asked)}, stream
    method = next((method for end, method in ends.items() if each.path.endswith(end)), None)
    return None if method is None else (method, fit(method, each.asked), stream)


def anthropic_client(a: bool) -> Any:
    sdk = import_module("anthropic")
    return (sdk.AsyncAnthropic if a else sdk.Anthropic)(**KEY)


def anthropic(client: Any, each: Recorded, a: bool) -> Call | None:
    if "anthropic.com" not in each.host or not each.path.endswith("/messages"):
        return None
    method = client.messages.create
    return method, {**fit(method, each.asked), "timeout": 500}, bool(each.asked.get("stream"))


def groq_client(a: bool) -> Any:
    sdk = import_module("groq")
    return (sdk.AsyncGroq if a else sdk.Groq)(**KEY)


def groq(client: Any, each: Recorded, a: bool) -> Call | None:
    method = client.chat.completions.create
    return (method, fit(method, each.asked), bool(each.asked.get("stream"))) if "groq" in each.host else None


def together_client(a: bool) -> Any:
    sdk = import_module("together")
    return (sdk.AsyncTogether if a else sdk.Together)(**KEY)


def together(client: Any, each: Recorded, a: bool) -> Call | None:
    method = client.chat.completions.create if "/chat/" in each.path else client.completions.create
    return (method, fit(method, each.asked), bool(each.asked.get("stream"))) if "together" in each.host else None


def mistral_client(a: bool) -> Any:
    return import_module("mistralai.client").Mistral(api_key="k")


def mistral(client: Any, each: Recorded, a: bool) -> Call | None:
    if "mistral.ai" not in each.host or not each.path.endswith("/chat/completions"):
        return None
    stream = bool(each.asked.get("stream"))
    method = getattr(client.chat, ("stream" if stream else "complete") + ("_async" if a else ""))
    known = inspect.signature(method).parameters
    return method, {key: value for key, value in each.asked.items() if key in known and key != "stream"}, stream


def cohere_client(a: bool) -> Any:
    sdk = import_module("cohere")
    return {
        f"v{v}": getattr(sdk, f"{'Async' if a else ''}Client{v if v > 1 else ''}".replace("2", "V2"))(api_key="k") for v in (1, 2)
    }


def cohere(client: Any, each: Recorded, a: bool) -> Call | None:
    if "cohere" not in each.host or not each.path.endswith("/chat"):
        return None
    of_version, stream = client["v2" if "/v2/" in each.path else "v1"], bool(each.asked.get("stream"))
    method = of_version.chat_stream if stream else of_version.chat
    return method, {key: value for key, value in each.asked.items() if key != "stream"}, stream


def ollama_client(a: bool) -> Any:
    sdk = import_module("ollama")
    return (sdk.AsyncClient if a else sdk.Client)()


def ollama(client: Any, each: Recorded, a: bool) -> Call | None:
    if "/api/" not in each.path or "embed" in each.path:
        return None
    method = getattr(client, each.path.rpartition("/")[2])
    known = inspect.signature(method).parameters
    stream = each.asked.get("stream", True)
    return method, {key: value for key, value in each.asked.items() if key in known} | {"stream": stream}, stream


def gemini_client(a: bool) -> Any:
    return import_module("google.genai").Client(api_key="k")


def gemini(client: Any, each: Recorded, a: bool) -> Call | None:
    if "enerateContent" not in each.path:
        return None
    models, stream = (client.aio.models if a else client.models), "streamGenerateContent" in each.path
    method = models.generate_content_stream if stream else models.generate_content
    name = each.path.rpartition("/models/")[2].partition(":")[0]
    return method, {"model": name, "contents": "x", "config": {"http_options": {"extra_body": each.asked}}}, stream


# family → what makes a client (sync or async), what a recorded call is on it, and how many calls there are at least
FAMILIES: dict[str, tuple[Callable[[bool], Any], Callable[[Any, Recorded, bool], Call | None], int]] = {
    "openai": (openai_client, openai, SAMPLE),
    "anthropic": (anthropic_client, anthropic, 20),
    "groq": (groq_client, groq, 2),
    "together": (together_client, together, 2),
    "mistral": (mistral_client, mistral, 2),
    "cohere": (cohere_client, cohere, 4),
    "ollama": (ollama_client, ollama, 4),
    "gemini": (gemini_client, gemini, 10),
}
SDKS = {"mistral": "mistralai.client", "gemini": "google.genai"}
