"""Each format, of a whole finding as its readers expect it, and of whatever else: one line, well-formed, bounded, not forged."""

import json
import unicodedata

import pytest
from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
from tests.emit.formats.conftest import ATTRIBUTES, BODY, HOSTILE, made, with_attribute
from tests.emit.formats.readers import read_cef, read_rfc5424

from otel_mlsec.emit.formats import TABLE, cef, ecs, ocsf, rfc5424
from otel_mlsec.emit.formats.fields import short

LONGEST = 256 << 10  # characters of one finding in any format


@pytest.fixture(scope="module")
def schema():
    whole = OcsfJsonSchemaEmbedded(get_ocsf_schema("1.8.0"))
    return Draft202012Validator(whole.get_class_schema("detection_finding", ["security_control"]))


def test_a_detection_finding(record, schema):
    body = ocsf(record)

    assert not list(schema.iter_errors(body))
    unmapped = body.pop("unmapped")
    assert unmapped["mlsec.evidence.queries"] == 12_345
    assert body == {
        "category_uid": 2, "category_name": "Findings", "class_uid": 2004, "class_name": "Detection Finding", "activity_id": 1,
        "activity_name": "Create", "type_uid": 200401, "type_name": "Detection Finding: Create", "status_id": 1, "status": "New",
        "severity_id": 4, "severity": "HIGH", "is_alert": True, "action_id": 3, "action": "Observed", "disposition_id": 15,
        "disposition": "Detected", "time": 1_775_656_800_123, "message": BODY, "count": 12_345,
        "metadata": {
            "version": "1.8.0", "uid": "018bcfe5-6be8-7000-8000-000000000000", "profiles": ["security_control"],
            "event_code": "mlsec.finding", "correlation_uid": "0af7651916cd43dd8448eb211c80319c", "log_provider": "fraud-scoring",
            "product": {"name": "otel-mlsec", "vendor_name": "otel-mlsec", "version": "0.1.0"},
        },
        "finding_info": {
            "uid": "f00dfeedf00dfeed", "title": "Model extraction", "types": ["extraction.account"],
            "first_seen_time": 1_775_570_400_000, "last_seen_time": 1_775_656_800_000,
            "analytic": {"type_id": 2, "name": "extraction/account", "version": "0.1.0"},
            "attacks": [{"version": "5.6.1", "technique": {"uid": uid}} for uid in ("AML.T0024.002", "AML.T0021")],
            "tags": [{"name": "owasp", "values": ["ML05:2023"]}],
        },
        "resources": [{"type": "AI Model", "name": "fraud", "version": "14"}],
        "evidences": [{"src_endpoint": {"ip": "192.0.2.7"}, "user": {"uid": "app:0123456789ab"}}],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("status", "activity", "status_id"),
    [("new", 1, 1), ("ongoing", 2, 2), ("reopened", 2, 2), ("resolved", 3, 4), ("asleep", 1, 1)],
)
def test_the_life_of_a_finding_is_create_update_close_of_one_case(status, activity, status_id):
    body = ocsf(with_attribute("mlsec.finding.status", status))

    assert (body["activity_id"], body["type_uid"], body["status_id"]) == (activity, 200400 + activity, status_id)


def test_every_hostile_record_is_valid_ocsf(all_hostile, schema):
    for name, record in all_hostile:
        body = json.loads(TABLE["ocsf"](record))
        assert not [error.message[:200] for error in schema.iter_errors(body)], name


def test_a_document_of_the_elastic_common_schema(record):
    body = ecs(record)

    assert {name: value for name, value in body.items() if not name.startswith("mlsec.")} == {
        "@timestamp": "2026-04-08T14:00:00.123Z", "ecs": {"version": "9.0.0"}, "message": BODY,
        "event": {
            "kind": "alert", "category": ["intrusion_detection"], "type": ["info"], "module": "otel_mlsec",
            "dataset": "otel_mlsec.finding", "provider": "otel-mlsec", "code": "mlsec.finding", "action": "extraction.account",
            "id": "018bcfe5-6be8-7000-8000-000000000000", "severity": 73, "start": "2026-04-07T14:00:00.000Z",
            "end": "2026-04-08T14:00:00.000Z",
        },
        "log": {"level": "error"},
        "rule": {"name": "extraction/account", "category": "extraction", "ruleset": "otel_mlsec", "version": "0.1.0"},
        "threat": {"framework": "MITRE ATLAS", "technique": {"id": ["AML.T0024.002", "AML.T0021"]}}, "tags": ["ML05:2023"],
        "client": {"address": "192.0.2.7", "ip": "192.0.2.7"}, "source": {"ip": "192.0.2.7"},
        "related": {"ip": ["192.0.2.7"], "user": ["app:0123456789ab"]}, "user": {"hash": "app:0123456789ab"},
        "trace": {"id": "0af7651916cd43dd8448eb211c80319c"}, "span": {"id": "b7ad6b7169203331"},
        "service": {"name": "fraud-scoring", "version": "3.1"}, "host": {"name": "web-1"},
    }  # fmt: skip
    assert body["mlsec.finding.score"] == 0.9


def test_drift_is_no_intrusion():
    assert "category" not in ecs(with_attribute("mlsec.finding.type", "drift.data"))["event"]


def test_the_common_event_format(record):
    header, fields = read_cef(cef(record))

    assert header == ["CEF:0", "otel-mlsec", "otel-mlsec", "0.1.0", "extraction.account", "Model extraction", "8"]
    assert fields["msg"] == BODY
    assert fields["externalId"] == "018bcfe5-6be8-7000-8000-000000000000"
    assert fields["rt"] == "1775656800123"
    assert (fields["src"], fields["suser"], fields["cnt"]) == ("192.0.2.7", "app:0123456789ab", "12345")
    assert (fields["cs2Label"], fields["cs2"]) == ("model", "fraud 14")
    assert (fields["cfp1Label"], fields["cfp1"]) == ("score", "0.9")


def test_an_address_of_version_6_has_a_field_of_its_own():
    _, fields = read_cef(cef(with_attribute("client.address", "2001:db8::1")))

    assert fields["c6a2"] == "2001:db8::1"
    assert "src" not in fields


def test_syslog(record):
    header, data, message = read_rfc5424(rfc5424(record))

    assert header == {
        "pri": "107", "time": "2026-04-08T14:00:00.123456Z", "host": "web-1", "app": "fraud-scoring", "pid": "-",
        "msgid": "mlsec.finding", "name": "mlsec@32473",
    }  # fmt: skip
    assert message == BODY
    assert data == {
        "id": "018bcfe5-6be8-7000-8000-000000000000", "case": "f00dfeedf00dfeed", "status": "new", "type": "extraction.account",
        "severity": "HIGH", "action": "observed", "model": "fraud", "rule": "extraction/account", "user": "app:0123456789ab",
        "src": "192.0.2.7", "trace": "0af7651916cd43dd8448eb211c80319c",
    }  # fmt: skip


@pytest.mark.parametrize(("number", "priority"), [(10, 110), (13, 108), (17, 107), (20, 106)])
def test_severities_of_syslog(number, priority):
    assert rfc5424(made(severity=number)).startswith(f"<{priority}>1 ")


@pytest.mark.parametrize("name", TABLE)
def test_whatever_is_in_a_record_comes_out_as_one_bounded_line(name, all_hostile):
    for what, record in all_hostile:
        line = TABLE[name](record)
        if name != "otlp":  # which is the record as it is
            assert len(line) < LONGEST, what
        assert (line.isascii() and line.isprintable()) or not _harmful(line), what
        line.encode("utf-8")


@pytest.mark.parametrize("name", ["ecs", "ocsf", "otlp"])
def test_documents_are_json(name, all_hostile):
    for what, record in all_hostile:
        assert isinstance(json.loads(TABLE[name](record), parse_constant=pytest.fail), dict), what


def test_syslog_says_what_was_said_and_nothing_else(all_hostile):
    for what, record in all_hostile:
        _, data, message = read_rfc5424(rfc5424(record))
        assert set(data) <= {"id", "case", "status", "type", "severity", "action", "model", "rule", "user", "src", "trace"}, what
        model = record.attributes.get("mlsec.model.name")
        assert data.get("model", "") == (short(model) if isinstance(model, str) else ""), what
        assert message == (short(record.body) or message), what


@pytest.mark.parametrize("what", HOSTILE)
def test_cef_says_what_was_said_and_nothing_else(what):
    hostile = short(HOSTILE[what])
    header, fields = read_cef(cef(made(attributes={**ATTRIBUTES, "mlsec.finding.title": hostile, "mlsec.model.name": hostile})))

    assert header[5] == (short(hostile, 256) or "extraction.account")
    assert fields["cs2"].strip() == f"{hostile} 14".strip()
    assert "forged" not in fields.get("msg", "")


def _harmful(line):
    return [c for c in line if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")]
