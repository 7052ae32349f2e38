"""Records as OTLP, in JSON and in protobuf: what is written can be read by others, and is the same in both."""

import base64
import json
import math

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData

from otel_mlsec.emit.otlp_json import decode, encode
from otel_mlsec.emit.otlp_proto import request
from otel_mlsec.emit.record import Record

texts = st.text(st.characters(codec="utf-8"), max_size=30)
plain = st.one_of(
    texts, st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False), st.lists(texts, max_size=3), st.none()
)
values = st.one_of(plain, st.dictionaries(texts, plain, max_size=3))
ids = st.sampled_from(["", "0af7651916cd43dd8448eb211c80319c"])
records = st.builds(
    Record, event=texts, time_ns=st.integers(0, 2**64 - 1), observed_ns=st.integers(0, 2**64 - 1), severity=st.integers(0, 24),
    severity_text=texts, body=texts, attributes=st.dictionaries(texts, values, max_size=4),
    resource=st.dictionaries(texts, plain, max_size=3), scope=texts, scope_version=texts, trace_id=ids,
    span_id=st.sampled_from(["", "b7ad6b7169203331"]), flags=st.integers(0, 2**32 - 1),
)  # fmt: skip


def read_by_protobuf(text: bytes) -> LogsData:
    """Ids are hexadecimal in OTLP's JSON, and base64 in protobuf's own."""
    tree = json.loads(text)
    log = tree[0]["scopeLogs"][0]["logRecords"][0]
    for name in ("traceId", "spanId"):
        log[name] = base64.b64encode(bytes.fromhex(log[name])).decode()
    return json_format.ParseDict({"resourceLogs": tree}, LogsData())


@given(records)
def test_json_says_what_protobuf_says(record):
    assert list(read_by_protobuf(encode(record)).resource_logs) == list(request([record]).resource_logs)


@given(records)
def test_what_is_written_is_read(record):
    again = decode(encode(record))

    assert encode(again) == encode(record)
    assert request([again]) == request([record])


def test_numbers_that_json_has_not(record_of):
    record = record_of(a=math.nan, b=math.inf, c=-math.inf, d=10**400)
    again = decode(encode(record)).attributes

    assert math.isnan(again["a"])
    assert (again["b"], again["c"], again["d"]) == (math.inf, -math.inf, math.inf)


def test_half_a_pair_is_replaced(record_of):
    [of_resource] = request([record_of(name="a\udc80b")]).resource_logs

    assert of_resource.scope_logs[0].log_records[0].attributes[0].value.string_value == "a?b"


@given(st.binary(max_size=200))
def test_what_is_no_record_is_a_value_error(text):
    with pytest.raises(ValueError, match="not the OTLP JSON"):
        decode(text)


@pytest.mark.parametrize(
    "path", [("timeUnixNano", "-1"), ("timeUnixNano", str(2**64)), ("severityNumber", 25), ("traceId", "xyz"), ("flags", 2**32)]
)
def test_what_protobuf_could_not_carry_is_no_record(path, record_of):
    tree = json.loads(encode(record_of()))
    tree[0]["scopeLogs"][0]["logRecords"][0][path[0]] = path[1]
    with pytest.raises(ValueError, match="not the OTLP JSON"):
        decode(json.dumps(tree).encode())


def test_neighbours_of_one_resource_share_it(record_of):
    message = request([record_of(), record_of(), record_of()])

    assert [len(r.scope_logs[0].log_records) for r in message.resource_logs] == [3]


@pytest.fixture
def record_of():
    return lambda **attributes: Record(event="e", time_ns=1, severity=9, body="b", attributes=attributes, resource={"x": 1})
