"""The span of a call of a language model: begun when it is asked, ended when detection has seen the answer."""

from collections.abc import Sequence

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer

from otel_mlsec.emit import names
from otel_mlsec.emit.caller import caller
from otel_mlsec.emit.clean import Attribute, attribute, text
from otel_mlsec.emit.content import instructions, messages
from otel_mlsec.emit.spans import tell
from otel_mlsec.finding import Finding
from otel_mlsec.observation import Completion

MAX_ATTRIBUTES = 32  # of a request: temperature and the like
NAME = 128  # bytes of a model's name
OWN = ("server.", "gen_ai.")  # of what capture knows; who called us is the server span's to say


class CompletionSpans:
    """Spans of calls that nobody else makes one of; after OpenTelemetry's conventions for generative AI.

    Args:
        tracer: makes them.
        events: findings are also span events.
        content: may messages be on them, bounded and redacted?
    """

    def __init__(self, tracer: Tracer, *, events: bool = True, content: bool = False) -> None:
        self._tracer, self._events, self._content = tracer, events, content

    def start(self, completion: Completion) -> Span | None:
        """None where the call has a span already."""
        if completion.attached:
            return None
        name = f"{text(completion.operation)} {text(completion.model.name, NAME)}".rstrip()
        here = caller(completion)
        return self._tracer.start_span(name, here, SpanKind.CLIENT, _asked(completion), start_time=completion.start_ns)

    def context(self, span: Span | None, completion: Completion) -> Context:
        """Where the findings of the call belong."""
        here = caller(completion)
        return here if span is None else trace.set_span_in_context(span, here)

    def end(self, span: Span, completion: Completion, findings: Sequence[Finding], status: str = "") -> None:
        """End it at the time at which the call ended; `status` says why detection had not seen the answer by then."""
        at_ns = max(completion.start_ns, completion.end_ns)
        if span.is_recording():
            span.set_attributes(_answered(completion))
            if completion.error:
                span.set_status(StatusCode.ERROR)  # without a message, which may quote the user's data
            if status:
                span.set_attribute(names.DETECTION_STATUS, status)
            if self._content:
                span.set_attributes(_content(completion))
            tell(span, findings, at_ns=at_ns, events=self._events)
        span.end(at_ns)


def _asked(completion: Completion) -> dict[str, Attribute]:
    """What samplers may look at."""
    said = {
        names.OPERATION_NAME: completion.operation,
        names.PROVIDER_NAME: completion.model.framework,
        names.REQUEST_MODEL: completion.model.name,
        names.CONVERSATION_ID: completion.conversation,
    }
    attributes: dict[str, Attribute] = {name: text(value) for name, value in said.items() if value}
    for name, value in list((completion.attributes or {}).items())[:MAX_ATTRIBUTES]:
        clean = attribute(value)
        if name.startswith(OWN) and clean is not None:
            attributes[text(name, NAME)] = clean
    return attributes


def _answered(completion: Completion) -> dict[str, Attribute]:
    said: dict[str, object] = {
        names.RESPONSE_MODEL: completion.model.version or None,
        names.RESPONSE_ID: completion.response_id or None,
        names.FINISH_REASONS: completion.finish_reasons or None,
        names.INPUT_TOKENS: completion.input_tokens,
        names.OUTPUT_TOKENS: completion.output_tokens,
        names.ERROR_TYPE: completion.error or None,
    }
    attributes = {name: attribute(value) for name, value in said.items() if value is not None}
    return {name: value for name, value in attributes.items() if value is not None}


def _content(completion: Completion) -> dict[str, Attribute]:
    said = {
        names.SYSTEM_INSTRUCTIONS: instructions(completion.inputs),
        names.INPUT_MESSAGES: messages(completion.inputs),
        names.OUTPUT_MESSAGES: messages(completion.outputs, completion.finish_reasons),
    }
    return {name: value for name, value in said.items() if value}
