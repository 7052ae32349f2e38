"""The table of peers and us, and one of the streams that are awkward."""

from __future__ import annotations

from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.stats import chi2

from evaluation.drift.peers.measured import Clean, Result
from evaluation.drift.streams import CHANGES, CLEAN, FEW, FEW_MOVED, autocorrelated, day_and_night, ramp

SHORT = {
    "mean 0.25": "¼ sd", "mean 0.5": "½ sd", "mean 1.0": "1 sd", "spread 1.5": "sd × 1.5", "category 0.10": "cat. 10 pp",
    "new-level 0.01": "new cat. 1 %", "missing 0.04": "missing 2→6 %", "correlation 0.5": "corr. 0→½",
    "contaminated 0.01": "1 in 100 at 6 sd",
}  # fmt: skip


def upper(count: int) -> float:
    """Exact 95 % upper bound of a Poisson mean."""
    return float(chi2.ppf(0.95, 2 * (count + 1)) / 2)


def million(clean: Clean) -> str:
    if not clean.rows:
        return "no rows"
    scale = 1e6 / clean.rows
    return f"{_round(clean.alarms * scale)} (≤ {_round(upper(clean.alarms) * scale)}; {clean.alarms} / {_rows(clean.rows)})"


def median(delays: list[float]) -> str:
    """In brackets how many of how many runs missed it, where any did."""
    if not delays:
        return ""
    missed, middle = int(np.isinf(delays).sum()), float(np.median(delays))
    shown = f"{middle:,.0f}" if np.isfinite(middle) else "missed"
    return shown + (f" ({missed}/{len(delays)})" if missed else "")


def show(out: Console, results: list[Result]) -> None:
    for table in (main_table(results), changes(results), awkward(results)):
        out.print(table)
    out.print(
        "false alarms: per million rows, 95 % bound, raw count / rows; a delay counts only where an alarm names a changed "
        "column and says nothing beside thousands of false alarms (of windows of 1,000 rows 1,000 is every window); of "
        "slow peers, delays of few runs are good to some 30 %"
    )
    for result in results:
        out.print(f"{result.name} {result.version}: {result.settings}; changes waited for {result.longest:,} rows")
    ours = results[0]
    out.print(f"our alarms by detector: {_by(ours)}")
    for law in CHANGES:
        who = ours.found_by.get(law.key, {})
        out.print(f"  {law.name} found by: " + ", ".join(f"{name} {n}" for name, n in sorted(who.items())), highlight=False)


def main_table(results: list[Result]) -> Table:
    table = Table(title="false alarms in the table of twenty columns, and what a row costs")
    for name in ("", "false alarms per million rows", "… without the column of 1,000 levels", "µs a row, CPU"):
        table.add_column(name)
    for result in results:
        clean = result.clean[CLEAN.key]
        elsewhere = Clean(alarms=clean.elsewhere, rows=clean.rows)
        table.add_row(result.name, million(clean), million(elsewhere), f"{clean.seconds / max(clean.rows, 1) * 1e6:,.1f}")
    return table


def changes(results: list[Result]) -> Table:
    table = Table(title="rows until an alarm names what changed: median; in brackets runs that missed it, of how many")
    for name in ("", "runs", *(SHORT[law.name] for law in CHANGES)):
        table.add_column(name)
    for result in results:
        runs = len(result.delays.get(CHANGES[0].key, []))
        table.add_row(result.name, str(runs), *(median(result.delays.get(law.key, [])) for law in CHANGES))
        if result.evidence != result.delays:
            table.add_row("… or too small to show", str(runs), *(median(result.evidence.get(law.key, [])) for law in CHANGES))
    return table


def awkward(results: list[Result]) -> Table:
    table = Table(title="awkward streams: false alarms per million rows, and rows until +½ sd is named")
    ar, day = autocorrelated(0.8, 0.0), day_and_night(0.0)
    heads = (
        "AR(.8)", "… +½ sd", "day and night", "… +½ sd", "reference of 1,000", "… +½ sd", "ramp to ½ sd",
        "there, gone, back: alarms",
    )  # fmt: skip
    for name in ("", *heads):
        table.add_column(name)
    for result in results:
        cells: list[str] = []
        for law, moved in ((ar, autocorrelated(0.8, 0.5)), (day, day_and_night(0.5)), (FEW, FEW_MOVED)):
            clean = result.clean[law.key]
            cells += [_few(clean), median(result.delays.get(moved.key, []))]
        cells.append(median(result.delays.get(ramp().key, [])))
        cells.append(" / ".join(f"{np.median(part):.0f}" for part in zip(*result.recurring, strict=True)))
        table.add_row(result.name, *cells)
    return table


def machine(results: list[Result]) -> list[dict[str, Any]]:
    """All of it as plain numbers; a change that was not found is None."""
    return [
        {
            "name": r.name,
            "version": r.version,
            "settings": r.settings,
            "clean": {
                law: {"alarms": c.alarms, "elsewhere": c.elsewhere, "rows": c.rows, "seconds": c.seconds, "by": dict(c.by)}
                for law, c in r.clean.items()
            },
            "delays": {law: [d if np.isfinite(d) else None for d in each] for law, each in r.delays.items()},
            "evidence": {law: [d if np.isfinite(d) else None for d in each] for law, each in r.evidence.items()},
            "found_by": {law: dict(who) for law, who in r.found_by.items()},
            "recurring": [list(each) for each in r.recurring],
            "waited": r.longest,
        }
        for r in results
    ]


def _by(result: Result) -> str:
    said = [f"{law}: {dict(clean.by)}" for law, clean in result.clean.items() if clean.by]
    return "; ".join(said) or "none"


def _few(clean: Clean) -> str:
    if not clean.rows:
        return "no rows"
    return f"{_round(clean.alarms / clean.rows * 1e6)} ({clean.alarms} / {_rows(clean.rows)})"


def _round(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def _rows(n: int) -> str:
    return f"{n / 1e6:.3g} M" if n >= 1e6 else f"{n / 1e3:.3g} k"
