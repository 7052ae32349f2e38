"""A finding as a log record, the form that counts: it survives sampling, and every backend can take it."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from opentelemetry import trace
from opentelemetry.context import Context

from otel_mlsec.emit import names
from otel_mlsec.emit.clean import Attribute, attribute, text
from otel_mlsec.emit.line import line
from otel_mlsec.emit.record import Record, Value
from otel_mlsec.emit.threats import ATLAS, threat
from otel_mlsec.finding import Finding, Severity
from otel_mlsec.observation import Completion, Prediction

SCOPE = RULESET = "otel_mlsec"
MAX_EVIDENCE = 64  # attributes; the SDK's own limit is 128 for all
KEY = 128  # bytes of an evidence's name
# Of the number's range in the data model.  Our own word would lose the colour of the badge in viewers that know only these.
TEXTS = {Severity.LOW: "INFO", Severity.MEDIUM: "WARN", Severity.HIGH: "ERROR", Severity.CRITICAL: "ERROR"}


class Records:
    """Makes the records of findings, all of one process.

    Args:
        now: ns since the epoch, for when a record was made; `Finding.time` says when what it reports happened.
        version: of the detectors and of the scope.
        resource: attributes of what runs here, asked for with every finding: an SDK may be set up late.
    """

    def __init__(self, *, now: Callable[[], int], version: str, resource: Callable[[], Mapping[str, Value]]) -> None:
        self._now, self._version, self._resource = now, version, resource

    def of(self, finding: Finding, identifier: str, context: Context, call: Prediction | Completion) -> Record:
        """The record of a finding, linked to the span in `context`; `call` is the one that decided."""
        observed = self._now()
        happened = _nanoseconds(finding.time)
        span = trace.get_current_span(context).get_span_context()
        return Record(
            event=names.FINDING_EVENT,
            time_ns=observed if happened is None else happened,
            observed_ns=observed,
            severity=finding.severity.value,
            severity_text=TEXTS[finding.severity],
            body=line(finding),
            attributes=dict(self._attributes(finding, identifier, call)),
            resource=self._resource(),
            scope=SCOPE,
            scope_version=self._version,
            trace_id=trace.format_trace_id(span.trace_id) if span.is_valid else "",
            span_id=trace.format_span_id(span.span_id) if span.is_valid else "",
            flags=int(span.trace_flags) if span.is_valid else 0,
        )

    def _attributes(self, finding: Finding, identifier: str, call: Prediction | Completion) -> Iterator[tuple[str, Attribute]]:
        """In the order of a reader's questions, which some viewers keep; ids and hashes last."""
        yield from _what(finding)
        yield from _said(
            (names.MODEL_NAME, finding.model.name),
            (names.MODEL_VERSION, finding.model.version),
            (names.MODEL_FRAMEWORK, finding.model.framework),
            (names.MODEL_OPERATION, call.method),
        )
        if isinstance(call, Completion):
            yield from _of_completion(call)
        asked = not finding.principal or finding.principal == call.principal  # the call that decided may be another's
        yield from _said(
            (names.RULE_NAME, finding.detector),
            (names.RULE_CATEGORY, finding.detector.partition("/")[0]),
            (names.RULESET_NAME, RULESET),
            (names.RULE_VERSION, self._version),
            (names.USER_HASH, finding.principal or call.principal),
            (names.CLIENT_ADDRESS, str((call.attributes or {}).get(names.CLIENT_ADDRESS, "")) if asked else ""),
            (names.FINDING_FIRST_SEEN, _rfc3339(finding.first_seen)),
            (names.FINDING_LAST_SEEN, _rfc3339(finding.time)),
        )
        yield from _threat(finding)
        yield from _evidence(finding)
        yield names.FINDING_ID, text(identifier)
        yield names.FINDING_DEDUP_KEY, finding.dedup_key
        yield names.SCHEMA, names.SCHEMA_VERSION


def _what(finding: Finding) -> Iterator[tuple[str, Attribute]]:
    yield names.FINDING_SEVERITY, finding.severity.name
    yield names.FINDING_TYPE, text(finding.kind)
    yield names.FINDING_TITLE, text(finding.title)
    yield names.FINDING_STATUS, finding.status.value
    yield names.FINDING_ACTION, text(finding.action)
    yield names.FINDING_SCORE, float(finding.score)
    yield names.FINDING_THRESHOLD, float(finding.threshold)
    yield names.FINDING_COUNT, int(finding.count)


def _of_completion(call: Completion) -> Iterator[tuple[str, Attribute]]:
    return _said(
        (names.OPERATION_NAME, call.operation),
        (names.PROVIDER_NAME, call.model.framework),
        (names.REQUEST_MODEL, call.model.name),
        (names.CONVERSATION_ID, call.conversation),
    )


def _threat(finding: Finding) -> Iterator[tuple[str, Attribute]]:
    known = threat(finding)
    if known.atlas:
        yield names.ATLAS_TECHNIQUES, known.atlas
        yield names.ATLAS_VERSION, ATLAS
    if known.owasp:
        yield names.OWASP, known.owasp


def _said(*pairs: tuple[str, str]) -> Iterator[tuple[str, Attribute]]:
    """What is not known is left out: an empty string would be a value to a query."""
    return ((name, text(value)) for name, value in pairs if value)


def _evidence(finding: Finding) -> Iterator[tuple[str, Attribute]]:
    for key in list(finding.evidence)[:MAX_EVIDENCE]:
        value = attribute(finding.evidence[key])
        if value is not None:
            yield names.EVIDENCE + text(key, KEY), value


def _nanoseconds(seconds: float) -> int | None:
    """None for a time that OTLP's unsigned field cannot hold; float seconds are good to the microsecond and no better."""
    return round(seconds * 1e6) * 1000 if 0 < seconds < 2**63 / 1e9 else None


def _rfc3339(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return ""  # not a number, infinite, or a year that has no four digits
