"""PromQL as dashboards and rules have it, and as Prometheus is asked: with what Grafana puts in for its variables."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from collector.dashboards.__main__ import HERE
from collector.dashboards.boards import BOARDS

VARIABLES = {"$__range": "10m", "$__rate_interval": "1m", "$__interval": "1m", "$job": ".*", "$model": ".*"}
ALERTS = HERE.parent / "alerts"


def panels(board: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for panel in board["panels"]:
        if panel["type"] == "row":
            yield from panel.get("panels") or ()
        else:
            yield panel


def queries(board: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for panel in panels(board):
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


def asked(expression: str) -> str:
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    return expression


def all_queries() -> list[tuple[str, str]]:
    """Of every dashboard and rule: where it is, and what Prometheus is asked; an alert's without its threshold."""
    found = [
        (f"{name}: {title}", asked(expression))
        for name in BOARDS
        for title, expression in queries(json.loads((HERE / f"{name}.json").read_text()))
    ]
    for group in yaml.safe_load((ALERTS / "mlsec.rules.yaml").read_text())["groups"]:
        found += [(rule.get("record") or rule["alert"], rule["expr"]) for rule in group["rules"]]
    return found
