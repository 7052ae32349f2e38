"""OTLP over HTTP, taking nobody's word for delivery but a 2xx in which no record was rejected."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

from otel_mlsec.emit.otlp_proto import request
from otel_mlsec.emit.record import Record
from otel_mlsec.emit.transport import Answer
from otel_mlsec.emit.transports.http import Http, Response

NEVER = frozenset({400, 413, 422})  # statuses that say that it is the request: another time it is no better
KIND = "application/x-protobuf"


@dataclass(slots=True, kw_only=True)
class OtlpHttp:
    """Sends to one URL, given in full: `https://collector:4318/v1/logs`."""

    http: Http
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    gzip: bool = False

    def send(self, records: Sequence[Record], /) -> Answer:
        body = request(records).SerializeToString()
        headers = {"content-type": KIND, **self.headers}
        if self.gzip:
            body, headers["content-encoding"] = gzip.compress(body), "gzip"
        response = self.http.post(body, headers)
        return Answer(taken=0, why=response) if isinstance(response, str) else _answer(response, len(records))

    def close(self) -> None:
        self.http.close()


def _answer(response: Response, n: int) -> Answer:
    if not response.good:
        return Answer(taken=0, refused=response.status in NEVER, wait=response.wait, why=f"HTTP {response.status}")
    if KIND not in response.headers.get("content-type", ""):
        return Answer(taken=n)  # with nothing to say about it
    message = ExportLogsServiceResponse()
    try:
        message.ParseFromString(response.body)
    except DecodeError:
        return Answer(taken=n)
    return partial(message, n)


def partial(message: ExportLogsServiceResponse, n: int) -> Answer:
    """Some were rejected, and nobody says which: so none counts as taken, and one at a time will tell."""
    rejected = message.partial_success.rejected_log_records
    return Answer(taken=0, refused=True, why=f"{rejected} of {n} rejected") if rejected > 0 else Answer(taken=n)
