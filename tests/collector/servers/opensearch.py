"""OpenSearch, one node."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from tests.collector.running import ROOT, SERVERS, call, free_ports, missing, running

LIBRARIES = SERVERS / "opensearch/lib"


class OpenSearch:
    def __init__(self, directory: Path) -> None:
        if shutil.which("java") is None or not LIBRARIES.exists():
            missing("OpenSearch", "`make servers` (needs a JDK and Maven)")
        self._directory = directory
        [port] = free_ports(1)
        self._port = port
        self.version = ""

    @contextmanager
    def running(self) -> Iterator[Self]:
        program = ROOT / "tests/collector/servers/OpenSearch.java"
        command = ("java", "-Xmx512m", "-cp", f"{LIBRARIES}/*", program, self._port, self._directory / "data")
        with running(*command, log=self._directory / "log", ready=lambda: self.call("GET", "/_cluster/health")[0] == 200):
            self.version = f"OpenSearch {self.call('GET', '/')[1]['version']['number']}"
            yield self

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """A string is sent as lines of JSON."""
        sent = body if isinstance(body, str) or body is None else json.dumps(body)
        kind = "application/x-ndjson" if isinstance(body, str) else "application/json"
        status, answer = call(
            f"http://127.0.0.1:{self._port}{path}", None if sent is None else sent.encode(), method=method, kind=kind
        )
        return status, json.loads(answer) if answer else None
