"""A target behind HTTP: one request a row, from a template; nothing but this machine unless its owner says so.

The name is resolved once, every address of it must be the loopback's, and connections are made to that very address.  Redirects
are not followed and proxies of the environment not used.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import re
import socket
import ssl
from collections.abc import Mapping, Sequence
from typing import Any, Self, cast
from urllib.parse import urlsplit

from otel_mlsec.attack.knowledge import Unsuitable

PATIENCE = 10.0  # s that an answer may take
MAX_ANSWER = 4 << 20  # bytes
DEPTH = 20  # of a template
STEP = re.compile(r"\.?([^.\[\]]+)|\[(-?\d{1,6})\]")  # of a path in an answer: .name or [0]


class Endpoint:
    """As a context it is disconnected at the end.

    Args:
        url: where rows are sent to, by POST.
        template: JSON text with "{feature}" for a cell, "{row}" for a list of all, "{record}" for an object of all.
        answer: path in the answer, as `predictions[0].probabilities`; "" for all of it.
        principal_header: carries the account; "" for none.
        own: it may be another machine than this.

    Raises:
        ValueError: any of these cannot be used, or the host is not this machine.
    """

    def __init__(self, url: str, *, template: str = "", answer: str = "", principal_header: str = "", own: bool = False) -> None:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise ValueError(f"--url must be http://HOST:PORT/PATH, got {url!r}") from None
        if parts.scheme not in ("http", "https") or not host:
            raise ValueError(f"--url must be http://HOST:PORT/PATH, got {url!r}")
        self._tls = parts.scheme == "https"
        self._host, self._port = host, port or (443 if self._tls else 80)
        self._address = _address(self._host, self._port, own=own)
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._template = _template(template)
        self._answer = _steps(answer)
        self._header = principal_header
        if principal_header and not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", principal_header):
            raise ValueError(f"--principal-header must be the name of a header, got {principal_header!r}")
        self._connection: _Connection | None = None

    def ask(self, records: Sequence[Mapping[str, Any]], principal: str) -> list[Any]:
        """One answer a row.

        Raises:
            Unsuitable: the target refuses a row (a status of 400 to 499).
            ValueError: it does not answer, or not what it should.
        """
        return [self._asked(record, principal) for record in records]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _asked(self, record: Mapping[str, Any], principal: str) -> Any:
        headers = {"content-type": "application/json", "accept": "application/json"}
        if self._header and principal:
            headers[self._header] = principal
        status, body = self._sent(json.dumps(_filled(self._template, record), allow_nan=False).encode(), headers)
        if 300 <= status < 400:
            raise ValueError(f"the target redirects ({status}), which is not followed; name the right place with --url")
        if 400 <= status < 500:
            raise Unsuitable(f"the target refuses a row with status {status}")
        if status >= 500:
            raise ValueError(f"the target fails with status {status}")
        try:
            said = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise ValueError("the target's answer is no JSON") from error
        for step in self._answer:
            try:
                said = said[step]
            except (LookupError, TypeError) as error:
                raise ValueError(f"the target's answer has no {step!r} where --answer says") from error
        return said

    def _sent(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        for attempt in (1, 2):  # a connection that was kept may have been closed since
            fresh = self._connection is None
            if self._connection is None:
                self._connection = _Connection(self._host, self._port, self._address, tls=self._tls)
            try:
                self._connection.request("POST", self._path, body, headers)
                response = self._connection.getresponse()
                said = response.read(MAX_ANSWER + 1)
            except (OSError, http.client.HTTPException) as error:
                self._close()
                if fresh or attempt == 2:
                    reason = getattr(error, "strerror", None) or type(error).__name__
                    raise ValueError(f"{self._host}:{self._port} does not answer ({reason})") from error
                continue
            if response.will_close or len(said) > MAX_ANSWER:
                self._close()
            if len(said) > MAX_ANSWER:
                raise ValueError(f"the target's answer is larger than {MAX_ANSWER} bytes")
            return response.status, said
        raise AssertionError("the second attempt returns or raises")


class _Connection(http.client.HTTPConnection):
    """To an address that was looked at, whatever the name says by now."""

    def __init__(self, host: str, port: int, address: str, *, tls: bool) -> None:
        super().__init__(host, port, timeout=PATIENCE)
        self._at, self._tls = address, tls

    def connect(self) -> None:
        self.sock = socket.create_connection((self._at, self.port), self.timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls:
            self.sock = ssl.create_default_context().wrap_socket(self.sock, server_hostname=self.host)


def _address(host: str, port: int, *, own: bool) -> str:
    try:
        found = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as error:
        raise ValueError(f"{host} cannot be resolved") from error
    away = [address for address in found if not _is_loopback(address)]
    if away and not own:
        raise ValueError(
            f"{host} is {away[0]}, not this machine; attacks are for your own models: say so with --i-own-this-target"
        )
    return found[0]


def _is_loopback(address: str) -> bool:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(parsed, "ipv4_mapped", None)
    return bool((mapped or parsed).is_loopback)


def _template(text: str) -> Any:
    if not text:
        return "{record}"
    try:
        template = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f'--template must be JSON ({error}); a cell is written as "{{feature}}"') from error
    if not _placeholders(template, DEPTH):
        raise ValueError('--template has no placeholder; a cell is written as "{feature}", all as "{row}" or "{record}"')
    return template


def _placeholders(template: Any, depth: int) -> set[str]:
    if depth < 0:
        raise ValueError(f"--template is deeper than {DEPTH}")
    match template:
        case dict():
            inner = cast("dict[str, Any]", template).values()
        case list():
            inner = cast("list[Any]", template)
        case str():
            return {template[1:-1]} if template[:1] == "{" and template[-1:] == "}" else set()
        case _:
            return set()
    return {name for each in inner for name in _placeholders(each, depth - 1)}


def _filled(template: Any, record: Mapping[str, Any]) -> Any:
    match template:
        case dict():
            return {name: _filled(value, record) for name, value in cast("dict[str, Any]", template).items()}
        case list():
            return [_filled(value, record) for value in cast("list[Any]", template)]
        case "{record}":
            return dict(record)
        case "{row}":
            return list(record.values())
        case str() if template[:1] == "{" and template[-1:] == "}":
            if template[1:-1] not in record:
                raise ValueError(f"--template has {template}, which is no column of the data")
            return record[template[1:-1]]
        case _:
            return template


def _steps(path: str) -> list[str | int]:
    path = path.removeprefix("$")
    steps: list[str | int] = []
    at = 0
    while at < len(path):
        step = STEP.match(path, at)
        if step is None:
            raise ValueError(f"--answer must be a path as predictions[0].probabilities, got {path!r}")
        name, index = step.groups()
        steps.append(name if index is None else int(index))
        at = step.end()
    return steps
