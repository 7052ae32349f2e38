"""Addresses in a text: which a reader's program fetches by itself, which a reader clicks, and what each carries."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from urllib.parse import unquote

from otel_mlsec.detectors.llm.passages import entropy, pattern

MOST = 64  # addresses of one form that are looked at, in one text
LONGEST = 4096  # characters of an address
DENSE = 24  # characters from which on a part may be data
DENSE_ENTROPY = 3.5  # bits a character

_REST = r"((?:https?:)?//[^\s\"'<>`]+)"
MARKDOWN = r"\]\(\s*<?\s*((?:https?:)?//[^)\n\"<>]+)"
REFERENCE = r"(?m)^\s*\[[^\]\n]+\]:\s*<?" + _REST
FETCHED = (
    r"(?i)<(?:img|image|iframe|script|link|video|audio|source|object|embed|track|input|body)\b[^<>]*"
    r"\b(?:src|srcset|href|data|poster|background)\s*=\s*[\"']?\s*" + _REST
)
CLICKED = r"(?i)<(?:a|area|form)\b[^<>]*\b(?:href|action|formaction)\s*=\s*[\"']?\s*" + _REST
STYLE = r"(?i)\burl\(\s*[\"']?\s*((?:https?:)?//[^\s\"'<>`)]+)"
BARE = r"(?i)\b((?:https?|ftp|wss?)://[^\s\"'<>`\\)\]}|]+)"

HASH = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# What storage services call the signature of an address that is good for a while.
SIGNATURES = ("&sig=", ";sig=", "X-Amz-Signature=", "X-Goog-Signature=", "&Signature=", "Key-Pair-Id=")
ENCODED = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    url: str = field(repr=False)
    fetched: bool = False  # without a click: an image, a frame
    marked: bool = False  # as a link; a bare address is read, and clicked with open eyes


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """What an address is made of, decoded."""

    host: str = field(repr=False)
    path: tuple[str, ...] = field(repr=False)  # and the fragment, which stays with the reader
    carried: tuple[str, ...] = field(repr=False)  # values of the query, user and names of the host below its domain
    signed: bool = False  # by the host that serves it: its query is long and random as it has to be


def links(data: bytes, *, bare_only: bool = False) -> Iterator[Link]:
    """Every address in UTF-8 `data`, each once, as what it does at worst."""
    if b"//" not in data:
        return
    seen: set[int] = set()
    if not bare_only:
        for match in islice(pattern(MARKDOWN).finditer(data), MOST):
            seen.add(match.start(1))
            yield Link(url=_text(match.group(1)), fetched=_image(data, match.start()), marked=True)
        images = b"![" in data
        for source, fetched in ((REFERENCE, images), (FETCHED, True), (CLICKED, False), (STYLE, True)):
            for match in islice(pattern(source).finditer(data), MOST):
                if match.start(1) not in seen:
                    seen.add(match.start(1))
                    yield Link(url=_text(match.group(1)), fetched=fetched, marked=True)
    for match in islice(pattern(BARE).finditer(data), MOST):
        if match.start(1) not in seen:
            yield Link(url=_text(match.group(1)).rstrip(".,;:!?*_"))


def _text(url: bytes) -> str:
    return url[:LONGEST].decode("utf-8", "replace").strip()


def _image(data: bytes, closing: int) -> bool:
    """Whether a `!` stands before the bracket that `data[closing]` closes."""
    depth = 0
    for at in range(closing, max(-1, closing - 1024), -1):
        depth += {0x5D: 1, 0x5B: -1}.get(data[at], 0)
        if depth == 0:
            return data[at - 1 : at] == b"!"
    return False


def address(url: str) -> Address:
    """Read the way a browser would, as far as it matters here; never raises.

    >>> address("https://a.test/b%20c?q=d").path
    ('b c',)
    """
    rest = url.partition("//")[2].replace("\\", "/")
    end = min((at for at in (rest.find(c) for c in "/?#") if at >= 0), default=len(rest))
    user, _, host = rest[:end].rpartition("@")
    rest, _, fragment = rest[end:].partition("#")
    path, _, query = rest.partition("?")
    host = unquote(host).lower().partition(":")[0].rstrip(".")
    values = [value or name for name, _, value in (pair.partition("=") for pair in re.split("[&;]", query))]
    carried = (*(unquote(value.replace("+", " ")) for value in values), unquote(user), *host.split(".")[:-2])
    return Address(
        host=host,
        path=tuple(unquote(part) for part in (*path.split("/"), fragment) if part),
        carried=tuple(part for part in carried if part),
        signed=any(name in query for name in SIGNATURES),
    )


def sentence(part: str) -> bool:
    return len(part) >= DENSE and part.count(" ") >= 3


def dense(part: str, *, in_path: bool) -> bool:
    """Whether it looks like data: long and random.  Names of pages, hashes and UUIDs do not."""
    if len(part) < DENSE or HASH.fullmatch(part) or " " in part:
        return False
    kinds = any(c.isdigit() for c in part) + any(c.isupper() for c in part) + any(c.islower() for c in part)
    solid = max(len(run) for run in re.split(r"[-_.,~ ]", part)) >= DENSE
    return entropy(part) > DENSE_ENTROPY and (kinds == 3 and solid if in_path else kinds >= 2)


def hidden_text(part: str) -> str:
    """The text that a part is base64 or hexadecimal of; "" where it is none."""
    if not ENCODED.fullmatch(part):
        return ""
    if HASH.fullmatch(part) is None and len(part) % 2 == 0:
        try:
            return _readable(bytes.fromhex(part))
        except ValueError:
            pass  # not hexadecimal
    plain = part.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return _readable(base64.b64decode(plain + "=" * (-len(plain) % 4)))
    except binascii.Error:
        return ""


def _readable(decoded: bytes) -> str:
    try:
        text = decoded.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    return text if len(text) >= 8 and all(c.isprintable() or c.isspace() for c in text) and entropy(text) > 2 else ""
