"""Rows of one burst: how many, of whom, which features they are strange in, and the worst of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.detector import State
from otel_mlsec.detectors.anomaly.reasons import NAMED, NONE, Reasons
from otel_mlsec.detectors.incident import Incident, packed, unpacked

WORST = 3  # rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Strange:
    """The m rare rows of a batch."""

    rows: Ints  # (m,) index in the batch
    excess: Floats  # (m,)
    times: Floats  # (m,)
    who: list[str]
    reasons: Reasons
    scores: Floats  # (m,) natural logarithm of rows
    seen: Ints  # (m,) rows that had been looked at before


class Burst:
    """State: an incident, a count a feature, and reasons of three rows."""

    def __init__(self, n_features: int) -> None:
        self._n_features = n_features
        self.clear()

    def clear(self) -> None:
        self.incident = Incident(name="", began=math.inf, last=-math.inf)
        self.seen_before = 0  # rows that had been looked at when it began
        self.severity = 0  # as it was last told
        self.extreme = 0  # rows beyond all that is known
        self.features = np.zeros(self._n_features, np.int64)  # rows of which the feature is the first reason
        self.excess = np.full(WORST, -1.0)  # of the worst rows, the worst first; -1 for none
        self.worst = np.zeros((WORST, NAMED, 2), np.int64)  # feature and kind of a reason
        self.sizes = np.zeros((WORST, NAMED))

    @property
    def rows(self) -> int:
        return self.incident.rows

    def add(self, strange: Strange, places: list[int]) -> None:
        """Rows of one batch, in order."""
        if not places:
            return
        excess, times, reasons = strange.excess[places], strange.times[places], strange.reasons
        if not self.rows:
            self.seen_before = int(strange.seen[places[0]])
        for time, place in zip(times.tolist(), places, strict=True):
            self.incident.add(1, time, strange.who[place])
        self.incident.began = min(self.incident.began, float(times.min()))
        self.extreme += int((excess >= 1).sum())
        kinds, features = reasons.kinds[places], reasons.features[places]
        np.add.at(self.features, features[:, 0][kinds[:, 0] != NONE], 1)
        self._keep(excess, np.stack([features, kinds], axis=2), reasons.sizes[places])

    def absorb(self, other: Burst) -> None:
        """Its rows are of this one, too."""
        mine, its = self.incident, other.incident
        if not self.rows or its.began < mine.began:
            self.seen_before = other.seen_before
        for who, rows in its.principals.items():
            mine.add(rows, its.last, who)
        unnamed = its.rows - sum(its.principals.values()) - its.others
        mine.rows, mine.others = mine.rows + unnamed + its.others, mine.others + its.others
        mine.began, mine.last = min(mine.began, its.began), max(mine.last, its.last)
        self.extreme += other.extreme
        self.features += other.features
        held = other.excess >= 0
        self._keep(other.excess[held], other.worst[held], other.sizes[held])

    def _keep(self, excess: Floats, worst: Ints, sizes: Floats) -> None:
        excess = np.concatenate([self.excess, excess])
        kept = np.argsort(-excess, kind="stable")[:WORST]
        self.excess = excess[kept]
        self.worst = np.concatenate([self.worst, worst])[kept]
        self.sizes = np.concatenate([self.sizes, sizes])[kept]

    def snapshot(self) -> State:
        numbers = np.array([self.seen_before, self.severity, self.extreme], np.int64)
        features, excess, worst, sizes = (part.copy() for part in (self.features, self.excess, self.worst, self.sizes))
        return {
            **packed([self.incident]), "numbers": numbers, "features": features, "excess": excess, "worst": worst, "sizes": sizes
        }  # fmt: skip

    def restore(self, state: State) -> None:
        [self.incident] = unpacked(state)
        self.seen_before, self.severity, self.extreme = (int(n) for n in state["numbers"].tolist())
        self.features, self.worst = state["features"].astype(np.int64), state["worst"].astype(np.int64)
        self.excess, self.sizes = state["excess"].astype(np.float64), state["sizes"].astype(np.float64)
