"""Compressed bodies, undone up to a bound: a small one may stand for gigabytes."""

from __future__ import annotations

import sys
import zlib
from contextlib import suppress
from typing import Any

LIBRARIES = ("httpx", "httpx2")
PIECE = 256  # bytes given at once to a decoder that cannot be told where to stop
EITHER = 32 + zlib.MAX_WBITS  # gzip or zlib, as the header says


def decoded(body: bytes, encoding: str, most: int, response_type: Any = None) -> bytes:
    """As much of it as can be read, at most `most` bytes and what one piece adds.

    gzip and deflate are the standard library's.  For what else there is (`br`, `zstd`) the response's own class is asked, which
    has decoded the same for its client before.
    """
    name = encoding.strip().lower()
    if not name or name == "identity":
        return body[:most]
    if name in ("gzip", "x-gzip", "deflate"):
        return _inflated(body, EITHER, most) or _inflated(body, -zlib.MAX_WBITS, most)
    return _by_library(body, encoding, most, response_type) if response_type is not None else b""


def _inflated(body: bytes, window: int, most: int) -> bytes:
    try:
        return zlib.decompressobj(window).decompress(body, most)
    except zlib.error:
        return _until_broken(body, window, most)


def _until_broken(body: bytes, window: int, most: int) -> bytes:
    """zlib says nothing of what it had read before an error, so it is given less at once."""
    inflater, read = zlib.decompressobj(window), bytearray()
    for start in range(0, len(body), PIECE):
        try:
            read += inflater.decompress(inflater.unconsumed_tail + body[start : start + PIECE], most - len(read))
        except zlib.error:
            break
        if len(read) >= most or inflater.eof:
            break
    return bytes(read)


def _by_library(body: bytes, encoding: str, most: int, response_type: Any) -> bytes:
    pieces = (body[start : start + PIECE] for start in range(0, len(body), PIECE))
    response = response_type(200, headers={"content-encoding": encoding}, content=pieces)
    read = bytearray()
    with suppress(_decoding_error(response_type)):  # what was cut off ends like this
        for piece in response.iter_bytes():
            read += piece
            if len(read) >= most:
                break
    return bytes(read[:most])


def _decoding_error(response_type: type) -> type[Exception]:
    """Of httpx or httpx2, whichever the response is of."""
    names = (base.__module__.partition(".")[0] for base in response_type.__mro__)
    library: Any = next((sys.modules[name] for name in names if name in LIBRARIES), None)
    return library.DecodingError if library is not None else ValueError
