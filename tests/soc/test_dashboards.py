"""The dashboards that are committed: what the code makes, complete, and with nothing twice."""

import json

import pytest

pytest.importorskip("grafana_foundation_sdk")

from collector.dashboards.__main__ import HERE, as_json
from collector.dashboards.boards import BOARDS
from tests.soc.queries import panels, queries


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


def test_no_panel_is_twice_on_a_board():
    for name in BOARDS:
        titles = [panel["title"] for panel in panels(committed(name))]
        assert len(titles) == len(set(titles)), name
