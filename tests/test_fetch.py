"""References by URL, of a real server that is slow, large, elsewhere, or no server of references at all."""

from __future__ import annotations

import http.server
import shutil
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.collector import certificates

from otel_mlsec.fetch import MAX_BYTES, fetch
from otel_mlsec.reference.address import Unreachable, check_url, on_disk

BODY = b"otel-mlsec reference\n" * 1000


class Handler(http.server.BaseHTTPRequestHandler):
    asked: list[str]

    def do_GET(self) -> None:
        type(self).asked.append(self.path)
        with suppress(OSError):  # the client has seen enough
            getattr(self, self.path.strip("/").partition("?")[0].replace("-", "_"))()

    def _head(self, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def good(self) -> None:
        self._head(Content_Length=str(len(BODY)))
        self.wfile.write(BODY)

    def missing(self) -> None:
        self.send_error(404)

    def elsewhere(self) -> None:
        self._head(302, Location="/good")

    def to_a_file(self) -> None:
        self._head(302, Location="file:///etc/passwd")

    def says_that_it_is_large(self) -> None:
        self._head(Content_Length=str(1 << 30))
        self.wfile.write(b"x")

    def large(self) -> None:
        self._head()
        for _ in range(1 << 10):
            self.wfile.write(bytes(1 << 20))

    def cut(self) -> None:
        self._head(Content_Length=str(len(BODY)))
        self.wfile.write(BODY[:100])

    def drips(self) -> None:
        self._head()
        for _ in range(100):
            self.wfile.write(b"x")
            self.wfile.flush()
            time.sleep(0.1)

    def drips_its_head(self) -> None:
        for byte in b"HTTP/1.0 200 OK\r\n" + b"X: y\r\n" * 50:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            time.sleep(0.1)

    def silent(self) -> None:
        time.sleep(5)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    Handler.asked = []
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.daemon_threads = True
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    running.server_close()


def test_what_is_there_comes(server: str):
    assert fetch(f"{server}/good?token=secret") == BODY
    assert Handler.asked == ["/good?token=secret"]


WRONG = {
    "missing": "answers with status 404",
    "elsewhere": "redirects, and redirects are not followed",
    "to-a-file": "redirects, and redirects are not followed",
    "says-that-it-is-large": "is larger than 64 MiB",
    "large": "is larger than 64 MiB",
    "cut": "does not send all of it (ProtocolError)",
    "drips": "does not send all of it (ReadTimeoutError)",
    "drips-its-head": "does not answer in",
    "silent": "does not answer in 0.5 s",
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_said_in_a_sentence_without_a_secret(what: str, server: str):
    address = server.replace("http://", "http://ana:password@")

    with pytest.raises(Unreachable) as raised:
        fetch(f"{address}/{what}?token=secret", timeout=0.5 if what.startswith(("drip", "silent")) else 10.0)

    assert WRONG[what] in str(raised.value)
    assert "secret" not in str(raised.value)
    assert "password" not in str(raised.value)
    assert len(Handler.asked) == 1  # nobody was led on


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_of_a_server_that_nobody_vouches_for_nothing_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    made = certificates.make(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.path("server.crt"), made.path("server.key"))
    Handler.asked = []
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.socket = context.wrap_socket(running.socket, server_side=True)
    running.handle_error = lambda *_: None
    threading.Thread(target=running.serve_forever, daemon=True).start()
    url = f"https://127.0.0.1:{running.server_port}/good"
    try:
        with pytest.raises(Unreachable, match="cannot be trusted: TLS failed"):
            fetch(url)
        assert Handler.asked == []
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", made.path("ca.crt"))
        assert fetch(url) == BODY
    finally:
        running.shutdown()
        running.server_close()


def test_no_proxy_is_between_this_machine_and_itself(server: str, monkeypatch: pytest.MonkeyPatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)

    assert fetch(f"{server}/good") == BODY


def test_nobody_listens():
    with pytest.raises(Unreachable, match=r"http://127.0.0.1:1/m.mlsec cannot be reached"):
        fetch("http://127.0.0.1:1/m.mlsec")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://example.org/m.mlsec", "must be https://"),
        ("http://127.0.0.1.example.org/m.mlsec", "must be https://"),
        ("ftp://example.org/m.mlsec", "must begin with https:// or file://"),
        ("https:///m.mlsec", "names no host"),
        ("https://[::1/m.mlsec", "is no URL"),
        ("https://example.org:99999/m", "is no URL"),
        ("file://example.org/m.mlsec", "must name a file of this machine"),
    ],
)
def test_what_would_not_be_asked_is_said_without_asking(url: str, why: str):
    with pytest.raises(ValueError, match=why):
        check_url(url)
    with pytest.raises(ValueError, match=why):
        fetch(url)


def test_files_of_this_machine_are_read_from_disk():
    assert str(on_disk("file:///srv/a%20model.mlsec")) == "/srv/a model.mlsec"
    assert on_disk("https://example.org/m.mlsec") is None
    assert MAX_BYTES == 64 << 20
