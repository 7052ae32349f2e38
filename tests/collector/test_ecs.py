"""ecs.yaml: bodies against the fields of the Elastic Common Schema 9 and their types."""

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import pytest
from tests.collector.built import Collector
from tests.collector.running import wait_until
from tests.collector.sending import SPAN, TRACE, finding
from tests.collector.shapes import SHAPES

pytestmark = pytest.mark.collector

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z")


def keyword(value: Any) -> bool:
    return isinstance(value, str)


def keywords(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, str) for item in value)


def date(value: Any) -> bool:
    return isinstance(value, str) and INSTANT.fullmatch(value) is not None


def address(value: Any) -> bool:
    try:
        return bool(ipaddress.ip_address(value))
    except ValueError:
        return False


def addresses(value: Any) -> bool:
    return isinstance(value, list) and all(address(item) for item in value)


def integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


# Fields of ECS 9 that we write, and what each must be (https://www.elastic.co/docs/reference/ecs).
FIELDS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "@timestamp": date,
    "ecs.version": keyword,
    "message": keyword,
    "tags": keywords,
    "event.kind": lambda value: value == "alert",
    "event.category": lambda value: value == ["intrusion_detection"],
    "event.type": lambda value: value in (["info"], ["denied"]),  # of those expected for that category
    "event.module": keyword,
    "event.dataset": keyword,
    "event.provider": keyword,
    "event.code": keyword,
    "event.action": keyword,
    "event.id": keyword,
    "event.start": date,
    "event.end": date,
    "event.severity": integer,
    "log.level": keyword,
    "rule.name": keyword,
    "rule.category": keyword,
    "rule.ruleset": keyword,
    "rule.version": keyword,
    "threat.framework": keyword,
    "threat.technique.id": keywords,
    "client.address": keyword,
    "client.ip": address,
    "source.ip": address,
    "related.ip": addresses,
    "related.user": keywords,
    "user.hash": keyword,
    "trace.id": keyword,
    "span.id": keyword,
    "service.name": keyword,
    "service.version": keyword,
    "host.name": keyword,
}


def fields(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, dict) and not name.startswith(("mlsec.", "gen_ai.")):
            yield from fields(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def faults(body: Mapping[str, Any]) -> list[str]:
    ours = ("mlsec.", "gen_ai.")
    theirs = ((name, value) for name, value in fields(body) if not name.startswith(ours))
    return [f"{name}: {value!r}" for name, value in theirs if name not in FIELDS or not FIELDS[name](value)]


@pytest.fixture
def ecs(state, certificates, backend) -> Iterator[Collector]:
    made = Collector(
        state, "gateway.yaml", "ecs.yaml", "file.yaml", certificates=certificates, MLSEC_BACKEND=backend.receiver.url
    )
    with made.running():
        yield made


def test_a_finding_of_the_agent_becomes_an_alert(ecs):
    record = finding("018bcfe5-6be8-7000-8000-000000000000")
    record.time_unix_nano = 1_775_656_800_250_000_000
    assert ecs.sender().send(record) == 200
    wait_until(ecs.bodies, "the body")

    [body] = ecs.bodies()
    assert dict(fields(body)) | {"mlsec": None} == {
        "@timestamp": "2026-04-08T14:00:00.25Z",
        "ecs.version": "9.0.0",
        "message": "HIGH Model extraction: fraud 14 by app:0123456789ab",
        "tags": ["ML05:2023", "LLM10:2025"],
        "event.kind": "alert",
        "event.category": ["intrusion_detection"],
        "event.type": ["info"],
        "event.module": "otel_mlsec",
        "event.dataset": "otel_mlsec.finding",
        "event.provider": "otel-mlsec",
        "event.code": "mlsec.finding",
        "event.action": "extraction.account",
        "event.id": "018bcfe5-6be8-7000-8000-000000000000",
        "event.start": "2026-04-07T14:00:00Z",
        "event.end": "2026-04-08T14:00:00Z",
        "event.severity": 73,
        "log.level": "error",
        "rule.name": "extraction/account",
        "rule.category": "extraction",
        "rule.ruleset": "otel_mlsec",
        "rule.version": "0.1.0",
        "threat.framework": "MITRE ATLAS",
        "threat.technique.id": ["AML.T0024.002", "AML.T0021", "AML.T0008.005"],
        "client.address": "192.0.2.7",
        "client.ip": "192.0.2.7",
        "source.ip": "192.0.2.7",
        "related.ip": ["192.0.2.7"],
        "related.user": ["app:0123456789ab"],
        "user.hash": "app:0123456789ab",
        "trace.id": TRACE,
        "span.id": SPAN,
        "service.name": "fraud-scoring",
        "service.version": "2.3.1",
        "host.name": "ml-1",
        "mlsec": None,
        **{name: value for name, value in body.items() if name.startswith("mlsec.")},
    }
    assert body["mlsec.finding.status"] == "new"
    assert body["mlsec.finding.dedup_key"] == "f00dfeedf00dfeed"
    assert body["mlsec.evidence.queries"] == 12_345
    assert faults(body) == []
    assert "failed to execute statement" not in (ecs.state / "collector.log").read_text()


def test_drift_is_no_intrusion(ecs):
    assert ecs.sender().send(finding("1", mlsec__finding__type="drift.data")) == 200
    wait_until(ecs.bodies, "the body")

    assert "category" not in ecs.bodies()[0]["event"]


def test_whatever_shape_it_has_a_record_becomes_a_document_and_its_neighbours_too(ecs):
    sender = ecs.sender()
    answers = {name: sender.send(finding(f"{name}-before"), record, finding(f"{name}-after")) for name, record in SHAPES.items()}
    wait_until(lambda: len(ecs.bodies()) == 3 * len(SHAPES), "all of them")

    assert set(answers.values()) == {200}
    assert [faults(body) for body in ecs.bodies() if faults(body)] == []
