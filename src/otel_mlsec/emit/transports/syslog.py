"""Syslog over TCP with TLS, RFC 5425: frames that count their octets."""

from __future__ import annotations

import socket
import ssl
import struct
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from otel_mlsec.emit.record import Record
from otel_mlsec.emit.transport import Answer

SIOCOUTQ: Final = 0x5411  # of Linux: bytes that the other side's kernel has not acknowledged
REJECTED: Final = 0.25  # s in which a server says that it does not take our certificate: in TLS 1.3 after the handshake
NOISE: Final = 16  # reads of what a server says that has nothing to say


@dataclass(slots=True, kw_only=True)
class Syslog:
    """Sends to one server.

    Syslog has no acknowledgement.  A record counts as taken when the server's kernel has acknowledged all bytes (where ours tells
    us: Linux) and the server has not closed; one that takes it and dies before it writes loses it, and nobody can know.

    Attributes:
        form: makes the message, RFC 5424.
        tls: None for plain TCP, as within one machine.
        timeout: s for all of a `send`, and for a connection.
    """

    host: str
    port: int
    form: Callable[[Record], str]
    tls: ssl.SSLContext | None
    timeout: float = 10.0
    _socket: socket.socket | None = None

    def send(self, records: Sequence[Record], /) -> Answer:
        frames = b"".join(_frame(self.form(record)) for record in records)
        end = time.monotonic() + self.timeout
        try:
            if self._socket is None or _closed(self._socket, 0.0):
                self.close()
                self._socket = self._connected()
            self._socket.settimeout(max(0.1, end - time.monotonic()))
            self._socket.sendall(frames)
            _acknowledged(self._socket, end)
            if _closed(self._socket, 0.0):
                raise ConnectionResetError
        except OSError as error:  # those of TLS, too
            self.close()
            return Answer(taken=0, why=_why(error))
        return Answer(taken=len(records))

    def _connected(self) -> socket.socket:
        made = socket.create_connection((self.host, self.port), self.timeout)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if self.tls is None:
                return made
            made = self.tls.wrap_socket(made, server_hostname=self.host)
            if _closed(made, REJECTED):
                raise ConnectionResetError
        except BaseException:
            made.close()
            raise
        return made

    def close(self) -> None:
        """Without a farewell: in the child of a fork, one would end the parent's connection."""
        made, self._socket = self._socket, None
        if made is not None:
            made.close()


def _frame(message: str) -> bytes:
    data = message.encode("utf-8", "replace")
    return b"%d %s" % (len(data), data)


def _closed(made: socket.socket, wait: float) -> bool:
    """Has the server gone, or does it go within `wait` s?  It has nothing to say, so what there is to read is the end, or noise.

    Raises:
        OSError: it left with an error, as one of TLS.
    """
    made.settimeout(wait)  # and no select: it knows no file numbers beyond 1,023
    for _ in range(NOISE):
        try:
            if not made.recv(1024):
                return True
        except (ssl.SSLWantReadError, BlockingIOError, TimeoutError):
            break
        made.settimeout(0.0)
    return False


def _acknowledged(made: socket.socket, end: float) -> None:
    """Wait until the other side's kernel has all of it.

    Raises:
        TimeoutError: it has not taken it in time.
    """
    if sys.platform != "linux":
        return
    import fcntl  # noqa: PLC0415 - of POSIX

    while struct.unpack("i", fcntl.ioctl(made.fileno(), SIOCOUTQ, b"\0" * 4))[0]:
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.001)


def _why(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"TLS failed: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason or type(error).__name__}"
    return "timed out" if isinstance(error, TimeoutError) else (error.strerror or "no connection")
