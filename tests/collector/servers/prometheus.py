"""Prometheus, scraping a Collector every second."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

from tests.collector.running import call, free_ports, missing, running


class Prometheus:
    def __init__(self, directory: Path) -> None:
        if shutil.which("prometheus") is None or shutil.which("promtool") is None:
            missing("Prometheus", "`make servers`")
        directory.mkdir()
        self._directory = directory
        [port] = free_ports(1)
        self._address = f"127.0.0.1:{port}"
        said = subprocess.run(["prometheus", "--version"], capture_output=True, text=True, check=True)
        self.version = " ".join((said.stdout or said.stderr).split()[:3]).rstrip(",").replace("prometheus, version", "Prometheus")

    @contextmanager
    def running(self, *ports: int, rules: str = "") -> Iterator[Self]:
        (self._directory / "rules.yml").write_text(rules)
        targets = [f"127.0.0.1:{port}" for port in ports]
        (self._directory / "prometheus.yml").write_text(
            "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
            f"rule_files: {['rules.yml'] if rules else []}\n"
            "scrape_configs:\n"
            f"  - {{job_name: collector, honor_labels: true, static_configs: [{{targets: {targets}}}]}}\n"
        )
        subprocess.run(
            ["promtool", "check", "config", self._directory / "prometheus.yml"], check=True, capture_output=True, text=True
        )
        command = (
            "prometheus", f"--config.file={self._directory / 'prometheus.yml'}", f"--web.listen-address={self._address}",
            f"--storage.tsdb.path={self._directory / 'data'}",
        )  # fmt: skip
        with running(*command, log=self._directory / "log", ready=lambda: call(f"http://{self._address}/-/ready")[0] == 200):
            yield self

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        answer = self._get(f"/api/v1/query?{urlencode({'query': expression})}")
        return [(series["metric"], float(series["value"][1])) for series in answer["data"]["result"]]

    def alerts(self) -> list[dict[str, Any]]:
        return [alert for alert in self._get("/api/v1/alerts")["data"]["alerts"] if alert["state"] == "firing"]

    def _get(self, path: str) -> Any:
        status, answer = call(f"http://{self._address}{path}")
        assert status == 200, answer
        return json.loads(answer)
