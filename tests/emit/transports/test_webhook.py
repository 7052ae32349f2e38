"""A webhook against a real server: what is signed, what counts as taken, what is tried again and what never is."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tests.emit.formats.conftest import made, with_attribute

from otel_mlsec.emit.formats import ocsf
from otel_mlsec.emit.transport import Answer
from otel_mlsec.emit.transports import transport
from otel_mlsec.emit.transports.webhook import secret_of, signature

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # of the specification's example
RECORDS = [with_attribute("mlsec.finding.id", f"id-{number}") for number in range(3)]


class Hook(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.got, self.taken, self.statuses = [], [], []
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def url(self, options=""):
        return f"http://127.0.0.1:{self.server_address[1]}/hook?token=of-theirs{options}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.got.append((self.path, dict(self.headers), body))
        status, headers = self.server.statuses.pop(0) if self.server.statuses else (204, {})
        if 200 <= status < 300:
            self.server.taken.append(body)
        self.send_response(status)
        for name, value in {"content-length": "0", **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def hook(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Hook()
    yield server
    server.shutdown()
    server.server_close()


def sent(hook, *statuses, options="", secret=""):
    hook.statuses = [(status, {}) if isinstance(status, int) else status for status in statuses]
    sender = transport(hook.url(options), secret=secret)
    try:
        return sender.send(RECORDS)
    finally:
        sender.close()


def test_a_finding_is_a_post_of_its_own_and_options_stay_here(hook):
    assert sent(hook, options="#format=ocsf&timeout=5") == Answer(taken=3)
    assert [json.loads(body) for _, _, body in hook.got] == [json.loads(json.dumps(ocsf(record))) for record in RECORDS]
    assert {path for path, _, _ in hook.got} == {"/hook?token=of-theirs"}
    assert [headers["webhook-id"] for _, headers, _ in hook.got] == ["id-0", "id-1", "id-2"]


def test_the_signature_is_the_one_of_the_specification():
    body = b'{"test": 2432232314}'

    assert signature(secret_of(SECRET), "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body) == (
        "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


def test_who_has_the_secret_can_tell_that_it_is_ours(hook):
    sent(hook, secret=SECRET)
    for _, headers, body in hook.got:
        made_of = signature(secret_of(SECRET), headers["webhook-id"], headers["webhook-timestamp"], body)
        assert headers["webhook-signature"] == f"v1,{made_of}"


@pytest.mark.parametrize("status", [400, 413, 422])
def test_what_the_server_will_never_take_is_refused(hook, status):
    assert sent(hook, 204, status) == Answer(taken=1, refused=True, why=f"HTTP {status}")


@pytest.mark.parametrize("status", [302, 401, 404, 408, 429, 500, 503])
def test_what_may_be_better_another_time_is_kept(hook, status):
    assert sent(hook, 204, status) == Answer(taken=1, why=f"HTTP {status}")


def test_a_redirect_is_not_followed(hook):
    assert sent(hook, (307, {"location": "/elsewhere"})).taken == 0
    assert len(hook.got) == 1


def test_a_server_that_says_how_long_to_wait(hook):
    assert sent(hook, (503, {"retry-after": "7"})).wait == 7.0


def test_nobody_there():
    server = Hook()
    url = server.url()
    server.shutdown()
    server.server_close()
    sender = transport(url)

    assert sender.send(RECORDS) == Answer(taken=0, why="no connection")
    sender.close()


@pytest.mark.parametrize("identifier", ["a\r\nx-forged: yes", "ü", "", "x" * 10_000])
def test_an_id_that_is_none_forges_no_header(hook, identifier):
    sender = transport(hook.url())
    answer = sender.send([with_attribute("mlsec.finding.id", identifier), made()])
    sender.close()

    assert answer == Answer(taken=2)
    assert "x-forged" not in hook.got[0][1]


def test_what_is_for_this_machine_leaves_it_by_no_proxy(hook, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)

    assert sent(hook) == Answer(taken=3)


@pytest.mark.parametrize(
    "asked", ["Mon, 01 Jan 99999999999999 00:00:00 GMT", "soon", "", "-1", "9" * 400, "Wed, 21 Oct 2015 07:28:00 GMT"]
)
def test_whatever_a_server_asks_for_is_no_reason_to_give_a_finding_up(hook, asked):
    answer = sent(hook, (503, {"retry-after": asked}))

    assert (answer.taken, answer.refused) == (0, False)
