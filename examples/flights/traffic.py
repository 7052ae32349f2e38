"""Ten months of flights, one request a scheduled hour, and then days of winter in which something is broken."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx
import numpy as np
import orjson
import pandas as pd
from data import FEATURES, WEATHER, flights
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

YEAR = 365 * 86_400  # s
KILOMETRES = 1.609344  # in a mile
JSON = {"content-type": "application/json"}


@dataclass(frozen=True, kw_only=True)
class Act:
    """A stretch of traffic."""

    title: str
    rows: pd.DataFrame = field(repr=False)
    announced: bool = False  # say so above the bar: something is about to be broken
    copies: int = 1  # how often a request is sent

    def requests(self) -> Iterator[tuple[float, int, bytes]]:
        """Event time, rows and body of one request a scheduled hour; what is NaN is null."""
        for hour, group in self.rows.groupby(self.rows["time"] // 3600):
            columns = {name: group[name].to_list() for name in FEATURES}
            yield hour * 3600, len(group), orjson.dumps({"time": hour * 3600, "columns": columns})


def story() -> list[Act]:
    """What is sent, in order.  The faults come on days like those that the model was trained on, a year later."""
    year = flights()
    winter = year.query("month <= 2").assign(time=lambda rows: rows["time"] + YEAR)

    def days(first: int, last: int) -> pd.DataFrame:
        return winter.query("month == 1 and @first <= day <= @last")

    kilometres = days(21, 21).assign(distance=lambda rows: rows["distance"] * KILOMETRES)
    no_weather = days(25, 25).assign(**dict.fromkeys(WEATHER, np.nan))
    return [
        Act(title="March to December", rows=year.query("month > 2")),
        Act(title="January again", rows=days(1, 20)),
        Act(title="distances come in kilometres", rows=kilometres, announced=True),
        Act(title="repaired", rows=days(22, 24)),
        Act(title="the weather feed stops", rows=no_weather, announced=True),
        Act(title="repaired", rows=days(26, 28)),
        Act(title="every request is sent twice", rows=days(29, 29), copies=2, announced=True),
        Act(title="repaired", rows=days(30, 31)),
    ]


def bar(console: Console | None) -> Progress:
    return Progress(
        TextColumn("{task.fields[date]}"),
        BarColumn(bar_width=None),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f} flights"),
        TimeElapsedColumn(),
        console=console,
    )


def drive(url: str, acts: list[Act], progress: Progress) -> None:
    """Send everything to the service, one request after another."""
    task = progress.add_task("", total=sum(len(act.rows) * act.copies for act in acts), date="")
    with httpx.Client(base_url=url, trust_env=False, timeout=30, headers=JSON) as client:
        for act in acts:
            if act.announced:
                progress.console.print(f"[reverse] {act.title} [/]\n")
            for time, n_rows, body in act.requests():
                date = datetime.fromtimestamp(time, UTC).strftime("%a %d %b %Y")
                for _ in range(act.copies):
                    client.post("/predict", content=body).raise_for_status()
                    progress.update(task, advance=n_rows, date=date)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt), bar(None) as progress:
        drive("http://127.0.0.1:8000", story(), progress)
