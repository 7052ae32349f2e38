"""Bytes from a URL that the operator named: in bounded time, of bounded size, from where it says and nowhere else."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

import requests
import urllib3.exceptions

from otel_mlsec.emit.transports.bounded import Bounded
from otel_mlsec.reference.address import Unreachable, check_url, loopback, shown

TIMEOUT = 10.0  # s for the connection, and again for the answer
MAX_BYTES = 64 << 20
CHUNK = 1 << 16
DIRECT = {"http": "", "https": ""}


def fetch(url: str, *, timeout: float = TIMEOUT) -> bytes:
    """What is there, at most 64 MiB.

    Raises:
        Unreachable: no answer in time, another one than 200, a redirect (none is followed), or too large.
        ValueError: a URL that is not asked.
    """
    check_url(url)
    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, Bounded())
    proxies = DIRECT if loopback(urlsplit(url).hostname or "") else None  # else those of the environment
    session.headers["Accept-Encoding"] = "identity"
    try:
        with session, session.get(url, timeout=timeout, allow_redirects=False, stream=True, proxies=proxies) as answer:
            return _body(answer, shown(url))
    except Unreachable:
        raise
    except requests.Timeout:
        raise Unreachable(f"{shown(url)} does not answer in {timeout:g} s") from None
    except requests.exceptions.SSLError:
        raise Unreachable(f"{shown(url)} cannot be trusted: TLS failed") from None
    except (requests.RequestException, OSError, ValueError) as error:
        raise Unreachable(f"{shown(url)} cannot be reached ({type(error).__name__})") from None


def _body(answer: requests.Response, where: str) -> bytes:
    if answer.is_redirect or 300 <= answer.status_code < 400:
        raise Unreachable(f"{where} redirects, and redirects are not followed: name where it leads to")
    if answer.status_code != 200:
        raise Unreachable(f"{where} answers with status {answer.status_code}")
    length = answer.headers.get("content-length", "")
    body = bytearray()
    if not (length.isascii() and length.isdigit() and int(length[:20]) > MAX_BYTES):
        try:
            while chunk := answer.raw.read(CHUNK, decode_content=False):
                body += chunk
                if len(body) > MAX_BYTES:
                    break
            else:
                return bytes(body)
        except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as error:
            raise Unreachable(f"{where} does not send all of it ({type(error).__name__})") from None
    raise Unreachable(f"{where} is no reference: it is larger than {MAX_BYTES >> 20} MiB")
