"""The figures as tables: each task, and all of them beside what was asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.stats import chi2

from evaluation.attacks.measured import ACCOUNTS, AROUND
from otel_mlsec.attack.families import TABLE

Figures = dict[str, Any]

FALSE = 2.0  # incidents per million benign queries, at most
SHOWN = 8  # false findings
STRANGE = "anomaly/input"  # true of strange rows, whoever sends them
BESIDE = (1, 100)  # accounts by which others are compared


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Median query at which an attack is to be found, of one account's where `each`."""

    families: tuple[str, ...]
    accounts: int
    queries: int
    each: bool = False


BY_LABELS = tuple(name for name, family in TABLE.items() if family.threat == "evasion" and family.decision_based)
ASKED = (
    Asked(families=BY_LABELS, accounts=1, queries=100),
    Asked(families=BY_LABELS, accounts=50, queries=150),
    Asked(families=("uniform_box", "gauss_box"), accounts=1, queries=10, each=True),
    Asked(families=("uniform_box", "gauss_box"), accounts=100, queries=10, each=True),
    Asked(families=("marginal",), accounts=1, queries=15, each=True),
    Asked(families=("jbda",), accounts=1, queries=150, each=True),
)


def show_task(out: Console, name: str, figures: Figures) -> None:
    out.rule(name)
    calm = figures["benign"]
    by = Counter(detector for detector, _, _ in calm["told"])
    false = false_incidents(figures)
    out.print(
        f"{calm['rows']:,} benign queries ({calm['distinct']:,} distinct): {false} false incidents of attack detectors, "
        f"{per_million(false, calm['rows'])} per million; anomaly/input told of strange rows {by[STRANGE]} times; "
        f"{calm['us_per_row']:.1f} us a row, {calm['state_mib']:.0f} MiB"
    )
    _list(out, ((detector, f"in {kind}: {summary}") for detector, kind, summary in calm["told"] if detector != STRANGE))
    started = figures["started"]
    out.print(f"detectors that start within the day, in parts of {AROUND:,} benign queries: {len(started)} false incidents")
    _list(out, started)
    out.print(_attacks(figures))
    runs = [each for row in figures["attacks"].values() for each in row["accounts"].values()]
    named, attackers = (sum(run[key] for run in runs) for key in ("named", "attackers"))
    blamed = [each for row in figures["attacks"].values() for each in row["blamed"]]
    out.print(
        f"findings about attacks named {named:,} principals, {attackers:,} of them attackers; because of the attack, in "
        f"{sum(len(run['at']) for run in runs):,} runs, {len(blamed)} findings were about somebody else"
    )
    _list(out, blamed)
    if "peers" in figures:
        out.print(_beside(figures))


def _list(out: Console, told: Iterable[Sequence[str]]) -> None:
    for (detector, summary), times in Counter(map(tuple, told)).most_common(SHOWN):
        out.print(f"  {detector}{f' ({times} times)' if times > 1 else ''}: {summary}", markup=False, highlight=False)


def _attacks(figures: Figures) -> Table:
    table = Table(
        title="found / runs, and median query of those at which (of an extraction: of each account)",
        caption="effect, median: distance moved, in widths of the box; agreement of the copy; the trigger's share above chance",
    )
    for column in ("attack", "queries", "success", "effect", *(f"{k} account{'s' * (k > 1)}" for k in ACCOUNTS), "found by"):
        table.add_column(column)
    for family, row in figures["attacks"].items():
        who = Counter[str]()
        for each in row["accounts"].values():
            who.update(each["by"])
        table.add_row(
            family, f"{row['queries']:.0f}", f"{row['success']:.0%}", "" if row["effect"] is None else f"{row['effect']:.2f}",
            *(found_of(row["accounts"][k]["at"], _share(family, k)) for k in ACCOUNTS),
            ", ".join(f"{detector} {count}" for detector, count in who.most_common(3)),
        )  # fmt: skip
    return table


def _beside(figures: Figures) -> Table:
    """Ours and others: what each costs, then what it finds by one account | by a hundred."""
    table = Table(
        title=f"beside others: found / runs @ median query, by {BESIDE[0]} account | by {BESIDE[1]}",
        caption="others: the first flagged row, which is chance where many benign rows are flagged, as the batch job's are",
    )
    calm, others = figures["benign"], figures["peers"]
    ours = {**calm, "incidents": false_incidents(figures), "flagged_per_million": false_incidents(figures) / calm["rows"] * 1e6}
    columns = {"ours": ours, **others}
    table.add_column("")
    for who in columns:
        table.add_column(who)
    table.add_row("false incidents per M", *(f"{each['incidents'] / each['rows'] * 1e6:,.0f}" for each in columns.values()))
    table.add_row("  95 % bound", *(f"{upper(each['incidents']) / each['rows'] * 1e6:,.1f}" for each in columns.values()))
    table.add_row("benign rows flagged per M", *(f"{each['flagged_per_million']:,.0f}" for each in columns.values()))
    table.add_row("us a row", *(f"{each['us_per_row']:.1f}" for each in columns.values()))
    table.add_row("MiB", *(f"{each['state_mib']:.1f}" for each in columns.values()), end_section=True)
    for family, row in figures["attacks"].items():
        runs = [{k: each["at"] for k, each in row["accounts"].items()}, *(row["peers"][who] for who in others)]
        cells = [" | ".join(found_of(at[k], _share(family, k)) for k in BESIDE) for at in runs]
        table.add_row(family + (" (a batch job)" if family == "natural" else ""), *cells)
    return table


def show_asked(out: Console, all_figures: dict[str, Figures]) -> None:
    """Medians of all runs: one that is not found counts as never."""
    table = Table(title="beside what was asked: median query at which found, of all runs")
    for column in ("", "asked", *all_figures):
        table.add_column(column)
    table.add_row(
        "false incidents per M", f"≤ {FALSE:g}",
        *(_judged(false_incidents(f) / f["benign"]["rows"] * 1e6, FALSE, ".1f") for f in all_figures.values()),
        end_section=True,
    )  # fmt: skip
    for asked in ASKED:
        for family in asked.families:
            if all(family in figures["attacks"] for figures in all_figures.values()):
                share = asked.accounts if asked.each else 1
                cells = [
                    _judged(median_of(figures["attacks"][family]["accounts"][asked.accounts]["at"]) / share, asked.queries, ".3g")
                    for figures in all_figures.values()
                ]
                what = f"{family}, {asked.accounts} account{'s' * (asked.accounts > 1)}"
                table.add_row(what, f"≤ {asked.queries}{' each' * asked.each}", *cells)
    out.print(table)


def false_incidents(figures: Figures) -> int:
    """Of attack detectors: that a row is strange is true of strange rows, whoever sends them."""
    return sum(detector != STRANGE for detector, _, _ in figures["benign"]["told"])


def per_million(count: int, rows: int) -> str:
    return f"{count / rows * 1e6:.1f} (95 % bound {upper(count) / rows * 1e6:.1f})"


def median_of(at: list[int | None]) -> float:
    """inf where most runs are not found, nan where there was none."""
    return float(np.median([np.inf if each is None else each for each in at])) if at else float("nan")


def found_of(at: list[int | None], accounts: int) -> str:
    if not at:
        return ""
    found = [each for each in at if each is not None]
    return f"{len(found)}/{len(at)}" + (f" @{np.median(found) / accounts:.3g}" if found else "")


def upper(count: int) -> float:
    """Exact 95 % upper bound of a Poisson mean."""
    return float(chi2.ppf(0.95, 2 * count + 2) / 2)


def _judged(value: float, most: float, form: str) -> str:
    if np.isnan(value):
        return "not made"
    return f"{value:{form}}" if value <= most else f"[red]✗ {'never' if np.isinf(value) else format(value, form)}[/red]"


def _share(family: str, accounts: int) -> int:
    return accounts if TABLE[family].threat == "extraction" else 1
