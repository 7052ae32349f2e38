"""What a model's answers to a reference's rows are worth: how many are wrong, how wrong, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.observation import Meaning
from otel_mlsec.reference.column import Column
from otel_mlsec.reference.labels import labels_of
from otel_mlsec.reference.losses import KINDS, LEVELS, NO_EDGES, VALUES, Judged, judged, raw_loss, scale_of
from otel_mlsec.reference.order import judge
from otel_mlsec.sketches.bins import N_BINS

if TYPE_CHECKING:
    from otel_mlsec.reference.reference import Reference

MAX_COLUMNS = 64  # by whose bins errors are counted: those in which they differ most
MAX_CLASSES = 16  # that are told apart in the table of confusions; the last row and column are of the others
EXCEEDED = 0.9  # quantile of a regression's absolute error beyond which it is called wrong
ORDER = ("probability", "label", "margin", "value")  # of kinds of answers, the most telling first


@dataclass(frozen=True, kw_only=True)
class Truth:
    """Of the rows whose label is known; of rows that the model was fitted on it would have fewer errors than it makes."""

    n_rows: int
    kinds: tuple[str, ...]  # of answers: "probability", "label", "margin", "value"
    errors: Ints  # (k,) wrong answers of each kind
    losses: Ints  # (k, LEVELS) rows by level of their loss; zeros of a kind that has none
    scales: Floats  # (k,) loss that counts as 1; 0 of a kind that has none
    limit: float  # of a regression: absolute error from which on it is called wrong
    confusion: Ints  # (c, c) rows by true and answered class, the last of all others; (0, 0) of a regression
    columns: tuple[str, ...]
    rows: Ints  # (d, N_BINS) by column and bin
    rows_wrong: Ints  # (k · d, N_BINS), of the first kind first
    variance_inflation: float = 1.0  # of errors, as of a column
    independent: bool = True

    def error(self, kind: int) -> float:
        return float(self.errors[kind]) / self.n_rows

    def loss(self, kind: int) -> float:
        """Mean, as a share of the scale."""
        return float(self.losses[kind] @ VALUES) / max(1, int(self.losses[kind].sum()))

    def wrong_by_bin(self) -> Ints:
        """(k, d, N_BINS)"""
        return self.rows_wrong.reshape(len(self.kinds), len(self.columns), N_BINS)

    def sound(self, reference: Reference) -> bool:
        k, d, c = len(self.kinds), len(self.columns), len(self.confusion)
        shapes = (
            self.errors.shape == (k,)
            and self.losses.shape == (k, LEVELS)
            and self.scales.shape == (k,)
            and self.confusion.shape == (c, c)
            and self.rows.shape == (d, N_BINS)
            and self.rows_wrong.shape == (k * d, N_BINS)
        )
        return (
            shapes
            and 0 < k <= len(ORDER)
            and set(self.kinds) <= set(ORDER)
            and d <= MAX_COLUMNS
            and set(self.columns) <= {column.name for column in reference.inputs}
            and c in (0, min(len(reference.classes), MAX_CLASSES) + 1)
            and 0 < self.n_rows < 1 << 40
            and all(bool((counts >= 0).all()) for counts in (self.errors, self.losses, self.confusion, self.rows_wrong))
            and all(bool((counts <= self.n_rows).all()) for counts in (self.errors, self.losses))  # whose sum fits, then
            and bool((self.losses.sum(axis=1) <= self.n_rows).all())
            and bool((self.rows <= self.n_rows).all() and (self.wrong_by_bin() <= self.rows).all())
            and bool(np.isfinite(self.scales).all() and (self.scales >= 0).all())
            and self.limit >= 0
            and self.variance_inflation >= 1
        )


def truth_of(
    answers: Sequence[tuple[Meaning, Floats]], truth: Floats, columns: Sequence[Column], matrix: Floats, n_classes: int
) -> Truth | None:
    """From (n, …) answers, (n,) truths (NaN: not known) and the (n, d) rows; None where there is nothing to compare."""
    known = np.flatnonzero(~np.isnan(truth))
    said = {KINDS[meaning]: (meaning, found.reshape(len(found), -1)[known]) for meaning, found in answers if meaning in KINDS}
    said = {kind: (meaning, found) for kind, (meaning, found) in said.items() if kind != "value" or found.shape[1] == 1}
    if not len(known) or not said:
        return None
    told = truth[known]
    kinds = tuple(kind for kind in ORDER if kind in said)
    limit = _limit(said, told)
    raw = {kind: raw_loss(*said[kind], told) for kind in kinds if kind in ("probability", "value")}
    scales = np.array([scale_of(raw[kind]) if kind in raw else 0.0 for kind in kinds])
    results = [judged(*said[kind], told, scale=float(scale), limit=limit) for kind, scale in zip(kinds, scales, strict=True)]
    inflation, independent = judge([results[0].wrong.astype(np.float64)], len(known))
    names, rows, wrong = _by_bin(columns, matrix[known], results)
    return Truth(
        n_rows=len(known),
        kinds=kinds,
        errors=np.array([int(result.wrong.sum()) for result in results], np.int64),
        losses=np.stack([np.bincount(r.loss[r.loss >= 0], minlength=LEVELS) for r in results]).astype(np.int64),
        scales=scales,
        limit=limit,
        confusion=_confusion(*said[kinds[0]], told, n_classes),
        columns=names,
        rows=rows,
        rows_wrong=wrong,
        variance_inflation=inflation,
        independent=independent,
    )


def _limit(said: dict[str, tuple[Meaning, Floats]], told: Floats) -> float:
    if "value" not in said:
        return 0.0
    error = raw_loss(*said["value"], told)
    finite = error[np.isfinite(error)]
    return float(np.quantile(finite, EXCEEDED, method="inverted_cdf")) if len(finite) else 0.0


def _confusion(meaning: Meaning, found: Floats, told: Floats, n_classes: int) -> Ints:
    if meaning is Meaning.VALUE or not n_classes:
        return np.zeros((0, 0), np.int64)
    c = min(n_classes, MAX_CLASSES) + 1
    return np.bincount(confused(meaning, found, told, c), minlength=c * c).reshape(c, c).astype(np.int64)


def confused(meaning: Meaning, found: Floats, told: Floats, c: int) -> Ints:
    """(n, k) answers and (n,) truths -> (n,) cells of a (c, c) table by true and answered class, the last of all others."""
    answered = labels_of(meaning, found, NO_EDGES)
    row = np.where((told >= 0) & (told < c - 1), told, c - 1).astype(np.int64)
    return row * c + np.where((answered >= 0) & (answered < c - 1), answered, c - 1)


def _by_bin(columns: Sequence[Column], matrix: Floats, results: list[Judged]) -> tuple[tuple[str, ...], Ints, Ints]:
    """Rows and errors by bin of the columns in which the share of errors differs most, in the order of the reference."""
    counted: list[tuple[float, Ints, Ints]] = []
    for i, column in enumerate(columns):
        index = column.bins.index(matrix[:, i]).astype(np.int64)
        rows = np.bincount(index, minlength=N_BINS).astype(np.int64)
        wrong = np.stack([np.bincount(index[r.wrong], minlength=N_BINS) for r in results]).astype(np.int64)
        counted.append((_difference(rows, wrong[0]), rows, wrong))
    chosen = sorted(sorted(range(len(counted)), key=lambda i: -counted[i][0])[:MAX_COLUMNS])
    if not chosen:
        return (), np.zeros((0, N_BINS), np.int64), np.zeros((0, N_BINS), np.int64)
    names = tuple(columns[i].name for i in chosen)
    return (
        names,
        np.stack([counted[i][1] for i in chosen]),
        np.concatenate([[counted[i][2][k] for i in chosen] for k in range(len(results))]),
    )


def _difference(rows: Ints, wrong: Ints) -> float:
    """Pearson's chi-squared of errors by bin, a degree of freedom."""
    n, errors = float(rows.sum()), float(wrong.sum())
    if not 0 < errors < n:
        return 0.0
    expected = rows * (errors / n)
    used = expected > 0
    return float(((wrong - expected)[used] ** 2 / expected[used]).sum() / (1 - errors / n) / max(1, int(used.sum()) - 1))
