"""The SIEM gets what is on the list and nothing else; the backend of other telemetry gets masks for secrets."""

import json

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.collector.built import Collector
from tests.collector.running import wait_until
from tests.collector.sending import FINDING, RESOURCE, finding, log, pairs

pytestmark = pytest.mark.collector

SECRETS = {
    "mail": "alice@example.com",
    "card": "4111 1111 1111 1111",
    "service's key": "sk-abcdefghijklmnop1234",
    "web token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
}


def test_a_finding_keeps_its_own_attributes_and_nothing_that_the_application_added(gateway, backend):
    strange = {
        "prompt": "my mother's maiden name",
        "http.request.header.cookie": "a=b",
        "gen_ai.input.messages": "text",
        "user.email": "a@b.c",
    }
    record = finding("1")
    record.attributes.extend(pairs(strange))
    assert gateway.sender().send(record) == 200
    wait_until(lambda: gateway.findings() and gateway.bodies(), "the finding")

    [kept] = gateway.findings()
    assert set(kept.attributes) == {*FINDING, "mlsec.finding.id"}
    assert dict(kept.resource) == {name: value for name, value in RESOURCE.items() if name != "process.command_line"}
    [body] = gateway.bodies()
    assert set(body["unmapped"]) == {*FINDING, "mlsec.finding.id"}
    everything = json.dumps(body) + (gateway.state / "findings.jsonl").read_text()
    assert [text for text in strange.values() if text in everything] == []
    assert backend.logs() == []


@pytest.mark.parametrize("place", ["attribute", "body"])
def test_secrets_in_other_logs_are_masked(gateway, backend, place):
    texts = [f"before {secret} after" for secret in SECRETS.values()]
    logs = [log(text) for text in texts] if place == "body" else [log("x", note=text) for text in texts]
    assert gateway.sender().send(*logs, log("x", user_password="hunter2")) == 200
    wait_until(lambda: len(backend.logs()) == len(logs) + 1, "the logs")

    everything = " ".join(f"{record.body} {dict(record.attributes)}" for record in backend.logs())
    assert {name for name, secret in SECRETS.items() if secret in everything} == set()
    assert "hunter2" not in everything
    assert everything.count("before ") == everything.count(" after") == len(SECRETS)


def test_secrets_in_spans_are_masked(gateway, backend):
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(name="POST /ask", trace_id=b"t" * 16, span_id=b"s" * 8)
    span.attributes.extend(pairs({**SECRETS, "api_key": "k-1", "mlsec.finding.max_severity": "HIGH"}))
    assert gateway.sender().post("/v1/traces", request) == 200
    wait_until(backend.spans, "the span")

    sent = backend.spans()[0].SerializeToString()
    assert [name for name, secret in {**SECRETS, "api_key": "k-1"}.items() if secret.encode() in sent] == []


def test_no_shipped_configuration_holds_a_secret_or_the_batch_processor():
    for path in Collector.shipped():
        lines = [line.partition(" #")[0] for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
        for line in lines:
            assert not any(word in line.lower() for word in ("token:", "password:", "bearer ")) or "${env:" in line, line
            assert "batch" not in line, line
