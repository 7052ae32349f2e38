"""Syslog over real TLS, against a server of the test and, where it is on the machine, rsyslog."""

import contextlib
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time

import pytest
from tests.emit.formats.conftest import HOSTILE, made, with_attribute
from tests.emit.spool.conftest import until

from otel_mlsec.emit.formats import TABLE, rfc5424
from otel_mlsec.emit.transport import Answer
from otel_mlsec.emit.transports import transport

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="certificates are made by openssl")
RECORDS = [with_attribute("mlsec.finding.id", f"id-{number}") for number in range(5)]


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    """An authority, a server's and a client's certificate of it, and a client's of another."""
    at = tmp_path_factory.mktemp("pki")

    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=at, check=True, capture_output=True)

    (at / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    for ca, names in (("ca", ("server", "client")), ("other", ("stranger",))):
        signs = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")  # Python 3.13 and newer trust no other authority
        openssl("req", "-x509", *key, *signs, "-days", "2", "-subj", f"/CN={ca}", "-keyout", f"{ca}.key", "-out", f"{ca}.crt")
        for name in names:
            openssl("req", *key, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
            signed = ("-CA", f"{ca}.crt", "-CAkey", f"{ca}.key", "-CAcreateserial", "-days", "2", "-extfile", "names")
            openssl("x509", "-req", "-in", f"{name}.csr", *signed, "-out", f"{name}.crt")
    return at


class Server:
    """Reads frames that count their octets; takes no client without a certificate of the authority."""

    def __init__(self, pki, *, mutual=True, host="127.0.0.1"):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(pki / "server.crt", pki / "server.key")
        if mutual:
            self.context.load_verify_locations(pki / "ca.crt")
            self.context.verify_mode = ssl.CERT_REQUIRED
        self.listening = socket.create_server((host, 0))
        self.port = self.listening.getsockname()[1]
        self.messages, self.connections, self.lock = [], [], threading.Lock()
        self.serving = threading.Thread(target=self.serve, daemon=True)
        self.serving.start()

    def serve(self):
        while True:
            try:
                plain, _ = self.listening.accept()
            except OSError:
                return
            reading = threading.Thread(target=self.take, args=(plain,), daemon=True)
            with self.lock:
                reading.start()
                self.connections.append((plain, reading))

    def take(self, plain):
        data = b""
        try:
            made = self.context.wrap_socket(plain.dup(), server_side=True)
        except OSError:
            return
        with made, contextlib.suppress(OSError):
            while chunk := made.recv(65536):
                data += chunk
                while (head := re.match(rb"(\d+) ", data)) and len(data) >= head.end() + int(head[1]):
                    end = head.end() + int(head[1])
                    self.messages.append(data[head.end() : end].decode("utf-8"))
                    data = data[end:]

    def drop(self):
        """Who reads closes: a number that is free goes to the next connection, and who still reads there would read that."""
        with self.lock:
            dropped, self.connections = self.connections, []
        for connection, _ in dropped:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for connection, reading in dropped:
            reading.join(30)
            connection.close()

    def stop(self):
        with contextlib.suppress(OSError):
            self.listening.shutdown(socket.SHUT_RDWR)  # `accept` in the other thread would take one more
        self.serving.join(30)
        self.listening.close()
        self.drop()


@pytest.fixture
def server(pki):
    server = Server(pki)
    yield server
    server.stop()


@pytest.fixture
def sender(pki, server):
    made = []

    def sender(who="client", ca="ca", **options):
        certificate = f"&cert={pki}/{who}.crt&key={pki}/{who}.key" if who else ""
        more = "".join(f"&{name}={value}" for name, value in options.items())
        made.append(transport(f"syslog+tls://127.0.0.1:{server.port}#ca={pki}/{ca}.crt{certificate}&timeout=5{more}"))
        return made[-1]

    yield sender
    for each in made:
        each.close()


def test_messages_arrive_as_they_are(sender, server):
    assert sender().send(RECORDS) == Answer(taken=5)
    until(lambda: len(server.messages) == 5)
    assert server.messages == [rfc5424(record) for record in RECORDS]


@pytest.mark.parametrize("name", ["cef", "ocsf", "ecs"])
def test_another_format_is_the_message(name, sender, server):
    assert sender(format=name, number=99999).send(RECORDS[:1]) == Answer(taken=1)
    until(lambda: server.messages)

    assert server.messages[0] == rfc5424(RECORDS[0], said_as=TABLE[name](RECORDS[0]), number=99999)


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_texts_forge_no_frame(what, sender, server):
    record = made(body=HOSTILE[what])
    sender().send([record, RECORDS[0]])
    until(lambda: len(server.messages) == 2)

    assert server.messages == [rfc5424(record), rfc5424(RECORDS[0])]


def test_a_connection_that_the_server_has_closed_is_made_anew(sender, server):
    one = sender()
    one.send(RECORDS[:1])
    until(lambda: len(server.messages) == 1)
    server.drop()
    time.sleep(0.1)

    assert one.send(RECORDS[1:2]) == Answer(taken=1)
    until(lambda: len(server.messages) == 2)


def test_who_has_no_certificate_or_anothers_delivers_nothing(sender, server):
    for who in ("", "stranger"):
        answer = sender(who).send(RECORDS)
        assert answer.taken == 0
        assert answer.why
    assert not server.messages


def test_a_server_that_is_another_gets_nothing(sender, server):
    answer = sender(ca="other").send(RECORDS)

    assert answer.taken == 0
    assert answer.why.startswith("TLS failed")
    assert not server.messages


@pytest.mark.skipif(sys.platform != "linux", reason="all of 127.0.0.0/8 is this machine")
def test_a_server_with_the_certificate_of_another_name_gets_nothing(pki):
    server = Server(pki, host="127.0.0.2")
    one = transport(f"syslog+tls://127.0.0.2:{server.port}#ca={pki}/ca.crt&cert={pki}/client.crt&key={pki}/client.key")
    answer = one.send(RECORDS)
    server.stop()

    assert answer.taken == 0
    assert "127.0.0.2" in answer.why
    assert not server.messages


def test_a_process_with_thousands_of_files_can_send(sender, server):
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    many = []
    try:
        while not many or many[-1] < 1100:
            many.append(os.dup(0))
        assert sender().send(RECORDS) == Answer(taken=5)
    finally:
        for file in many:
            os.close(file)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


FORKING = """
import os, sys
from otel_mlsec.emit.transports import transport
from tests.emit.formats.conftest import made
sender = transport(sys.argv[1])
assert sender.send([made(body="before")]).taken == 1
child = os.fork()
if not child:
    sender.close()
    os._exit(0 if sender.send([made(body="of the child")]).taken == 1 else 1)
assert os.waitpid(child, 0)[1] == 0
kept = sender._socket
assert sender.send([made(body="after")]).taken == 1
assert sender._socket is kept
sender.close()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks are of POSIX")
def test_a_child_that_closes_leaves_the_parents_connection(pki, server):
    url = f"syslog+tls://127.0.0.1:{server.port}#ca={pki}/ca.crt&cert={pki}/client.crt&key={pki}/client.key"
    subprocess.run([sys.executable, "-c", FORKING, url], check=True, cwd=os.getcwd(), timeout=60)
    until(lambda: len(server.messages) == 3)

    assert [message.rpartition("\ufeff")[2] for message in server.messages] == ["before", "of the child", "after"]


def test_a_server_that_takes_nothing_is_waited_for_no_longer_than_the_timeout(pki):
    deaf = socket.create_server(("127.0.0.1", 0))
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    one = transport(f"syslog+tcp://127.0.0.1:{deaf.getsockname()[1]}#timeout=0.5")
    began = time.monotonic()
    answer = one.send([made(body="x" * 1000)] * 10_000)
    one.close()
    deaf.close()

    assert answer == Answer(taken=0, why="timed out")
    assert time.monotonic() - began < 20


def test_nobody_there(server, sender):
    server.stop()

    assert sender().send(RECORDS).taken == 0


RSYSLOG = """
module(load="imtcp" StreamDriver.Name="gtls" StreamDriver.Mode="1" StreamDriver.AuthMode="x509/name" PermittedPeer=["client"])
global(workDirectory="{at}" DefaultNetstreamDriverCAFile="{pki}/ca.crt" DefaultNetstreamDriverCertFile="{pki}/server.crt"
       DefaultNetstreamDriverKeyFile="{pki}/server.key")
module(load="mmpstrucdata")
input(type="imtcp" port="{port}" address="127.0.0.1" ruleset="all")
template(name="out" type="string" string="%$!rfc5424-sd%\\n")
ruleset(name="all") {{ action(type="mmpstrucdata") action(type="omfile" file="{at}/out" template="out") }}
"""


def _free():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def test_rsyslog_reads_what_was_said(pki, tmp_path):
    gtls = "/usr/lib/x86_64-linux-gnu/rsyslog/lmnsd_gtls.so"
    if shutil.which("rsyslogd") is None or not os.path.exists(gtls):
        if os.environ.get("REQUIRE_COLLECTOR"):
            pytest.fail("rsyslog and rsyslog-gnutls are to be installed")
        pytest.skip("rsyslog-gnutls is not installed: `make servers`")
    port = _free()
    (tmp_path / "conf").write_text(RSYSLOG.format(at=tmp_path, pki=pki, port=port))
    process = subprocess.Popen(["rsyslogd", "-n", "-f", str(tmp_path / "conf"), "-i", str(tmp_path / "pid")],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    one = transport(f"syslog+tls://localhost:{port}#ca={pki}/ca.crt&cert={pki}/client.crt&key={pki}/client.key")
    try:
        hostile = with_attribute("mlsec.model.name", 'a"]\\b')
        until(lambda: one.send([hostile]).taken == 1, "rsyslog")
        until(lambda: (tmp_path / "out").exists() and (tmp_path / "out").read_text().endswith("\n"), "a line")
    finally:
        one.close()
        process.terminate()
        process.wait(20)

    assert r'"model": "a\"]\\b"' in (tmp_path / "out").read_text()
