"""What contrib/siem.yaml hands to exporters that we cannot build: its processors are ours to run, before a file."""

import json
from pathlib import Path

import pytest
import yaml
from tests.collector.built import CONFIG, Collector, plain
from tests.collector.running import wait_until
from tests.collector.sending import finding

pytestmark = pytest.mark.collector


@pytest.fixture(params=["logs/elastic", "logs/opensearch"])
def overlay(request, state) -> Path:
    """The leg's processors, and the file leg's exporter in the place of its own."""
    shipped = yaml.safe_load((CONFIG / "contrib/siem.yaml").read_text())
    pipeline = {**shipped["service"]["pipelines"][request.param], "exporters": ["file/body"]}
    path = state / "overlay.yaml"
    path.write_text(json.dumps({"processors": shipped["processors"], "service": {"pipelines": {"logs/file": pipeline}}}))
    return path


@pytest.mark.parametrize("body", ["ocsf.yaml", "ecs.yaml"])
def test_documents_are_maps_with_the_findings_id_whoever_made_the_body(state, certificates, backend, overlay, body):
    collector = Collector(
        state, "gateway.yaml", body, "file.yaml", str(overlay), certificates=certificates, MLSEC_BACKEND=backend.receiver.url
    )
    with collector.running():
        ready = finding("2", body='{"class_uid": 2004, "metadata": {"uid": "2"}}')
        records = finding("1"), ready, finding("3", body="{no JSON"), finding("x" * 1000)
        assert collector.sender().send(*records) == 200
        wait_until(lambda: len(collector.bodies()) == len(records), "the bodies")

    [request] = [json.loads(line) for line in (state / "findings.body.jsonl").read_text().splitlines()]
    [scope] = [scope for resource in request["resourceLogs"] for scope in resource["scopeLogs"]]
    attributes = [{pair["key"]: plain(pair["value"]) for pair in record["attributes"]} for record in scope["logRecords"]]
    assert {"key": "elastic.mapping.mode", "value": {"stringValue": "bodymap"}} in scope["scope"]["attributes"]
    assert [each.get("elasticsearch.document_id") for each in attributes] == ["1", "2", "3", None]
    first, second, *others = collector.bodies()
    assert second == {"class_uid": 2004, "metadata": {"uid": "2"}}
    assert all(isinstance(each, dict) and each for each in (first, *others))
