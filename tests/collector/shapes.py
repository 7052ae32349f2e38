"""Records that no agent of ours makes, and that anybody with a certificate can send."""

from collections.abc import Mapping
from typing import Final

from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from tests.collector.sending import FINDING, finding, pairs


def _changed(name: str, /, **changes: object) -> LogRecord:
    return finding(name, **changes)


def _all_of(kind: str, value: object) -> LogRecord:
    """Every attribute of one kind, the identifier excepted."""
    record = finding(kind, without=FINDING)
    record.attributes.extend(pairs(dict.fromkeys(FINDING, value)))
    return record


def _outside_a_trace() -> LogRecord:
    record = finding("no trace")
    record.ClearField("trace_id")
    record.ClearField("span_id")
    return record


def _without_time() -> LogRecord:
    record = finding("no time")
    record.time_unix_nano = 0
    return record


def _body(name: str, body: AnyValue) -> LogRecord:
    record = finding(name)
    record.body.CopyFrom(body)
    return record


def _empty_value() -> LogRecord:
    record = finding("empty value", without=["mlsec.model.name"])
    record.attributes.add().key = "mlsec.model.name"
    return record


SHAPES: Final[Mapping[str, LogRecord]] = {
    "nothing at all": finding("nothing", without=[*FINDING, "mlsec.finding.id"]),
    "no id": finding("no id", without=["mlsec.finding.id"]),
    "no case": finding("no case", without=["mlsec.finding.dedup_key"]),
    "no model": finding("no model", without=["mlsec.model.name"]),
    "no rule": finding("no rule", without=["security_rule.name"]),
    "no client, no user": finding("no client, no user", without=["client.address", "user.hash"]),
    "no trace": _outside_a_trace(),
    "no time": _without_time(),
    "score is a text": _changed("score is a text", mlsec__finding__score="0.9"),
    "score is whole": _changed("score is whole", mlsec__finding__score=1),
    "count is a text": _changed("count is a text", mlsec__finding__count="many"),
    "count is a fraction": _changed("count is a fraction", mlsec__finding__count=1.5),
    "techniques are a text": _changed("techniques are a text", mlsec__atlas__technique__id="AML.T0015"),
    "techniques are numbers": _changed("techniques are numbers", mlsec__atlas__technique__id=[1, 2]),
    "no techniques": _changed("no techniques", mlsec__atlas__technique__id=[]),
    "one technique": _changed("one technique", mlsec__atlas__technique__id=["AML.T0015"]),
    "many techniques": _changed("many techniques", mlsec__atlas__technique__id=[f"AML.T{i:04}" for i in range(50)]),
    "techniques are mixed": _changed("techniques are mixed", mlsec__atlas__technique__id=["AML.T0015", 7, {}]),
    "risks are numbers": _changed("risks are numbers", mlsec__owasp__id=[1]),
    "many risks": _changed("many risks", mlsec__owasp__id=["a", "b", "c"]),
    "severity is unheard of": _changed("severity is unheard of", mlsec__finding__severity="WEIRD"),
    "severity is a number": _changed("severity is a number", mlsec__finding__severity=4),
    "status is unheard of": _changed("status is unheard of", mlsec__finding__status="asleep"),
    "status is a list": _changed("status is a list", mlsec__finding__status=["new"]),
    "action is unheard of": _changed("action is unheard of", mlsec__finding__action="sang"),
    "client is no address": _changed("client is no address", client__address="unix:/x"),
    "client is nearly an address": _changed("client is nearly an address", client__address="999.1.1.1"),
    "client is IPv6": _changed("client is IPv6", client__address="2001:db8::1"),
    "client is a map": _changed("client is a map", client__address={"a": 1}),
    "first seen is no time": _changed("first seen is no time", mlsec__finding__first_seen="yesterday"),
    "first seen is no day": _changed("first seen is no day", mlsec__finding__first_seen="2026-13-45T99:99:99Z"),
    "first seen is a number": _changed("first seen is a number", mlsec__finding__first_seen=5),
    "a map": _all_of("a map", {"a": {"b": [1]}}),
    "a text": _all_of("a text", "x"),
    "a number": _all_of("a number", 7),
    "a fraction": _all_of("a fraction", float("nan")),
    "a truth": _all_of("a truth", True),
    "a list": _all_of("a list", [[], {}]),
    "empty value": _empty_value(),
    "body is a map": _body("body is a map", AnyValue(kvlist_value={"values": pairs({"a": 1})})),
    "body is a number": _body("body is a number", AnyValue(int_value=4)),
    "body is bytes": _body("body is bytes", AnyValue(bytes_value=b"\xff\x00")),
    "no body": _body("no body", AnyValue()),
    "hostile": finding(
        'a"]\\\n<106>1',
        body="x\n<106>1 2026-01-01T00:00:00Z evil - - - - forged\x00\u202e",
        mlsec__model__name='m"]\\\r\n\x1b[31m',
    ),
    "large": finding("large", body="xü" * 500_000, mlsec__model__name="yü" * 100_000),
}
