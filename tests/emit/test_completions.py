"""What leaves of a call of a language model: span, record of a finding, metrics, each whole."""

import json
from dataclasses import replace

import pytest
from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, Sampler
from opentelemetry.trace import SpanKind, StatusCode

from otel_mlsec.emit.content import LONGEST, messages
from otel_mlsec.emit.metrics import MAX_MODELS
from otel_mlsec.emit.redact import EXCERPT, redacted
from otel_mlsec.emit.usage import MAX_SERIES
from otel_mlsec.observation import Form, Model, Origin, Role, Text

ASKED = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.conversation.id": "conv-1",
    "server.address": "api.openai.com",
    "gen_ai.request.temperature": 0.5,
}
ANSWERED = {
    "gen_ai.response.model": "gpt-4o-2024-08-06",
    "gen_ai.response.id": "resp-1",
    "gen_ai.response.finish_reasons": ("stop",),
    "gen_ai.usage.input_tokens": 12,
    "gen_ai.usage.output_tokens": 3,
}


def test_a_call_is_a_client_span_after_the_conventions(telemetry, completion):
    telemetry.complete(completion)

    span = telemetry.span
    assert (span.name, span.kind, span.status.status_code) == ("chat gpt-4o", SpanKind.CLIENT, StatusCode.UNSET)
    assert (span.parent.span_id, span.context.trace_id) == (0xB, 0xA)
    assert (span.start_time, span.end_time) == (completion.start_ns, completion.end_ns)
    assert dict(span.attributes) == {**ASKED, **ANSWERED}
    assert not span.events


class Curious(Sampler):
    """Samples nothing, and keeps what it was shown."""

    def __init__(self) -> None:
        self.seen: list = []

    def should_sample(self, *given, **named):
        self.seen.append(given[4])
        return ALWAYS_OFF.should_sample(*given, **named)

    def get_description(self):
        return "curious"


def test_a_sampler_sees_what_is_asked(sending, completion):
    sampler = Curious()
    telemetry = sending(sampler=sampler)
    telemetry.complete(completion)

    assert sampler.seen == [ASKED]
    assert telemetry.n_spans == 0


def test_a_finding_is_on_the_span_and_a_record_with_ids_that_analysts_file_it_under(telemetry, completion, injection):
    telemetry.complete(completion, injection)

    span, record = telemetry.span, telemetry.record
    assert dict(span.attributes) == {**ASKED, **ANSWERED, "mlsec.finding.count": 1, "mlsec.finding.max_severity": "HIGH"}
    assert [(event.name, event.timestamp) for event in span.events] == [("mlsec.finding", completion.end_ns)]
    assert (record.trace_id, record.span_id) == (span.context.trace_id, span.context.span_id)
    assert record.body == (
        "HIGH Indirect prompt injection: gpt-4o, text 3, tool result: override; 1 in 12,000 benign texts looks so"
    )
    assert list(record.attributes.items()) == [
        ("mlsec.finding.severity", "HIGH"),
        ("mlsec.finding.type", "llm.injection.indirect"),
        ("mlsec.finding.title", "Indirect prompt injection"),
        ("mlsec.finding.status", "new"),
        ("mlsec.finding.action", "observed"),
        ("mlsec.finding.score", 4.1),
        ("mlsec.finding.threshold", 3.0),
        ("mlsec.finding.count", 1),
        ("mlsec.model.name", "gpt-4o"),
        ("mlsec.model.framework", "openai"),
        ("mlsec.model.operation", "chat"),
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.provider.name", "openai"),
        ("gen_ai.request.model", "gpt-4o"),
        ("gen_ai.conversation.id", "conv-1"),
        ("security_rule.name", "llm/injection"),
        ("security_rule.category", "llm"),
        ("security_rule.ruleset.name", "otel_mlsec"),
        ("security_rule.version", "0.0"),
        ("user.hash", "app:0123456789ab"),
        ("client.address", "192.0.2.7"),
        ("mlsec.finding.first_seen", "2023-11-14T22:13:20Z"),
        ("mlsec.finding.last_seen", "2023-11-14T22:13:20Z"),
        ("mlsec.atlas.technique.id", ("AML.T0051.001",)),
        ("mlsec.atlas.version", "5.6.1"),
        ("mlsec.owasp.id", ("LLM01:2025",)),
        ("mlsec.evidence.role", "tool"),
        ("mlsec.evidence.origin", "tool"),
        ("mlsec.evidence.form", "result"),
        ("mlsec.evidence.message", 3),
        ("mlsec.finding.id", "018bcfe5-6be8-7000-8000-000000000000"),
        ("mlsec.finding.dedup_key", injection.dedup_key),
        ("mlsec.schema.version", "1.0.0"),
    ]


def test_a_call_that_has_a_span_gets_no_second_one_nor_metrics_of_its_own(telemetry, completion, injection):
    telemetry.complete(replace(completion, attached=True), injection)

    assert telemetry.n_spans == 0
    assert (telemetry.record.trace_id, telemetry.record.span_id) == (0xA, 0xB)
    assert set(telemetry.points()) & {"gen_ai.client.operation.duration", "gen_ai.client.token.usage"} == set()


def test_duration_and_tokens_are_the_conventions_metrics(telemetry, completion):
    telemetry.complete(replace(completion, error="429"))

    points = telemetry.points()
    of_call = {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o",
        "gen_ai.response.model": "gpt-4o-2024-08-06", "server.address": "api.openai.com",
    }  # fmt: skip
    [duration] = points["gen_ai.client.operation.duration"]
    assert (dict(duration.attributes), duration.sum) == ({**of_call, "error.type": "429"}, pytest.approx(0.004))
    assert {(point.attributes["gen_ai.token.type"], point.sum) for point in points["gen_ai.client.token.usage"]} == {
        ("input", 12),
        ("output", 3),
    }
    assert telemetry.span.status.status_code is StatusCode.ERROR
    assert telemetry.span.attributes["error.type"] == "429"


def test_what_was_not_read_is_counted_under_few_names(telemetry, completion):
    telemetry.complete(replace(completion, unknown={f"type {i}": 1 for i in range(60)}, unread=5))
    telemetry.complete(replace(completion, unknown={f"kind {i}": 1 for i in range(60)}, unread=0))

    points = telemetry.points()
    assert len(points["mlsec.completion.unknown_blocks"]) == 65
    assert sum(point.value for point in points["mlsec.completion.unknown_blocks"]) == 120
    assert [point.value for point in points["mlsec.completion.unread_texts"]] == [5]


def test_messages_leave_only_where_they_may_and_then_redacted(sending, telemetry, completion):
    telemetry.complete(completion)
    open_to_all = sending(content=True)
    open_to_all.complete(completion)

    assert not [name for name in telemetry.span.attributes if name.endswith(("messages", "instructions"))]
    attributes = open_to_all.span.attributes
    assert json.loads(attributes["gen_ai.system_instructions"]) == [{"type": "text", "content": "Be brief."}]
    assert json.loads(attributes["gen_ai.input.messages"]) == [
        {"role": "user", "parts": [{"type": "text", "content": "Write to [address]"}]}
    ]
    assert json.loads(attributes["gen_ai.output.messages"]) == [
        {"role": "assistant", "parts": [{"type": "text", "content": "Done."}], "finish_reason": "stop"}
    ]


def test_many_long_messages_are_whole_json_of_the_newest():
    texts = [
        Text(text=f"{i} " + "ä\ud800 " * 5000, role=Role.USER, origin=Origin.USER, form=form, message=i)
        for i in range(300)
        for form in (Form.TEXT, Form.ARGUMENTS, Form.RESULT)
    ]

    written = messages(texts)

    assert len(written.encode()) <= LONGEST
    assert json.loads(written)[-1]["parts"][0]["content"].startswith("299 ")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("mail a.b+c@example.org now", "mail [address] now"),
        ("key sk-proj-abcdefghij0123456789 end", "key [token] end"),
        ("call +49 (30) 1234-5678.", "call +[number]."),
        ("in 2024, of 12 eggs", "in [number], of 12 eggs"),
        ("a\x1b[2Jb\u202e", "a[2Jb"),
    ],
)
def test_what_is_nobodys_business_is_masked(text, left):
    assert redacted(text) == left


@pytest.mark.parametrize("text", ["a" * 10**6, "1 " * 10**6, "@" * 10**6, "a@" * 10**6, "\ud800" * 10**6])
def test_an_excerpt_is_short_of_whatever_text(text):
    assert len(redacted(text)) <= EXCERPT


def test_names_of_models_that_somebody_makes_up_are_bounded_series(telemetry, completion, finding):
    for i in range(3000):
        model = replace(completion.model, name=f"m{i}")
        telemetry.complete(replace(completion, model=model))
        telemetry.metrics.found(replace(finding, model=Model(name=f"m{i}")), Context())

    points = telemetry.points()
    assert len(points["gen_ai.client.operation.duration"]) <= MAX_SERIES + 1
    assert sum(point.count for point in points["gen_ai.client.operation.duration"]) == 3000
    assert len({point.attributes["mlsec.model.name"] for point in points["mlsec.findings"]}) == MAX_MODELS + 1
    assert sum(point.value for point in points["mlsec.findings"]) == 3000


@pytest.mark.parametrize("letter", [".", "-", "a.", "1 ", "@", "a@", "/"])
def test_what_is_masked_is_found_in_linear_time(letter):
    """What is not linear takes minutes here."""
    assert len(redacted(letter * 400_000, 100_000)) <= 100_000
