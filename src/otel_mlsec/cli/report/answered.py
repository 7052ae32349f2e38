"""What the model's answers are worth, slice by slice: by labels where there are some, and by its scores where these are known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.cli.answers import Answer
from otel_mlsec.cli.report.result import Performance
from otel_mlsec.cli.report.slices import Slices
from otel_mlsec.detectors.drift.performance_estimate import Estimate
from otel_mlsec.observation import Batch, Meaning, Model
from otel_mlsec.reference.labels import labels_of
from otel_mlsec.reference.losses import NO_EDGES, raw_loss
from otel_mlsec.reference.reference import Reference

MAX_CLASSES = 16  # that are told apart; the others are one
ESTIMATED = (Meaning.PROBABILITY, Meaning.LOG_PROBABILITY)
LARGEST = 1e150  # of an error that is summed


class Answered:
    """Adds to slices: rows with labels, wrong ones, confusions, absolute errors, and cells of the estimate."""

    def __init__(self, reference: Reference, slices: Slices) -> None:
        self._truth, self._slices = reference.truth, slices
        known = reference.calibration
        self._estimate = Estimate(known, reference.truth) if known is not None else None
        self._regression = False
        self.labelled = 0

    def add(self, model: Model, answer: Answer, truth: Floats | None, keys: Ints, at: Ints) -> None:
        """(n, k) answers and (n,) truths of rows in slices `keys[at]`."""
        meaning, outputs = answer
        if truth is not None and not np.isnan(truth).all():
            self._add_labelled(meaning, outputs, truth, keys, at)
        if self._estimate is not None and meaning in ESTIMATED:
            nowhere = np.zeros(len(outputs))
            batch = Batch(model=model, meaning=meaning, features=(), inputs=None, outputs=outputs, times=nowhere,
                          calls=nowhere.astype(np.int64), principals=("",))  # fmt: skip
            cells, rows = self._estimate.cells(batch)
            size = int(np.prod(self._estimate.shape))
            counts = np.bincount(at[rows] * size + cells, minlength=size * len(keys))
            self._slices.add(keys, estimate=counts.reshape(len(keys), *self._estimate.shape))

    def _add_labelled(self, meaning: Meaning, outputs: Floats, truth: Floats, keys: Ints, at: Ints) -> None:
        told = ~np.isnan(truth)
        at = at[told]
        self.labelled += int(told.sum())
        if meaning is Meaning.VALUE:
            self._regression = True
            error = np.minimum(raw_loss(meaning, outputs[told], truth[told]), LARGEST)
            sums = np.bincount(at, weights=error, minlength=len(keys))
            self._slices.add(keys, labelled=np.bincount(at, minlength=len(keys)), error=sums)
            return
        c = MAX_CLASSES + 1
        answered = labels_of(meaning, outputs[told], NO_EDGES)
        true = truth[told]
        row = np.where((true >= 0) & (true < MAX_CLASSES), true, MAX_CLASSES).astype(np.int64)
        column = np.where((answered >= 0) & (answered < MAX_CLASSES), answered, MAX_CLASSES)
        wrong = (answered != true) | (true < 0)
        confusion = np.bincount(at * c * c + row * c + column, minlength=len(keys) * c * c).reshape(len(keys), c, c)
        self._slices.add(
            keys,
            labelled=np.bincount(at, minlength=len(keys)),
            wrong=np.bincount(at[wrong], minlength=len(keys)),
            confusion=confusion,
        )

    def measured(self, classes: Sequence[str]) -> Performance | None:
        if not self.labelled:
            return None
        rows = self._slices.total("labelled").astype(np.int64)
        if self._regression:
            sums, before, measure = self._slices.total("error"), None, "mean absolute error"
            if self._truth is not None and "value" in self._truth.kinds:
                kind = self._truth.kinds.index("value")
                before = self._truth.loss(kind) * float(self._truth.scales[kind])
            return Performance(measure=measure, before=before, after=_share(sums, rows), by_slice=_each(sums, rows), rows=rows)
        wrong = self._slices.total("wrong")
        confusion = self._slices.total("confusion").sum(axis=0).astype(np.int64)
        names = tuple(classes[:MAX_CLASSES])
        used = [*range(len(names)), MAX_CLASSES]
        return Performance(
            measure="error rate",
            before=self._truth.error(0) if self._truth is not None and self._truth.kinds[0] != "value" else None,
            after=_share(wrong, rows),
            by_slice=_each(wrong, rows),
            rows=rows,
            classes=names,
            confusion=confusion[np.ix_(used, used)],
        )

    def estimated(self) -> Performance | None:
        counts = self._slices.total("estimate").astype(np.int64)
        if self._estimate is None or not counts.sum():
            return None
        rows = counts.sum(axis=(1, 2))
        right = counts.sum(axis=1) @ self._estimate.calibration.correct
        return Performance(
            measure="expected accuracy",
            before=self._estimate.calibration.accuracy,
            after=_share(right, rows),
            by_slice=_each(right, rows),
            rows=rows,
            auc=self._estimate.auc(counts.sum(axis=0)),
        )


def _share(sums: np.ndarray, rows: Ints) -> float:
    return float(sums.sum()) / max(1, int(rows.sum()))


def _each(sums: np.ndarray, rows: Ints) -> Floats:
    return np.where(rows > 0, sums / np.maximum(rows, 1), np.nan)
