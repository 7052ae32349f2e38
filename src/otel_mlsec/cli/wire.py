"""Bytes of an OTLP/HTTP request → its message, within stated bounds of memory."""

import base64
import json
import zlib
from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

MAX_BODY = 4 << 20  # bytes as sent; a batch of the SDK is below 1 MiB
MAX_INFLATED = 16 << 20  # bytes after gzip

Request = ExportLogsServiceRequest | ExportTraceServiceRequest | ExportMetricsServiceRequest

SIGNALS: Mapping[str, type[Request]] = {
    "/v1/logs": ExportLogsServiceRequest,
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
}


class Refused(Exception):
    """A request that is not taken, with the HTTP status that says so."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def inflate(body: bytes) -> bytes:
    """Undo gzip, giving up at MAX_INFLATED bytes: 16 KiB on the wire can be 16 MiB in memory."""
    engine = zlib.decompressobj(wbits=31)
    try:
        plain = engine.decompress(body, MAX_INFLATED + 1)
    except zlib.error:
        raise Refused(400, "the body is not gzip") from None
    if len(plain) > MAX_INFLATED:
        raise Refused(413, f"the body inflates to more than {MAX_INFLATED} bytes")
    if not engine.eof or engine.unused_data:
        raise Refused(400, "the body is not one complete gzip member")
    return plain


def decode(path: str, content_type: str, encoding: str, body: bytes) -> Request:
    """The message that was sent to `path`; raises Refused."""
    kind = content_type.partition(";")[0].strip().lower()
    if encoding not in ("", "identity", "gzip"):
        raise Refused(415, "content-encoding must be gzip or identity")
    plain = inflate(body) if encoding == "gzip" else body
    message = SIGNALS[path]()
    if kind == "application/x-protobuf":
        _from_protobuf(message, plain)
    elif kind == "application/json":
        _from_json(message, plain)
    else:  # also what keeps web pages out: a browser sends these two types only after asking, and nobody answers
        raise Refused(415, "content-type must be application/x-protobuf or application/json")
    return message


def _from_protobuf(message: Message, plain: bytes) -> None:
    try:
        message.ParseFromString(plain)
    except DecodeError:
        raise Refused(400, "the body is not the protobuf message of this path") from None


def _from_json(message: Message, plain: bytes) -> None:
    try:
        tree = json.loads(plain)
        if isinstance(message, ExportLogsServiceRequest):
            _ids_to_base64(tree)
        json_format.ParseDict(tree, message, ignore_unknown_fields=True)  # OTLP: receivers ignore what they do not know
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError, json_format.ParseError):
        raise Refused(400, "the body is not the JSON message of this path") from None


def _ids_to_base64(tree: Any) -> None:
    """OTLP/JSON writes trace and span ids in hex where protobuf's own JSON has base64."""
    for resource in tree.get("resourceLogs", ()):
        for scope in resource.get("scopeLogs", ()):
            for record in scope.get("logRecords", ()):
                for key in ("traceId", "spanId"):
                    if record.get(key):
                        record[key] = base64.b64encode(bytes.fromhex(record[key])).decode()
