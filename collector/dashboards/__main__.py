"""Write the dashboards as JSON: `python -m collector.dashboards`."""

from __future__ import annotations

from pathlib import Path

from collector.dashboards.boards import BOARDS
from grafana_foundation_sdk.cog.encoder import JSONEncoder

HERE = Path(__file__).parent


def as_json(name: str) -> str:
    return JSONEncoder(sort_keys=True, indent=1).encode(BOARDS[name]().build()) + "\n"


if __name__ == "__main__":
    for name in BOARDS:
        (HERE / f"{name}.json").write_text(as_json(name), "utf-8")
