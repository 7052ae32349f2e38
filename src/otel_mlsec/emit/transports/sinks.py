"""What a sink's URL says: which transport, to whom, in which format."""

from __future__ import annotations

import hashlib
import ipaddress
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from otel_mlsec.emit.formats import TABLE, rfc5424
from otel_mlsec.emit.record import Record
from otel_mlsec.emit.transport import Transport

JSON: Final = ("ocsf", "ecs", "otlp")  # formats of which one is a document
OPTIONS: Final = {
    "file": ("format",), "https": ("format", "ca", "cert", "key", "timeout"), "http": ("format", "timeout", "plain"),
    "syslog+tls": ("format", "ca", "cert", "key", "timeout", "number"), "syslog+tcp": ("format", "timeout", "number", "plain"),
}  # fmt: skip
PORTS: Final = {"syslog+tls": 6514, "syslog+tcp": 601, "https": 443, "http": 80}


def transport(url: str, *, secret: str = "") -> Transport:
    """What sends to a sink; no connection is made yet.

    Raises:
        ValueError: of what the URL says, something cannot be; the message names it, and quotes no secret.
    """
    parts, options = _read(url)
    match parts.scheme:
        case "file":
            from otel_mlsec.emit.transports.lines import Lines  # noqa: PLC0415 - of the kinds, a process needs one at most

            return Lines(path=Path(unquote(parts.path)), form=_form(options, "otlp", TABLE))
        case "https" | "http":
            return _webhook(url.partition("#")[0], options, secret)
        case _:
            return _syslog(parts, options)


def shown(url: str) -> str:
    """A sink's URL without what may be a secret, and yet another one for another URL."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return f"file://{parts.path}"
    digest = hashlib.blake2b(url.partition("#")[0].encode("utf-8", "replace"), digest_size=3).hexdigest()
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]} ({digest})"


def _read(url: str) -> tuple[SplitResult, Mapping[str, str]]:
    parts = _split(url)
    if parts.scheme not in OPTIONS:
        raise ValueError(f"a sink must begin with one of {', '.join(f'{scheme}://' for scheme in OPTIONS)}, got {parts.scheme!r}")
    options = dict(parse_qsl(parts.fragment, keep_blank_values=True))
    for name in options:
        if name not in OPTIONS[parts.scheme]:
            raise ValueError(f"options of {parts.scheme}:// are {', '.join(OPTIONS[parts.scheme])}, got {name!r}")
    if parts.scheme == "file" and (parts.netloc or not parts.path.startswith("/")):
        raise ValueError("a file must be given in full, file:///var/log/findings.jsonl")
    if parts.scheme != "file" and not parts.hostname:
        raise ValueError(f"{parts.scheme}:// must be followed by a host")
    if parts.scheme in ("http", "syslog+tcp") and options.get("plain") != "yes" and not _here(parts.hostname or ""):
        raise ValueError(f"{parts.scheme}:// goes to this machine only; for another, take TLS, or say #plain=yes")
    if bool(options.get("cert")) != bool(options.get("key")):
        raise ValueError("cert and key must be given together")
    return parts, options


def _split(url: str) -> SplitResult:
    """The library's own errors quote what stands before the host, a password among it."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ValueError("a sink must be a URL, with a number for its port, and with no / in a user or password") from None
    return parts


def _here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _form(options: Mapping[str, str], default: str, allowed: Mapping[str, object]) -> Callable[[Record], str]:
    name = options.get("format", default)
    if name not in allowed:
        raise ValueError(f"format must be one of {', '.join(allowed)} here, got {name!r}")
    return TABLE[name]


def _number(options: Mapping[str, str], name: str, default: float, low: float, high: float) -> float:
    text = options.get(name, str(default))
    try:
        number = float(text)
    except ValueError:
        number = low - 1.0
    if not low <= number <= high:
        raise ValueError(f"{name} must be a number in [{low:g}, {high:g}], got {text!r}")
    return number


def _webhook(url: str, options: Mapping[str, str], secret: str) -> Transport:
    from otel_mlsec.emit.transports.http import Http  # noqa: PLC0415 - 10 MiB that most processes need not load
    from otel_mlsec.emit.transports.webhook import Webhook, secret_of  # noqa: PLC0415 - likewise

    client = (options["cert"], options["key"]) if options.get("cert") else None
    timeout = _number(options, "timeout", 10.0, 0.1, 600.0)
    direct = _here(urlsplit(url).hostname or "")  # what is for this machine leaves it by no proxy
    http = Http(url=url, timeout=timeout, certificate=options.get("ca", ""), client=client, direct=direct)
    return Webhook(http=http, form=_form(options, "ocsf", dict.fromkeys(JSON)), secret=secret_of(secret))


def _syslog(parts: SplitResult, options: Mapping[str, str]) -> Transport:
    from otel_mlsec.emit.transports.syslog import Syslog  # noqa: PLC0415 - likewise

    form = _form(options, "rfc5424", {name: None for name in TABLE if name != "otlp"})
    number = int(_number(options, "number", 32473, 1, 2**32))
    whole = options.get("format", "rfc5424") == "rfc5424"

    def message(record: Record) -> str:
        return rfc5424(record, said_as=None if whole else form(record), number=number)

    return Syslog(
        host=parts.hostname or "", port=parts.port or PORTS[parts.scheme], form=message,
        tls=_tls(options) if parts.scheme == "syslog+tls" else None, timeout=_number(options, "timeout", 10.0, 0.1, 600.0),
    )  # fmt: skip


def _tls(options: Mapping[str, str]) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=options.get("ca"))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if options.get("cert"):
            context.load_cert_chain(options["cert"], options["key"])
    except (OSError, ssl.SSLError) as error:
        raise ValueError(f"ca, cert and key must be files in PEM ({error.strerror or type(error).__name__})") from None
    return context
