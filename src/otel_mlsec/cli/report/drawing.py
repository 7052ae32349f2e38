"""Pictures of a report: distributions, distances over time, what a model's answers are worth, and all changes at a glance."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

from otel_mlsec.arrays import Floats
from otel_mlsec.cli.report.histogram import BEYOND, Bars, bars
from otel_mlsec.cli.report.result import Compared, Performance, Result
from otel_mlsec.cli.report.svg import COLOURS, svg
from otel_mlsec.cli.report.words import name, share, when
from otel_mlsec.cli.safe import safe
from otel_mlsec.detectors.drift.effect import CRITICAL, HIGH, MEDIUM

SMALL = 8.5  # points of text
LABEL = 22  # characters of a level's name
MARKS = 50  # beginnings of one change
TIMELINE = 40  # columns in the picture of all changes
STEPS = (("none", 0.0), ("medium", MEDIUM), ("high", HIGH), ("critical", CRITICAL))


@cache
def ready() -> Any:
    """matplotlib, or an `ImportError` that says how it is installed."""
    try:
        library = import_module("matplotlib")
        import_module("matplotlib.figure")
        import_module("matplotlib.ticker")
    except ImportError as error:
        raise ImportError("the page is drawn with matplotlib: pip install 'otel-mlsec[report]'; --json needs none") from error
    library.use("svg")
    return library


class Drawing:
    """Draws one picture after another; ids on the page are counted."""

    def __init__(self, result: Result) -> None:
        self._result, self._library = result, ready()
        self._numbers = itertools.count()
        self._settings = {
            "svg.fonttype": "none", "svg.hashsalt": "otel-mlsec", "font.size": SMALL, "axes.edgecolor": COLOURS["line"],
            "axes.labelcolor": COLOURS["faint"], "xtick.color": COLOURS["line"], "ytick.color": COLOURS["line"],
            "xtick.labelcolor": COLOURS["faint"], "ytick.labelcolor": COLOURS["faint"], "text.color": COLOURS["ink"],
            "axes.spines.top": False, "axes.spines.right": False, "axes.linewidth": 0.8, "xtick.major.size": 3,
            "ytick.major.size": 0, "ytick.major.pad": 5, "text.parse_math": False, "axes.axisbelow": True,
            "path.simplify": True, "grid.color": COLOURS["line"], "grid.linewidth": 0.5,
        }  # fmt: skip
        self._ends = _ends(result)

    def distribution(self, compared: Compared) -> str:
        """Reference and current shares."""
        shown = bars(compared)
        with self._library.rc_context(self._settings):
            figure, axes = self._figure(4.6, 2.25)
            if len(shown.edges):
                self._numbers_of(axes, shown)
            else:
                self._levels_of(axes, shown)
            return self._svg(figure, f"shares of the values of {name(compared.column.name)}, in the reference and now")

    def distances(self, compared: Compared) -> str:
        """From the reference, slice by slice, and since when it was found."""
        with self._library.rc_context(self._settings):
            figure, axes = self._figure(4.6, 2.25)
            values = compared.distances
            top = max(0.45, float(np.nanmax(values, initial=0.0)) * 1.1)
            for (step, low), high in zip(STEPS[1:], (HIGH, CRITICAL, 1.0), strict=True):
                axes.axhspan(low, min(high, top), color=COLOURS[step], alpha=0.10, linewidth=0)
            axes.plot(self._middles(), values, color=COLOURS["current"], linewidth=1.6, marker="o", markersize=2.2)
            if compared.usual:
                axes.axhline(compared.usual, color=COLOURS["reference"], linewidth=1.1, linestyle=(0, (4, 3)))
                self._note(axes, self._ends[1], compared.usual, "usual ", "right")
            if float(compared.missing.max(initial=0.0)) > 0.005:
                axes.plot(self._middles(), compared.missing, color=COLOURS["reference"], linewidth=1.0, linestyle=(0, (1, 1.5)))
                top = max(top, min(1.0, float(compared.missing.max()) * 1.1))
            self._since(axes, compared, min(1.02, top))
            axes.set_ylim(0, min(1.02, top) * 1.09)
            self._time_axis(axes)
            axes.yaxis.grid(True)
            return self._svg(figure, f"distance of {name(compared.column.name)} from the reference over time")

    def performance(self, known: Performance) -> str:
        with self._library.rc_context(self._settings):
            figure, axes = self._figure(9.4, 2.2)
            shares = known.measure != "mean absolute error"
            axes.plot(self._middles(), known.by_slice, color=COLOURS["current"], linewidth=1.6, marker="o", markersize=2.2)
            if known.before is not None:
                axes.axhline(known.before, color=COLOURS["reference"], linewidth=1.1, linestyle=(0, (4, 3)))
                self._note(axes, self._ends[1], known.before, "reference ", "right")
            if shares:
                axes.yaxis.set_major_formatter(_percent)
            if known.measure != "expected accuracy":
                axes.set_ylim(bottom=0)
            self._time_axis(axes)
            axes.yaxis.grid(True)
            return self._svg(figure, f"{known.measure} over time")

    def timeline(self, columns: Sequence[Compared]) -> str:
        """One row a column, one field a slice, by how far it is from the reference beyond what is usual."""
        shown = columns[:TIMELINE]
        with self._library.rc_context(self._settings):
            figure, axes = self._figure(9.4, 0.55 + 0.21 * len(shown))
            starts = self._result.slices
            for row, each in enumerate(shown):
                level = np.searchsorted([low for _, low in STEPS[1:]], np.nan_to_num(each.beyond, nan=-1.0), side="right")
                level = np.where(np.isnan(each.beyond), -1, 0 if each.column.calendar and not each.cases else level)
                for step, (colour, _) in enumerate(STEPS):
                    runs = _runs(level == step, starts, self._result.width)
                    if runs:
                        axes.broken_barh(runs, (row - 0.38, 0.76), facecolors=COLOURS[colour], linewidth=0)
                for since in self._began(each):
                    axes.plot([since, since], [row - 0.5, row + 0.5], color=COLOURS["ink"], linewidth=1.6, solid_capstyle="butt")
            axes.set_yticks(range(len(shown)), [_short(each.column.name) for each in shown])
            axes.set_ylim(len(shown) - 0.4, -0.6)
            axes.spines["left"].set_visible(False)
            for text in axes.get_yticklabels():
                text.set_color(COLOURS["ink"])
            self._time_axis(axes)
            return self._svg(figure, "how far each column is from the reference over time")

    def _figure(self, width: float, height: float) -> tuple[Any, Any]:
        figure = self._library.figure.Figure(figsize=(width, height), layout="constrained")
        return figure, figure.subplots()

    def _svg(self, figure: Any, said: str) -> str:
        return svg(figure, said, f"c{next(self._numbers)}-")

    def _numbers_of(self, axes: Any, shown: Bars) -> None:
        middles, width = (shown.edges[:-1] + shown.edges[1:]) / 2, np.diff(shown.edges)
        axes.bar(middles, shown.after, width=width * 0.92, color=COLOURS["current"], alpha=0.75, linewidth=0)
        axes.stairs(shown.before, shown.edges, color=COLOURS["reference"], linewidth=1.5)
        low, high = float(shown.edges[0]), float(shown.edges[-1])
        inside = max(float(shown.after.max()), float(shown.before.max()), 0.01)
        top = min(1.7 * inside, max(inside, *shown.below, *shown.above))  # a higher bar says so in words
        step = (high - low) * 0.045
        for end, way, (was, now), word in ((low, -1, shown.below, "below"), (high, 1, shown.above, "above")):
            if max(was, now) > BEYOND:  # a bar of its own, apart from the scale
                at = end + way * step
                axes.bar(at, min(now, top), width=step * 0.9, color=COLOURS["current"], alpha=0.75, linewidth=0)
                axes.bar(at, min(was, top), width=step * 0.9, fill=False, edgecolor=COLOURS["reference"], linewidth=1.2)
                if max(was, now) > 10 * BEYOND:
                    side = "right" if way > 0 else "left"
                    self._note(axes, at + way * step / 2, min(max(was, now), top), f"{word}: {share(now)}", side)
        axes.set_xlim(low - 1.8 * step, high + 1.8 * step)
        axes.set_ylim(0, top * 1.1)
        axes.locator_params(axis="y", nbins=5)
        axes.xaxis.set_major_locator(self._library.ticker.MaxNLocator(6, integer=shown.whole))
        axes.xaxis.set_major_formatter(_plain)
        axes.yaxis.set_major_formatter(_percent)
        axes.yaxis.grid(True)

    def _levels_of(self, axes: Any, shown: Bars) -> None:
        at = np.arange(len(shown.before))
        axes.barh(at - 0.2, shown.before, height=0.36, color=COLOURS["reference"], linewidth=0)
        axes.barh(at + 0.2, shown.after, height=0.36, color=COLOURS["current"], linewidth=0)
        axes.set_yticks(at, [_short(label) for label in shown.labels])
        axes.set_ylim(len(at) - 0.4, -0.6)
        axes.xaxis.set_major_formatter(_percent)
        axes.xaxis.grid(True)
        axes.locator_params(axis="x", nbins=5)

    def _since(self, axes: Any, compared: Compared, top: float) -> None:
        for at in self._began(compared):
            axes.plot([at, at], [0, top], color=COLOURS["ink"], linewidth=1.0)
        if compared.since is None:
            return
        at = min(max(compared.since, self._ends[0]), self._ends[1])
        late = at > sum(self._ends) / 2
        self._note(axes, at, top, f"since {when(self._result, compared.since)}", "right" if late else "left", colour="ink")

    def _began(self, compared: Compared) -> list[float]:
        """Where its episodes begin, on the axis."""
        low, high = self._ends
        return sorted({min(max(each.since, low), high) for case in compared.cases for each in case.episodes[:MARKS]})

    def _note(self, axes: Any, x: float, y: float, said: str, side: str, *, colour: str = "faint") -> None:
        axes.text(x, y, said, ha=side, va="bottom", fontsize=SMALL - 1, color=COLOURS[colour])

    def _middles(self) -> Floats:
        return self._result.slices + self._result.width / 2

    def _time_axis(self, axes: Any) -> None:
        low, high = self._ends
        axes.set_xlim(low, high)
        if self._result.timed:
            ticks, labels = _dates(low, high)
            axes.set_xticks(ticks, labels)
        else:
            axes.locator_params(axis="x", nbins=6)
            axes.xaxis.set_major_formatter(_plain)


def _percent(value: float, _: int) -> str:
    return share(value)


def _plain(value: float, _: int) -> str:
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e12 else f"{value:.6g}"


def _ends(result: Result) -> tuple[float, float]:
    return float(result.slices[0]), float(result.slices[-1]) + result.width


def _short(text: str) -> str:
    shown = safe(text, LABEL)
    return "".join(c if c.isprintable() else "?" for c in shown)


def _runs(where: Any, starts: Floats, width: float) -> list[tuple[float, float]]:
    """Slices that lie side by side as one."""
    runs: list[tuple[float, float]] = []
    for start in starts[where].tolist():
        if runs and start <= runs[-1][0] + runs[-1][1] + width * 1e-6:
            runs[-1] = runs[-1][0], start + width - runs[-1][0]
        else:
            runs.append((start, width))
    return runs


def _dates(low: float, high: float) -> tuple[list[float], list[str]]:
    """At most eight ticks, at midnights or hours or firsts of months, UTC."""
    try:
        first, last = dt.datetime.fromtimestamp(low, dt.UTC), dt.datetime.fromtimestamp(high, dt.UTC)
    except (ValueError, OverflowError, OSError):
        return [low, high], [f"{low:.3g} s", f"{high:.3g} s"]
    span = high - low
    if span > 75 * 86400:
        months = (last.year - first.year) * 12 + last.month - first.month
        step = max(1, -(-months // 7))
        every = [first.year * 12 + first.month - 1 + m for m in range(1, months + 1) if m % step == 0 or step == 1]
        dates = [dt.datetime(m // 12, m % 12 + 1, 1, tzinfo=dt.UTC) for m in every]
        form = "%b %Y" if first.year != last.year else "%b"
    else:
        choices = (60, 300, 900, 1800, 3600, 10800, 21600, 43200, 86400, 2 * 86400, 7 * 86400, 14 * 86400)
        step = next((each for each in choices if span / each <= 7), choices[-1])
        begin = -(-low // step) * step
        dates = [dt.datetime.fromtimestamp(begin + step * i, dt.UTC) for i in range(int((high - begin) // step) + 1)]
        form = "%-d %b" if step >= 86400 else "%H:%M" if span < 86400 else "%-d %b %H:%M"
    return [date.timestamp() for date in dates], [date.strftime(form) for date in dates]
