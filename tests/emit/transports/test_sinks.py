"""What a sink's URL may say."""

import traceback

import pytest

from otel_mlsec.emit.transports import shown, transport


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("gopher://host", "must begin with one of"),
        ("http://collector.example.org/hook", "this machine only"),
        ("syslog+tcp://siem.example.org", "this machine only"),
        ("file://findings.jsonl", "given in full"),
        ("https:///path", "followed by a host"),
        ("https://host/#format=cef", "format must be one of ocsf, ecs, otlp here"),
        ("https://host/#colour=red", "options of https://"),
        ("https://host/#timeout=long", "timeout must be a number"),
        ("https://host/#cert=a", "together"),
        ("syslog+tls://host#ca=/nowhere", "must be files in PEM"),
        ("syslog+tls://host#number=0", "number must be"),
    ],
)
def test_what_cannot_be_is_named(url, why):
    with pytest.raises(ValueError, match=why):
        transport(url)


@pytest.mark.parametrize(
    "url",
    ["https://host/x", "http://127.0.0.1:1/x", "http://siem/x#plain=yes", "syslog+tls://siem", "syslog+tcp://localhost:601"],
)
def test_what_can_be(url):
    transport(url).close()


def test_what_may_be_a_secret_is_not_shown_and_others_are_others():
    one = shown("https://user:password@hooks.example.org/services/T0/B0/token?key=k#cert=/c")

    assert one.startswith("https://hooks.example.org (")
    assert not {"user", "password", "token", "key"} & set(one.replace("/", " ").split())
    assert one != shown("https://hooks.example.org/services/T0/B0/another")
    assert shown("file:///var/log/x.jsonl#format=ecs") == "file:///var/log/x.jsonl"


def test_a_secret_that_is_half_base64_is_said_without_it():
    with pytest.raises(ValueError, match="goes on in base64") as raised:
        transport("https://host/x", secret="whsec_!!secret!!")

    assert "!!secret!!" not in str(raised.value)


@pytest.mark.parametrize("host", ["user:hunter2/x@siem", "siem:hunter2", "user:hunter2@siem\u2100", "user:hunter2@[siem"])
@pytest.mark.parametrize("scheme", ["https", "syslog+tls"])
def test_a_url_that_is_none_is_said_without_it(scheme, host):
    with pytest.raises(ValueError, match="must be a URL") as raised:
        transport(f"{scheme}://{host}")

    assert "hunter2" not in "".join(traceback.format_exception(raised.value))
