"""A target behind HTTP is asked row by row, on this machine only, and what goes wrong is a sentence."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from otel_mlsec.attack import endpoint
from otel_mlsec.attack.endpoint import Endpoint
from otel_mlsec.attack.knowledge import Unsuitable

RECORDS = [{"age": 30, "job": "clerk"}, {"age": 31.5, "job": None}]


class Service(ThreadingHTTPServer):
    """Answers with what `answer` says, and keeps what it was sent."""

    daemon_threads = True

    def __init__(self) -> None:
        self.asked: list[tuple[str, object, dict[str, str]]] = []
        self.answer: tuple[int, bytes, dict[str, str]] = (200, b"0.5", {})
        self.connections = 0
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/predict?v=1"

    def process_request(self, request, client_address) -> None:
        self.connections += 1
        super().process_request(request, client_address)


class Handler(BaseHTTPRequestHandler):
    server: Service
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append((self.path, body, dict(self.headers)))
        status, said, headers = self.server.answer
        self.send_response(status)
        for name, value in {"content-length": str(len(said)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def service() -> Iterator[Service]:
    server = Service()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def asked(url: str, records: list[dict[str, object]] = RECORDS, principal: str = "", **settings) -> list[object]:
    with Endpoint(url, **settings) as target:
        return target.ask(records, principal)


def test_a_row_is_the_body_unless_a_template_says_otherwise(service):
    asked(service.url, RECORDS, "")

    assert [body for _, body, _ in service.asked] == RECORDS
    assert service.asked[0][0] == "/predict?v=1"
    assert service.connections == 1


def test_a_template_is_filled_with_cells_of_their_types(service):
    template = '{"rows": ["{row}"], "of": {"age": "{age}", "all": "{record}"}, "version": 2, "note": "as {said}"}'

    asked(service.url, RECORDS[1:], "", template=template)

    assert service.asked[0][1] == {"rows": [[31.5, None]], "of": {"age": 31.5, "all": RECORDS[1]}, "version": 2,
                                   "note": "as {said}"}  # fmt: skip


@pytest.mark.parametrize(
    ("path", "said"),
    [("", {"a": [{"b": 7}]}), ("a[0].b", 7), ("$.a[-1].b", 7), ("a", [{"b": 7}])],
)
def test_the_answer_is_where_the_path_leads(service, path, said):
    service.answer = (200, b'{"a": [{"b": 7}]}', {})

    assert asked(service.url, RECORDS[:1], "", answer=path) == [said]


def test_an_account_goes_in_its_header_only(service):
    asked(service.url, RECORDS[:1], "attacker-1", principal_header="X-User")
    asked(service.url, RECORDS[:1], "attacker-1")

    assert service.asked[0][2]["X-User"] == "attacker-1"
    assert "attacker-1" not in str(service.asked[1])


def test_a_connection_that_was_closed_is_made_anew(service):
    service.answer = (200, b"1", {"connection": "close"})

    assert asked(service.url, RECORDS, "") == [1, 1]
    assert service.connections == 2


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        ((422, b"{}", {}), Unsuitable, "422"),
        ((500, b"{}", {}), ValueError, "500"),
        ((200, b"<html>", {}), ValueError, "no JSON"),
        ((200, b"[" * 100_000, {}), ValueError, "no JSON"),
        ((200, b'{"x": 1}', {}), ValueError, "no 'a'"),
        ((302, b"", {"location": "http://192.0.2.1/"}), ValueError, "redirects"),
        ((307, b"", {"location": "http://127.0.0.1/"}), ValueError, "redirects"),
    ],
)
def test_what_goes_wrong_is_a_sentence(service, answer, error, said):
    service.answer = answer

    with pytest.raises(error, match=said):
        asked(service.url, RECORDS[:1], "", answer="a")


def test_an_answer_that_is_too_large_is_not_read_to_its_end(service, monkeypatch):
    monkeypatch.setattr(endpoint, "MAX_ANSWER", 100)
    service.answer = (200, b'"' + b"x" * 1000 + b'"', {})

    with pytest.raises(ValueError, match="larger"):
        asked(service.url, RECORDS[:1], "")


def test_a_port_where_nobody_listens_is_a_sentence():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    with pytest.raises(ValueError, match="does not answer"):
        asked(f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize("host", ["192.0.2.1", "[2001:db8::1]", "0.0.0.0", "[::ffff:192.0.2.1]", "10.0.0.1"])
def test_another_machine_is_refused_unless_it_is_ones_own(host):
    with pytest.raises(ValueError, match="not this machine"):
        Endpoint(f"http://{host}:8000/predict")

    assert Endpoint(f"http://{host}:8000/predict", own=True)


def test_a_name_any_of_whose_addresses_is_elsewhere_is_refused(monkeypatch):
    def both(host, port, **_):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in ("127.0.0.1", "192.0.2.7")]

    monkeypatch.setattr(socket, "getaddrinfo", both)

    with pytest.raises(ValueError, match=r"192\.0\.2\.7"):
        Endpoint("http://rebound.example/predict")


def test_connections_are_made_to_the_address_that_was_looked_at(service, monkeypatch):
    port = service.server_address[1]
    target = Endpoint(f"http://localhost:{port}/")
    resolve = socket.getaddrinfo

    def elsewhere(host, *args, **kwargs):
        return resolve("192.0.2.1" if host == "localhost" else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", elsewhere)

    assert target._address in ("127.0.0.1", "::1")
    if target._address == "127.0.0.1":
        with target:
            assert target.ask(RECORDS[:1], "") == [0.5]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"url": "ftp://127.0.0.1/"}, "--url"),
        ({"url": "127.0.0.1:80"}, "--url"),
        ({"url": "http://127.0.0.1:99999/"}, "--url"),
        ({"url": "http://no-such-host.invalid/"}, "resolved"),
        ({"template": "{age}"}, "--template"),
        ({"template": '{"a": 1}'}, "placeholder"),
        ({"template": "[" * 500}, "--template"),
        ({"template": "[" * 30 + '"{row}"' + "]" * 30}, "deeper"),
        ({"answer": "a[b"}, "--answer"),
        ({"principal_header": "x:\r\ny"}, "--principal-header"),
    ],
)
def test_what_cannot_be_used_is_said_before_anything_is_sent(settings, said):
    with pytest.raises(ValueError, match=said):
        Endpoint(**{"url": "http://127.0.0.1:1/", **settings})


def test_a_placeholder_that_is_no_column_is_named(service):
    with pytest.raises(ValueError, match="wage"):
        asked(service.url, RECORDS, "", template='["{wage}"]')
