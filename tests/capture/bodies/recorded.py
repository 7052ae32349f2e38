"""Recorded traffic of the providers' own clients, where it is at hand."""

from __future__ import annotations

import base64
import gzip
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

CASSETTES = Path(__file__).parents[3].parent / "shared" / "data" / "llm_cassettes.tar.xz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One interaction: what was sent, and the bytes that came back, unpacked."""

    file: str
    path: str
    host: str
    asked: dict[str, Any]
    status: int
    answer: bytes

    @property
    def request(self) -> bytes:
        return json.dumps(self.asked).encode()


def _bytes(part: Mapping[str, Any]) -> bytes:
    body = part.get("body")
    if isinstance(body, dict):
        body = base64.b64decode(body["base64_string"]) if "base64_string" in body else body.get("string")
    raw = body if isinstance(body, bytes) else (body or "").encode()
    return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw


@cache
def recordings() -> list[Recorded]:
    """All recorded interactions whose request is a JSON object."""
    yaml = pytest.importorskip("yaml")
    if not CASSETTES.exists():
        pytest.skip("recorded traffic is not at hand")
    found: list[Recorded] = []
    with tarfile.open(CASSETTES) as archive:
        for member in archive:
            if not member.name.endswith((".yaml", ".yml")):
                continue
            file = archive.extractfile(member)
            assert file is not None
            document = yaml.load(file.read(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
            for each in document.get("interactions") or []:
                url = urlsplit(each["request"]["uri"])
                try:
                    asked = json.loads(_bytes(each["request"]))
                except ValueError:
                    continue
                if isinstance(asked, dict):
                    found.append(
                        Recorded(
                            file=member.name,
                            path=unquote(url.path),
                            host=url.hostname or "",
                            asked=asked,
                            status=each["response"]["status"]["code"],
                            answer=_bytes(each["response"]),
                        )
                    )
    return found
