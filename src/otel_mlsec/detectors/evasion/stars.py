"""Probes around one row: a star.  Time series are paths, noisy sensors are clouds, and neither has a centre that was asked.

Of the probes of a row the distances to it and to each other tell which: from a star's centre they go off in directions of
their own, so that the square between two of them is twice the square to the centre; in a path the next row is as near to the last
one; in a cloud, whose centre nobody asked, all distances are alike.  A change of label is evidence of its own (Wald's
sequential test).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.detector import State
from otel_mlsec.sketches.neighbours import NOBODY, Float32s, Nearest

PROBE = math.log(1e6) / 8  # evidence of one probe: eight of them cost one false alarm in a million rows, as measured
STAR, CLOUD = 0.55, 0.85  # square to the centre by square to the probe before: all of a probe's evidence, and nothing
FLIP, NO_FLIP = math.log(0.3 / 0.1), math.log(0.7 / 0.9)  # of labels, in attacks and in benign neighbours


KEPT = ("parent", "order", "label", "latest", "root", "linked", "probed", "weight", "sprt", "flips", "time", "who", "told")


class Alarm(NamedTuple):
    row: int  # of the batch
    center: int  # place
    score: float


class Stars:
    """State: of each place in the ring, whose neighbour it was, and the evidence that it is a centre."""

    def __init__(self, n_rows: int) -> None:
        self.parent = np.full(n_rows, NOBODY, np.int32)
        self.order = np.zeros(n_rows, np.int64)  # when it was asked, from 1
        self.label = np.zeros(n_rows, np.int32)
        self.latest = np.full(n_rows, NOBODY, np.int32)  # probe of it
        self.root = np.zeros(n_rows, np.int32)  # the first row of those that are linked as neighbours
        self.linked = np.zeros(n_rows, np.int32)  # of a root: how many rows
        self.probed = np.zeros(n_rows, np.int32)  # how many rows have it as their nearest
        self.weight = np.zeros(n_rows, np.float32)
        self.sprt = np.zeros(n_rows, np.float32)
        self.flips = np.zeros(n_rows, np.int32)
        self.time = np.zeros(n_rows)
        self.who = np.zeros(n_rows, "S24")
        self.told = np.zeros(n_rows, np.bool_)  # has it been a centre already
        self._asked = 0

    def add(
        self, near: Nearest, e: npt.NDArray[np.float32], ring: Float32s, label: Ints, times: Floats, who: npt.NDArray[np.bytes_],
        threshold: float,
    ) -> list[Alarm]:  # fmt: skip
        """Rows of a batch, `ring` holding them already -> those that made a centre of another."""
        places = near.rows
        self.parent[places], self.order[places] = near.of, self._asked + 1 + np.arange(len(places))
        self.label[places], self.latest[places] = label, NOBODY
        self.weight[places] = self.sprt[places] = self.flips[places] = self.probed[places] = 0
        self.root[places], self.linked[places] = places, 1
        self.told[places] = False
        self.time[places], self.who[places] = times, who
        self._asked += len(places)
        alarms: list[Alarm] = []
        for row in np.flatnonzero(near.of != NOBODY).tolist():
            center, place = int(near.of[row]), int(places[row])
            self.weight[center] += self._likeness(center, e[row], ring, float(near.distance[row]))
            self.latest[center] = place
            self.probed[center] += 1
            self.root[place] = self.root[center]
            self.linked[self.root[center]] += 1
            flipped = label[row] >= 0 <= self.label[center] and label[row] != self.label[center]
            self.flips[center] += flipped
            self.sprt[center] = max(0.0, float(self.sprt[center]) + (FLIP if flipped else NO_FLIP))
            score = self.score(center)
            if score >= threshold:
                alarms.append(Alarm(row, center, score))
        return alarms

    def score(self, center: int) -> float:
        """Less the logarithm of how many centres there could be among the rows that are linked: the larger a cloud, the more
        of its rows have many neighbours by chance."""
        chances = math.log(max(1.0, int(self.linked[self.root[center]]) / max(int(self.probed[center]), 1)))
        return PROBE * float(self.weight[center]) + float(self.sprt[center]) - chances

    def probes(self, center: int) -> Ints:
        """(k,) places of the rows whose nearest it was."""
        return np.flatnonzero((self.parent == center) & (self.order > self.order[center]))

    def _likeness(self, center: int, probe: Float32s, ring: Float32s, distance: float) -> float:
        """In [0, 1]: how much this probe and the one before look as if `center` were between them."""
        before = int(self.latest[center])
        if before == NOBODY or self.parent[before] != center or self.order[before] < self.order[center]:
            return 1.0
        apart = probe - ring[before]
        ratio = distance * distance / max(float(apart @ apart), 1e-12)
        return min(1.0, max(0.0, (CLOUD - ratio) / (CLOUD - STAR)))

    def snapshot(self) -> State:
        return {name: getattr(self, name).copy() for name in KEPT} | {"asked": np.array([self._asked])}

    def restore(self, state: State) -> None:
        for name in KEPT:
            setattr(self, name, state[name].copy())
        self._asked = int(state["asked"][0])
