"""An end to answers over HTTP: `requests` bounds each wait, and a server that says a byte a while would hold it for ever."""

from __future__ import annotations

import http.client
import io
import socket
import time
from typing import Any

import urllib3.connection
import urllib3.connectionpool
from requests.adapters import HTTPAdapter


class Bounded(HTTPAdapter):
    """For a session: an answer, from its first byte to its last, takes no longer than the time-out of the request."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager


class _Raw(io.RawIOBase):
    """Reads a socket until a time has come."""

    def __init__(self, made: socket.socket, timeout: float | None) -> None:
        self._socket, self._raw, self._timeout = made, made.makefile("rb", buffering=0), timeout
        self._end = None if timeout is None else time.monotonic() + timeout

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        if self._end is not None:
            left = self._end - time.monotonic()
            if left <= 0:
                raise TimeoutError("timed out")
            self._socket.settimeout(left)
        n = self._raw.readinto(buffer)
        self._socket.settimeout(self._timeout)  # the next request's, which may use the same connection
        return n

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Readable:
    """What an answer wants of a socket."""

    def __init__(self, made: socket.socket) -> None:
        self._socket = made

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Raw(self._socket, self._socket.gettimeout()))


def _response(_connection: Any, made: socket.socket, **options: Any) -> http.client.HTTPResponse:
    return http.client.HTTPResponse(_Readable(made), **options)  # pyright: ignore[reportArgumentType] - it asks for no more


class _Http(urllib3.connection.HTTPConnection):
    response_class = _response  # pyright: ignore[reportAssignmentType] - called as a method


class _Https(urllib3.connection.HTTPSConnection):
    response_class = _response  # pyright: ignore[reportAssignmentType] - called as a method


class _HttpPool(urllib3.connectionpool.HTTPConnectionPool):
    ConnectionCls = _Http  # pyright: ignore[reportAssignmentType] - as the library's own is


class _HttpsPool(urllib3.connectionpool.HTTPSConnectionPool):
    ConnectionCls = _Https  # pyright: ignore[reportAssignmentType] - as the library's own is


_POOLS = {"http": _HttpPool, "https": _HttpsPool}
