"""OTLP requests as an agent sends them, well-formed or not, over a connection that stays open."""

import http.client
import ssl
import time
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from tests.collector.certificates import TOKEN, Certificates

NUMBERS = {"LOW": 10, "MEDIUM": 13, "HIGH": 17, "CRITICAL": 20}
TEXTS = {"LOW": "INFO", "MEDIUM": "WARN", "HIGH": "ERROR", "CRITICAL": "ERROR"}
TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"
RESOURCE = {"service.name": "fraud-scoring", "service.version": "2.3.1", "host.name": "ml-1", "process.command_line": "serve"}
# One of the agent's, as tests/emit/test_records.py has it.
FINDING: Mapping[str, Any] = {
    "mlsec.finding.severity": "HIGH",
    "mlsec.finding.type": "extraction.account",
    "mlsec.finding.title": "Model extraction",
    "mlsec.finding.status": "new",
    "mlsec.finding.action": "observed",
    "mlsec.finding.score": 2_500_000.0,
    "mlsec.finding.threshold": 2_000_000.0,
    "mlsec.finding.count": 12_345,
    "mlsec.model.name": "fraud",
    "mlsec.model.version": "14",
    "mlsec.model.framework": "xgboost",
    "mlsec.model.operation": "predict_proba",
    "security_rule.name": "extraction/account",
    "security_rule.category": "extraction",
    "security_rule.ruleset.name": "otel_mlsec",
    "security_rule.version": "0.1.0",
    "user.hash": "app:0123456789ab",
    "client.address": "192.0.2.7",
    "mlsec.finding.first_seen": "2026-04-07T14:00:00Z",
    "mlsec.finding.last_seen": "2026-04-08T14:00:00Z",
    "mlsec.atlas.technique.id": ["AML.T0024.002", "AML.T0021", "AML.T0008.005"],
    "mlsec.atlas.version": "5.6.1",
    "mlsec.owasp.id": ["ML05:2023", "LLM10:2025"],
    "mlsec.evidence.queries": 12_345,
    "mlsec.finding.dedup_key": "f00dfeedf00dfeed",
    "mlsec.schema.version": "1.0.0",
}


def finding(identifier: str, /, *, without: Iterable[str] = (), body: str | None = None, **changes: Any) -> LogRecord:
    """A finding's record; keywords change its attributes, with `__` for a dot."""
    attributes = {**FINDING, "mlsec.finding.id": identifier, **{key.replace("__", "."): value for key, value in changes.items()}}
    severity = str(attributes["mlsec.finding.severity"])
    text = f"{severity} Model extraction: fraud 14 by app:0123456789ab" if body is None else body
    record = log(text, event="mlsec.finding", **{key: value for key, value in attributes.items() if key not in set(without)})
    record.severity_number, record.severity_text = NUMBERS.get(severity, 0), TEXTS.get(severity, "")
    record.trace_id, record.span_id = bytes.fromhex(TRACE), bytes.fromhex(SPAN)
    return record


def log(body: str, /, *, event: str = "", **attributes: Any) -> LogRecord:
    record = LogRecord(event_name=event, time_unix_nano=time.time_ns(), severity_number=9, body=AnyValue(string_value=body))
    record.attributes.extend(pairs(attributes))
    return record


def pairs(values: Mapping[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=_value(value)) for key, value in values.items()]


def _value(value: Any) -> AnyValue:
    match value:
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case list():
            made = AnyValue()
            made.array_value.SetInParent()
            made.array_value.values.extend(_value(item) for item in value)
            return made
        case dict():
            made = AnyValue()
            made.kvlist_value.SetInParent()
            made.kvlist_value.values.extend(pairs(value))
            return made
        case _:
            return AnyValue(string_value=str(value))


class Sender:
    """Posts to one Collector.  `token` "" sends none; without `certificates` it is plain HTTP."""

    def __init__(self, url: str, certificates: Certificates | None = None, *, token: str = TOKEN, known: bool = True) -> None:
        address = urlsplit(url)
        self._headers = {"content-type": "application/x-protobuf", **({"authorization": f"Bearer {token}"} if token else {})}
        assert address.hostname is not None
        if certificates is None:
            self._connection = http.client.HTTPConnection(address.hostname, address.port, timeout=20)
            return
        context = ssl.create_default_context(cafile=certificates.path("ca.crt"))
        if known:
            context.load_cert_chain(certificates.path("client.crt"), certificates.path("client.key"))
        self._connection = http.client.HTTPSConnection(address.hostname, address.port, timeout=20, context=context)

    def post(self, path: str, message: Any) -> int:
        self._connection.request("POST", path, message.SerializeToString(), self._headers)
        answer = self._connection.getresponse()
        answer.read()
        return answer.status

    def send(self, *records: LogRecord, resource: Mapping[str, Any] = RESOURCE) -> int:
        """The status of one request with these records."""
        request = ExportLogsServiceRequest()
        of_resource = request.resource_logs.add()
        of_resource.resource.attributes.extend(pairs(resource))
        scope = of_resource.scope_logs.add()
        scope.scope.name, scope.scope.version = "otel_mlsec", "0.1.0"
        scope.log_records.extend(records)
        return self.post("/v1/logs", request)

    def close(self) -> None:
        self._connection.close()
