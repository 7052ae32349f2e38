"""Whose span a call has: one that its SDK or another instrumentation made, or none yet.

A span of a client of HTTP is not the call's: it is beside or below it.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from opentelemetry.trace import Span, SpanContext

from otel_mlsec.observation import Form, Role, Text

OURS = "otel_mlsec"  # our own spans of calls
OPERATIONS = frozenset({"chat", "text_completion", "generate_content", "embeddings"})
KINDS = frozenset({"LLM", "EMBEDDING"})  # of OpenInference
REQUESTS = frozenset({"chat", "completion", "embedding"})  # of OpenLLMetry
OWN = frozenset({"com.anthropic.sdk.python", "mistralai_sdk_tracer"})  # SDKs that trace themselves
INSTRUMENTATIONS = ("opentelemetry.instrumentation.", "openinference.instrumentation.")
GENAI = ("opentelemetry.instrumentation.genai", "opentelemetry.util.genai")
LIBRARIES = frozenset(
    {
        "alephalpha", "anthropic", "bedrock", "cohere", "google_genai", "google_generativeai", "groq", "litellm", "mistralai",
        "ollama", "openai", "openai_v2", "replicate", "sagemaker", "together", "transformers", "vertexai", "watsonx", "writer",
    }
)  # fmt: skip
LATE = "opentelemetry.instrumentation.openai"  # OpenLLMetry: makes the spans of the Responses API when the call is over
REMEMBERED = 4096  # ids of spans, at least


class Recent:
    """The last keys that were added, with a number each; any thread may, also in a finalizer, so there is no lock."""

    def __init__(self, most: int = REMEMBERED) -> None:
        self._most = most
        self._new: dict[tuple[int, int], int] = {}
        self._old: dict[tuple[int, int], int] = {}

    def add(self, key: tuple[int, int], value: int = 0) -> None:
        new = self._new
        new[key] = value
        if len(new) >= self._most:
            self._old, self._new = new, {}

    def get(self, key: tuple[int, int]) -> int | None:
        found = self._new.get(key)
        return self._old.get(key) if found is None else found

    def __contains__(self, key: tuple[int, int]) -> bool:
        return self.get(key) is not None


class Opened:
    """A span of a call that somebody may have started without making it the current one."""

    __slots__ = ("claimed", "span")

    def __init__(self, span: Any) -> None:
        self.span = weakref.ref(span)
        self.claimed = False  # one span is one call's


attached = Recent()  # (trace id, span id) of spans whose calls were seen at the wire, or told already
heard = Recent()  # `newest` of calls that the worker has read, with their start in ns
_ended: Callable[[Any], None] | None = None
_opened: ContextVar[Opened | None] = ContextVar("otel_mlsec_opened", default=None)


def newest(trace_id: int, inputs: Sequence[Text]) -> tuple[int, int] | None:
    """What tells a call from the others of its trace, whoever reports it: the last thing that the model was told."""
    for text in reversed(inputs):
        if text.form in (Form.TEXT, Form.RESULT) and text.role in (Role.USER, Role.TOOL):
            return trace_id, hash(text.text.strip())
    return None


def listen(ended: Callable[[Any], None] | None) -> None:
    """`ended` gets each span of a call that somebody else made, when it ends; None: nobody does."""
    global _ended
    _ended = ended


def on_start(span: Any) -> None:
    """For a span processor, which runs where the span is started."""
    if scope(span) != OURS and _may_be(span):
        _opened.set(Opened(span))


def on_end(span: Any) -> None:
    """For a span processor: of a span that is not of a call of a model, it looks at its attributes and no more."""
    if _ended is not None and span.attributes and is_call(span) and scope(span) != OURS:
        _ended(span)


def _may_be(span: Any) -> bool:
    if of_library(scope(span)):
        return True
    attributes = span.attributes
    return bool(attributes) and ("gen_ai.operation.name" in attributes or "openinference.span.kind" in attributes)


def owner(current: Span, path: str, request: Any) -> tuple[SpanContext, bool]:
    """-> the span of this call and true, or the caller's own and false."""
    if current.is_recording() and is_call(current):
        return _attach(current.get_span_context()), True
    here = current.get_span_context()
    last = _opened.get()
    if last is not None and not last.claimed:
        span = last.span()
        if span is not None and span.is_recording() and _is_child(span, here) and is_call(span):
            last.claimed = True
            return _attach(span.get_span_context()), True
    return here, _comes_late(path, request)


def _attach(span: SpanContext) -> SpanContext:
    attached.add((span.trace_id, span.span_id))
    return span


def _is_child(span: Any, here: SpanContext) -> bool:
    parent = span.parent
    return (parent.span_id if parent is not None else 0) == here.span_id


def _comes_late(path: str, request: Any) -> bool:
    """Then no span is there to be found, and one of ours would be the second: findings carry the caller's."""
    if LATE not in sys.modules or not path.endswith("/responses"):
        return False
    instrumentor = getattr(sys.modules[LATE], "OpenAIInstrumentor", None)
    return (
        instrumentor is not None
        and bool(instrumentor().is_instrumented_by_opentelemetry)
        and "OpenAI/Python" in str(request.headers.get("user-agent"))
    )


def scope(span: Any) -> str:
    """Name of the library that made a span; "" where it is not the SDK's."""
    found = getattr(span, "instrumentation_scope", None)
    return found.name if found is not None else ""


def is_call(span: Any) -> bool:
    """Is this the span of one call of a model, rather than of a chain, an agent or a tool?  What it says itself counts first."""
    attributes: Mapping[str, Any] = getattr(span, "attributes", None) or {}
    operation = attributes.get("gen_ai.operation.name")
    if operation is not None:
        return operation in OPERATIONS
    kind = attributes.get("openinference.span.kind")
    if kind is not None:
        return kind in KINDS
    request = attributes.get("llm.request.type")
    if request is not None:
        return request in REQUESTS
    return of_library(scope(span))


@lru_cache(maxsize=256)
def of_library(name: str) -> bool:
    """Does what bears this name instrument clients of models?

    >>> of_library("opentelemetry.instrumentation.openai.v1"), of_library("opentelemetry.instrumentation.httpx")
    (True, False)
    """
    if name in OWN or name.startswith(GENAI):
        return True
    return name.startswith(INSTRUMENTATIONS) and name.split(".")[2] in LIBRARIES
