"""Decay of what a model knows: its answers, held against the truth as it becomes known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np

from otel_mlsec.arrays import Floats
from otel_mlsec.config import ModelSettings
from otel_mlsec.detector import State
from otel_mlsec.detectors.drift.bets import BETTER, WORSE
from otel_mlsec.detectors.drift.concept_baseline import (
    BLOCK,
    CELL,
    CONFUSED,
    LEVEL,
    N_PLAIN,
    SLICES,
    TIME,
    TOLD,
    Baseline,
)
from otel_mlsec.detectors.drift.concept_charts import LOSS, MODEL
from otel_mlsec.detectors.drift.concept_effect import Effect
from otel_mlsec.detectors.drift.concept_past import Past
from otel_mlsec.detectors.drift.concept_tell import Change, told
from otel_mlsec.finding import Finding, Severity, Status
from otel_mlsec.observation import Outcomes
from otel_mlsec.reference.losses import LEVELS
from otel_mlsec.reference.reference import Reference

LOOK = 16  # blocks between two looks at what has become of a change
LEAST_BACK, MOST_BACK = 500, 100_000  # labels after which a change may be said to have gone
SURE = 6.0  # standard errors that the change must be of so many labels, so that half of it is three
DOUBTED = 4.0  # standard errors by which a change may be smaller than the labels that it was found in say
RISEN, FOUND = 0.07, 0.05  # of a rate, and in standard deviations of a loss: half of the smallest bet, which begins to win there
BIASED = 0.5  # share of the predictions whose label is known, below which a change is told as MEDIUM at most
RECENT, ENOUGH = 2000, 256  # labels that the gauge is of, and from how many on
PIECE = 4096  # rows that are compared at once: bounds the working memory of a large batch


class ConceptDrift:
    """Change of how often and how badly a model errs, from labels as they arrive; the score is in labels.

    An e-detector on errors and on a proper loss, for the better and for the worse, of all rows and of the features' parts that
    `ModelSettings.slices` names (`bets`).  While the model errs as it did on the reference's rows, within the bounds that these
    leave (Clopper and Pearson's, Maurer and Pontil's), the mean number of labels between two alarms is at least a million
    divided by `false_alarms_per_million`.  `ModelSettings.concept` chooses Page–Hinkley or ADWIN instead, on errors only.

    Needs labels in the reference, `Reference.fit(X, y, model)`, of rows that the model was not fitted on: of those it has too few
    errors, and every live row would look worse.  "Before" in a finding is always the reference's.

    It does not see: what nobody labels.  Labels that come first are a biased sample where only some have come: the finding says
    of what share of the predictions the truth is known, and below a half it is MEDIUM at most until more have come.
    """

    name: ClassVar[str] = "drift/concept"

    def __init__(self, baseline: Baseline, settings: ModelSettings, *, reference: Reference) -> None:
        self._baseline, self._reference, self._method = baseline, reference, settings.concept
        self._chart, self._past = baseline.chart(), Past(baseline)
        p = len(baseline.rates) + 1  # with the loss
        self._waiting = np.empty((0, N_PLAIN + len(baseline.places.columns)))  # fewer than a block
        self._number = np.zeros((p, 2), np.int64)  # of the change that a place and side is in; 0: none
        self._level = np.full((p, 2), np.nan)  # the least that it may be, for what was told of it
        self._closed_at = np.full(p, -np.inf)  # s since the epoch, of the last prediction before its last change was closed
        self._made = -np.inf  # the same of the last block
        self._open_for = np.zeros((p, 2), np.int64)  # labels there since then
        self._severity = np.zeros((p, 2), np.int64)
        self._ever = np.zeros((p, 2), np.bool_)
        self._n_changes = self._n_blocks = 0
        self._coverage = 1.0

    @classmethod
    def build(cls, reference: Reference, settings: ModelSettings) -> ConceptDrift | None:
        if reference.truth is None:
            return None
        return cls(Baseline(reference.truth, reference, settings), settings, reference=reference)

    def update(self, outcomes: Outcomes, /) -> list[Finding]:
        found: list[Finding] = []
        rows, places = self._baseline.rows_of(outcomes)
        self._coverage = outcomes.coverage if len(rows) else self._coverage
        for start in range(0, len(rows), PIECE):
            waiting = np.concatenate([self._waiting, rows[start : start + PIECE]])
            before, whole = start - len(self._waiting), len(waiting) // BLOCK * BLOCK
            self._waiting = waiting[whole:].copy()
            for end in range(BLOCK, whole + 1, BLOCK):
                changes = self._absorbed(waiting[end - BLOCK : end])
                found += [self._finding(outcomes, change, int(places[before + end - 1])) for change in changes]
        return found

    def scores(self) -> Mapping[str, float]:
        """By how much the share of errors has moved over the last 2,000 labels; 0 until 256 have come."""
        names = ["error", "", *(place.name for place in self._baseline.places.slices)]
        effects: dict[str, float] = {}
        for place, name in enumerate(names):
            if place != LOSS:
                rows, after, before = self._past.recent(place, RECENT)
                effects[name] = abs(after - before) if rows >= ENOUGH else 0.0
        return effects

    def estimates(self) -> Mapping[str, float]:
        """Of the last 2,000 labels: accuracy of a classifier, and mean loss, in nats or of a regression in its own unit."""
        found: dict[str, float] = {}
        for place, name in ((MODEL, "accuracy"), (LOSS, "loss")):
            rows, now, _ = self._past.recent(place, RECENT)
            if rows >= ENOUGH and not (place == MODEL and self._baseline.regression):
                found[name] = 1 - now if place == MODEL else now
        return found

    def snapshot(self) -> State:
        plain = {
            "waiting": self._waiting, "number": self._number, "level": self._level, "open_for": self._open_for,
            "severity": self._severity, "ever": self._ever, "n_changes": self._n_changes, "n_blocks": self._n_blocks,
            "coverage": self._coverage, "closed_at": self._closed_at, "made": self._made,
        }  # fmt: skip
        chart = {f"chart.{name}": part for name, part in self._chart.snapshot().items()}
        past = {f"past.{name}": part for name, part in self._past.snapshot().items()}
        return {name: np.array(value) for name, value in plain.items()} | chart | past

    def restore(self, state: State, /) -> None:
        self._waiting, self._level = (np.array(state[name], np.float64) for name in ("waiting", "level"))
        self._number, self._open_for, self._severity = (
            np.array(state[name], np.int64) for name in ("number", "open_for", "severity")
        )
        self._ever = np.array(state["ever"], np.bool_)
        self._n_changes, self._n_blocks = int(state["n_changes"]), int(state["n_blocks"])
        self._coverage, self._made = float(state["coverage"]), float(state["made"])
        self._closed_at = np.array(state["closed_at"], np.float64)
        self._chart.restore(_part("chart.", state))
        self._past.restore(_part("past.", state))

    def _absorbed(self, block: Floats) -> list[Change]:
        cells, levels, table = block[:, [CELL, LEVEL, CONFUSED]].T.astype(np.int64)
        p, k = self._baseline.rates.shape
        errors = np.bincount(cells, minlength=p * 2 * k)
        for column in block[:, SLICES:].T.astype(np.int64) if block.shape[1] > SLICES else ():
            inside = column >= 0
            errors += np.bincount((column[inside] + 1) * 2 * k + cells[inside], minlength=p * 2 * k)
        errors = errors.reshape(p, 2 * k)
        losses = np.bincount(levels[levels >= 0], minlength=LEVELS)
        confused = np.bincount(table[table >= 0], minlength=len(self._baseline.classes) ** 2)
        made = float(np.median(block[:, TIME]))  # labels come late, and one of them may be very late
        self._made = made
        self._past.append(made, errors, losses, confused)
        self._chart.absorb(errors, losses, *self._baseline.stream(block))
        rows = errors.sum(axis=1)
        self._open_for += np.concatenate([rows[:1], [losses.sum()], rows[1:]])[:, None] * (self._number > 0)
        if self._n_changes:
            self._chart.mute(self._number > 0)  # latched: the same change is not found twice
        time = _moment(block)
        found = self._alarm(time) if self._chart.score() >= self._chart.threshold else []
        self._n_blocks += 1
        if self._n_blocks % LOOK == 0 and self._number.any():
            found += self._looked_at(time)
        return found

    def _alarm(self, time: float) -> list[Change]:
        score, named = self._chart.score(), self._chart.blamed()
        changes = [[place for place, side in named if side == which] for which in (WORSE, BETTER)]
        found = [self._opened(places, side, score, time) for side, places in enumerate(changes) if places]
        self._chart.mute(self._number > 0)
        return found

    def _opened(self, places: Sequence[int], side: int, score: float, time: float) -> Change:
        """Where all rows are in it, no slice is found apart from them."""
        of_model = MODEL in places or LOSS in places
        effects = [self._effect(place, side) for place in sorted(places, key=lambda place: place > LOSS)]
        beside = (self._effect(MODEL, side),) if of_model and MODEL not in places else ()
        self._n_changes += 1
        status = Status.REOPENED if self._ever[[MODEL] if of_model else list(places), side].all() else Status.NEW
        self._ever[[*places, *([MODEL] if of_model else [])], side] = True
        latched = np.arange(len(self._number)) if of_model else np.array(places)
        self._number[latched, side] = self._n_changes
        self._level[latched, side] = np.nan
        self._open_for[latched, side] = 0
        severity = self._worst(effects, side)
        self._severity[latched, side] = severity
        for effect in effects:
            self._level[effect.place, side] = self._least(effect, side)
        return Change(
            status=status, side=side, effects=tuple(effects), beside=beside, severity=severity, score=score, time=time,
            confusions=self._past.confusions(side) if of_model else (),
        )  # fmt: skip

    def _looked_at(self, time: float) -> list[Change]:
        found: list[Change] = []
        for number in np.unique(self._number[self._number > 0]).tolist():
            places, sides = np.nonzero(self._number == number)
            side = int(sides[0])
            told = [int(place) for place in places if not np.isnan(self._level[place, side])]
            if all(self._is_back(place, side) for place in told):
                found.append(self._closed(places.tolist(), told, side, time))
            elif side == WORSE and (change := self._grown(places.tolist(), told, time)) is not None:
                found.append(change)
        return found

    def _is_back(self, place: int, side: int) -> bool:
        """Has it, over as many labels as that takes, returned by more than half of its least size, and to within the bounds?"""
        base, told = self._baseline, float(self._level[place, side])
        spread, low, high = self._usual(place, told)
        rows = self._needed(place, side)
        if self._open_for[place, side] < rows:
            return False
        seen, now, before = self._past.recent(place, rows)
        noise = 2 * spread * np.sqrt(base.inflation / max(1, seen))
        middle = (told + before) / 2
        return now < middle and now <= high + noise if side == WORSE else now > middle and now >= low - noise

    def _needed(self, place: int, side: int) -> int:
        """Labels that tell the change from none."""
        told = float(self._level[place, side])
        _, _, before = self._past.recent(place, 1)
        spread, _, _ = self._usual(place, told)
        needed = self._baseline.inflation * (SURE * spread / max(abs(told - before), 1e-9)) ** 2
        return int(np.clip(needed, LEAST_BACK, MOST_BACK))

    def _usual(self, place: int, rate: float) -> tuple[float, float, float]:
        """-> standard deviation of one label's error or loss, and bounds of the mean that the reference leaves."""
        base = self._baseline
        if place == LOSS:
            return base.scale * base.loss_sd, base.scale * base.loss_low, base.scale * base.loss_high
        row = max(0, place - 1)
        return float(np.sqrt(max(rate * (1 - rate), 1e-4))), float(base.low[row].min()), float(base.high[row].max())

    def _least(self, effect: Effect, side: int) -> float:
        """What the error may be at least (at most, where better).

        What is told of few labels is of those that looked worst; but it is no smaller than what a bet could have found.
        """
        spread, low, high = self._usual(effect.place, effect.after)
        off = DOUBTED * spread * float(np.sqrt(self._baseline.inflation / max(1, effect.rows)))
        seen = FOUND * spread if effect.place == LOSS else 0.0
        if side == WORSE:
            return max(effect.after - off, high + seen if seen else (1 + RISEN) * high)
        return min(effect.after + off, low - seen if seen else (1 - RISEN) * low)

    def _effect(self, place: int, side: int) -> Effect:
        """It began after the last change there was closed."""
        effect = self._past.effect(place, side)
        return replace(effect, since=max(effect.since, float(self._closed_at[place])))

    def _closed(self, places: Sequence[int], told: Sequence[int], side: int, time: float) -> Change:
        severity = Severity(int(self._severity[places, side].max()))
        effects = [self._past.latest(place, self._needed(place, side)) for place in told]
        self._number[places, side] = self._open_for[places, side] = 0
        self._level[places, side] = np.nan
        for place in places:
            self._past.forget(place)
            self._closed_at[place] = self._made
        score = self._chart.threshold
        return Change(status=Status.RESOLVED, side=side, effects=tuple(effects), severity=severity, score=score, time=time)

    def _grown(self, places: Sequence[int], told: Sequence[int], time: float) -> Change | None:
        """A change that has become worse than it was told."""
        effects = [self._effect(place, WORSE) for place in told]
        severity = self._worst(effects, WORSE)
        if severity <= int(self._severity[places, WORSE].max()):
            return None
        self._severity[places, WORSE] = severity
        for effect in effects:
            self._level[effect.place, WORSE] = self._least(effect, WORSE)
        of_model = MODEL in told or LOSS in told
        return Change(
            status=Status.ONGOING, side=WORSE, effects=tuple(effects), severity=severity, score=self._chart.threshold, time=time,
            confusions=self._past.confusions(WORSE) if of_model else (),
        )  # fmt: skip

    def _worst(self, effects: Sequence[Effect], side: int) -> Severity:
        if side == BETTER:
            return Severity.LOW
        most = Severity.CRITICAL if self._coverage >= BIASED else Severity.MEDIUM
        return min(most, max(effect.severity for effect in effects))

    def _finding(self, outcomes: Outcomes, change: Change, row: int) -> Finding:
        return told(
            outcomes, row, change, self._baseline, self._reference, detector=self.name, threshold=self._chart.threshold,
            method=self._method,
        )  # fmt: skip


def _moment(block: Floats) -> float:
    """When the last of its labels was told, or where that is no time, the last of its predictions made."""
    told, made = float(block[-1, TOLD]), float(block[-1, TIME])
    return max(told, made) if np.isfinite(told) else made


def _part(prefix: str, state: State) -> State:
    return {name.removeprefix(prefix): part for name, part in state.items() if name.startswith(prefix)}
