"""victorialogs.yaml with a real VictoriaLogs."""

import pytest
from tests.collector.built import Collector
from tests.collector.running import wait_until
from tests.collector.sending import TRACE, finding, log

pytestmark = pytest.mark.collector


def test_findings_are_found_by_what_a_soc_asks(state, certificates, backend, victoria_logs):
    collector = Collector(
        state, "gateway.yaml", "victorialogs.yaml", certificates=certificates,
        MLSEC_BACKEND=backend.receiver.url, MLSEC_VICTORIALOGS=victoria_logs.url,
    )  # fmt: skip
    with collector.running():
        critical = finding("b", mlsec__finding__severity="CRITICAL", user__hash="app:1")
        assert collector.sender().send(finding("a"), critical, log("hello"), finding("c", mlsec__finding__severity="LOW")) == 200
        wait_until(lambda: len(victoria_logs.query('event_name:="mlsec.finding"')) == 3, "the findings")

    def found(query: str) -> set[str]:
        return {record["mlsec.finding.id"] for record in victoria_logs.query(query)}

    assert found('event_name:="mlsec.finding" severity_number:>=17') == {"a", "b"}
    assert found('mlsec.finding.severity:="CRITICAL"') == {"b"}
    assert found('{service.name="fraud-scoring",mlsec.finding.severity="LOW"}') == {"c"}
    assert found('mlsec.atlas.technique.id:"AML.T0024.002" user.hash:="app:1"') == {"b"}
    assert found("mlsec.finding.score:>1000000") == {"a", "b", "c"}
    assert found(f'trace_id:="{TRACE}"') == {"a", "b", "c"}
    [per_case] = victoria_logs.query("mlsec.finding.dedup_key:* | stats by (mlsec.finding.dedup_key) count() records")
    assert per_case == {"mlsec.finding.dedup_key": "f00dfeedf00dfeed", "records": "3"}
    assert victoria_logs.query("hello") == []
