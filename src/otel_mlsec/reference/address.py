"""A URL under which a reference lies; whether it would be asked can be said without asking it, and without a library for that."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from urllib.parse import unquote, urlsplit

SCHEMES = ("file", "https", "http")


class Unreachable(ValueError):
    """Nothing came, or not what was asked for; the message shows neither password nor query."""


def is_url(told: str) -> bool:
    return "://" in told


def shown(url: str) -> str:
    """Without what may be a secret: user, password, query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "a URL"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def check_url(url: str) -> None:
    """
    Raises:
        ValueError: it is none that would be asked; nothing is asked here.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(f"{shown(url)} is no URL") from None
    if parts.scheme not in SCHEMES:
        raise ValueError(f"{shown(url)} must begin with https:// or file://")
    if parts.scheme == "file":
        if host not in ("", "localhost") or not parts.path:
            raise ValueError(f"{shown(url)} must name a file of this machine, as file:///srv/model.mlsec")
    elif not host:
        raise ValueError(f"{shown(url)} names no host")
    elif parts.scheme == "http" and not loopback(host):
        raise ValueError(f"{shown(url)} must be https://, since anybody on the way could change what comes")


def on_disk(told: str) -> Path | None:
    """File or directory that a path or a `file://` URL names; None for a URL of another machine.

    Raises:
        ValueError: a URL that would not be asked.
    """
    if not is_url(told):
        return Path(told)
    check_url(told)
    parts = urlsplit(told)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def absolute(told: str) -> str:
    """The same after the application has changed its directory."""
    return told if is_url(told) else str(Path(told).absolute())


def loopback(host: str) -> bool:
    """Of this machine: nobody is on the way."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
