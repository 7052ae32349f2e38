"""Apache Kafka, one node of KRaft, that talks only to clients with a certificate."""

import base64
import json
import shutil
import subprocess
import time
import uuid
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.collector.built import plain
from tests.collector.certificates import Certificates
from tests.collector.running import SERVERS, free_ports, listening, missing, running

LIBRARIES = SERVERS / "kafka/lib"


class Kafka:
    def __init__(self, directory: Path, certificates: Certificates) -> None:
        if shutil.which("java") is None or not LIBRARIES.exists():
            missing("Kafka", "`make servers` (needs a JDK and Maven)")
        self._directory, self._certificates = directory, certificates
        self._port, controller = free_ports(2)
        self.broker = f"127.0.0.1:{self._port}"
        self._settings = directory / "server.properties"
        self._settings.write_text(_properties(self._port, controller, directory / "data", certificates))
        identifier = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        subprocess.run(
            ["java", "-cp", f"{LIBRARIES}/*", "kafka.tools.StorageTool", "format", "-t", identifier, "-c", str(self._settings)],
            check=True, capture_output=True,
        )  # fmt: skip
        [jar] = LIBRARIES.glob("kafka_2.13-*.jar")
        self.version = f"Apache Kafka {jar.stem.rpartition('-')[2]}, KRaft, mutual TLS"
        self._stack = ExitStack()

    def start(self) -> None:
        """Does nothing if it runs."""
        if listening(self._port):
            return
        command = ("java", "-Xmx512m", "-cp", f"{LIBRARIES}/*", "kafka.Kafka", self._settings)
        self._stack.enter_context(running(*command, log=self._directory / "log", ready=lambda: listening(self._port)))

    def stop(self) -> None:
        self._stack.close()

    def create(self, topic: str) -> None:
        from confluent_kafka.admin import NewTopic  # noqa: PLC0415 - only where Kafka is

        administrator = self._administrator()  # whose requests end with it
        [made] = administrator.create_topics([NewTopic(topic, num_partitions=3)], request_timeout=30).values()
        made.result()

    def topics(self, *, known: bool = True) -> set[str]:
        from confluent_kafka import KafkaException  # noqa: PLC0415

        try:
            return set(self._administrator(known=known).list_topics(timeout=5).topics)
        except KafkaException as failure:
            raise AssertionError(f"no answer: {failure}") from None

    def findings(self, topic: str, wanted: set[str], patience: float = 40.0) -> list[dict[str, Any]]:
        """Attributes of the findings in a topic, read from its beginning until those that are wanted have come."""
        from confluent_kafka import Consumer  # noqa: PLC0415

        consumer = Consumer({**self._access(), "group.id": uuid.uuid4().hex, "auto.offset.reset": "earliest"})
        consumer.subscribe([topic])
        found: list[dict[str, Any]] = []
        left = set(wanted)
        deadline = time.monotonic() + patience
        try:
            while left and time.monotonic() < deadline:
                message = consumer.poll(0.5)
                if message is not None and message.error() is None:
                    found += (come := _attributes(json.loads(message.value())))
                    left -= {record["mlsec.finding.id"] for record in come}
        finally:
            consumer.close()
        return found

    def _administrator(self, *, known: bool = True) -> Any:
        from confluent_kafka.admin import AdminClient  # noqa: PLC0415

        return AdminClient(self._access(known=known))

    def _access(self, *, known: bool = True) -> dict[str, str | int]:
        client = {"ssl.certificate.location": "client.crt", "ssl.key.location": "client.key"} if known else {}
        files = {"ssl.ca.location": "ca.crt", **client}
        return {
            "bootstrap.servers": self.broker,
            "security.protocol": "ssl",
            "log_level": 0,
            **{name: self._certificates.path(file) for name, file in files.items()},
        }


def _attributes(request: Any) -> list[dict[str, Any]]:
    scopes = (scope for resource in request["resourceLogs"] for scope in resource["scopeLogs"])
    records = (record for scope in scopes for record in scope["logRecords"])
    return [{pair["key"]: plain(pair["value"]) for pair in record["attributes"]} for record in records]


def _properties(port: int, controller: int, data: Path, certificates: Certificates) -> str:
    return f"""
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=SSL://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=SSL://127.0.0.1:{port}
listener.security.protocol.map=SSL:SSL,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=SSL
ssl.client.auth=required
ssl.keystore.type=PEM
ssl.keystore.location={certificates.path("server.pem")}
ssl.truststore.type=PEM
ssl.truststore.location={certificates.path("ca.crt")}
log.dirs={data}
num.partitions=3
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
"""
