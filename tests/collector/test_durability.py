"""What was answered with 200 arrives, though the Collector is killed and its receivers are away; no room is no 200."""

import http.client
import signal
import threading
from collections.abc import Iterator

import pytest
from tests.collector.backend import Backend, identifiers
from tests.collector.built import Collector
from tests.collector.running import free_ports, wait_until
from tests.collector.sending import finding

pytestmark = pytest.mark.collector

SECONDS = 1.5  # of sending before a kill
TOPIC = "killed"


def acknowledged_until_killed(collector: Collector, prefix: str, *, at_once: int) -> set[str]:
    """Sends until the Collector is killed under it; gives what was answered with 200."""
    taken: set[str] = set()
    with collector.running() as process:
        sender = collector.sender()
        killer = threading.Timer(SECONDS, process.send_signal, [signal.SIGKILL])
        killer.start()
        for request in range(1_000_000):
            names = [f"{prefix}-{request:06}-{i}" for i in range(at_once)]
            try:
                status = sender.send(*(finding(name) for name in names))
            except (OSError, http.client.HTTPException):
                break
            assert status == 200
            taken.update(names)
        killer.join()
        process.wait()
    return taken


@pytest.fixture
def kafka_away(kafka) -> Iterator[None]:
    kafka.create(TOPIC)
    kafka.stop()
    yield
    kafka.start()


def test_killed_twice_with_three_receivers_away_it_loses_nothing(state, certificates, kafka, rsyslog, kafka_away):
    [port] = free_ports(1)
    collector = Collector(
        state, "gateway.yaml", "ocsf.yaml", "otlp.yaml", "syslog.yaml", "kafka.yaml", certificates=certificates,
        MLSEC_BACKEND="http://127.0.0.1:1", MLSEC_SIEM=f"http://127.0.0.1:{port}",
        MLSEC_SYSLOG_HOST="127.0.0.1", MLSEC_SYSLOG_PORT=str(rsyslog.port),
        MLSEC_KAFKA_BROKERS=kafka.broker, MLSEC_KAFKA_TOPIC=TOPIC,
    )  # fmt: skip
    sent = acknowledged_until_killed(collector, "first", at_once=1)
    sent |= acknowledged_until_killed(collector, "second", at_once=10)
    assert len(sent) > 100

    kafka.start()
    backend = Backend(port)
    with rsyslog.running(), backend.receiver, collector.running():
        wait_until(lambda: sent <= set(identifiers(backend.findings())), "OTLP")
        wait_until(lambda: sent <= rsyslog.identifiers(), "syslog")
        in_kafka = {record["mlsec.finding.id"] for record in kafka.findings(TOPIC, sent)}

    assert sent <= in_kafka


def test_a_full_queue_is_refused_at_once_and_drained_later(state, certificates):
    [port] = free_ports(1)
    overlay = state / "small.yaml"
    overlay.write_text("exporters: {otlp_http/siem: {sending_queue: {queue_size: 10}}}")
    collector = Collector(
        state, "gateway.yaml", "ocsf.yaml", "otlp.yaml", str(overlay), certificates=certificates,
        MLSEC_BACKEND="http://127.0.0.1:1", MLSEC_SIEM=f"http://127.0.0.1:{port}",
    )  # fmt: skip
    with collector.running():
        sender = collector.sender()
        answers = {f"{i:02}": sender.send(finding(f"{i:02}")) for i in range(40)}  # one that is kept waiting would raise
        refused = {name for name, status in answers.items() if status == 503}
        taken = {name for name, status in answers.items() if status == 200}
        assert 10 <= len(taken) < 40
        assert taken | refused == set(answers)
        wait_until(lambda: collector.metric("otelcol_exporter_enqueue_failed_log_records") >= len(refused), "it to be counted")

        backend = Backend(port)
        with backend.receiver:
            wait_until(lambda: taken <= set(identifiers(backend.findings())), "what was taken")
            wait_until(lambda: sender.send(finding("after")) == 200, "room again")


def test_a_backend_of_other_telemetry_that_is_away_refuses_no_finding(state, certificates):
    overlay = state / "small.yaml"
    overlay.write_text("exporters: {otlp_http/backend: {sending_queue: {queue_size: 1}}}")
    collector = Collector(state, "gateway.yaml", str(overlay), certificates=certificates, MLSEC_BACKEND="http://127.0.0.1:1")
    with collector.running():
        sender = collector.sender()
        assert {sender.send(finding(f"{i:02}")) for i in range(40)} == {200}

        wait_until(lambda: len(collector.findings()) == 40, "all of them")


def test_a_queue_that_cannot_be_read_is_said_and_moving_it_away_is_the_cure(state, certificates, backend):
    collector = Collector(
        state, "gateway.yaml", "ocsf.yaml", "otlp.yaml", certificates=certificates,
        MLSEC_BACKEND=backend.receiver.url, MLSEC_SIEM=backend.receiver.url,
    )  # fmt: skip
    with collector.running():
        assert collector.sender().send(finding("1")) == 200
        wait_until(backend.findings, "the finding")
    [queue] = (state / "queue").iterdir()
    queue.write_bytes(b"\xff" * 40_000)

    with pytest.raises(AssertionError, match="invalid database"), collector.running():
        pass
    (state / "queue").rename(state / "queue.broken")
    with collector.running():
        assert collector.sender().send(finding("2")) == 200
        wait_until(lambda: "2" in identifiers(backend.findings()), "the next finding")
