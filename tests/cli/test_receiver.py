"""What the receiver refuses, and that it goes on receiving afterwards."""

import collections
import gzip
import http.client
import json
import socket
import time
from collections.abc import Iterator

import pytest

from otel_mlsec import errors
from otel_mlsec.cli import receiver as module
from otel_mlsec.cli.receiver import Receiver
from otel_mlsec.cli.record import records
from otel_mlsec.cli.wire import MAX_BODY, MAX_INFLATED, Request

PROTOBUF = {"content-type": "application/x-protobuf"}
JSON = {"content-type": "application/json; charset=utf-8"}
LOG = {
    "timeUnixNano": "1365429600000000000",
    "severityNumber": 17,
    "eventName": "mlsec.finding",
    "traceId": "5B8EFFF798038103D269B633813FC60C",
    "spanId": "EEE19B7EC3C1B174",
    "body": {"stringValue": "hello"},
    "attributes": [
        {"key": "text", "value": {"stringValue": "a"}},
        {"key": "yes", "value": {"boolValue": True}},
        {"key": "count", "value": {"intValue": "9007199254740993"}},
        {"key": "score", "value": {"doubleValue": 0.5}},
        {"key": "raw", "value": {"bytesValue": "/wA="}},
        {"key": "names", "value": {"arrayValue": {"values": [{"stringValue": "temp"}, {"intValue": "1"}]}}},
        {"key": "nested", "value": {"kvlistValue": {"values": [{"key": "k", "value": {}}]}}},
        {"key": "of the future", "value": {"unheardOf": 1}},
    ],
}


def logs(*log_records: dict[str, object]) -> bytes:
    return json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": list(log_records)}]}]}).encode()


class Taking:
    def __init__(self) -> None:
        self.taken: list[Request] = []
        self.receiver = Receiver(self.taken.append, port=0)

    def post(self, body: bytes, headers: dict[str, str], path: str = "/v1/logs") -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.receiver.server_address[1], timeout=10)
        try:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()


@pytest.fixture
def taking() -> Iterator[Taking]:
    taking = Taking()
    with taking.receiver:
        yield taking


def test_json_carries_the_same_record_as_protobuf(taking):
    status, answer = taking.post(logs(LOG), JSON)

    [record] = records(taking.taken[0])
    assert (status, answer) == (200, "{}")
    assert (record.event, record.time, record.severity, record.body) == ("mlsec.finding", 1365429600.0, 17, "hello")
    assert (record.trace_id, record.span_id) == ("5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174")
    assert record.attributes == {
        "text": "a",
        "yes": True,
        "count": 9007199254740993,
        "score": 0.5,
        "raw": "ff00",
        "names": ["temp", 1],
        "nested": {"k": None},
        "of the future": None,
    }

    assert taking.post(taking.taken[0].SerializeToString(), PROTOBUF) == (200, "")
    assert taking.taken[1] == taking.taken[0]


def test_gzip_is_undone(taking):
    assert taking.post(gzip.compress(logs(LOG)), {**JSON, "content-encoding": "gzip"}) == (200, "{}")
    assert len(taking.taken) == 1


BOMB = gzip.compress(bytes(MAX_INFLATED + 1))
GZIP = {**PROTOBUF, "content-encoding": "gzip"}
NESTED = b'{"resourceLogs":' + b"[" * 100_000 + b"]" * 100_000 + b"}"


@pytest.mark.parametrize(
    ("body", "headers", "path", "status", "sentence"),
    [
        (BOMB, GZIP, "/v1/logs", 413, "inflates to more than"),
        (gzip.compress(logs(LOG))[:-9], GZIP, "/v1/logs", 400, "not one complete gzip member"),
        (gzip.compress(b"") * 2, GZIP, "/v1/logs", 400, "not one complete gzip member"),
        (b"not gzip", GZIP, "/v1/logs", 400, "not gzip"),
        (b"", {**PROTOBUF, "content-encoding": "br"}, "/v1/logs", 415, "gzip or identity"),
        (b"\xff\xff", PROTOBUF, "/v1/logs", 400, "not the protobuf message"),
        (b"\xff\xff", PROTOBUF, "/v1/metrics", 400, "not the protobuf message"),
        (b"{", JSON, "/v1/logs", 400, "not the JSON message"),
        (b"[]", JSON, "/v1/logs", 400, "not the JSON message"),
        (b"[1]", JSON, "/v1/traces", 400, "not the JSON message"),
        (NESTED, JSON, "/v1/logs", 400, "not the JSON message"),
        (logs({"traceId": "not hex"}), JSON, "/v1/logs", 400, "not the JSON message"),
        (logs({"traceId": 7}), JSON, "/v1/logs", 400, "not the JSON message"),
        (logs(LOG), {"content-type": "text/plain"}, "/v1/logs", 415, "content-type must be"),
        (logs(LOG), {**JSON, "origin": "https://example.com"}, "/v1/logs", 403, "not for web pages"),
        (logs(LOG), JSON, "/", 404, "/v1/logs"),
        (b"", {**PROTOBUF, "content-length": str(MAX_BODY + 1)}, "/v1/logs", 413, "larger than"),
        (b"", {**PROTOBUF, "content-length": "9" * 5000}, "/v1/logs", 413, "larger than"),
        (b"", {**PROTOBUF, "content-length": "-1"}, "/v1/logs", 411, "content-length"),
        (b"", {**PROTOBUF, "transfer-encoding": "chunked", "content-length": ""}, "/v1/logs", 411, "content-length"),
    ],
)
def test_what_is_refused_is_told_why_and_the_next_is_taken(taking, body, headers, path, status, sentence):
    refused, answer = taking.post(body, headers, path)

    assert refused == status
    assert sentence in answer
    assert taking.taken == []
    assert taking.post(logs(LOG), JSON) == (200, "{}")


def test_one_connection_carries_many_requests(taking):
    connection = http.client.HTTPConnection("127.0.0.1", taking.receiver.server_address[1], timeout=10)
    for _ in range(3):
        connection.request("POST", "/v1/traces", b"", PROTOBUF)
        assert connection.getresponse().read() == b""
    connection.close()

    assert len(taking.taken) == 3


def test_a_failure_of_the_taker_is_contained_and_the_sender_does_not_repeat_it_for_ever(monkeypatch):
    monkeypatch.setattr(errors, "raising", False)
    monkeypatch.setattr(errors, "counts", collections.Counter())
    taking = Taking()

    def take(request: Request) -> None:
        taking.taken.append(request)
        raise LookupError("a bug of ours")

    taking.receiver._take = take
    with taking.receiver:
        answers = [taking.post(b"", PROTOBUF) for _ in range(2)]

    assert answers == [(200, "")] * 2
    assert len(taking.taken) == 2
    assert errors.counts == {"cli.receiver": 2}


def test_connections_are_bounded_and_silent_ones_are_let_go(monkeypatch):
    monkeypatch.setattr(module._Handler, "timeout", 0.3)
    monkeypatch.setattr(module, "MAX_CONNECTIONS", 3)
    taking = Taking()
    with taking.receiver:
        silent = [socket.create_connection(taking.receiver.server_address) for _ in range(3)]
        with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
            taking.post(b"", PROTOBUF)  # the fourth

        time.sleep(0.6)

        assert taking.post(b"", PROTOBUF) == (200, "")
        for connection in silent:
            connection.close()


def test_it_listens_on_this_machine_only(taking):
    assert taking.receiver.server_address[0] == "127.0.0.1"
    with pytest.raises(OSError, match="in use"):
        Receiver(taking.taken.append, port=taking.receiver.server_address[1])
