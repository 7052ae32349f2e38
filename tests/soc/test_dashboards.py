"""The dashboards that are committed: what the code makes, complete, and with nothing twice."""

import json
import re

import pytest

pytest.importorskip("grafana_foundation_sdk")

from collector.dashboards.__main__ import HERE, as_json
from collector.dashboards.boards import BOARDS
from tests.soc.queries import all_queries, panels, queries

from otel_mlsec.emit import names


def committed(name):
    return json.loads((HERE / f"{name}.json").read_text())


@pytest.mark.parametrize("name", BOARDS)
def test_the_committed_file_is_what_the_code_makes(name):
    assert (HERE / f"{name}.json").read_text() == as_json(name), "run `make dashboards`"


@pytest.mark.parametrize("name", BOARDS)
def test_every_panel_says_what_it_shows_by_the_source_that_is_chosen(name):
    board = committed(name)

    assert board["uid"] == f"otel-mlsec-{name}"
    assert {variable["name"] for variable in board["templating"]["list"]} >= {"source", "job"}
    for panel in panels(board):
        assert panel["title"]
        assert panel["datasource"]["uid"] == "${source}", panel["title"]
        assert panel["targets"], panel["title"]
        assert panel["gridPos"]["w"] in (6, 12, 24), panel["title"]
        assert panel.get("description") or name == "pipeline", panel["title"]


@pytest.mark.parametrize("name", BOARDS)
def test_every_query_of_ours_respects_the_choice_of_services(name):
    for _, expression in queries(committed(name)):
        assert "otelcol_" in expression or 'job=~"$job"' in expression, expression


def test_queries_have_no_name_that_no_agent_has():
    """Those that nothing but trouble answers, too."""
    known = {value.replace(".", "_") for value in vars(names).values() if isinstance(value, str)}
    said = {
        re.sub("(_total|_seconds|_bytes|_bucket)+$", "", word)
        for _, expression in all_queries()
        for word in re.findall(r"(?<![:\w])(?:mlsec|security_rule)_\w+", expression)
    }

    assert said > {"mlsec_findings", "mlsec_agent_errors", "mlsec_spool_outcome", "security_rule_name"}
    assert said <= known


def test_no_panel_is_twice_on_a_board():
    for name in BOARDS:
        titles = [panel["title"] for panel in panels(committed(name))]
        assert len(titles) == len(set(titles)), name
