"""Compressed bodies: read as their client reads them, and no further than the bound."""

import gzip
import os
import zlib

import httpx
import httpx2
import pytest

from otel_mlsec.capture.llm.decoded import decoded

BODY = os.urandom(3000).hex().encode()
RAW = zlib.compressobj(wbits=-15)
DEFLATED = RAW.compress(BODY) + RAW.flush()


@pytest.mark.parametrize(
    ("encoding", "body"),
    [("gzip", gzip.compress(BODY)), ("X-GZIP ", gzip.compress(BODY)), ("deflate", zlib.compress(BODY)), ("deflate", DEFLATED)],
)
def test_a_whole_body(encoding, body):
    assert decoded(body, encoding, 1 << 20) == BODY
    assert decoded(body, encoding, 100) == BODY[:100]


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_encodings_on_top_of_each_other_are_the_librarys(library):
    body = gzip.compress(zlib.compress(BODY))

    assert decoded(body, "deflate, gzip", 1 << 20, library.Response) == BODY


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_what_was_cut_off_or_is_broken_is_read_up_to_there(library):
    body = gzip.compress(BODY)
    broken = body[: len(body) // 2] + b"\xff" * 40 + body[len(body) // 2 :]

    assert BODY.startswith(decoded(body[:2000], "gzip", 1 << 20)[:2000])
    assert len(decoded(body[:2000], "gzip", 1 << 20)) > 1000
    assert len(decoded(broken, "gzip", 1 << 20)) > 1000
    assert len(decoded(gzip.compress(zlib.compress(BODY))[:2000], "deflate, gzip", 1 << 20, library.Response)) > 1000


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "nonsense", "identity", ""])
def test_nonsense_is_nothing_and_raises_nothing(encoding):
    for body in (b"", b"nonsense", b"\x1f\x8b", os.urandom(5000)):
        assert len(decoded(body, encoding, 100, httpx2.Response)) <= 100


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_a_bomb_is_read_up_to_the_bound(library):
    once = gzip.compress(b"\0" * (64 << 20))

    assert len(decoded(once, "gzip", 1 << 20)) == 1 << 20
    assert len(decoded(gzip.compress(once), "gzip, gzip", 1 << 20, library.Response)) == 1 << 20
