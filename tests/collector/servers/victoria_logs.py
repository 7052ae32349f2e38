"""VictoriaLogs."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

from tests.collector.running import SERVERS, call, free_ports, missing, running

BINARY = SERVERS / "victoria-logs"


class VictoriaLogs:
    def __init__(self, directory: Path) -> None:
        if not BINARY.exists():
            missing("VictoriaLogs", "`make servers` (needs Go)")
        self._directory = directory
        [port] = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        self._listen = f"-httpListenAddr=127.0.0.1:{port}"
        modules = subprocess.run(["go", "version", "-m", BINARY], capture_output=True, text=True, check=False).stdout
        release = next((line.split()[2] for line in modules.splitlines() if line.split()[:1] == ["mod"]), "unknown")
        self.version = f"VictoriaLogs {release}"

    @contextmanager
    def running(self) -> Iterator[Self]:
        command = (BINARY, self._listen, f"-storageDataPath={self._directory / 'data'}")
        with running(*command, log=self._directory / "log", ready=lambda: call(f"{self.url}/health")[0] == 200):
            yield self

    def query(self, text: str) -> list[dict[str, Any]]:
        status, answer = call(f"{self.url}/select/logsql/query?{urlencode({'query': text})}")
        assert status == 200, answer
        return [json.loads(line) for line in answer.splitlines()]
