"""Whence calls come: networks, agents and groups of requests, through real servers."""

import sys

import pytest

pytest.importorskip("sklearn")
pytest.importorskip("httpx")
import httpx
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from tests.capture.test_server import X, fastapi_app, flask_app, uvicorn_server, wsgi_server

from otel_mlsec import capture
from otel_mlsec.capture import server
from otel_mlsec.capture.identity import Asked, Request, pseudonym, set_key
from otel_mlsec.capture.sources import LONGEST, last_hop, network, sources


@pytest.fixture
def model(calls):
    return LogisticRegression().fit(X, [0, 1, 0, 1])


def seen(calls, url, headers):
    calls.clear()
    with httpx.Client(trust_env=False) as client:
        assert client.get(f"{url}/sync", headers=headers).status_code == 200
    [call] = calls
    return capture.prediction(call)


def of(*claims):
    return tuple(pseudonym(Asked(*claim)) for claim in claims)


@pytest.mark.parametrize(("app", "serve"), [(fastapi_app, uvicorn_server), (flask_app, wsgi_server)])
def test_a_request_says_network_group_and_agent(app, serve, model, calls):
    with serve(app(model, None)) as url:
        found = seen(calls, url, {"User-Agent": "probe/1", "X-Tenant": "AS64496"})

    assert found.sources == of(("prefix", "127.0.0.0/24"), ("group", "AS64496"), ("agent", "probe/1"))
    assert found.principal == pseudonym(Asked("address", "127.0.0.1"))


@pytest.mark.parametrize(("app", "serve"), [(fastapi_app, uvicorn_server), (flask_app, wsgi_server)])
def test_behind_a_proxy_the_address_is_the_one_that_it_saw_and_not_what_the_client_made_up(app, serve, model, calls):
    with serve(app(model, None)) as url:
        found = seen(calls, url, [("User-Agent", "a"), ("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-For", "7.7.7.7, 192.0.2.7")])

    assert found.sources[0] == pseudonym(Asked("prefix", "192.0.2.0/24"))
    assert found.principal == pseudonym(Asked("address", "192.0.2.7"))
    assert found.attributes == {"client.address": "192.0.2.7"}


def test_what_no_header_was_configured_for_is_not_believed():
    patches, handed = capture.Patches(), []
    capture.patch(patches, lambda call: not handed.append(call))
    server.patch(patches)
    try:
        with wsgi_server(flask_app(LogisticRegression().fit(X, [0, 1, 0, 1]), None)) as url:  # uvicorn believes its host
            told = {"X-Forwarded-For": "6.6.6.6", "X-Tenant": "t", "X-User": "u", "User-Agent": "a"}
            found = seen(handed, url, told)
    finally:
        patches.undo()

    assert found.sources == of(("prefix", "127.0.0.0/24"), ("agent", "a"))
    assert found.principal == pseudonym(Asked("address", "127.0.0.1"))


def test_one_header_may_name_the_principal_and_his_group():
    patches, handed = capture.Patches(), []
    capture.patch(patches, lambda call: not handed.append(call))
    server.patch(patches, server.Headers(principal="X-Who", group="x-who "))
    try:
        with wsgi_server(flask_app(LogisticRegression().fit(X, [0, 1, 0, 1]), None)) as url:
            found = seen(handed, url, {"X-Who": "w", "User-Agent": "a"})
    finally:
        patches.undo()

    assert found.principal == pseudonym(Asked("header", "w"))
    assert pseudonym(Asked("group", "w")) in found.sources


def test_a_header_of_megabytes_is_kept_cut(model, calls):
    flask = flask_app(model, None)
    environ = {
        "REMOTE_ADDR": "::1" * 10_000,
        "HTTP_USER_AGENT": "a" * 10_000_000,
        "HTTP_X_FORWARDED_FOR": "1.1.1.1," * 10_000 + "::2",
    }
    body = flask({**environ, "REQUEST_METHOD": "GET", "PATH_INFO": "/sync", "wsgi.url_scheme": "http", "SERVER_NAME": "s",
                  "SERVER_PORT": "80", "HTTP_X_TENANT": "\udcff\x00" * 5000}, lambda *_: None)  # fmt: skip
    list(body)
    body.close()

    [call] = calls
    assert len(call.request.agent) == len(call.request.group) == LONGEST
    assert call.request.address == "::2"
    assert sys.getsizeof(call.request.agent) < 2 * LONGEST
    assert len(capture.prediction(call).sources) == 3


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("192.0.2.77:8443", "192.0.2.0/24"),
        ("::ffff:192.0.2.7", "192.0.2.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ("[2001:db8:1:2::7]:443", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("", ""),
        ("testclient", ""),
        ("_hidden", ""),
        ("1.2.3", ""),
        ("1" * 5000, ""),
    ],
)
def test_networks_of_addresses(address, expected):
    assert network(address) == expected


@given(st.text(max_size=300))
def test_whatever_an_address_says_it_has_a_network_or_none(address):
    assert network(last_hop(address)) == "" or "/" in network(last_hop(address))


def test_pseudonyms_change_with_the_key_and_nobody_has_none():
    request = Request(address="192.0.2.1", agent="a")
    before = sources(request)
    from otel_mlsec.capture import identity  # noqa: PLC0415 - its key is given back

    key = identity.key()
    try:
        set_key(b"another key, long enough")
        after = sources(request)
    finally:
        set_key(key)

    assert [name.partition(":")[0] for name in before] == ["prefix", "agent"]
    assert not set(before) & set(after)
    assert sources(request) == before
    assert sources(None) == sources(Request()) == ()
