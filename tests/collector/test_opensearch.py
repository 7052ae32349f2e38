"""The Collector's OCSF file in a real OpenSearch, by what any shipper does: bulk `create`.

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


def load(opensearch, bodies: list[Any], index: str = "ocsf-2004-tests", *, named: bool = True) -> list[int]:
    """Statuses; `named`: the shipper says the documents' ids."""
    names = [{"_id": body["metadata"]["uid"]} if named else {} for body in bodies]
    lines = [[{"create": {"_index": index, **name}}, body] for name, body in zip(names, bodies, strict=True)]
    status, answer = opensearch.call(
        "POST", "/_bulk?refresh=true", "".join(f"{json.dumps(part)}\n" for pair in lines for part in pair)
    )
    assert status == 200, answer
    return [item["create"]["status"] for item in answer["items"]]


@pytest.fixture
def prepared(opensearch):
    """As README.md prepares it."""
    for path, file in (("_ingest/pipeline/mlsec-finding", "ingest-pipeline"), ("_index_template/ocsf-2004", "index-template")):
        answer = opensearch.call("PUT", f"/{path}", json.loads((CONFIG / f"opensearch/{file}.json").read_text()))
        assert answer[0] == 200, answer
    return opensearch


def test_findings_are_found_by_severity_network_technique_and_user_and_once_however_often_they_are_sent(gateway, prepared):
    opensearch = prepared
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


def test_a_shipper_that_names_no_ids_stores_a_finding_once_all_the_same(gateway, prepared):
    assert gateway.sender().send(finding("a"), finding("b"), SHAPES["hostile"], finding("x" * 1000)) == 200
    wait_until(lambda: len(gateway.bodies()) == 4, "the bodies")
    known, too_long = gateway.bodies()[:3], gateway.bodies()[3:]

    assert load(prepared, known, "ocsf-2004-unnamed", named=False) == [201, 201, 201]
    assert load(prepared, known, "ocsf-2004-unnamed", named=False) == [409, 409, 409]
    assert load(prepared, too_long, "ocsf-2004-unnamed", named=False) == [201]  # twice, rather than never
