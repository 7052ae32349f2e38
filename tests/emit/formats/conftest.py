"""A finding's record in full, and hostile texts for every field that holds one."""

from dataclasses import replace

import pytest

from otel_mlsec.emit.record import Record

BODY = "HIGH Model extraction: fraud 14 by app:0123456789ab"
ATTRIBUTES = {
    "mlsec.finding.severity": "HIGH", "mlsec.finding.type": "extraction.account", "mlsec.finding.title": "Model extraction",
    "mlsec.finding.status": "new", "mlsec.finding.action": "observed", "mlsec.finding.score": 0.9, "mlsec.finding.threshold": 0.5,
    "mlsec.finding.count": 12_345, "mlsec.model.name": "fraud", "mlsec.model.version": "14",
    "security_rule.name": "extraction/account", "security_rule.category": "extraction",
    "security_rule.ruleset.name": "otel_mlsec", "security_rule.version": "0.1.0", "user.hash": "app:0123456789ab",
    "client.address": "192.0.2.7", "mlsec.finding.first_seen": "2026-04-07T14:00:00Z",
    "mlsec.finding.last_seen": "2026-04-08T14:00:00Z", "mlsec.atlas.technique.id": ("AML.T0024.002", "AML.T0021"),
    "mlsec.atlas.version": "5.6.1", "mlsec.owasp.id": ("ML05:2023",), "mlsec.evidence.queries": 12_345,
    "mlsec.finding.id": "018bcfe5-6be8-7000-8000-000000000000", "mlsec.finding.dedup_key": "f00dfeedf00dfeed",
    "mlsec.schema.version": "1.0.0",
}  # fmt: skip
RESOURCE = {"service.name": "fraud-scoring", "service.version": "3.1", "host.name": "web-1"}
HOSTILE = {
    "line feed": "a\nb", "carriage return": "a\r\nb", "bar": "a|b", "equals": "a=b", "quotes": "a\"b'c", "bracket": "a]b",
    "backslash": "a\\b\\", "escape": "a\x1b[31mb", "null": "a\x00b", "next line": "a\x85b", "separator": "a\u2028b",
    "half a pair": "a\ud800b", "turned around": "a\u202eb", "forged": 'x"] y\n<106>1 2026-01-01T00:00:00Z evil - - - - forged',
    "markup": "<script>alert(1)</script>", "cef": "x|10|msg=forged cs1=y", "template": "${env:SECRET} %s {0}",
    "megabyte": "ü" * 500_000, "empty": "", "spaces": "  ", "emoji": "🙂" * 400,
}  # fmt: skip


def made(**changes) -> Record:
    whole = Record(
        event="mlsec.finding", time_ns=1_775_656_800_123_456_000, observed_ns=1_775_656_801_000_000_000, severity=17,
        severity_text="ERROR", body=BODY, attributes=ATTRIBUTES, resource=RESOURCE, scope="otel_mlsec", scope_version="0.1.0",
        trace_id="0af7651916cd43dd8448eb211c80319c", span_id="b7ad6b7169203331", flags=1,
    )  # fmt: skip
    return replace(whole, **changes)


def with_attribute(name: str, value) -> Record:
    return made(attributes={**ATTRIBUTES, name: value})


def hostile() -> list[tuple[str, Record]]:
    """Each text in each field that holds text, one at a time, and in all of them at once."""
    return [pair for what, text in HOSTILE.items() for pair in _each_field(what, text)] + _of_types()


def _each_field(what, text):
    for name, value in ATTRIBUTES.items():
        if isinstance(value, str | tuple):
            yield f"{what} in {name}", with_attribute(name, text if isinstance(value, str) else (text, text))
    for name in RESOURCE:
        yield f"{what} in {name}", made(resource={**RESOURCE, name: text})
    for name in ("body", "event", "severity_text", "scope_version", "trace_id"):
        yield f"{what} in {name}", made(**{name: text})
    yield f"{what} everywhere", _everywhere(text, body=text, event=text)
    yield f"{what} as a name", with_attribute(f"mlsec.evidence.{text}", text)


def _everywhere(value, **fields) -> Record:
    return made(attributes=dict.fromkeys(ATTRIBUTES, value), resource=dict.fromkeys(RESOURCE, value), **fields)


def _of_types():
    values = (None, True, 7, -(2**70), 0.5, float("nan"), float("inf"), [1, {}], {"a": {"b": [1]}})
    return [
        *((f"{value!r} everywhere", _everywhere(value)) for value in values),
        *((f"time {ns}", made(time_ns=ns, observed_ns=ns)) for ns in (0, 1, 2**63, 2**64 - 1)),
        ("nothing", made(attributes={}, resource={}, body="", event="", trace_id="", span_id="")),
    ]


@pytest.fixture
def record() -> Record:
    return made()


@pytest.fixture(scope="session")
def all_hostile() -> list[tuple[str, Record]]:
    return hostile()
