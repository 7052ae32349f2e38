"""ocsf.yaml: bodies against the published schema of OCSF 1.8.0, for whatever is sent."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from tests.collector.running import wait_until
from tests.collector.sending import SPAN, TRACE, finding
from tests.collector.shapes import SHAPES

pytestmark = pytest.mark.collector


@cache
def schema() -> Draft202012Validator:
    whole = OcsfJsonSchemaEmbedded(get_ocsf_schema("1.8.0"))
    return Draft202012Validator(whole.get_class_schema("detection_finding", ["security_control"]))


def faults(body: Any) -> list[str]:
    return [f"{list(error.absolute_path)}: {error.message[:200]}" for error in schema().iter_errors(body)]


@pytest.fixture
def written(gateway) -> Iterator[Any]:
    """Sends records in one request; gives what came out of the file leg."""

    def write(*records: LogRecord) -> list[Any]:
        assert gateway.sender().send(*records) == 200
        wait_until(lambda: len(gateway.bodies()) == len(records), f"{len(records)} bodies in {gateway.state}")
        return gateway.bodies()

    return write


def test_a_finding_of_the_agent_becomes_a_detection_finding(written):
    record = finding("018bcfe5-6be8-7000-8000-000000000000")
    [body] = written(record)

    unmapped = body.pop("unmapped")
    assert body == {
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": 2004,
        "class_name": "Detection Finding",
        "activity_id": 1,
        "activity_name": "Create",
        "type_uid": 200401,
        "type_name": "Detection Finding: Create",
        "status_id": 1,
        "status": "New",
        "severity_id": 4,
        "severity": "HIGH",
        "is_alert": True,
        "action_id": 3,
        "action": "Observed",
        "disposition_id": 15,
        "disposition": "Detected",
        "time": record.time_unix_nano // 1_000_000,
        "message": "HIGH Model extraction: fraud 14 by app:0123456789ab",
        "count": 12_345,
        "metadata": {
            "version": "1.8.0",
            "uid": "018bcfe5-6be8-7000-8000-000000000000",
            "profiles": ["security_control"],
            "event_code": "mlsec.finding",
            "correlation_uid": TRACE,
            "log_provider": "fraud-scoring",
            "product": {"name": "otel-mlsec", "vendor_name": "otel-mlsec", "version": "0.1.0"},
        },
        "finding_info": {
            "uid": "f00dfeedf00dfeed",
            "title": "Model extraction",
            "types": ["extraction.account"],
            "first_seen_time": 1_775_570_400_000,
            "last_seen_time": 1_775_656_800_000,
            "analytic": {"type_id": 2, "name": "extraction/account", "version": "0.1.0"},
            "attacks": [
                {"version": "5.6.1", "technique": {"uid": uid}} for uid in ("AML.T0024.002", "AML.T0021", "AML.T0008.005")
            ],
            "tags": [{"name": "owasp", "values": ["ML05:2023", "LLM10:2025"]}],
        },
        "resources": [{"type": "AI Model", "name": "fraud", "version": "14"}],
        "evidences": [{"src_endpoint": {"ip": "192.0.2.7"}, "user": {"uid": "app:0123456789ab"}}],
    }
    assert unmapped["mlsec.evidence.queries"] == 12_345
    assert faults({**body, "unmapped": unmapped}) == []


@pytest.mark.parametrize(
    ("status", "activity", "type_uid", "status_id"),
    [("new", 1, 200401, 1), ("ongoing", 2, 200402, 2), ("reopened", 2, 200402, 2), ("resolved", 3, 200403, 4)],
)
def test_the_life_of_a_finding_is_create_update_close_of_one_case(written, status, activity, type_uid, status_id):
    [body] = written(finding("1", mlsec__finding__status=status))

    assert (body["activity_id"], body["type_uid"], body["status_id"]) == (activity, type_uid, status_id)
    assert (body["finding_info"]["uid"], body["metadata"]["uid"]) == ("f00dfeedf00dfeed", "1")
    assert faults(body) == []


def test_severity_and_action_have_their_numbers(written):
    words = {"LOW": 2, "MEDIUM": 3, "HIGH": 4, "CRITICAL": 5}
    actions = {"observed": (3, 15), "blocked": (2, 2), "modified": (4, 11)}
    bodies = written(
        *(finding(word, mlsec__finding__severity=word) for word in words),
        *(finding(action, mlsec__finding__action=action) for action in actions),
    )

    found = {body["metadata"]["uid"]: body for body in bodies}
    assert {word: found[word]["severity_id"] for word in words} == words
    assert {action: (found[action]["action_id"], found[action]["disposition_id"]) for action in actions} == actions
    assert [faults(body) for body in bodies] == [[]] * len(bodies)


def test_whatever_shape_it_has_a_record_becomes_valid_and_its_neighbours_too(gateway):
    """Of each malformed shape one, between two good ones, in one request each."""
    sender = gateway.sender()
    answers = {name: sender.send(finding(f"{name}-before"), record, finding(f"{name}-after")) for name, record in SHAPES.items()}
    wait_until(lambda: len(gateway.bodies()) == 3 * len(SHAPES), "all of them")

    assert set(answers.values()) == {200}
    bodies = gateway.bodies()
    assert {body["metadata"]["uid"]: faults(body) for body in bodies if faults(body)} == {}
    kept = {body["metadata"]["uid"] for body in bodies}
    assert {f"{name}-{place}" for name in SHAPES for place in ("before", "after")} <= kept


def test_what_is_missing_or_malformed_is_left_out_and_not_made_up(written):
    names = ("no client, no user", "client is no address", "no model", "no trace", "techniques are a text")
    bodies = written(*(SHAPES[name] for name in names))

    found = {body["metadata"]["uid"]: body for body in bodies}
    assert "evidences" not in found["no client, no user"]
    assert found["client is no address"]["evidences"] == [{"user": {"uid": "app:0123456789ab"}}]
    assert "resources" not in found["no model"]
    assert "correlation_uid" not in found["no trace"]["metadata"]
    assert "attacks" not in found["techniques are a text"]["finding_info"]


def test_nothing_of_a_good_finding_fails_quietly(gateway):
    assert gateway.sender().send(finding("1")) == 200
    wait_until(gateway.bodies, "the body")

    assert "failed to execute statement" not in (gateway.state / "collector.log").read_text()


def test_a_json_body_of_the_agent_is_passed_through_as_it_is(written):
    made = json.dumps({"class_uid": 2004, "z": 1, "a": [1, {"b": "ü\n"}]}, indent=1)
    [body] = written(finding("1", body=made))

    assert body == made


def test_only_five_attributes_stay_beside_a_body(gateway):
    assert gateway.sender().send(finding("1"), finding("2", body="{}")) == 200
    wait_until(lambda: len(gateway.bodies()) == 2, "both")

    names = {"id", "dedup_key", "type", "severity", "status"}
    for record in gateway.findings("findings.body.jsonl"):
        assert set(record.attributes) == {f"mlsec.finding.{name}" for name in names}
        assert (record.trace_id, record.span_id) == (TRACE, SPAN)
