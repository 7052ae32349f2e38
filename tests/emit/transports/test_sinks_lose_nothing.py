"""Sinks behind a spool, as the agent has them: receivers that fail and come back under way, and not one finding is lost."""

import json
import re
import threading
from contextlib import nullcontext

import pytest
from tests.emit.formats.conftest import with_attribute
from tests.emit.spool.conftest import fast, until  # noqa: F401 - a fixture
from tests.emit.transports.test_syslog import Server, pki  # noqa: F401 - a fixture
from tests.emit.transports.test_webhook import hook  # noqa: F401 - a fixture

from otel_mlsec.emit.spool.home import Home
from otel_mlsec.emit.spool.spool import Spool
from otel_mlsec.emit.transports import transport

N = 300
IDS = {f"id-{number}" for number in range(N)}

pytestmark = pytest.mark.usefixtures("fast")


@pytest.fixture
def spooling(tmp_path):
    made = []

    def make(url):
        made.append(Spool("sink", lambda: transport(url), Home(tmp_path / "spool", "sink", url, key=b""), quiet=nullcontext))
        return made[-1]

    yield make
    for spool in made:
        spool.close(0.0)


def put(spool, during=lambda number: None):
    for number in range(N):
        spool.put(with_attribute("mlsec.finding.id", f"id-{number}"))
        during(number)


def test_a_webhook_that_fails_in_every_way_gets_all_of_them(spooling, hook):  # noqa: F811 - the fixture
    faults = (500, 408, 204, 302, 503, 204, 429, 401)
    hook.statuses = [(status, {}) for status in faults * 4]
    put(spooling(hook.url("#format=ecs")))
    until(lambda: {json.loads(body)["event"]["id"] for body in list(hook.taken)} == IDS, "all of them")

    assert not hook.statuses
    assert len(hook.got) == N + 24  # those that failed, and no more: what was taken does not come twice


def test_a_syslog_server_that_ends_connections_gets_all_of_them(spooling, pki):  # noqa: F811 - the fixture
    server = Server(pki)
    spool = spooling(f"syslog+tls://127.0.0.1:{server.port}#ca={pki}/ca.crt&cert={pki}/client.crt&key={pki}/client.key")
    ended = threading.Event()

    def dropping():
        for _ in range(5):
            ended.wait(0.1)
            server.drop()

    thread = threading.Thread(target=dropping)
    thread.start()
    put(spool, lambda number: ended.wait(0.002))
    thread.join(60)
    seen = re.compile(r' id="([^"]+)"')
    until(lambda: {seen.search(message)[1] for message in list(server.messages)} == IDS, "all of them")
    server.stop()

    assert spool.counts["evicted", "high"] == 0
