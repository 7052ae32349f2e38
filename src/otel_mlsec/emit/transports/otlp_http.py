"""OTLP over HTTP, taking nobody's word for delivery but a 2xx in which no record was rejected."""

from __future__ import annotations

import email.utils
import gzip
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import requests
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

from otel_mlsec.emit.otlp_proto import request
from otel_mlsec.emit.record import Record
from otel_mlsec.emit.transport import Answer

LONGEST = 64 << 10  # bytes of an answer
NEVER = frozenset({400, 413, 422})  # statuses that say that it is the request: another time it is no better
KIND = "application/x-protobuf"


@dataclass(slots=True, kw_only=True)
class OtlpHttp:
    """Sends to one URL.

    `requests` carries it, as it does for the exporter of the SDK, so proxies and certificates of the environment mean the same.
    Its time-out is for each wait; the answer's body has the same time in all.  Redirects are not followed: they would be a
    success that delivered nothing.

    Attributes:
        url: in full, `https://collector:4318/v1/logs`.
        timeout: s.
        certificate: file of the authorities that the server is verified by; "": those of the environment.
        client: certificate and key, for who asks for one.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    timeout: float = 10.0
    gzip: bool = False
    certificate: str = ""
    client: tuple[str, str] | None = None
    _session: requests.Session | None = None

    def send(self, records: Sequence[Record], /) -> Answer:
        body = request(records).SerializeToString()
        headers = {"content-type": KIND, **self.headers}
        if self.gzip:
            body, headers["content-encoding"] = gzip.compress(body), "gzip"
        if self._session is None:
            self._session = requests.Session()
        end = time.monotonic() + self.timeout
        try:
            with self._session.post(
                self.url, data=body, headers=headers, timeout=self.timeout, allow_redirects=False, stream=True,
                verify=self.certificate or True, cert=self.client,
            ) as response:  # fmt: skip
                return _answer(response, _body(response, end), len(records))
        except (requests.RequestException, OSError, ValueError) as error:  # ValueError: a URL or header that is none
            return Answer(taken=0, why=_why(error))

    def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()


def _body(response: requests.Response, end: float) -> bytes:
    body = b""
    for chunk in response.iter_content(4096):
        body += chunk
        if len(body) > LONGEST or time.monotonic() > end:
            raise requests.ConnectionError("an answer that does not end")
    return body


def _answer(response: requests.Response, body: bytes, n: int) -> Answer:
    status = response.status_code
    if not 200 <= status < 300:
        wait = retry_after(response.headers.get("retry-after", ""))
        return Answer(taken=0, refused=status in NEVER, wait=wait, why=f"HTTP {status}")
    if KIND not in response.headers.get("content-type", ""):
        return Answer(taken=n)  # with nothing to say about it
    message = ExportLogsServiceResponse()
    try:
        message.ParseFromString(body)
    except DecodeError:
        return Answer(taken=n)
    return partial(message, n)


def partial(message: ExportLogsServiceResponse, n: int) -> Answer:
    """Some were rejected, and nobody says which: so none counts as taken, and one at a time will tell."""
    rejected = message.partial_success.rejected_log_records
    return Answer(taken=0, refused=True, why=f"{rejected} of {n} rejected") if rejected > 0 else Answer(taken=n)


def retry_after(text: str) -> float:
    """s, of a header that gives them or a date; 0 for what is neither."""
    if text.strip().isascii() and text.strip().isdigit():
        return float(text.strip()[:9])
    try:
        at = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return 0.0
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())


def _why(error: Exception) -> str:
    """Without the message, which quotes the URL, and that may hold a secret."""
    if isinstance(error, requests.Timeout):
        return "timed out"
    if isinstance(error, requests.exceptions.SSLError):
        return "TLS failed"
    return "no connection" if isinstance(error, requests.ConnectionError) else type(error).__name__
