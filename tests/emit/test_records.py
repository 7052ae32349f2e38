"""The log record of a finding, whole."""

from dataclasses import replace

import numpy as np
import pytest
from opentelemetry._logs import SeverityNumber
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from otel_mlsec.finding import Severity, Status
from otel_mlsec.observation import Model


def described(record):
    return {
        "event": record.event_name,
        "times": (record.timestamp, record.observed_timestamp),
        "severity": (record.severity_number, record.severity_text),
        "trace": (record.trace_id, record.span_id),
        "body": record.body,
        "attributes": [(name, type(value), value) for name, value in record.attributes.items()],
    }


def test_a_finding_is_a_log_record(telemetry, call, finding):
    telemetry.send(call, finding)

    assert described(telemetry.record) == {
        "event": "mlsec.finding",
        "times": (1_365_429_600_250_000_000, 1_700_000_001_000_000_000),
        "severity": (SeverityNumber.ERROR, "ERROR"),
        "trace": (0xA, 0xD),
        "body": "HIGH Data drift: flights 3, temp +1.2 sd (+9.1) JS 0.54 [0.50, 0.58]",
        "attributes": [
            ("mlsec.finding.severity", str, "HIGH"),
            ("mlsec.finding.type", str, "drift.data"),
            ("mlsec.finding.title", str, "Data drift"),
            ("mlsec.finding.status", str, "new"),
            ("mlsec.finding.action", str, "observed"),
            ("mlsec.finding.score", float, 2_500_000.0),
            ("mlsec.finding.threshold", float, 2_000_000.0),
            ("mlsec.finding.count", int, 12_345),
            ("mlsec.model.name", str, "flights"),
            ("mlsec.model.version", str, "3"),
            ("mlsec.model.framework", str, "xgboost"),
            ("mlsec.model.operation", str, "predict_proba"),
            ("security_rule.name", str, "drift/data"),
            ("security_rule.category", str, "drift"),
            ("security_rule.ruleset.name", str, "otel_mlsec"),
            ("security_rule.version", str, "0.0"),
            ("user.hash", str, "app:0123456789ab"),
            ("client.address", str, "192.0.2.7"),
            ("mlsec.finding.first_seen", str, "2013-04-07T14:00:00Z"),
            ("mlsec.finding.last_seen", str, "2013-04-08T14:00:00Z"),
            ("mlsec.evidence.features", tuple, ("temp",)),
            ("mlsec.evidence.n_features", int, 1),
            ("mlsec.evidence.js_distance", float, 0.5),
            ("mlsec.evidence.shift", float, 9.0),
            ("mlsec.evidence.independent", bool, False),
            ("mlsec.evidence.reference", str, "fitted"),
            ("mlsec.finding.id", str, "018bcfe5-6be8-7000-8000-000000000000"),
            ("mlsec.finding.dedup_key", str, finding.dedup_key),
            ("mlsec.schema.version", str, "1.0.0"),
        ],
    }


def test_a_finding_against_what_nobody_has_vouched_for_says_so_in_its_line(telemetry, call, finding):
    telemetry.send(call, replace(finding, evidence={**finding.evidence, "reference": "provisional"}))

    assert telemetry.record.body == "HIGH Data drift: flights 3, temp +1.2 sd (+9.1) JS 0.54 [0.50, 0.58] (provisional reference)"


def test_what_is_not_known_is_left_out(telemetry, call, finding):
    unknown = Model(name="flights")
    telemetry.send(
        replace(call, model=unknown, principal="", attributes=None, span=None), replace(finding, model=unknown, evidence={})
    )

    assert telemetry.record.body.startswith("HIGH Data drift: flights, temp")
    assert list(telemetry.record.attributes)[8:] == [
        "mlsec.model.name",
        "mlsec.model.operation",
        "security_rule.name",
        "security_rule.category",
        "security_rule.ruleset.name",
        "security_rule.version",
        "mlsec.finding.first_seen",
        "mlsec.finding.last_seen",
        "mlsec.finding.id",
        "mlsec.finding.dedup_key",
        "mlsec.schema.version",
    ]


def test_a_finding_about_another_than_who_asked_last_is_about_him(telemetry, call, finding):
    telemetry.send(call, replace(finding, principal="app:ba9876543210"), replace(finding, principal=call.principal))

    other, same = (dict(record.attributes) for record in telemetry.records_out())
    assert (other["user.hash"], "client.address" in other) == ("app:ba9876543210", False)
    assert (same["user.hash"], same["client.address"]) == (call.principal, "192.0.2.7")


@pytest.mark.parametrize(
    ("kind", "techniques", "risks"),
    [
        ("anomaly.input", ("AML.T0043",), ("ML01:2023",)),
        ("evasion.near_duplicate", ("AML.T0043.001", "AML.T0015", "AML.T0042"), ("ML01:2023",)),
        ("evasion.sequence", ("AML.T0043.001", "AML.T0015", "AML.T0042"), ("ML01:2023",)),
        ("extraction.account", ("AML.T0024.002", "AML.T0005.001"), ("ML05:2023", "LLM10:2025")),
        ("extraction.volume", ("AML.T0034.000",), ("LLM10:2025",)),
        ("extraction.coordinated", ("AML.T0024.002", "AML.T0021", "AML.T0008.005"), ("ML05:2023", "LLM10:2025")),
        ("drift.data", None, None),
    ],
)
def test_attacks_on_tables_carry_techniques_and_risks_and_drift_none(telemetry, call, finding, kind, techniques, risks):
    telemetry.send(call, replace(finding, kind=kind))

    said = telemetry.record.attributes
    assert (said.get("mlsec.atlas.technique.id"), said.get("mlsec.owasp.id")) == (techniques, risks)


@pytest.mark.parametrize(
    ("severity", "number", "text"),
    [
        (Severity.LOW, SeverityNumber.INFO2, "INFO"),
        (Severity.MEDIUM, SeverityNumber.WARN, "WARN"),
        (Severity.HIGH, SeverityNumber.ERROR, "ERROR"),
        (Severity.CRITICAL, SeverityNumber.ERROR4, "ERROR"),
    ],
)
def test_severity_is_opentelemetrys_number_with_its_own_text(telemetry, call, finding, severity, number, text):
    telemetry.send(call, replace(finding, severity=severity, status=Status.RESOLVED))

    assert (telemetry.record.severity_number, telemetry.record.severity_text) == (number, text)
    assert telemetry.record.attributes["mlsec.finding.severity"] == severity.name
    assert telemetry.record.attributes["mlsec.finding.status"] == "resolved"


def test_a_finding_of_a_call_that_was_sampled_out_leaves_in_its_trace(sending, call, finding):
    telemetry = sending(sampler=ALWAYS_OFF)
    telemetry.send(call, finding)

    assert telemetry.n_spans == 0
    assert telemetry.record.trace_id == 0xA
    assert telemetry.record.attributes["mlsec.finding.id"]


def test_a_finding_outside_a_trace_has_none(telemetry, call, finding):
    telemetry.emit(finding, Context(), call)

    assert not telemetry.record.trace_id


def test_numbers_of_numpy_leave_as_numbers(telemetry, call, finding):
    evidence = {
        "f32": np.float32(0.5), "f64": np.float64(0.25), "i64": np.int64(7), "u8": np.uint8(8), "yes": np.bool_(True),
        "cell": np.array([2.0]), "text": np.str_("a"), "names": ("a", np.str_("b")), "long": np.longdouble(1.5),
    }  # fmt: skip
    telemetry.send(call, replace(finding, score=np.float32(2), threshold=3, count=np.int64(4), evidence=evidence))

    attributes = telemetry.record.attributes
    values = {name.removeprefix("mlsec.evidence."): value for name, value in attributes.items() if "evidence" in name}
    assert values == {
        "f32": 0.5, "f64": 0.25, "i64": 7, "u8": 8, "yes": True, "cell": 2.0, "text": "a", "names": ("a", "b"), "long": 1.5,
    }  # fmt: skip
    assert [type(value) for value in values.values()] == [float, float, int, int, bool, float, str, tuple, float]
    kept = [attributes[f"mlsec.finding.{name}"] for name in ("score", "threshold", "count")]
    assert [(type(value), value) for value in kept] == [(float, 2.0), (float, 3.0), (int, 4)]


def test_what_is_no_value_of_an_attribute_is_left_out(telemetry, call, finding):
    evidence = {"rows": np.zeros((3, 3)), "thing": object(), "none": None, "map": {"a": 1}, "kept": 1}
    telemetry.send(call, replace(finding, evidence=evidence))

    assert [name for name in telemetry.record.attributes if "evidence" in name] == ["mlsec.evidence.kept"]


def test_evidence_is_bounded(telemetry, call, finding):
    evidence = {"names": tuple(str(i) for i in range(1000)), **{f"e{i}": i for i in range(1000)}}
    telemetry.send(call, replace(finding, evidence=evidence))

    attributes = telemetry.record.attributes
    assert len(attributes["mlsec.evidence.names"]) == 32
    assert sum("evidence" in name for name in attributes) == 64
    assert list(attributes)[-1] == "mlsec.schema.version"


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -float("inf"), -1e18, 1e18, 0.0])
def test_a_time_that_no_clock_shows_gives_that_of_the_record(telemetry, call, finding, seconds):
    telemetry.send(call, replace(finding, time=seconds, first_seen=seconds))

    assert telemetry.record.timestamp == telemetry.record.observed_timestamp
    assert ("mlsec.finding.first_seen" in telemetry.record.attributes) == (seconds == 0)


def test_the_worst_record_can_still_be_encoded(telemetry, call, finding):
    evidence = {"big": 10**400, "large": 2**64, "inf": float("inf"), "half": "\ud800", "halves": ("\udfff",), "k\ud800\n": 1}
    telemetry.send(call, replace(finding, score=float("inf"), evidence=evidence, summary="\ud83d", title="\x00"))

    encoded = encode_logs(telemetry._logs.get_finished_logs()).SerializeToString()
    assert b"mlsec.evidence.k" in encoded
    assert telemetry.record.attributes["mlsec.evidence.large"] == 2.0**64
    assert "mlsec.evidence.big" not in telemetry.record.attributes
