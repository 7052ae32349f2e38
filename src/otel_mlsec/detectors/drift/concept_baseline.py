"""What a reference says of a model's errors, in the form in which outcomes are compared with it."""

from __future__ import annotations

import numpy as np

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.config import ModelSettings
from otel_mlsec.detectors.budget import PROVISIONAL
from otel_mlsec.detectors.drift import bounds
from otel_mlsec.detectors.drift.bets import A, Bets, on_mean, on_rate
from otel_mlsec.detectors.drift.concept_charts import AdaptiveWindow, Chart, EDetector, PageHinkley
from otel_mlsec.detectors.drift.concept_effect import of_losses
from otel_mlsec.detectors.drift.concept_places import Places
from otel_mlsec.observation import Outcomes
from otel_mlsec.reference.losses import KINDS, LEVELS, VALUES, judged
from otel_mlsec.reference.order import LATEST, MARGIN
from otel_mlsec.reference.reference import Reference
from otel_mlsec.reference.truth import Truth, confused

BLOCK = 25  # labels
ERROR_SHARE = 0.6  # of the budget of all rows; their loss has the rest, and slices, where there are any, half of everything
TIME, TOLD, CELL, LEVEL, CONFUSED, SLICES = range(6)  # columns of a row: cell is 2 · kind + wrong; -1 where there is none
N_PLAIN = 5
OTHERS = "another class"


class Baseline:
    """Of place 0, all rows, and of the slices from 1 on: rates of errors; and of all rows, their loss."""

    def __init__(self, truth: Truth, reference: Reference, settings: ModelSettings) -> None:
        self.truth = truth
        self._settings = settings
        self.places = Places(reference, truth, settings.slices if settings.concept == "e-detector" else ())
        slices = self.places.slices
        self.inflation = 1.0 if truth.independent else truth.variance_inflation
        rows = np.array([truth.n_rows, *(place.rows for place in slices)], np.float64)
        errors = np.array([truth.errors, *(place.errors for place in slices)], np.float64)  # (P, k)
        self.rates = errors / rows[:, None]
        worth = np.repeat(rows / self.inflation, errors.shape[1])
        doubts = np.full(errors.shape, bounds.DOUBT / max(1, len(slices)))
        doubts[0] = bounds.DOUBT
        low, high = (x.reshape(errors.shape) for x in bounds.of_rate(self.rates.ravel() * worth, worth, doubts.ravel()))
        slack = settings.tolerance * np.sqrt(self.rates * (1 - self.rates))
        self.low, self.high = np.maximum(low - slack, 0.0), np.minimum(high + slack, 1.0)
        self.loss_kind = next((i for i, name in enumerate(truth.kinds) if name in ("probability", "value")), -1)
        counts = truth.losses[max(0, self.loss_kind)]
        self.loss_mean, self.loss_sd = of_losses(counts)
        least, most = bounds.of_mean(self.loss_mean, self.loss_sd**2, float(counts.sum()) / self.inflation)
        self.loss_low = max(0.0, least - settings.tolerance * self.loss_sd)
        self.loss_high = min(1.0, most + settings.tolerance * self.loss_sd)
        c = len(truth.confusion)
        self.classes = (*reference.classes[: c - 1], OTHERS) if c else ()
        self._all_classes = reference.classes
        self.regression = truth.kinds == ("value",)
        self.threshold = 1e6 / settings.false_alarms_per_million * (PROVISIONAL if reference.provisional else 1.0)  # labels
        self.error_bets, self.loss_bets = self._bets()

    @property
    def scale(self) -> float:
        """In the loss's own unit, of a loss of 1."""
        return float(self.truth.scales[max(0, self.loss_kind)])

    def chart(self) -> Chart:
        match self._settings.concept:
            case "page-hinkley":
                return PageHinkley(self.threshold)
            case "adwin":
                delta = min(0.5, BLOCK / self.threshold)
                if self.regression:
                    squares = self.loss_sd**2 + self.loss_mean**2
                    known = self.truth.n_rows * np.array([1.0, self.loss_mean, squares])
                    return AdaptiveWindow(delta, self.loss_low, self.loss_high, known)
                known = self.truth.n_rows * np.array([1.0, self.rates[0, 0], self.rates[0, 0]])
                return AdaptiveWindow(delta, float(self.low[0, 0]), float(self.high[0, 0]), known)
            case _:
                return EDetector(self.error_bets, self.loss_bets, self.threshold)

    def rows_of(self, outcomes: Outcomes) -> tuple[Floats, Ints]:
        """-> (n, 5 + c) of the outcomes that can be compared, and (n,) which of all these are."""
        kind = KINDS.get(outcomes.meaning, "")
        if kind not in self.truth.kinds or not outcomes.outputs.size:
            return np.empty((0, N_PLAIN + len(self.places.columns))), np.empty(0, np.int64)
        k = self.truth.kinds.index(kind)
        found = judged(
            outcomes.meaning, outcomes.outputs, outcomes.truth, scale=float(self.truth.scales[k]), limit=self.truth.limit
        )
        made, told = (np.nan_to_num(times, posinf=LATEST, neginf=-LATEST) for times in (outcomes.times, outcomes.told))
        table = np.full(outcomes.n_rows, -1)
        if self.classes and outcomes.classes == self._all_classes:
            table = confused(outcomes.meaning, outcomes.outputs, np.nan_to_num(outcomes.truth, nan=-1), len(self.classes))
        plain = (made, told, 2 * k + found.wrong, found.loss, table)
        rows = np.column_stack([*plain, self.places.index(outcomes.inputs, outcomes.features, outcomes.n_rows)])
        return rows[found.known].astype(np.float64), np.flatnonzero(found.known)

    def stream(self, block: Floats) -> tuple[Floats, Floats]:
        """-> (m,) what Page–Hinkley and ADWIN look at, errors or of a regression losses; and in standard deviations."""
        cells = block[:, CELL].astype(np.int64)
        if self.regression:
            x = np.maximum(block[:, LEVEL], 0) / (LEVELS - 1)
            return x, (x - self.loss_mean) / max(self.loss_sd, 1e-6)
        mean = ((self.truth.errors + 0.5) / (self.truth.n_rows + 1))[cells // 2]
        x = (cells % 2).astype(np.float64)
        return x, (x - mean) / np.sqrt(mean * (1 - mean))

    def _bets(self) -> tuple[Bets, Bets]:
        p, k = self.rates.shape
        tables = np.zeros((p, 2 * k, A))
        for place in range(p):
            tables[place] = np.concatenate([on_rate(self.low[place, i], self.high[place, i]) for i in range(k)])
        whole = 0.5 if p > 1 else 1.0
        of_error = whole * (ERROR_SHARE if self.loss_kind >= 0 else 1.0)
        weights = np.array([of_error, *[(1 - whole) / max(1, p - 1)] * (p - 1)])
        temper = MARGIN * self.inflation if self.inflation > 1 else 1.0
        loss = on_mean(VALUES, self.loss_low, self.loss_high, self.loss_sd)[None]
        return Bets(tables, weights, temper=temper), Bets(loss, np.array([whole - of_error]), temper=temper)
