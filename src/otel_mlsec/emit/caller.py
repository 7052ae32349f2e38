"""Where a call was made, as an OpenTelemetry context."""

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, SpanContext

from otel_mlsec.observation import Completion, Prediction


def caller(call: Prediction | Completion) -> Context:
    """The context of the caller's span, empty where there was none; never that of the thread that runs this."""
    span: object = call.span
    if not isinstance(span, SpanContext) or not span.is_valid:
        return Context()
    return trace.set_span_in_context(NonRecordingSpan(span), Context())
