"""The built Collector with configurations of ours, on free ports."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.collector.certificates import Certificates
from tests.collector.running import ROOT, call, free_ports, running
from tests.collector.sending import Sender

from otel_mlsec.cli.record import records
from otel_mlsec.cli.wire import decode
from otel_mlsec.emit.record import Record

CONFIG = ROOT / "collector"
BINARY = CONFIG / "bin/otelcol-mlsec"
PORTS = tuple(f"MLSEC_{name}_PORT" for name in ("GRPC", "HTTP", "HEALTH", "METRICS", "FINDINGS", "APPLICATIONS"))


class Collector:
    """Not running until asked; the same state, ports and settings every time."""

    def __init__(self, state: Path, *files: str, certificates: Certificates | None = None, **settings: str) -> None:
        state.mkdir(exist_ok=True)
        self.state = state
        self.ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        self._certificates = certificates
        self._files = files
        self._senders: list[Sender] = []
        self._settings = {"MLSEC_STATE_DIR": str(state), **{name: str(port) for name, port in self.ports.items()}}
        if certificates is not None:
            self._settings |= {"MLSEC_TLS_DIR": str(certificates.directory), "MLSEC_TOKEN_FILE": str(certificates.token_file)}
        self._settings |= settings
        secure = any(file == "gateway.yaml" for file in files)
        self.url = f"{'https' if secure else 'http'}://127.0.0.1:{self.ports['MLSEC_HTTP_PORT']}"

    @staticmethod
    def shipped() -> list[Path]:
        """Every configuration of a Collector that we ship."""
        return sorted(path for path in CONFIG.glob("*.yaml") if path.name != "builder.yaml")

    def sender(self, *, secure: bool = True, **how: Any) -> Sender:
        """One that is closed when the Collector stops."""
        made = Sender(self.url, self._certificates if secure and self.url.startswith("https") else None, **how)
        self._senders.append(made)
        return made

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        configs = [f"--config={CONFIG / file}" for file in self._files]
        with running(
            BINARY, *configs, log=self.state / "collector.log", ready=self._healthy, environment=self._settings
        ) as process:
            try:
                yield process
            finally:
                while self._senders:
                    self._senders.pop().close()

    def _healthy(self) -> bool:
        return call(f"http://127.0.0.1:{self.ports['MLSEC_HEALTH_PORT']}")[0] == 200

    def findings(self, name: str = "findings.jsonl") -> list[Record]:
        """What is in a file of the state's directory by now."""
        return [record for line in self._lines(name) for record in records(decode("/v1/logs", "application/json", "", line))]

    def bodies(self) -> list[Any]:
        """Bodies in the file leg, as JSON."""
        found = []
        for line in self._lines("findings.body.jsonl"):
            scopes = (scope for resource in json.loads(line)["resourceLogs"] for scope in resource["scopeLogs"])
            found += [plain(record["body"]) for scope in scopes for record in scope["logRecords"]]
        return found

    def _lines(self, name: str) -> list[bytes]:
        path = self.state / name
        lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
        return [line for line in lines if line.endswith(b"\n")]

    def metric(self, name: str, port: str = "MLSEC_METRICS_PORT") -> float:
        """The sum of a metric of the Collector over its series; 0 where there is none."""
        text = call(f"http://127.0.0.1:{self.ports[port]}/metrics")[1].decode()
        names = (name, f"{name}_total")
        lines = (line for line in text.splitlines() if line.partition("{")[0].partition(" ")[0] in names)
        return sum(float(line.rpartition(" ")[2]) for line in lines)


def plain(value: Mapping[str, Any]) -> Any:
    """A value of OTLP JSON as JSON."""
    [(kind, inner)] = value.items() or [("", None)]
    match kind:
        case "kvlistValue":
            return {pair["key"]: plain(pair["value"]) for pair in inner.get("values", ())}
        case "arrayValue":
            return [plain(item) for item in inner.get("values", ())]
        case "intValue":
            return int(inner)
        case _:
            return inner


def validate(*files: str, **settings: str) -> subprocess.CompletedProcess[str]:
    configs = [f"--config={CONFIG / file}" for file in files]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MLSEC_")}
    return subprocess.run(
        [BINARY, "validate", *configs], env={**kept, **settings}, capture_output=True, text=True, timeout=60, check=False
    )
