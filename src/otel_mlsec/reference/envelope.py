"""The file that a reference travels in: a manifest that a person can read, raw arrays, a digest, perhaps a signature.

    "otel-mlsec reference\\n" · format version (4 bytes) · length of the manifest (4 bytes) · JSON · arrays ·
    SHA-256 of all before (32 bytes) · HMAC-SHA-256 of the same under the key, or zeros (32 bytes)

Nothing in it is executed on reading.  Standard library only, so that a configuration can be checked before numpy is there.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import math
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

REFERENCE = "reference"  # what a file is; sketches travel likewise
MAGIC = b"otel-mlsec reference\n"
VERSION = 1
HEAD = struct.Struct("<II")
MAX_BYTES = 1 << 28  # 256 MiB
SEAL = 32  # bytes of the digest, and of the signature
UNSIGNED = bytes(SEAL)
DTYPES = {"<f8": 8, "<i8": 8, "|u1": 1}  # bytes of an element
MAX_DIMENSIONS = 2


class Raw(NamedTuple):
    """One array as it lies in the file."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes


def write(path: Path, manifest: Mapping[str, Any], arrays: Mapping[str, Raw], key: bytes | None, kind: str = REFERENCE) -> None:
    """Write, or leave what was there: the file is renamed into place when it is whole."""
    listed = {name: {"dtype": raw.dtype, "shape": raw.shape} for name, raw in arrays.items()}
    text = json.dumps({**manifest, "arrays": listed}, indent=1, allow_nan=False).encode()
    body = _magic(kind) + HEAD.pack(VERSION, len(text)) + text + b"".join(raw.data for raw in arrays.values())
    signature = hmac.digest(key, body, "sha256") if key else UNSIGNED
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_bytes(body + hashlib.sha256(body).digest() + signature)
    part.replace(path)


def read(path: Path, key: bytes | None = None, kind: str = REFERENCE) -> tuple[dict[str, Any], dict[str, Raw]]:
    """-> manifest and arrays of a file that is whole, of this version and, where there is a key, signed with it.

    Raises:
        ValueError: it is not; the sentence says which.
        OSError: it cannot be opened.
    """
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise ValueError(f"{path} is not a {kind}: {size} bytes, a {kind} has at most {MAX_BYTES}")
    with path.open("rb") as file:
        return unsealed(file.read(size), str(path), key, kind)  # of a device, which has no end, nothing


def unsealed(whole: bytes, path: str, key: bytes | None = None, kind: str = REFERENCE) -> tuple[dict[str, Any], dict[str, Raw]]:
    """The same of the bytes of a file; `path` is what a sentence calls it."""
    magic = _magic(kind)
    if not whole.startswith(magic) or len(whole) < len(magic) + HEAD.size + 2 * SEAL:
        raise ValueError(f"{path} is not a {kind} of otel-mlsec")
    version, length = HEAD.unpack_from(whole, len(magic))
    if version != VERSION:
        verb = "fit" if kind == REFERENCE else "make"
        raise ValueError(f"{path} has format version {version}, this release reads version {VERSION}: {verb} it again")
    body, digest, signature = whole[: -2 * SEAL], whole[-2 * SEAL : -SEAL], whole[-SEAL:]
    if not hmac.compare_digest(hashlib.sha256(body).digest(), digest):
        raise ValueError(f"{path} is damaged: its contents do not match its SHA-256 digest")
    if key and signature == UNSIGNED:
        raise ValueError(f"{path} is not signed, and a reference key is set")
    if key and not hmac.compare_digest(hmac.digest(key, body, "sha256"), signature):
        raise ValueError(f"{path} is signed with another key")
    start = len(magic) + HEAD.size
    try:
        return _unpack(body[start : start + length], memoryview(body)[start + length :])
    except Unsound as error:
        raise ValueError(f"{path} is damaged: {error}") from None
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f"{path} is damaged: its manifest cannot be read ({type(error).__name__})") from None


def _magic(kind: str) -> bytes:
    return b"otel-mlsec %b\n" % kind.encode()


def check(path: str | Path, key: bytes | None = None) -> dict[str, Any]:
    """The manifest of a file that could be loaded; raises as `read` does."""
    return read(Path(path), key)[0]


def fingerprint(path: Path) -> str:
    """The SHA-256 that the file carries, in hexadecimal digits: which reference it is."""
    with path.open("rb") as file:
        file.seek(-2 * SEAL, os.SEEK_END)
        return file.read(SEAL).hex()


def is_signed(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-SEAL, os.SEEK_END)
        return file.read() != UNSIGNED


class Unsound(Exception):
    """What the manifest says cannot be; only here, so that the sentence is not taken for a decoder's."""


def _unpack(text: bytes, data: memoryview) -> tuple[dict[str, Any], dict[str, Raw]]:
    manifest = json.loads(text, parse_constant=_not_a_number)
    arrays: dict[str, Raw] = {}
    at = 0
    for name, listed in manifest.pop("arrays").items():
        dtype, shape = listed["dtype"], tuple(listed["shape"])
        if dtype not in DTYPES:
            raise Unsound(f"array {name!r} is of type {dtype!r}, allowed are {', '.join(DTYPES)}")
        if len(shape) > MAX_DIMENSIONS or not all(type(n) is int and 0 <= n <= MAX_BYTES for n in shape):
            raise Unsound(f"array {name!r} has an impossible shape")
        size = DTYPES[dtype] * math.prod(shape)
        if at + size > len(data):
            raise Unsound(f"array {name!r} ends beyond the file")
        arrays[name] = Raw(dtype, shape, bytes(data[at : at + size]))
        at += size
    if at != len(data):
        raise Unsound(f"{len(data) - at} bytes belong to no array")
    return manifest, arrays


def _not_a_number(constant: str) -> float:
    raise Unsound(f"its manifest holds {constant}")
