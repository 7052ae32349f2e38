"""One POST to one URL: what is common to all that is sent over HTTP."""

from __future__ import annotations

import email.utils
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import requests

from otel_mlsec.emit.transports.bounded import Bounded

LONGEST = 64 << 10  # bytes of an answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    status: int
    headers: Mapping[str, str]  # whose case does not matter
    body: bytes

    @property
    def good(self) -> bool:
        return 200 <= self.status < 300

    @property
    def wait(self) -> float:
        """s that it asks to wait."""
        return retry_after(self.headers.get("retry-after", ""))


@dataclass(slots=True, kw_only=True)
class Http:
    """`requests` carries it, as for the exporter of the SDK, so proxies and certificates of the environment mean the same.

    Redirects are not followed: they would be a success that delivered nothing.

    Attributes:
        timeout: s of connecting, of sending and of the whole answer, each.
        certificate: file of the authorities that the server is verified by; "": those of the environment.
        client: certificate and key, for who asks for one.
        direct: whatever proxies the environment names.
    """

    url: str
    timeout: float
    certificate: str = ""
    client: tuple[str, str] | None = None
    direct: bool = False
    _session: requests.Session | None = None

    def post(self, body: bytes, headers: Mapping[str, str], *, heed: bool = True) -> Response | str:
        """The answer, or why there is none: without a message, which would quote the URL, and that may hold a secret.

        Args:
            heed: the answer counts only with its body; else with its status, and it has none.
        """
        if self._session is None:
            self._session = _session()
            self._session.trust_env = not self.direct
        try:
            with self._session.post(
                self.url, data=body, headers=headers, timeout=self.timeout, allow_redirects=False, stream=True,
                verify=self.certificate or True, cert=self.client,
            ) as response:  # fmt: skip
                said = b""
                if heed:
                    said = _body(response)
                else:
                    with suppress(requests.RequestException, OSError):
                        _body(response)  # read, so that the connection can be used again
                return Response(status=response.status_code, headers=response.headers, body=said)
        except (requests.RequestException, OSError, ValueError) as error:  # ValueError: a URL or header that is none
            return _why(error)

    def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()


def _session() -> requests.Session:
    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, Bounded())
    return session


def _body(response: requests.Response) -> bytes:
    body = b""
    for chunk in response.iter_content(4096):
        body += chunk
        if len(body) > LONGEST:
            raise requests.ConnectionError("an answer that does not end")
    return body


def _why(error: Exception) -> str:
    if isinstance(error, requests.Timeout):
        return "timed out"
    if isinstance(error, requests.exceptions.SSLError):
        return "TLS failed"
    return "no connection" if isinstance(error, requests.ConnectionError) else type(error).__name__


def retry_after(text: str) -> float:
    """s, of a header that gives them or a date; 0 for what is neither."""
    if text.strip().isascii() and text.strip().isdigit():
        return float(text.strip()[:9])
    try:
        at = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return 0.0
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())
