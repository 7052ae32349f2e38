"""Every configuration that we ship: validated by the built Collector, or checked for its shape where that lacks the parts."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.collector.built import BINARY, CONFIG

pytestmark = pytest.mark.collector
SETS = [
    ["agent.yaml"],
    ["agent.yaml", "agent-to-gateway.yaml"],
    ["agent.yaml", "demo.yaml"],
    ["agent.yaml", "demo.yaml", "compose/overlay.yaml"],
    ["gateway.yaml"],
    *(["gateway.yaml", leg] for leg in ("kafka.yaml", "syslog.yaml", "victorialogs.yaml")),
    *(["gateway.yaml", body, leg] for body in ("ocsf.yaml", "ecs.yaml") for leg in ("otlp.yaml", "file.yaml")),
    ["gateway.yaml", "ocsf.yaml", "otlp.yaml", "file.yaml", "syslog.yaml", "kafka.yaml", "victorialogs.yaml"],
]
NOT_FOR_US = {
    "builder.yaml",
    "contrib/siem.yaml",
    "compose/compose.yaml",
    "kubernetes/gateway.yaml",
}  # exporters that we cannot build; no Collector's


HOLDS = ("token", "password", "api_key", "authorization")  # keys whose value is a secret


def _shipped() -> set[str]:
    parts = (".", "contrib", "compose", "kubernetes")
    return {str(path.relative_to(CONFIG)) for part in parts for path in CONFIG.glob(f"{part}/*.yaml")}


def test_no_configuration_is_left_out():
    assert {file for files in SETS for file in files} | NOT_FOR_US == _shipped()


@pytest.mark.parametrize("files", SETS, ids="+".join)
def test_the_collector_finds_nothing_wrong(files, tmp_path, certificates):
    environ = {
        **os.environ, "MLSEC_STATE_DIR": str(tmp_path), "MLSEC_TLS_DIR": str(certificates.directory),
        "MLSEC_TOKEN_FILE": str(certificates.token_file), "MLSEC_BACKEND": "http://127.0.0.1:1", "MLSEC_SIEM": "http://127.0.0.1:1",
        "MLSEC_SIEM_TOKEN": "x", "MLSEC_KAFKA_BROKERS": "127.0.0.1:1", "MLSEC_SYSLOG_HOST": "127.0.0.1",
        "MLSEC_VICTORIALOGS": "http://127.0.0.1:1",
    }  # fmt: skip
    words = [word for file in files for word in ("--config", str(CONFIG / file))]
    done = subprocess.run([BINARY, "validate", *words], env=environ, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stderr


def _secrets(tree: Any, key: str = "") -> list[str]:
    """Values of such keys that are written out."""
    if isinstance(tree, dict):
        return [found for name, value in tree.items() for found in _secrets(value, name)]
    if isinstance(tree, list):
        return [found for value in tree for found in _secrets(value, key)]
    return [f"{key}: {tree}"] if key.lower() in HOLDS and "${env:" not in str(tree) else []


@pytest.mark.parametrize("file", sorted(_shipped()))
def test_secrets_come_from_the_environment_only(file):
    trees = list(yaml.safe_load_all((CONFIG / file).read_text()))

    assert trees
    assert not [found for tree in trees for found in _secrets(tree)]


def test_the_overlay_for_contrib_fits_the_gateway():
    gateway, body, overlay = (
        yaml.safe_load((CONFIG / name).read_text()) for name in ("gateway.yaml", "ocsf.yaml", "contrib/siem.yaml")
    )
    processors = {**gateway["processors"], **body["processors"]}
    extensions = {**gateway["extensions"], **overlay["extensions"]}

    assert set(overlay["service"]["extensions"]) == set(extensions)
    for name, pipeline in overlay["service"]["pipelines"].items():
        assert name not in gateway["service"]["pipelines"]
        assert set(pipeline["processors"]) <= set(processors)
        assert set(pipeline["exporters"]) <= set(overlay["exporters"])
        assert set(pipeline["receivers"]) <= set(gateway["receivers"])
    for exporter in overlay["exporters"].values():
        assert exporter["sending_queue"]["storage"] in extensions
        assert exporter["sending_queue"]["block_on_overflow"] is False


def test_what_compose_mounts_and_publishes_is_there_and_ours_only():
    compose = yaml.safe_load((CONFIG / "compose/compose.yaml").read_text())
    for name, service in compose["services"].items():
        image, _, tag = service["image"].rpartition(":")
        assert image, name
        assert tag not in ("", "latest"), name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), name
        for word in service.get("command", ()):
            if "=/etc/mlsec/" in word:
                assert (CONFIG / word.partition("=/etc/mlsec/")[2]).exists(), word
        named = {volume.partition(":")[0] for volume in service.get("volumes", ())} - {".."}
        assert named <= set(compose["volumes"]), name


def test_what_kubernetes_is_told_hangs_together():
    whole, service, budget = yaml.safe_load_all((CONFIG / "kubernetes/gateway.yaml").read_text())
    pod = whole["spec"]["template"]["spec"]
    [container] = pod["containers"]
    labels = whole["spec"]["template"]["metadata"]["labels"]

    assert (whole["kind"], service["kind"], budget["kind"]) == ("StatefulSet", "Service", "PodDisruptionBudget")
    assert (
        labels
        == whole["spec"]["selector"]["matchLabels"]
        == service["spec"]["selector"]
        == budget["spec"]["selector"]["matchLabels"]
    )
    assert whole["spec"]["serviceName"] == service["metadata"]["name"]
    volumes = {volume["name"] for volume in pod["volumes"]} | {
        claim["metadata"]["name"] for claim in whole["spec"]["volumeClaimTemplates"]
    }
    assert {mount["name"] for mount in container["volumeMounts"]} == volumes
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert {port["targetPort"] for port in service["spec"]["ports"]} <= set(ports)
    assert all(Path(CONFIG / word.partition("/etc/mlsec/")[2]).exists() for word in container["args"])
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert not container["securityContext"]["allowPrivilegeEscalation"]
