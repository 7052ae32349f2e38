"""What `reference show` says of each column: what it is, how it is judged, and which change of it can be seen."""

from __future__ import annotations

import math

from rich.console import Console
from rich.table import Table

from otel_mlsec.cli.safe import safe
from otel_mlsec.detectors.drift.reach import Sight, enough_cycles, sights
from otel_mlsec.reference.column import Column
from otel_mlsec.reference.reference import Reference
from otel_mlsec.sketches.bins import MISSING

MEANS = {
    "row scale": "rows come independently: judged row by row",
    "fast": "its order shows dependence: row by row, evidence divided by the number; false alarms are measured, not proved",
    "slow": "moves by the {unit}: judged {unit} by {unit}",
    "rare": "moves by the {unit}, and mostly not at all: told when it passes every {unit} of the reference",
    "facts only": "says when, or who: only values never seen, missing and the like",
}


def show_columns(console: Console, reference: Reference) -> None:
    found = sights(reference)
    unit = "day" if reference.timed else "1,000 rows"
    week = "week" if reference.timed else "7,000 rows"
    table = Table("column", "kind", "judged", f"seen in a {unit}" if reference.timed else f"seen in {unit}",
                  f"in a {week}" if reference.timed else f"in {week}", "missing", "mean", "sd")  # fmt: skip
    for column in (*reference.inputs, *reference.outputs):
        table.add_row(*_row(column, found.get(column.name) if column in reference.inputs else None))
    console.print(table)
    for judged in dict.fromkeys(sight.judged for sight in found.values()):
        console.print(
            f"{judged}: {MEANS[judged].format(unit='day' if reference.timed else 'cycle')}", markup=False, highlight=False
        )
    for line in _promises(reference, found):
        console.print(line, markup=False, highlight=False)


def show_texts(console: Console, reference: Reference) -> None:
    """Of a language model: its texts' properties, those that none of them has left out."""
    table = Table("property", "mean", "sd")
    for column in (*reference.inputs, *reference.outputs):
        if column.mean or column.sd:
            table.add_row(safe(column.name), f"{column.mean:.3g}", f"{column.sd:.3g}")
    console.print(table)
    console.print("length: logarithm of the characters; shares are of characters, languages and words", markup=False)


def _promises(reference: Reference, found: dict[str, Sight]) -> list[str]:
    cycles = "days" if reference.timed else "cycles of 1,000 rows"
    lines = [
        "seen: the smallest lasting change of a mean, or of a category's share, that is told within that time as a rule, at "
        "default settings and the usual traffic"
    ]
    slow = any(sight.judged in ("slow", "rare") for sight in found.values())
    if not enough_cycles(reference):
        lines.append(
            f"{reference.n_cycles} {cycles} are fewer than 10: how much one differs from another is not known, so no rate of "
            f"false alarms is stated in {cycles}"
        )
    elif slow:
        by = "day" if reference.timed else "cycle"
        lines.append(
            f"false alarms of what is judged by the {by}: designed for at most one in 2,000 {cycles} like these "
            f"{reference.n_cycles}"
        )
    return lines


def _row(column: Column, sight: Sight | None) -> tuple[str, ...]:
    levels = len(column.bins.levels)
    kind = "number" if column.numeric else f"category, {levels} levels" if levels else "always missing"
    share = column.counts[MISSING] / max(int(column.counts.sum()), 1)
    mean, sd = (f"{column.mean:.4g}", f"{column.sd:.3g}") if column.numeric else ("", "")
    judged, day, week = _sight(column, sight)
    return safe(column.name), kind, judged, day, week, f"{100 * share:.3g} %" if share else "", mean, sd


def _sight(column: Column, sight: Sight | None) -> tuple[str, str, str]:
    if sight is None:  # an answer
        return ("row scale" if column.independent else f"fast / {1.3 * column.variance_inflation:.3g}"), "", ""
    judged = sight.judged if sight.divided == 1 else f"{sight.judged} / {sight.divided:.3g}"
    if sight.judged in ("facts only", "rare"):
        return judged, "", ""
    return judged, _size(column, sight.cycle), _size(column, sight.week)


def _size(column: Column, change: float) -> str:
    if not math.isfinite(change):
        return "nothing"
    return f"± {change:.3g}" if column.numeric else f"± {100 * change:.3g} %"
