"""kafka.yaml with a real Kafka that wants certificates of its clients."""

import pytest
from tests.collector.built import Collector
from tests.collector.running import wait_until
from tests.collector.sending import FINDING, finding, log

pytestmark = pytest.mark.collector


def test_findings_reach_the_topic_as_they_are_and_other_logs_do_not(state, certificates, backend, kafka):
    collector = Collector(
        state, "gateway.yaml", "kafka.yaml", certificates=certificates,
        MLSEC_BACKEND=backend.receiver.url, MLSEC_KAFKA_BROKERS=kafka.broker, MLSEC_KAFKA_TOPIC="findings",
    )  # fmt: skip
    kafka.create("findings")
    with collector.running():
        assert collector.sender().send(finding("1"), log("hello"), finding("2", mlsec__finding__status="resolved")) == 200
        wait_until(backend.other_logs, "the other log at the backend")
        found = kafka.findings("findings", {"1", "2"})

    assert sorted(record["mlsec.finding.id"] for record in found) == ["1", "2"]
    assert found[0] == {**FINDING, "mlsec.finding.id": "1"}
    assert found[1]["mlsec.finding.status"] == "resolved"


def test_a_client_without_a_certificate_is_not_heard_by_kafka(kafka):
    with pytest.raises(AssertionError, match="no answer"):
        kafka.topics(known=False)
    assert isinstance(kafka.topics(), set)
