"""The Collector's OCSF file in a real OpenSearch, by what any shipper does: bulk `create` with the finding's id.

No exporter for OpenSearch can be built into our Collector (builder.yaml), so the last step is the test's.
"""

import json
from typing import Any

import pytest
from tests.collector.built import CONFIG
from tests.collector.running import wait_until
from tests.collector.sending import finding
from tests.collector.shapes import SHAPES

pytestmark = pytest.mark.collector


def load(opensearch, bodies: list[Any]) -> list[int]:
    lines = [[{"create": {"_index": "ocsf-2004-tests", "_id": body["metadata"]["uid"]}}, body] for body in bodies]
    _, answer = opensearch.call(
        "POST", "/_bulk?refresh=true", "".join(f"{json.dumps(part)}\n" for pair in lines for part in pair)
    )
    return [item["create"]["status"] for item in answer["items"]]


def test_findings_are_found_by_severity_network_technique_and_user_and_once_however_often_they_are_sent(gateway, opensearch):
    template = json.loads((CONFIG / "opensearch/index-template.json").read_text())
    assert opensearch.call("PUT", "/_index_template/ocsf-2004", template)[0] == 200
    records = [
        finding("a", mlsec__finding__severity="LOW", client__address="198.51.100.1"),
        finding("b", mlsec__finding__severity="CRITICAL", user__hash="app:1", client__address="2001:db8::1"),
        finding("c", mlsec__finding__severity="HIGH", mlsec__finding__status="resolved"),
        *SHAPES.values(),
    ]
    sender = gateway.sender()
    assert {sender.send(record) for record in records} == {200}
    wait_until(lambda: len(gateway.bodies()) == len(records), "the bodies")

    first, second = load(opensearch, gateway.bodies()), load(opensearch, gateway.bodies())
    assert set(first) == {201}  # malformed ones too: the template and the body's guards agree
    assert set(second) == {409}

    def found(*conditions: Any) -> set[str]:
        query = {"size": 100, "query": {"bool": {"filter": list(conditions)}}}
        answer = opensearch.call("POST", "/ocsf-2004-*/_search", query)[1]
        return {hit["_id"] for hit in answer["hits"]["hits"]}

    assert found({"range": {"severity_id": {"gte": 5}}}) == {"b"}
    assert found({"term": {"evidences.src_endpoint.ip": "198.51.100.0/24"}}) == {"a"}
    assert {"b", "client is IPv6"} == found({"term": {"evidences.src_endpoint.ip": "2001:db8::/32"}})
    assert found({"term": {"evidences.user.uid": "app:1"}}) == {"b"}
    assert found({"term": {"unmapped.user.hash": "app:1"}}) == {"b"}
    assert found({"term": {"finding_info.attacks.technique.uid": "AML.T0015"}}) == {"one technique", "techniques are mixed"}
    assert "c" in found({"term": {"type_uid": 200403}}, {"term": {"finding_info.uid": "f00dfeedf00dfeed"}})
    assert found({"range": {"finding_info.first_seen_time": {"lt": "1700000000000"}}}) == set()
