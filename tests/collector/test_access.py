"""Who may send to the gateway: a certificate of ours and a token that is in the file now."""

import contextlib
import http.client
import ssl

import pytest
from tests.collector.backend import identifiers
from tests.collector.certificates import TOKEN
from tests.collector.running import wait_until
from tests.collector.sending import finding

pytestmark = pytest.mark.collector


def test_certificate_and_token_are_let_in(gateway):
    assert gateway.sender().send(finding("1")) == 200
    wait_until(lambda: identifiers(gateway.findings()) == ["1"], "the finding")


@pytest.mark.parametrize("token", ["", "another"])
def test_without_the_right_token_a_client_with_a_certificate_is_refused(gateway, token):
    sender = gateway.sender(token=token)

    assert sender.send(finding("1")) == 401
    assert gateway.findings() == []


def test_without_a_certificate_there_is_no_connection(gateway):
    sender = gateway.sender(known=False)

    with pytest.raises((ssl.SSLError, ConnectionError, http.client.HTTPException)):
        sender.send(finding("1"))
    assert gateway.findings() == []


def test_plain_http_is_refused(gateway):
    sender = gateway.sender(secure=False)

    with contextlib.suppress(ConnectionError):  # it says 400 and hangs up, which may be heard first
        assert sender.send(finding("1")) == 400
    assert gateway.findings() == []


def test_tokens_are_rotated_without_a_restart(gateway, certificates):
    try:
        certificates.token_file.write_text(f"{TOKEN}\nnext\n")
        wait_until(lambda: gateway.sender(token="next").send(finding("1")) == 200, "the next token to be known")
        assert gateway.sender().send(finding("2")) == 200  # the old one still is

        fresh = certificates.token_file.with_suffix(".fresh")
        fresh.write_text("next\n")
        fresh.replace(certificates.token_file)
        wait_until(lambda: gateway.sender().send(finding("3")) == 401, "the old token to be forgotten")
        assert gateway.sender(token="next").send(finding("4")) == 200
    finally:
        certificates.token_file.write_text(f"{TOKEN}\n")
