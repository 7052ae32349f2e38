"""Numbers and times as a person reads them."""

from __future__ import annotations

import datetime as dt
import math

from otel_mlsec.cli.report.result import Compared, Result
from otel_mlsec.cli.safe import safe
from otel_mlsec.sketches.bins import INVALID, MISSING, UNSEEN

NAME = 80  # characters of a name


def name(text: str) -> str:
    return safe(text, NAME)


def when(result: Result, time: float) -> str:
    """The day, or the minute of what lasts less than three; without times the row."""
    if not result.timed:
        return f"row {max(0, round(time)):,}"
    try:
        at = dt.datetime.fromtimestamp(time, dt.UTC)
    except (ValueError, OverflowError, OSError):
        return "an unknown time"
    short = result.last - result.first < 3 * 86400
    return f"{at.day} {at:%b %Y, %H:%M}" if short else f"{at.day} {at:%b %Y}"


def length(result: Result) -> str:
    """Of one slice."""
    if not result.timed:
        return f"{round(result.width):,} rows"
    for unit, seconds in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if result.width >= seconds:
            count = round(result.width / seconds)
            return f"{count} {unit}s" if count > 1 else f"one {unit}"
    return f"{result.width:g} s"


def number(value: float) -> str:
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e15 else f"{value:.4g}"


def share(value: float) -> str:
    if not math.isfinite(value):
        return "–"
    percent = 100 * value
    if 0 < percent < 0.01:
        return "< 0.01 %"
    if percent < 10:
        return f"{percent:.2g} %"
    return f"{percent:.0f} %" if percent < 99.5 or percent == 100 else f"{percent:.1f} %"


def count(n: int, word: str) -> str:
    return f"{n:,} {word}{'' if n == 1 else 's'}"


def listed(names: tuple[str, ...], most: int = 4) -> str:
    """
    >>> listed(("a", "b", "c"), 2)
    'a, b and 1 more'
    """
    shown = [name(each) for each in names[:most]]
    if len(names) > most:
        return f"{', '.join(shown)} and {len(names) - most:,} more"
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]])) if shown else ""


def kind(compared: Compared) -> str:
    column = compared.column
    if column.numeric:
        return "number"
    levels = len(column.bins.levels)
    return f"category of {count(levels, 'level')}" if levels else "always missing"


def strange(compared: Compared) -> dict[str, tuple[float, float]]:
    """Shares of what is no ordinary value, in the reference and now."""
    before, after = compared.column.counts, compared.counts
    out = {"missing": MISSING, "of another type or infinite": INVALID}
    if not compared.column.numeric:
        out["never seen"] = UNSEEN
    n, m = max(1, int(before.sum())), max(1, int(after.sum()))
    shares = {word: (float(before[i]) / n, float(after[i]) / m) for word, i in out.items()}
    if compared.column.numeric:
        ends = [0, len(compared.column.bins.edges)]
        shares["beyond the reference's extremes"] = float(before[ends].sum()) / n, float(after[ends].sum()) / m
    return shares
