"""An OTLP/HTTP receiver for one machine: bound to 127.0.0.1, bounded in bodies, connections and waiting."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

from otel_mlsec.cli.local import LocalServer
from otel_mlsec.cli.wire import MAX_BODY, SIGNALS, Refused, Request, decode
from otel_mlsec.errors import contained

MAX_CONNECTIONS = 64  # a process of an application keeps three
PATIENCE = 30.0  # s that a connection may be silent


class Receiver(LocalServer):
    """Hands every request to `take`, one at a time, and answers 200 when it returned."""

    def __init__(self, take: Callable[[Request], None], *, port: int = 4318) -> None:
        self._take = take
        self._one = threading.Lock()  # decoding is where memory goes, and printing wants an order
        super().__init__(_Handler, port=port, most=MAX_CONNECTIONS, name="otlp-receiver")

    def receive(self, path: str, content_type: str, encoding: str, body: bytes) -> None:
        with self._one:
            message = decode(path, content_type, encoding, body)
            with contained("cli.receiver"):
                self._take(message)

    def server_close(self) -> None:
        with self._one:  # whoever is being answered is answered first
            super().server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Receiver  # pyright: ignore[reportIncompatibleVariableOverride] - whom it is made by
    protocol_version = "HTTP/1.1"
    timeout = PATIENCE
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        kind = self.headers.get("content-type", "")
        try:
            body = self._body()
            self.server.receive(self.path, kind, self.headers.get("content-encoding", "").strip().lower(), body)
        except Refused as refusal:
            self.close_connection = True  # the body may not have been read
            self._answer(refusal.status, "text/plain; charset=utf-8", f"{refusal}\n".encode())
            return
        if "json" in kind:  # empty messages: nothing was rejected
            self._answer(200, "application/json", b"{}")
        else:
            self._answer(200, "application/x-protobuf", b"")

    def _body(self) -> bytes:
        if self.path not in SIGNALS:
            raise Refused(404, f"OTLP/HTTP is received at {', '.join(SIGNALS)}")
        if self.headers.get("origin") is not None:
            raise Refused(403, "not for web pages")  # any page in a browser on this machine can reach 127.0.0.1
        size = self.headers.get("content-length", "")
        if not (size.isascii() and size.isdigit()):
            raise Refused(411, "content-length is needed")
        if len(size) > 12 or int(size) > MAX_BODY:
            raise Refused(413, f"the body is larger than {MAX_BODY} bytes")
        body = self.rfile.read(int(size))
        if len(body) < int(size):
            raise Refused(400, "the body is shorter than its content-length")
        return body

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        if self.close_connection:
            self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """The terminal is for findings."""
