"""Servers that never come to an end: a sender waits for as long as it was told, and no longer."""

import contextlib
import socket
import threading

import pytest
from tests.emit.formats.conftest import made

from otel_mlsec.emit.transport import Answer
from otel_mlsec.emit.transports import transport
from otel_mlsec.emit.transports.http import Http

OK = b"HTTP/1.1 200 OK\r\n"
HANGING = {
    "says nothing": (b"", b""),
    "says a byte of its status at a time": (b"", b"HTTP/1.1 200 O" + b"K" * 10_000),
    "says a byte of a header at a time": (OK + b"x-slow: ", b"a" * 10_000),
    "says a byte of its body at a time": (OK + b"content-length: 10000\r\n\r\n", b"a" * 10_000),
    "says a byte of a chunk at a time": (OK + b"transfer-encoding: chunked\r\n\r\nfff\r\n", b"a" * 10_000),
}


class Slow:
    """Reads a request, answers at once with the one and then, a byte each 50 ms, with the other, until the client has gone."""

    def __init__(self, at_once, then):
        self.at_once, self.then, self.gone, self.stopping = at_once, then, threading.Event(), threading.Event()
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        connection, _ = self.listening.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            connection.sendall(self.at_once)
            for byte in self.then:
                if self.stopping.wait(0.05):
                    break
                connection.sendall(bytes([byte]))
            connection.settimeout(30)
            while connection.recv(65536):
                pass
        self.gone.set()

    def stop(self):
        self.stopping.set()
        self.thread.join(60)
        self.listening.close()


@pytest.fixture
def slow(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    servers = []

    def start(at_once, then):
        servers.append(Slow(at_once, then))
        return f"http://127.0.0.1:{servers[-1].listening.getsockname()[1]}/"

    yield start
    for server in servers:
        server.stop()


@pytest.mark.parametrize("name", HANGING)
def test_an_answer_that_counts_is_waited_for_no_longer_than_the_timeout(name, slow):
    http = Http(url=slow(*HANGING[name]), timeout=0.4)
    why = http.post(b"x", {})
    http.close()

    assert why in ("timed out", "no connection")  # 10,000 bytes would take 500 s


@pytest.mark.parametrize("name", [name for name in HANGING if "body" in name or "chunk" in name])
def test_a_webhook_that_has_said_200_has_taken_it_whatever_it_goes_on_to_say(name, slow):
    sender = transport(f"{slow(*HANGING[name])}#timeout=0.4")
    answer = sender.send([made()])
    sender.close()

    assert answer == Answer(taken=1)


def test_a_webhook_that_says_too_much_has_taken_it(slow):
    sender = transport(slow(OK + b"content-length: 10000000\r\n\r\n" + b"a" * 10_000_000, b""))
    answer = sender.send([made()])
    sender.close()

    assert answer == Answer(taken=1)


def test_the_next_request_on_a_connection_has_all_its_time_again(slow):
    server = slow(OK + b"content-length: 0\r\n\r\n", b"")
    http = Http(url=server, timeout=3.0)
    first = http.post(b"x", {})
    pools = http._session.get_adapter(server).poolmanager.pools
    [kept] = [one.sock for key in pools.keys() for one in pools[key].pool.queue if one is not None]  # noqa: SIM118 - no mapping
    left = kept.gettimeout()
    http.close()

    assert first.status == 200
    assert left == 3.0
