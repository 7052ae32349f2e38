"""Rules: what promtool and amtool say of them, that each is tested, and that each has a runbook."""

import os
import re
import shutil
import subprocess

import pytest
import yaml

pytest.importorskip("grafana_foundation_sdk")

from tests.soc.queries import ALERTS


def tool(name, package):
    found = shutil.which(name)
    if found is None:
        if os.environ.get("REQUIRE_COLLECTOR"):
            pytest.fail(f"{name} is to be installed: apt-get install {package}")
        pytest.skip(f"{name} is not installed: apt-get install {package}")
    return found


def rules():
    return [rule for group in yaml.safe_load((ALERTS / "mlsec.rules.yaml").read_text())["groups"] for rule in group["rules"]]


def run(*words):
    done = subprocess.run(words, cwd=ALERTS, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.collector
def test_promtool_finds_nothing_wrong():
    run(tool("promtool", "prometheus"), "check", "rules", "mlsec.rules.yaml")


@pytest.mark.collector
def test_the_rules_do_what_their_tests_say():
    run(tool("promtool", "prometheus"), "test", "rules", "mlsec.tests.yaml")


def test_every_alert_is_tested_to_fire():
    fired = {
        case["alertname"]
        for test in yaml.safe_load((ALERTS / "mlsec.tests.yaml").read_text())["tests"]
        for case in test.get("alert_rule_test", ())
        if case.get("exp_alerts")
    }

    assert fired == {rule["alert"] for rule in rules() if "alert" in rule}


def test_every_alert_has_a_runbook_and_no_runbook_is_without():
    headings = re.findall(r"^## (\w+)$", (ALERTS / "runbooks.md").read_text(), re.MULTILINE)
    alerts = [rule for rule in rules() if "alert" in rule]

    assert headings == [rule["alert"] for rule in alerts]
    for rule in alerts:
        assert rule["annotations"]["runbook_url"] == f"runbooks.md#{rule['alert'].lower()}"
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"]


@pytest.mark.collector
def test_the_example_of_a_route_sends_pages_and_tickets_their_ways():
    amtool = tool("amtool", "prometheus-alertmanager")
    run(amtool, "check-config", "alertmanager.yaml")
    for severity, receiver in (("page", "pager"), ("ticket", "tickets")):
        run(amtool, "config", "routes", "test", "--config.file=alertmanager.yaml", f"--verify.receivers={receiver}",
            f"severity={severity}", "alertname=MlsecHighFinding")  # fmt: skip
