"""Every configuration that we ship: validated by the built Collector, or checked for its shape where that lacks the parts."""

import os
import subprocess
from typing import Any

import kubernetes_validate
import pytest
import yaml
from compose_spec import PyCompose
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
NOT_FOR_US = {  # with parts that we cannot build, or no configuration of a Collector
    "builder.yaml", "contrib/siem.yaml", "contrib/spool.yaml",
    "compose/compose.yaml", "kubernetes/gateway.yaml", "kubernetes/sidecar.yaml",
}  # fmt: skip
KUBERNETES = ("1.29", "1.34", "1.37")  # the first with sidecars, and what is current
HOLDS = ("token", "password", "api_key", "authorization")  # keys whose value is a secret


def _shipped() -> set[str]:
    parts = (".", "contrib", "compose", "kubernetes")
    return {str(path.relative_to(CONFIG)) for part in parts for path in CONFIG.glob(f"{part}/*.yaml")}


def test_what_is_not_run_says_so_first():
    for file in NOT_FOR_US - {"builder.yaml"}:
        assert (CONFIG / file).read_text().startswith("# NOT RUN by us: "), file


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
    processors = {**gateway["processors"], **body["processors"], **overlay["processors"]}
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


def test_the_overlay_for_spools_fits_the_agent():
    agent, overlay = (yaml.safe_load((CONFIG / name).read_text()) for name in ("agent.yaml", "contrib/spool.yaml"))

    [receiver] = overlay["receivers"].values()
    assert receiver["storage"] in agent["service"]["extensions"]
    assert overlay["service"]["pipelines"] == {"logs/findings": {"receivers": [*agent["receivers"], *overlay["receivers"]]}}
    assert "logs/findings" in agent["service"]["pipelines"]


def test_compose_is_of_its_specification_and_what_it_mounts_and_publishes_is_there_and_ours_only():
    text = (CONFIG / "compose/compose.yaml").read_text()
    PyCompose.from_yaml(text)  # raises
    compose = yaml.safe_load(text)
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


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("file", ["gateway.yaml", "sidecar.yaml"])
def test_manifests_are_of_their_kinds_schemas(file, version):
    for manifest in yaml.safe_load_all((CONFIG / "kubernetes" / file).read_text()):
        assert kubernetes_validate.validate(manifest, version, strict=True).startswith(version)  # raises


@pytest.mark.parametrize("file", ["gateway.yaml", "sidecar.yaml"])
def test_what_kubernetes_is_told_hangs_together(file):
    whole, service, *more = yaml.safe_load_all((CONFIG / "kubernetes" / file).read_text())
    pod = whole["spec"]["template"]["spec"]
    containers = [*pod.get("initContainers", ()), *pod["containers"]]
    labels = whole["spec"]["template"]["metadata"]["labels"]
    volumes = {each["name"] for each in pod["volumes"]} | {
        each["metadata"]["name"] for each in whole["spec"]["volumeClaimTemplates"]
    }
    words = [word for container in containers for word in container.get("args", ())]

    assert labels == whole["spec"]["selector"]["matchLabels"] == service["spec"]["selector"]
    assert all(labels == each["spec"]["selector"]["matchLabels"] for each in more)
    assert whole["spec"]["serviceName"] == service["metadata"]["name"]
    assert {mount["name"] for container in containers for mount in container["volumeMounts"]} == volumes
    assert words
    assert all((CONFIG / word.partition("/etc/mlsec/")[2]).is_file() for word in words)
    for container in containers:
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert not container["securityContext"]["allowPrivilegeEscalation"]
        assert container["image"].rpartition(":")[2] not in ("", "latest")


def test_what_the_gateway_is_asked_for_is_published():
    whole, service, _budget = yaml.safe_load_all((CONFIG / "kubernetes/gateway.yaml").read_text())
    [container] = whole["spec"]["template"]["spec"]["containers"]

    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert {port["targetPort"]: port["port"] for port in service["spec"]["ports"]}.items() <= ports.items()
