"""syslog.yaml with a real rsyslog that wants certificates of its clients."""

import contextlib
import re
import ssl

import pytest
from tests.collector.built import Collector
from tests.collector.running import wait_until
from tests.collector.sending import TRACE, finding, log
from tests.collector.shapes import SHAPES

pytestmark = pytest.mark.collector


@pytest.fixture
def collector(state, certificates, backend, rsyslog) -> Collector:
    return Collector(
        state, "gateway.yaml", "syslog.yaml", certificates=certificates,
        MLSEC_BACKEND=backend.receiver.url, MLSEC_SYSLOG_HOST="127.0.0.1", MLSEC_SYSLOG_PORT=str(rsyslog.port),
    )  # fmt: skip


def test_a_finding_is_a_message_with_structured_data(collector, rsyslog):
    words = {"LOW": "6", "MEDIUM": "4", "HIGH": "3", "CRITICAL": "2"}
    with rsyslog.running(), collector.running():
        records = [finding(word, mlsec__finding__severity=word) for word in words]
        assert collector.sender().send(log("hello"), *records) == 200
        wait_until(lambda: len(rsyslog.messages()) == 4, "the messages")

    messages = {message["$!"]["rfc5424-sd"]["mlsec@32473"]["id"]: message for message in rsyslog.messages()}
    assert {word: messages[word]["syslogseverity"] for word in words} == words
    high = messages["HIGH"]
    assert high["syslogfacility"] == "13"
    assert (high["hostname"], high["programname"], high["msgid"]) == ("ml-1", "fraud-scoring", "mlsec.finding")
    assert high["msg"].strip() == "HIGH Model extraction: fraud 14 by app:0123456789ab"
    assert high["$!"]["rfc5424-sd"]["mlsec@32473"] == {
        "id": "HIGH",
        "case": "f00dfeedf00dfeed",
        "status": "new",
        "type": "extraction.account",
        "severity": "HIGH",
        "action": "observed",
        "model": "fraud",
        "rule": "extraction/account",
        "user": "app:0123456789ab",
        "src": "192.0.2.7",
        "trace": TRACE,
    }


def test_whatever_shape_it_has_a_record_is_one_message_and_forges_none(collector, rsyslog):
    with rsyslog.running(), collector.running():
        sender = collector.sender()
        hostile = {"service.name": 'x y\n"]<1>' * 30, "host.name": "a b\nc" * 100}
        assert {sender.send(record, resource=hostile) for record in SHAPES.values()} == {200}
        assert sender.send(finding("last")) == 200
        wait_until(lambda: any("last" in message["rawmsg"] for message in rsyslog.messages()), "the last of them")

    messages = rsyslog.messages()
    assert len(messages) == len(SHAPES) + 1
    assert {(message["syslogfacility"], message["msgid"]) for message in messages} == {("13", "mlsec.finding")}
    raw = [message["rawmsg"].removesuffix("\n").removesuffix("#012") for message in messages]
    assert [text for text in raw if re.search(r"[\x00-\x1f\x7f]|#0[0-3]\d", text)] == []
    [forged] = [message for message in messages if "evil" in message["rawmsg"]]
    assert forged["msg"].strip().startswith("x <106>1 2026-01-01T00:00:00Z evil")


@pytest.mark.parametrize("known", [True, False])
def test_only_a_client_with_a_certificate_is_heard(rsyslog, certificates, known):
    message = b"<106>1 2026-01-01T00:00:00Z a b - - - hi"
    context = ssl.create_default_context(cafile=certificates.path("ca.crt"))
    if known:
        context.load_cert_chain(certificates.path("client.crt"), certificates.path("client.key"))
    with rsyslog.running():
        with contextlib.suppress(OSError), rsyslog.client(context) as connection:
            connection.sendall(b"%d %s" % (len(message), message))
            if not known:
                assert connection.recv(1) == b""  # it hangs up
        if known:
            wait_until(rsyslog.messages, "the message")

    assert len(rsyslog.messages()) == int(known)
