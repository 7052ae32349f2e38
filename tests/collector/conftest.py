"""The built Collector, certificates, and the real servers behind it: started once, named at the end."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.collector import certificates as authority
from tests.collector.backend import Backend
from tests.collector.built import BINARY, Collector
from tests.collector.certificates import Certificates
from tests.collector.running import missing
from tests.collector.servers.kafka import Kafka
from tests.collector.servers.opensearch import OpenSearch
from tests.collector.servers.prometheus import Prometheus
from tests.collector.servers.rsyslog import Rsyslog
from tests.collector.servers.victoria_logs import VictoriaLogs

REAL = pytest.StashKey[dict[str, str]]()


@pytest.fixture(autouse=True)
def _built(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("collector") is not None and not BINARY.exists():
        missing("the Collector", "`make collector` (needs Go)")


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):  # they override what the exporter is told
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def backend() -> Iterator[Backend]:
    made = Backend()
    with made.receiver:
        yield made


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return authority.make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def real(request: pytest.FixtureRequest) -> dict[str, str]:
    """Servers that ran, by name: what they are."""
    return request.config.stash.setdefault(REAL, {})


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates, real: dict[str, str]) -> Iterator[Kafka]:
    server = Kafka(tmp_path_factory.mktemp("kafka"), certificates)
    server.start()
    real["Kafka"] = server.version
    yield server
    server.stop()


@pytest.fixture(scope="session")
def opensearch(tmp_path_factory: pytest.TempPathFactory, real: dict[str, str]) -> Iterator[OpenSearch]:
    with OpenSearch(tmp_path_factory.mktemp("opensearch")).running() as server:
        real["OpenSearch"] = server.version
        yield server


@pytest.fixture(scope="session")
def victoria_logs(tmp_path_factory: pytest.TempPathFactory, real: dict[str, str]) -> Iterator[VictoriaLogs]:
    with VictoriaLogs(tmp_path_factory.mktemp("victoria-logs")).running() as server:
        real["VictoriaLogs"] = server.version
        yield server


@pytest.fixture
def prometheus(tmp_path: Path, real: dict[str, str]) -> Prometheus:
    server = Prometheus(tmp_path / "prometheus")
    real["Prometheus"] = server.version
    return server


@pytest.fixture
def rsyslog(tmp_path: Path, certificates: Certificates, real: dict[str, str]) -> Rsyslog:
    server = Rsyslog(tmp_path / "rsyslog", certificates)
    real["rsyslog"] = server.version
    return server


@pytest.fixture
def gateway(state: Path, certificates: Certificates, backend: Backend) -> Iterator[Collector]:
    """A running gateway that writes OCSF bodies to a file."""
    made = Collector(
        state, "gateway.yaml", "ocsf.yaml", "file.yaml", certificates=certificates,
        MLSEC_BACKEND=backend.receiver.url, MLSEC_DECISION_WAIT="2s", MLSEC_TRACES_PERCENT="0",
    )  # fmt: skip
    with made.running():
        yield made


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    found = config.stash.get(REAL, {})
    if found:
        terminalreporter.section("real servers behind the Collector")
        for name, version in found.items():
            terminalreporter.write_line(f"{name}: {version}")
