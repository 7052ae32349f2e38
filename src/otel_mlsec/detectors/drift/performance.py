"""What a model's answers are worth now, from its own scores, while nobody has labelled any."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.config import ModelSettings
from otel_mlsec.detector import State
from otel_mlsec.detectors.budget import PROVISIONAL
from otel_mlsec.detectors.drift import bounds
from otel_mlsec.detectors.drift.bets import FALLS, RISE_SHARES, WORSE, Bets, on_mean
from otel_mlsec.detectors.drift.performance_estimate import Estimate
from otel_mlsec.detectors.drift.performance_tell import Fall, told
from otel_mlsec.finding import Finding, Severity, Status
from otel_mlsec.observation import Batch
from otel_mlsec.reference.order import MARGIN
from otel_mlsec.reference.reference import Reference
from otel_mlsec.sketches.history import History

TOLERANCE = 0.02  # of the expected accuracy: a smaller fall is nobody's business
BLOCK = 32  # rows
WINDOW = 1000  # rows: the gauges are of the last one to two times as many
LOOK = 32  # blocks between two looks at what has become of a fall
SHARES = np.array([*RISE_SHARES, *[0.0] * len(FALLS)])  # only for the worse
SURE = 6.0  # standard errors that a fall must be of so many rows, so that half of it is three
MOST_BACK = 50_000  # rows


class Performance:
    """Fall of the accuracy that a model's calibrated probabilities promise, by more than two points; the score is in rows.

    Isotonic calibration on the reference's labelled rows says for each bin of a score how often such an answer was right; live
    rows are counted by bin, and the mean is bet against the reference's (`bets`).  While scores come as the reference's did, the
    mean number of rows between two alarms is at least a million divided by `false_alarms_per_million`; where the order of the
    reference's rows shows dependence, that is measured, not proved.  `estimates` gives accuracy and, of two classes, AUC.

    Needs labels and a model with probabilities in the reference, and an application that asks for probabilities.

    It assumes that what a score means has not changed.  It does not see concept drift: a model that is confidently wrong looks as
    good as ever, and only labels tell (`drift/concept`).
    """

    name: ClassVar[str] = "drift/performance"

    def __init__(self, estimate: Estimate, settings: ModelSettings, *, reference: Reference) -> None:
        self._estimate, self._reference = estimate, reference
        calibration = estimate.calibration
        self._inflation = 1.0 if calibration.independent else calibration.variance_inflation
        doubt = 1 - calibration.correct  # (b,) expected share of wrong answers
        rows = int(calibration.counts.sum())
        self._before = float(calibration.counts @ doubt) / rows
        self._sd = float(np.sqrt(calibration.counts @ (doubt - self._before) ** 2 / rows))
        _, high = bounds.of_mean(self._before, self._sd**2, rows / self._inflation)
        self._high = min(1.0, high + TOLERANCE + settings.tolerance * self._sd)
        temper = MARGIN * self._inflation if self._inflation > 1 else 1.0
        bets = on_mean(doubt, 0.0, self._high, self._sd)
        self._bets = Bets(bets[None], np.ones(1), temper=temper, shares=SHARES)
        self._threshold = 1e6 / settings.false_alarms_per_million * (PROVISIONAL if reference.provisional else 1.0)
        self._past = History(1, estimate.shape[1])
        self._block = np.zeros(estimate.shape, np.int64)
        self._start = np.inf  # s, of the open block
        self._windows = np.zeros((2, *estimate.shape), np.int64)  # the one that fills, and the last that is full
        self._told = np.nan  # expected share of wrong answers that was told; NaN: none is open
        self._open_for = self._severity = self._n_blocks = 0
        self._ever = False

    @classmethod
    def build(cls, reference: Reference, settings: ModelSettings) -> Performance | None:
        if reference.calibration is None:
            return None
        return cls(Estimate(reference.calibration, reference.truth), settings, reference=reference)

    def update(self, batch: Batch, /) -> list[Finding]:
        cells, rows = self._estimate.cells(batch)
        if not len(cells):
            return []
        found: list[Finding] = []
        waiting = min(int(self._block.sum()), BLOCK - 1)  # after a merge there may be more
        ends = np.append(np.arange(BLOCK - waiting, len(cells), BLOCK), len(cells))
        for start, end in zip(np.append(0, ends[:-1]).tolist(), ends.tolist(), strict=True):
            self._block += np.bincount(cells[start:end], minlength=self._block.size).reshape(self._block.shape)
            self._start = min(self._start, float(batch.times[rows[start:end]].min()))
            if int(self._block.sum()) >= BLOCK:
                found += [told(batch, int(rows[end - 1]), fall, reference=self._reference) for fall in self._absorbed()]
        return found

    def estimates(self) -> Mapping[str, float]:
        """Of the last 1,000 to 2,000 rows; none before there are so many."""
        counts = self._windows.sum(axis=0)
        if int(counts.sum()) < WINDOW:
            return {}
        auc = self._estimate.auc(counts)
        return {"accuracy": self._estimate.accuracy(counts)} | ({} if auc is None else {"auc": auc})

    def confusion(self) -> Floats:
        """(c, c) expected rows by true and answered class among those that `estimates` is of, the last of all other classes."""
        return self._estimate.confusion(self._windows.sum(axis=0))

    def scores(self) -> Mapping[str, float]:
        accuracy = self.estimates().get("accuracy")
        return {} if accuracy is None else {"expected accuracy": min(1.0, abs(1 - self._before - accuracy))}

    def snapshot(self) -> State:
        plain = {
            "block": self._block, "start": self._start, "windows": self._windows, "evidence": self._bets.sums, "told": self._told,
            "open_for": self._open_for, "severity": self._severity, "n_blocks": self._n_blocks, "ever": self._ever,
        }  # fmt: skip
        return {name: np.array(value) for name, value in plain.items()} | {
            f"history.{name}": part for name, part in self._past.snapshot().items()
        }

    def restore(self, state: State, /) -> None:
        self._block, self._windows = (np.array(state[name], np.int64) for name in ("block", "windows"))
        self._bets.sums = np.array(state["evidence"], np.float64)
        self._start, self._told = float(state["start"]), float(state["told"])
        self._open_for, self._severity, self._n_blocks = (int(state[name]) for name in ("open_for", "severity", "n_blocks"))
        self._ever = bool(state["ever"])
        self._past.restore(_past(state))

    def merge(self, state: State, /) -> None:
        """Counts and sums add; a fall that either of them has found is found."""
        self._block = self._block + np.array(state["block"], np.int64)
        self._windows = self._windows + np.array(state["windows"], np.int64)
        self._bets.sums = self._bets.sums + np.array(state["evidence"], np.float64)
        self._start = min(self._start, float(state["start"]))
        self._told = float(np.fmax(self._told, float(state["told"])))
        self._open_for += int(state["open_for"])
        self._severity = max(self._severity, int(state["severity"]))
        self._n_blocks += int(state["n_blocks"])
        self._ever = self._ever or bool(state["ever"])
        self._past.merge(_past(state))

    def _absorbed(self) -> list[Fall]:
        """The open block, which is whole."""
        counts, rows = self._block.sum(axis=0), int(self._block.sum())
        self._past.append(self._start, counts[None], np.zeros(1))
        self._windows[0] += self._block
        if int(self._windows[0].sum()) >= WINDOW:
            self._windows = np.stack([np.zeros_like(self._block), self._windows[0]])
        self._block, self._start = np.zeros_like(self._block), np.inf
        score = self._bets.absorb(counts[None], rows)
        self._n_blocks += 1
        if np.isnan(self._told):
            return [self._opened(score)] if score >= self._threshold else []
        self._open_for += rows
        self._bets.sums[:] = 0.0  # latched: the same fall is not found twice
        return self._looked_at() if self._n_blocks % LOOK == 0 else []

    def _opened(self, score: float) -> Fall:
        fall = self._fall(Status.REOPENED if self._ever else Status.NEW, score)
        self._told, self._severity, self._open_for, self._ever = 1 - fall.after, fall.severity, 0, True
        self._bets.sums[:] = 0.0
        return fall

    def _looked_at(self) -> list[Fall]:
        if self._is_back():
            severity = Severity(self._severity)
            fall = self._fall(Status.RESOLVED, self._threshold, severity=severity)
            self._told, self._open_for = np.nan, 0
            for bucket in self._past.buckets:
                bucket.counts[:] = 0  # the past of a closed change is no part of the next one
            return [fall]
        fall = self._fall(Status.ONGOING, self._threshold)
        if fall.severity <= self._severity:
            return []
        self._told, self._severity = 1 - fall.after, fall.severity
        return [fall]

    def _is_back(self) -> bool:
        """Has it, over as many rows as that takes, returned by more than half of what was told?"""
        needed = self._inflation * (SURE * self._sd / max(self._told - self._before, 1e-6)) ** 2
        rows = int(np.clip(needed, WINDOW, MOST_BACK))
        if self._open_for < rows:
            return False
        counts, _ = self._last(rows)
        now = float(counts @ (1 - self._estimate.calibration.correct)) / max(1, int(counts.sum()))
        return now < (self._told + self._before) / 2 and now <= self._high

    def _fall(self, status: Status, score: float, *, severity: Severity | None = None) -> Fall:
        counts, since = self._last(WINDOW) if status is Status.RESOLVED else self._likeliest()
        auc = self._estimate.auc(counts[None])
        return Fall.of(
            1 - self._before, counts, self._estimate.calibration.correct, worth=int(counts.sum()) / self._inflation, auc=auc,
            status=status, severity=severity, score=score, threshold=self._threshold, since=since,
        )  # fmt: skip

    def _likeliest(self) -> tuple[Ints, float]:
        """Counts of the suffix of the past that is likeliest to be the fall, and since when."""
        starts, counts, _ = self._past.suffixes(0)
        rows = counts.sum(axis=1)
        enough = rows >= min(8 * self._inflation, int(rows[0]))
        at = int(np.argmax(np.where(enough, self._bets.likelihood(0, WORSE, counts), -np.inf)))
        return counts[at], float(starts[at:].min())

    def _last(self, rows: int) -> tuple[Ints, float]:
        starts, counts, _ = self._past.suffixes(0)
        at = max(0, int((counts.sum(axis=1) >= rows).sum()) - 1)
        return counts[at], float(starts[at:].min())


def _past(state: State) -> State:
    return {name: state[f"history.{name}"] for name in ("starts", "blocks", "counts", "sums")}
