"""Calls of language models that only others see: by the spans they make, and by the hook they offer.

Clients that do not use httpx (botocore, gRPC, a model in this process) are instrumented by OpenTelemetry's GenAI packages, by
OpenLLMetry, by OpenInference, or trace themselves.  What their spans say of a call that was not seen at the wire is read when
they end; the official packages also tell a completion hook, which gets the texts where no span has them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from opentelemetry import context, trace
from opentelemetry.trace import SpanContext

from otel_mlsec.capture import _messages, identity
from otel_mlsec.capture._owner import attached, heard, listen, newest
from otel_mlsec.capture._patch import Patches
from otel_mlsec.detector import Submit
from otel_mlsec.errors import contained
from otel_mlsec.observation import Completion, Ending, Model

UNNAMED = "unnamed"
OVERHEAD = 2048  # bytes of a span beside its texts
_site = contained("capture.foreign")
_submit: Submit | None = None  # None: switched off; neither a processor nor a hook can be taken back


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """One call as a span of somebody else's tells it."""

    attributes: Mapping[str, Any] = field(repr=False)
    span: SpanContext
    who: identity.Asked
    address: str
    time: float | None  # s since the epoch, as told; None: the start
    start_ns: int
    end_ns: int
    n_bytes: int


def patch(patches: Patches, submit: Submit) -> None:
    global _submit
    _submit = submit
    listen(_ended)
    patches.at_undo(_off)


def _off() -> None:
    global _submit
    _submit = None
    listen(None)


def _ended(span: Any) -> None:
    here = span.get_span_context()
    if (here.trace_id, here.span_id) not in attached:
        _tell(span.attributes, here, span, span.start_time or 0, span.end_time or 0)


class Hook:
    """What the GenAI instrumentations tell, also where no span is sampled or texts are not to be recorded on it."""

    def on_completion(
        self,
        *,
        inputs: Sequence[Any] = (),
        outputs: Sequence[Any] = (),
        system_instruction: Sequence[Any] = (),
        tool_definitions: Sequence[Any] | None = None,
        span: Any = None,
        log_record: Any = None,
        **_: Any,
    ) -> None:
        """Called in the application's thread: what is live there is written down at once."""
        if _submit is None:
            return
        with _site:
            own = trace.get_current_span() if span is None else span
            here = own.get_span_context()
            key = here.trace_id, here.span_id
            if here.is_valid and key in attached:
                return  # seen at the wire
            told = dict(getattr(log_record, "attributes", None) or {}) | dict(getattr(own, "attributes", None) or {})
            told["gen_ai.input.messages"] = _written(inputs)
            told["gen_ai.output.messages"] = _written(outputs)
            told["gen_ai.system_instructions"] = _written(system_instruction)
            if here.is_valid:  # without an SDK all calls have the same
                attached.add(key)  # its span will end, too
            now = time.time_ns()
            _tell(told, here, own, getattr(own, "start_time", None) or now, now)


_hook = Hook()


def completion_hook() -> Hook:
    """Entry point of `opentelemetry_genai_completion_hook`; every instrumentor asks for one, and gets the same."""
    return _hook


def _written(messages: Any) -> str:
    return json.dumps(list(messages or ()), default=_fields)


def _fields(part: object) -> object:
    """Parts are dataclasses whose names have changed with every release; their fields have not."""
    return getattr(part, "__dict__", None)


def _tell(attributes: Mapping[str, Any], here: SpanContext, span: Any, start_ns: int, end_ns: int) -> None:
    if _submit is None:
        return
    now = context.get_current()
    served = identity.request_of(span)
    _submit(
        Foreign(
            attributes=attributes,
            span=here,
            who=identity.asked(now, span, served) if now else identity.asked(now, span, served or identity.Request(span=span)),
            address=served.address if served is not None else "",
            time=identity.told_time(now) if now else None,
            start_ns=start_ns,
            end_ns=end_ns,
            n_bytes=OVERHEAD + sum(len(value) for value in attributes.values() if isinstance(value, str)),
        )
    )


def whole(item: Foreign) -> Completion | None:
    """In the worker; None for a call that was heard of already."""
    told = item.attributes
    inputs = _messages.inputs(told)
    mark = newest(item.span.trace_id, inputs)
    if mark is not None:
        without_parent = (0, mark[1])  # then the caller of the wire had no trace, and this span began one
        if any(item.start_ns <= (heard.get(each) or 0) <= item.end_ns for each in (mark, without_parent)):
            return None
        heard.add(mark, item.start_ns)
    error = told.get("error.type")
    attributes: dict[str, str | int | float] = {
        key: told[key] for key in ("server.address", "server.port") if isinstance(told.get(key), str | int)
    }
    if item.address:
        attributes["client.address"] = item.address
    return Completion(
        model=Model(
            name=_first(told, "gen_ai.request.model", "llm.model_name", "embedding.model_name", "gen_ai.response.model")
            or UNNAMED,
            version=_first(told, "gen_ai.response.model"),
            framework=_first(told, "gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system"),
        ),
        operation=_operation(told),
        inputs=inputs,
        outputs=_messages.outputs(told),
        conversation=_first(told, "gen_ai.conversation.id", "session.id"),
        principal=identity.pseudonym(item.who),
        time=item.start_ns / 1e9 if item.time is None else item.time,
        start_ns=item.start_ns,
        end_ns=item.end_ns,
        ending=Ending.FAILED if error else Ending.COMPLETE,
        error=str(error or ""),
        span=item.span,
        attached=True,
        attributes=attributes,
        response_id=_first(told, "gen_ai.response.id"),
        finish_reasons=_strings(told.get("gen_ai.response.finish_reasons")),
        input_tokens=_tokens(told, "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt"),
        output_tokens=_tokens(told, "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion"),
        partial=True,  # what a span tells may have been cut, or left out on purpose
    )


def _operation(told: Mapping[str, Any]) -> str:
    if told.get("openinference.span.kind") == "EMBEDDING" or told.get("llm.request.type") == "embedding":
        return "embeddings"
    return _first(told, "gen_ai.operation.name") or "chat"


def _first(told: Mapping[str, Any], *keys: str) -> str:
    return next((value for key in keys if isinstance(value := told.get(key), str) and value), "")


def _tokens(told: Mapping[str, Any], *keys: str) -> int | None:
    return next((value for key in keys if isinstance(value := told.get(key), int) and not isinstance(value, bool)), None)


def _strings(value: object) -> tuple[str, ...]:
    found = cast("Sequence[object]", value) if isinstance(value, tuple | list) else ()
    return tuple(each for each in found if isinstance(each, str))
