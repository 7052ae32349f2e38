"""Rows that are known to be good -> the geometry of a reference."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.observation import Meaning
from otel_mlsec.reference.geometry import MAX_COLUMNS, SEED, Geometry, upper
from otel_mlsec.reference.labels import UNKNOWN, labels_of, margins_of
from otel_mlsec.reference.order import MARGIN, judge
from otel_mlsec.reference.tails import tail
from otel_mlsec.sketches.bins import is_text

CORE = 512  # rows
RARE = (0.05, 0.01)  # p-values of rows whose neighbours in time are looked at
STRETCH, STRETCHES = 900, 220  # rows, of a large reference: as long as the longest block that `judge` looks at
CALIBRATION = 4000  # rows, or two fifths of a small reference
SHAPE_ROWS = 20_000  # rows that mean and covariance are of
NEIGHBOURS = 8000  # rows among which the spacing is measured
ASKED = 1500  # rows whose nearest is looked for
MAX_LEVELS = 4096  # of a category, the most frequent
CLASSES = 16  # labels with a shape of their own, the most frequent
RIDGE, CLASS_RIDGE = 1e-3, 1e-2
TAIL = 0.001  # of a column, on either side, that does not decide about its scale
DECILES = np.arange(1, 10) / 10

Answers = Sequence[tuple[Meaning, Floats]]


def survey(matrix: Floats, names: tuple[str, ...], categorical: Collection[str], answers: Answers) -> Geometry:
    """(n, d) rows in any order, n >= 1, and what the model answered to them, each (n, …)."""
    cells, names = matrix[:, :MAX_COLUMNS], names[: min(MAX_COLUMNS, matrix.shape[1])]
    held_out, kept = split(len(cells))
    categories = [name in categorical or _is_category(cells[:, i]) for i, name in enumerate(names)]
    levels = [_levels(cells[kept, i]) if category else None for i, category in enumerate(categories)]
    starts = np.cumsum([0, *(len(found[0]) if found else 0 for found in levels)]).astype(np.int64)
    codes = np.concatenate([found[0] for found in levels if found] or [np.empty(0)])
    places = np.concatenate([found[1] for found in levels if found] or [np.empty(0)])
    low, high = _range(cells[kept], categories)
    edges = _edges(answers)
    labels = _labels(answers, edges, len(cells))
    space = Geometry(
        names=names, center=np.zeros(len(names)), scale=np.ones(len(names)), low=low, high=high, level_starts=starts,
        level_codes=codes, level_places=places, mean=np.zeros(0), whiten=np.zeros((0, 0)), class_labels=np.zeros(0, np.int64),
        class_means=np.zeros((0, 0)), class_whitens=np.zeros((0, 0)), core=np.zeros((0, 0)),
        core_labels=np.zeros(0, np.int64), spacing=1.0, spread=1.0, value_edges=edges,
    )  # fmt: skip
    center, scale = _scales(space, cells[kept[:SHAPE_ROWS]])
    space = replace(space, center=center, scale=scale, tails=_tails(cells[kept], categories, center))
    shaped = space.embedded(space.standardised(cells[kept[:SHAPE_ROWS]])).astype(np.float64)
    mean, whiten = _shape(shaped, RIDGE)
    common, means, whitens = _classes(shaped, labels[kept[:SHAPE_ROWS]])
    spacing, spread = _distances(shaped)
    space = replace(
        space, mean=mean, whiten=whiten, class_labels=common, class_means=means, class_whitens=whitens, spacing=spacing,
        spread=spread, core=shaped[:CORE], core_labels=labels[kept[:CORE]],
    )  # fmt: skip
    space = _calibrated(space, cells[held_out], labels[held_out], [(meaning, found[held_out]) for meaning, found in answers])
    return replace(space, rare_inflation=_rare_inflation(space, cells))


def split(n: int) -> tuple[Ints, Ints]:
    """Of n rows those that say how far ordinary rows are, and the others, both in no order."""
    order = np.random.default_rng(SEED).permutation(n)
    return order[: min(CALIBRATION, 2 * n // 5)], order[min(CALIBRATION, 2 * n // 5) :]


def _calibrated(space: Geometry, cells: Floats, labels: Ints, answers: Answers) -> Geometry:
    z = space.standardised(cells)
    e = space.embedded(z)
    of_class = space.class_mahalanobis(e, labels)
    margins = dict(answers)
    return replace(
        space,
        near_known=np.sort(np.sqrt(space.squares_to_core(e).min(axis=1, initial=np.inf)).astype(np.float64)),
        mahalanobis_known=np.sort(space.mahalanobis(e).astype(np.float64)),
        class_known=np.sort(of_class[~np.isnan(of_class)]),
        range_known=np.sort(space.beyond(cells)),
        z_known=np.sort(np.abs(z).max(axis=1, initial=0.0)),
        probability_known=_margins(Meaning.PROBABILITY, margins),
        decision_known=_margins(Meaning.MARGIN, margins),
    )


def _rare_inflation(space: Geometry, cells: Floats) -> float:
    """How much more the number of rare rows varies from block to block than it would if rows came independently."""
    starts = np.linspace(0, max(0, len(cells) - STRETCH), STRETCHES).astype(np.int64)
    at = np.arange(len(cells)) if len(cells) <= STRETCH * STRETCHES else (starts[:, None] + np.arange(STRETCH)).reshape(-1)
    found = [space.mahalanobis(space.embedded(space.standardised(cells[part]))) for part in np.array_split(at, STRETCHES)]
    p = upper(space.mahalanobis_known, np.concatenate(found))
    inflation, independent = judge([(p <= rare).astype(np.float64) for rare in RARE], len(at))
    return 1.0 if independent else MARGIN * inflation


def _is_category(x: Floats) -> bool:
    return int(is_text(x).sum()) * 2 > int((~np.isnan(x)).sum())


def _levels(x: Floats) -> tuple[Floats, Floats]:
    """-> codes, ascending, and their places: 0 the most frequent."""
    levels, counts = np.unique(x[~np.isnan(x)], return_counts=True)
    if not len(levels):
        levels, counts = np.zeros(1), np.ones(1, np.int64)
    by_count = np.argsort(-counts, kind="stable")[:MAX_LEVELS]
    ascending = np.argsort(levels[by_count])
    return levels[by_count][ascending], ascending.astype(np.float64)


def _range(cells: Floats, categories: Sequence[bool]) -> tuple[Floats, Floats]:
    numbers = np.where(np.isfinite(cells) & ~is_text(cells), cells, np.nan)
    low, high = np.full(cells.shape[1], -np.inf), np.full(cells.shape[1], np.inf)
    for i, category in enumerate(categories):
        known = numbers[:, i][~np.isnan(numbers[:, i])]
        if len(known) and not category:
            low[i], high[i] = known.min(), known.max()
    return low, high


def _scales(space: Geometry, cells: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation without the outermost thousandths; a constant column has the scale of its last digits."""
    placed = cells.copy()
    for i in np.flatnonzero(np.diff(space.level_starts)):
        placed[:, i] = space.places(int(i), cells[:, i])
    center, scale = np.zeros(cells.shape[1]), np.ones(cells.shape[1])
    for i in range(cells.shape[1]):
        x = placed[:, i]
        x = x[np.isfinite(x) & ~is_text(x) & (np.abs(x) < 1e150)]
        if len(x):
            x = np.clip(x, *np.quantile(x, [TAIL, 1 - TAIL]))
            center[i] = x.mean()
            scale[i] = x.std() if x.std() > 1e-9 * max(abs(center[i]), 1e-30) else max(abs(center[i]) * 1e-6, 1e-9)
    return center, scale


def _tails(cells: Floats, categories: Sequence[bool], center: Floats) -> Floats:
    """-> (2 d, 4): of every column below its centre, then above; zeros of a category."""
    found = np.zeros((2, cells.shape[1], 4))
    for i, category in enumerate(categories):
        away = cells[:, i][~is_text(cells[:, i])] - center[i]
        if not category:
            found[0, i], found[1, i] = tail(-away), tail(away)
    return found.reshape(-1, 4)


def _shape(e: Floats, ridge: float) -> tuple[Floats, Floats]:
    """-> mean and the matrix that makes the rows uncorrelated, of unit variance."""
    m = e.shape[1]
    covariance = np.cov(e.T).reshape(m, m) if len(e) > 1 else np.zeros((m, m))
    whiten = np.linalg.cholesky(np.linalg.inv(covariance + ridge * np.eye(m))).astype(np.float64)
    return e.mean(axis=0), whiten


def _classes(e: Floats, labels: Ints) -> tuple[Ints, Floats, Floats]:
    m = e.shape[1]
    found, counts = np.unique(labels[labels != UNKNOWN], return_counts=True)
    common = found[np.argsort(-counts, kind="stable")[:CLASSES]][np.sort(-counts)[:CLASSES] <= -max(2 * m, 50)]
    shapes = [_shape(e[labels == label], CLASS_RIDGE) for label in common]
    if not shapes:
        return np.zeros(0, np.int64), np.zeros((0, m)), np.zeros((0, m))
    return common.astype(np.int64), np.stack([s[0] for s in shapes]), np.concatenate([s[1] for s in shapes])


def _distances(e: Floats) -> tuple[float, float]:
    """-> median distance to the nearest other row, and of two rows; of rows that differ."""
    among = e[:NEIGHBOURS].astype(np.float32)
    asked = among[:ASKED]
    squares = np.einsum("ij,ij->i", among, among)
    apart = np.maximum(squares[: len(asked), None] + squares - 2 * asked @ among.T, 0)
    apart[apart < 1e-5 * (1 + squares)] = np.inf  # itself, and rows that are the same
    nearest = apart.min(axis=1)
    nearest = nearest[np.isfinite(nearest)]
    pairs = np.einsum("ij,ij->i", e[::2][: len(e[1::2])] - e[1::2], e[::2][: len(e[1::2])] - e[1::2])
    spread = float(np.sqrt(np.median(pairs))) if len(pairs) else 1.0
    spacing = float(np.sqrt(np.median(nearest))) if len(nearest) else 1.0
    return spacing, max(spread, spacing)


def _edges(answers: Answers) -> Floats:
    for meaning, found in answers:
        if meaning in (Meaning.VALUE, Meaning.SCORE) and found.size:
            first = found.reshape(len(found), -1)[:, 0]
            known = first[np.isfinite(first)]
            return np.unique(np.quantile(known, DECILES)) if len(known) else np.empty(0)
    return np.empty(0)


def _labels(answers: Answers, edges: Floats, n: int) -> Ints:
    order = (Meaning.LABEL, Meaning.PROBABILITY, Meaning.LOG_PROBABILITY, Meaning.MARGIN, Meaning.VALUE, Meaning.SCORE)
    said = dict(answers)
    for meaning in order:
        if meaning in said:
            return labels_of(meaning, said[meaning].reshape(n, -1), edges)
    return np.full(n, UNKNOWN)


def _margins(meaning: Meaning, said: dict[Meaning, Floats]) -> Floats:
    if meaning not in said or not said[meaning].size:
        return np.empty(0)
    found = margins_of(meaning, said[meaning])
    return np.sort(found[np.isfinite(found)])
