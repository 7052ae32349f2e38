"""Whence a request came: what many principals may share, as keyed pseudonyms, so that a crowd from one place can be seen."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

from otel_mlsec.capture import identity
from otel_mlsec.capture.identity import Asked, Request

AGENT = "user-agent"  # the header's name
LONGEST = 256  # characters of an address, agent or group that count
V4, V6 = 24, 48  # bits of a network: what one customer of a provider usually has, or one exit of a pool
KNOWN = 1024  # requests' sources that are remembered, to be hashed once


def last_hop(forwarded: str) -> str:
    """The address that the nearest proxy added to `X-Forwarded-For`; those before it are the client's to make up.

    >>> last_hop("6.6.6.6, 192.0.2.7")
    '192.0.2.7'
    """
    return forwarded[-LONGEST:].rpartition(",")[2].strip()


def network(address: str) -> str:
    """The network of an address, with or without a port; "" of what is none.

    >>> network("192.0.2.7:443"), network("[2001:db8:1:2::7]:443"), network("::ffff:192.0.2.7"), network("unix")
    ('192.0.2.0/24', '2001:db8:1::/48', '192.0.2.0/24', '')
    """
    host = address.strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        found = ipaddress.ip_address(host.partition("%")[0])  # without the zone, which is ours
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return str(ipaddress.ip_network((found, V4 if found.version == 4 else V6), strict=False))


def sources(request: Request | None) -> tuple[str, ...]:
    """`prefix:…`, `group:…`, `agent:…`, as far as known.  For the worker: the caller keeps strings and hashes nothing."""
    return _pseudonyms(identity.key(), request.address, request.group, request.agent) if request is not None else ()


@lru_cache(maxsize=KNOWN)
def _pseudonyms(_key: bytes, address: str, group: str, agent: str) -> tuple[str, ...]:
    told = (Asked("prefix", network(address)), Asked("group", group), Asked("agent", agent))
    return tuple(identity.pseudonym(each) for each in told if each.value)
