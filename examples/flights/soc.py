"""A small SOC on this machine for `make demo-soc`: the Collector, VictoriaLogs and Prometheus on free ports, with new data."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
COLLECTOR = ROOT / "collector/bin/otelcol-mlsec"
VICTORIA_LOGS = ROOT / "build/servers/victoria-logs"
PATIENCE = 60.0  # s for a server to answer, and to go
FINDINGS = 'event_name:="mlsec.finding"'
SPAN = {
    "g0.range_input": "344d",
    "g0.end_input": "2014-02-02T00:00:00",
    "g0.relative_time": "none",
}  # of the story, as its flights were
SERIES = "sum by (mlsec_finding_type, mlsec_finding_severity) (mlsec_findings_total) > 0"
PORTS = ("MLSEC_GRPC_PORT", "MLSEC_HTTP_PORT", "MLSEC_HEALTH_PORT", "MLSEC_METRICS_PORT", "MLSEC_APPLICATIONS_PORT")


class Unavailable(Exception):
    """Cannot be had here; the text says what to do."""


@dataclass(frozen=True, kw_only=True)
class Soc:
    collector: str  # where applications send to, a URL
    victoria_logs: str  # URL
    prometheus: str  # URL; "" where there is none

    @property
    def pages(self) -> dict[str, str]:
        """What to open, by what there is to be seen."""
        logs = urllib.parse.urlencode({"query": FINDINGS, **SPAN})
        series = urllib.parse.urlencode({"g0.expr": SERIES, "g0.tab": 0, "g0.range_input": "15m"})
        pages = {"findings in VictoriaLogs": f"{self.victoria_logs}/select/vmui/?#/?{logs}"}
        if self.prometheus:
            pages["their counts in Prometheus"] = f"{self.prometheus}/graph?{series}"
            pages["alerts in Prometheus"] = f"{self.prometheus}/alerts?search="
        return pages

    def findings(self) -> set[str]:
        """Ids of those in VictoriaLogs."""
        lines = get(f"{self.victoria_logs}/select/logsql/query?{urllib.parse.urlencode({'query': FINDINGS, 'limit': 10_000})}")
        return {json.loads(line)["mlsec.finding.id"] for line in lines.splitlines()}

    def counts(self) -> dict[str, float]:
        """Findings by type in Prometheus."""
        query = urllib.parse.urlencode({"query": "sum by (mlsec_finding_type) (mlsec_findings_total) > 0"})
        result: list[Any] = json.loads(get(f"{self.prometheus}/api/v1/query?{query}"))["data"]["result"]
        return {series["metric"]["mlsec_finding_type"]: float(series["value"][1]) for series in result}

    def alerts(self) -> set[str]:
        """Names of those that fire."""
        alerts: list[Any] = json.loads(get(f"{self.prometheus}/api/v1/alerts"))["data"]["alerts"]
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}


def build(say: Callable[[str], object]) -> None:
    """What has to be compiled, once.

    Raises:
        Unavailable: without Go, or if it fails.
    """
    if COLLECTOR.exists() and VICTORIA_LOGS.exists():
        return
    if shutil.which("go") is None:
        raise Unavailable(
            "The Collector and VictoriaLogs are compiled here, which needs Go 1.26 or newer (https://go.dev/dl); "
            "`make demo` shows the same findings and needs none."
        )
    say("The Collector and VictoriaLogs are compiled first: once, about five minutes on two cores, 2.5 GB in Go's caches …")
    for command in (["make", "collector"], [ROOT / "tests/collector/servers/install.sh", "victoria-logs"]):
        subprocess.run(command, cwd=ROOT, check=False)  # it says what is wrong
    if not (COLLECTOR.exists() and VICTORIA_LOGS.exists()):
        raise Unavailable("They could not be compiled, see above; `make demo` shows the same findings and needs neither.")


@contextmanager
def soc(backend: str) -> Generator[Soc]:
    """Running until the end of the context, which removes their data.

    Args:
        backend: URL that gets all telemetry, too.

    Raises:
        Unavailable: one of them does not start.
    """
    ports = dict(zip(PORTS, map(str, free_ports(len(PORTS))), strict=True))
    logs, series = free_ports(2)
    with tempfile.TemporaryDirectory(prefix="otel-mlsec-soc-") as name, ExitStack() as stack:
        directory = Path(name)

        def start(command: list[Any], health: str, **environment: str) -> None:
            stack.enter_context(program(command, health, directory / f"{Path(command[0]).name}.log", environment))

        made = Soc(
            collector=f"http://127.0.0.1:{ports['MLSEC_HTTP_PORT']}",
            victoria_logs=f"http://127.0.0.1:{logs}",
            prometheus=f"http://127.0.0.1:{series}" if shutil.which("prometheus") else "",
        )
        start(
            [
                VICTORIA_LOGS,
                f"-httpListenAddr=127.0.0.1:{logs}",
                f"-storageDataPath={directory / 'logs'}",
                "-retentionPeriod=100y",
            ],
            f"{made.victoria_logs}/health",
        )  # by default it keeps nothing that is older than a week
        start(
            [COLLECTOR, *(f"--config={ROOT / 'collector' / each}" for each in ("agent.yaml", "demo.yaml"))],
            f"http://127.0.0.1:{ports['MLSEC_HEALTH_PORT']}",
            MLSEC_STATE_DIR=str(directory / "collector"), MLSEC_BACKEND=backend, MLSEC_VICTORIALOGS=made.victoria_logs, **ports,
        )  # fmt: skip
        if made.prometheus:
            config = directory / "prometheus.yml"
            targets = [f"127.0.0.1:{ports[each]}" for each in ("MLSEC_APPLICATIONS_PORT", "MLSEC_METRICS_PORT")]
            config.write_text(
                "global: {scrape_interval: 2s, evaluation_interval: 2s}\n"
                f"rule_files: ['{ROOT}/collector/alerts/*.rules.yaml']\n"
                f"scrape_configs: [{{job_name: collector, honor_labels: true, static_configs: [{{targets: {targets}}}]}}]\n"
            )
            start(
                ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={directory / 'series'}",
                 f"--web.listen-address=127.0.0.1:{series}"],
                f"{made.prometheus}/-/ready",
            )  # fmt: skip
        yield made


@contextmanager
def program(command: list[Any], health: str, log: Path, environment: Mapping[str, str]) -> Generator[None]:
    with log.open("w") as out:
        process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=out, stderr=out)
    try:
        deadline = time.monotonic() + PATIENCE
        while not answers(health):
            if process.poll() is not None or time.monotonic() > deadline:
                raise Unavailable(f"{command[0]} did not start:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def get(url: str) -> bytes:
    """From this machine, whatever proxy the environment names.

    Raises:
        OSError: no answer, or not 200.
    """
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=10) as answer:
        return answer.read()


def answers(url: str) -> bool:
    try:
        get(url)
    except OSError:
        return False
    return True


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
