"""Bin counts -> bars that a person can read: of equal width in the column's unit, or one a level."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.cli.report.result import Compared
from otel_mlsec.sketches.bins import INVALID, MISSING, REST, UNSEEN

BARS = 26
BEYOND = 0.001  # bars outside the reference's extremes are drawn where they hold more
LEVELS = 12  # bars of a category; the others are one


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    before: Floats  # (n,) shares
    after: Floats  # (n,)
    edges: Floats  # (n + 1,) of numbers, in their unit; (0,) of levels
    labels: tuple[str, ...]  # (n,) of levels
    whole: bool = False  # the numbers are
    below: tuple[float, float] = (0.0, 0.0)  # shares below and above what `edges` span, before and after
    above: tuple[float, float] = (0.0, 0.0)


def bars(compared: Compared) -> Bars:
    """Values are taken to lie evenly within a bin; that is between two quantiles of the reference."""
    before, after = compared.column.counts, compared.counts
    if compared.column.numeric:
        return _numbers(compared, before, after)
    return _levels(compared, before, after)


def _numbers(compared: Compared, before: Ints, after: Ints) -> Bars:
    column = compared.column
    edges = column.bins.edges.copy()
    whole = len(column.values) > 0
    if whole:
        edges[-1] = np.floor(edges[-1]) + 1
        steps: Floats = np.arange(float(edges[0]), float(edges[-1]) + 1)
        few = len(steps) <= 2 * BARS
        grid: Floats = steps if few else np.linspace(float(edges[0]), float(edges[-1]), BARS + 1, dtype=np.float64)
    else:
        low, high = float(edges[0]), float(edges[-1])
        inner = edges[1:-1] if len(edges) > 12 else edges  # one in a thousand on either side would take all the space
        if len(inner) > 1 and inner[-1] > inner[0]:
            room = 0.15 * (float(inner[-1]) - float(inner[0]))
            low, high = max(low, float(inner[0]) - room), min(high, float(inner[-1]) + room)
        if not high > low or not np.isfinite(high - low) or float(np.nextafter(low, np.inf)) >= high:
            low, high = low - 0.5, low + 0.5
        grid = np.linspace(low, high, BARS + 1, dtype=np.float64)
    n = len(edges)
    total = [max(1, int(counts.sum())) for counts in (before, after)]
    found = [_spread(edges, counts[1:n], grid) / m for counts, m in zip((before, after), total, strict=True)]
    outside = [_outside(edges, counts[: n + 1], grid, m) for counts, m in zip((before, after), total, strict=True)]
    return Bars(
        before=found[0],
        after=found[1],
        edges=grid - (0.5 if whole else 0.0),
        labels=(),
        whole=whole,
        below=(outside[0][0], outside[1][0]),
        above=(outside[0][1], outside[1][1]),
    )


def _cumulative(edges: Floats, counts: Ints, at: Floats) -> Floats:
    """Rows below `at`, of those between the edges."""
    return np.interp(at, edges, np.concatenate([[0.0], np.cumsum(counts, dtype=np.float64)]))


def _spread(edges: Floats, counts: Ints, grid: Floats) -> Floats:
    if len(edges) < 2:
        return np.zeros(len(grid) - 1)
    return np.diff(_cumulative(edges, counts, grid))


def _outside(edges: Floats, counts: Ints, grid: Floats, total: int) -> tuple[float, float]:
    """`counts` with the two bins beyond the extremes, the first and the last."""
    inner = counts[1 : len(edges)]
    below, above = _cumulative(edges, inner, np.array([grid[0], grid[-1]])).tolist()
    return (float(counts[0]) + below) / total, (float(counts[len(edges)]) + float(inner.sum()) - above) / total


def _levels(compared: Compared, before: Ints, after: Ints) -> Bars:
    p, q = before / max(1, int(before.sum())), after / max(1, int(after.sum()))
    used = np.flatnonzero((before[:REST] > 0) | (after[:REST] > 0))
    order = used[np.argsort(-p[used], kind="stable")]
    kept = order
    if len(order) > LEVELS:  # the frequent, and those that changed most
        most = order[np.argsort(-np.abs(p - q)[order], kind="stable")][: LEVELS // 2].tolist()
        chosen = set([*most, *(i for i in order.tolist() if i not in most)][:LEVELS])
        kept = np.array([i for i in order if int(i) in chosen])
    left = np.setdiff1d(order, kept)
    rank = {int(level): place for place, level in enumerate(order, 1)}
    said = [compared.levels.get(int(i)) or f"level {rank[int(i)]}" for i in kept]
    rows = [([*p[kept]], [*q[kept]])]
    extra: list[tuple[str, float, float]] = []
    others = float(p[left].sum() + p[REST]), float(q[left].sum() + q[REST])
    for word, was, now in (
        ("other levels", *others),
        ("never seen", float(p[UNSEEN]), float(q[UNSEEN])),
        ("missing", float(p[MISSING]), float(q[MISSING])),
        ("other type", float(p[INVALID]), float(q[INVALID])),
    ):
        if max(was, now) > BEYOND / 10:
            extra.append((word, was, now))
    return Bars(
        before=np.array([*rows[0][0], *(was for _, was, _ in extra)]),
        after=np.array([*rows[0][1], *(now for _, _, now in extra)]),
        edges=np.zeros(0),
        labels=(*said, *(word for word, _, _ in extra)),
    )
