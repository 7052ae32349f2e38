"""Application → agent → a real Collector with agent.yaml → file and backend, or gateway."""

import signal

import pytest
from tests.collector.application import run_application
from tests.collector.backend import Backend, identifiers
from tests.collector.built import Collector, validate
from tests.collector.running import free_ports, wait_until
from tests.collector.sending import finding, log

pytestmark = pytest.mark.collector


def test_a_finding_of_an_instrumented_application_reaches_file_and_backend_with_its_trace(state, backend):
    collector = Collector(state, "agent.yaml", MLSEC_BACKEND=backend.receiver.url)
    with collector.running():
        run_application(collector.url, state)
        wait_until(lambda: collector.findings() and backend.findings(), "the finding")
        wait_until(lambda: backend.spans() and backend.metrics(), "traces and metrics")

    [found] = [record for record in collector.findings() if record.attributes["mlsec.finding.type"] == "drift.unseen"]
    assert found.attributes["mlsec.model.name"] == "delays"
    assert found.attributes["mlsec.model.version"] == "7"
    assert found.attributes["mlsec.finding.severity"] in {"MEDIUM", "HIGH", "CRITICAL"}
    assert found.attributes["security_rule.name"] == "drift/facts"
    assert found.resource["service.name"] == "delays-service"
    assert found.trace_id in backend.traces()
    assert {"mlsec.findings", "mlsec.model.predictions", "mlsec.model.operation.duration"} <= backend.metrics()
    assert sorted(identifiers(backend.findings())) == sorted(identifiers(collector.findings()))


def test_from_an_application_by_its_agent_and_a_gateway_to_a_siem(state, certificates, backend):
    gateway = Collector(
        state / "gateway", "gateway.yaml", "ocsf.yaml", "otlp.yaml", certificates=certificates,
        MLSEC_BACKEND=backend.receiver.url, MLSEC_SIEM=backend.receiver.url,
    )  # fmt: skip
    agent = Collector(
        state / "agent", "agent.yaml", "agent-to-gateway.yaml", certificates=certificates, MLSEC_BACKEND=gateway.url
    )
    with gateway.running(), agent.running():
        run_application(agent.url, state)
        wait_until(backend.findings, "the finding at the SIEM")

    assert '"class_uid": 2004' in backend.findings()[0].body.replace("'", '"')
    assert set(identifiers(backend.findings())) <= set(identifiers(agent.findings())) == set(identifiers(gateway.findings()))


def test_findings_go_to_the_file_and_other_logs_do_not(state, backend):
    collector = Collector(state, "agent.yaml", MLSEC_BACKEND=backend.receiver.url)
    with collector.running():
        sender = collector.sender()
        assert sender.send(finding("1"), log("hello"), finding("2"), log("hello again", event="app.started")) == 200
        wait_until(lambda: len(backend.findings()) == 2 and len(backend.other_logs()) == 2, "the backend")
        wait_until(lambda: len(collector.findings()) == 2, "the file")

    assert identifiers(collector.findings()) == ["1", "2"]
    assert sorted(identifiers(backend.findings())) == ["1", "2"]
    assert sorted(record.body for record in backend.other_logs()) == ["hello", "hello again"]


def test_findings_survive_a_kill_while_the_backend_is_away(state):
    [port] = free_ports(1)
    collector = Collector(state, "agent.yaml", MLSEC_BACKEND=f"http://127.0.0.1:{port}")
    sent = [f"{i:04}" for i in range(20)]
    with collector.running() as process:
        sender = collector.sender()
        assert {sender.send(finding(identifier)) for identifier in sent} == {200}
        process.send_signal(signal.SIGKILL)
        process.wait()

    backend = Backend(port)
    with backend.receiver, collector.running():
        wait_until(lambda: set(identifiers(backend.findings())) == set(sent), "what was acknowledged")

    assert len(backend.findings()) >= len(sent)  # at least once


def test_an_agent_that_would_forward_nowhere_is_refused():
    refused = validate("agent.yaml")

    assert refused.returncode == 1
    assert "exporters::otlp_http/findings: at least one endpoint must be specified" in refused.stderr
