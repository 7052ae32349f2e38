"""The last section: how it was done, and what it cannot see."""

from __future__ import annotations

from html import escape

from otel_mlsec.cli.report.result import Result
from otel_mlsec.cli.report.words import count, length

FEW_CYCLES = 10


def section(result: Result) -> str:
    how = "".join(f"<li>{escape(line)}</li>" for line in _how(result))
    limits = "".join(f"<li>{escape(line)}</li>" for line in _limits(result))
    judged = ", ".join(f"<code>{escape(name)}</code>" for name in result.judged)
    return (
        f'<section id="method"><h2>Method and limits</h2><div class="card"><h3>How it was done</h3><ol>{how}</ol>'
        f'<h3>What it cannot see</h3><ol>{limits}</ol><p class="note">Detectors: {judged}.</p></div></section>'
    )


def _how(result: Result) -> list[str]:
    unit = "day" if result.reference_timed else "cycle"
    said = [
        "Findings come from the detectors that watch live traffic, run over the rows in their order: a change is told once, with "
        "since when it has most likely been there, and ends when the data are back.",
        "Severity is by the size of the change, never by how sure it is: the lower end of the 90 % interval of the distance from "
        "0.1 (medium), 0.2 (high) and 0.4 (critical), about a quarter, half and one standard deviation of a mean.",
        "Distance is the Jensen–Shannon distance, base 2, of the shares in at most 32 bins at the reference's quantiles or "
        "levels, with its bias at few rows taken off. The interval is of the sampling of rows, fewer where they depend on each "
        "other.",
        f"Over time, distances are of slices of {length(result)}; those of columns that move by the {unit} are of seven {unit}s "
        "in a row, beside what seven of the reference's own have (usual, the median); the overview leaves out one and a half "
        "times that.",
        "Bars in a distribution take values to lie evenly between two quantiles of the reference; counts by bin are exact.",
    ]
    if result.reference_timed and result.reference_cycles >= FEW_CYCLES:
        said.append(
            f"The reference has {count(result.reference_cycles, 'day')}, which says how much one day strays from another."
        )
    return said


def _limits(result: Result) -> list[str]:
    said = [
        "A season that the reference has not seen is a change like any other: whether it is expected, a person has to say.",
        "A shift of the data does not say that the answers are worse, and they may be worse without any shift: only labels tell.",
        "DIFFERS marks a column that differs over all rows, though no detector is sure that this is none of its usual ups and "
        "downs.",
        "Changes of single pairs of features are looked for among a bounded number of pairs only.",
    ]
    if not result.timed:
        said.append("No column of times was named, so rows were taken to be in the order in which they came, one a second.")
    if result.timed and not result.reference_timed:
        said.append("The reference has no times, so a day is compared with a thousand of its rows, not with its days.")
    if result.reference_cycles < FEW_CYCLES:
        said.append("The reference has fewer than ten cycles: how often a change is found where none is cannot be said.")
    if result.measured is not None:
        said.append("Labels were taken to be known at the time of their row.")
    if result.provisional:
        said.append("The reference was learned from live rows that nobody vouched for.")
    if result.more_findings:
        said.append(f"{result.more_findings:,} further findings were not kept.")
    return said
