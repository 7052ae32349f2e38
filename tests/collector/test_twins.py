"""The agent's own OCSF and ECS and those of the Collector are one mapping: a SOC may change from one way to the other."""

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from tests.collector.built import Collector
from tests.collector.running import wait_until
from tests.collector.sending import RESOURCE, finding, pairs

from otel_mlsec.cli.record import records
from otel_mlsec.emit.formats import TABLE
from otel_mlsec.emit.record import Record

pytestmark = pytest.mark.collector

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")


def outside_a_trace() -> LogRecord:
    record = finding("no trace")
    record.ClearField("trace_id")
    record.ClearField("span_id")
    return record


FINDINGS = [
    *(finding(f"status {status}", mlsec__finding__status=status) for status in ("new", "ongoing", "reopened", "resolved")),
    *(finding(f"severity {severity}", mlsec__finding__severity=severity) for severity in ("LOW", "MEDIUM", "HIGH", "CRITICAL")),
    *(finding(f"action {action}", mlsec__finding__action=action) for action in ("observed", "blocked", "modified")),
    *(finding(f"rule {rule}", security_rule__name=rule) for rule in ("drift/data", "llm/prompt", "evasion/sequence")),
    *(finding(f"{n} techniques", mlsec__atlas__technique__id=[f"AML.T000{i}" for i in range(n)]) for n in range(4)),
    *(finding(f"{n} risks", mlsec__owasp__id=[f"ML0{i}:2023" for i in range(n)]) for n in range(3)),
    finding("drift", mlsec__finding__type="drift.data"),
    finding("IPv6", client__address="2001:db8::1"),
    finding("a socket", client__address="unix:/x"),
    finding("no client", without=["client.address"]),
    finding("no user", without=["user.hash"]),
    finding("neither", without=["client.address", "user.hash"]),
    finding("no model", without=["mlsec.model.name", "mlsec.model.version"]),
    finding("no version", without=["mlsec.model.version"]),
    finding("no rule", without=["security_rule.name"]),
    finding("no case", without=["mlsec.finding.dedup_key"]),
    finding("no title", without=["mlsec.finding.title"]),
    finding("no body", body=""),
    outside_a_trace(),
]


def as_the_agent_has_it(record: LogRecord) -> Record:
    request = ExportLogsServiceRequest()
    of_resource = request.resource_logs.add()
    of_resource.resource.attributes.extend(pairs(RESOURCE))
    scope = of_resource.scope_logs.add()
    scope.scope.name, scope.scope.version = "otel_mlsec", "0.1.0"
    scope.log_records.append(record)
    [made] = records(request)
    return made


def plain(value: Any) -> Any:
    """Without empty values, of which OTLP keeps some and a format none, and a time as the instant that it is."""
    match value:
        case dict():
            return {name: plain(inner) for name, inner in value.items() if inner not in ("", [], {})}
        case str() if INSTANT.fullmatch(value):
            return datetime.fromisoformat(value).timestamp()
        case _:
            return [plain(inner) for inner in value] if isinstance(value, list) else value


def same(collector: Collector, name: str, identifier: Callable[[Any], str]) -> None:
    assert collector.sender().send(*FINDINGS) == 200
    wait_until(lambda: len(collector.bodies()) == len(FINDINGS), "all of them")

    theirs = {identifier(body): plain(body) for body in collector.bodies()}
    ours = [json.loads(TABLE[name](as_the_agent_has_it(record))) for record in FINDINGS]
    assert {identifier(body): plain(body) for body in ours} == theirs


def test_detection_findings_are_the_same(gateway):
    same(gateway, "ocsf", lambda body: body["metadata"]["uid"])


def test_documents_of_the_elastic_common_schema_are_the_same(state, certificates, backend):
    made = Collector(
        state, "gateway.yaml", "ecs.yaml", "file.yaml", certificates=certificates, MLSEC_BACKEND=backend.receiver.url
    )
    with made.running():
        same(made, "ecs", lambda body: body["event"]["id"])
