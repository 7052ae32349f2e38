"""Probes around one row: a star.  Time series are paths, noisy sensors are clouds, and neither has a centre that was asked.

From the centre of a star probes go off in directions of their own: the cosine between two of them is nought on average.  The row
of a path or a cloud that by chance is the nearest of many lies to one side of them: the mean cosine is a third where its
neighbours are those of any row, a seventh at the least.  A change of label is evidence of its own (Wald's sequential test).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.detector import State
from otel_mlsec.sketches.neighbours import NOBODY, Float32s, Nearest

PROBE = math.log(1e6) / 10  # evidence of one probe: ten of them cost one false alarm in a million rows, as measured
STAR, CLOUD = 0.05, 0.12  # mean cosine between two probes: all of their evidence, and nothing
FLIP, NO_FLIP = math.log(0.3 / 0.05), math.log(0.7 / 0.95)  # of labels, in attacks and in benign neighbours


KEPT = ("parent", "order", "label", "root", "linked", "joined", "probed", "directions", "sprt", "flips", "time", "who", "told")


class Alarm(NamedTuple):
    row: int  # of the batch
    center: int  # place
    score: float


class Stars:
    """State: of each place in the ring, whose neighbour it was, and the evidence that it is a centre."""

    def __init__(self, n_rows: int, n_dimensions: int) -> None:
        self.parent = np.full(n_rows, NOBODY, np.int32)
        self.order = np.zeros(n_rows, np.int64)  # when it was asked, from 1
        self.label = np.zeros(n_rows, np.int32)
        self.root = np.zeros(n_rows, np.int32)  # the first row of those that are linked as neighbours
        self.linked = np.zeros(n_rows, np.int32)  # of a root: how many rows
        self.joined = np.zeros(n_rows, np.int32)  # and how many there were when a row came
        self.probed = np.zeros(n_rows, np.int32)  # how many rows have it as their nearest
        self.directions = np.zeros((n_rows, n_dimensions), np.float16)  # sum of those in which its probes are, as unit vectors
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
        self.label[places], self.directions[places] = label, 0
        self.sprt[places] = self.flips[places] = self.probed[places] = 0
        self.root[places], self.linked[places], self.joined[places] = places, 1, 1
        self.told[places] = False
        self.time[places], self.who[places] = times, who
        self._asked += len(places)
        matched = np.flatnonzero(near.of != NOBODY)
        centers = near.of[matched]
        away = (e[matched] - ring[centers]) / np.maximum(near.distance[matched], 1e-9)[:, None]
        np.add.at(self.directions, centers, away.astype(np.float16))
        candidates: list[tuple[int, int]] = []
        for row, center, place in zip(matched.tolist(), centers.tolist(), places[matched].tolist(), strict=True):
            self.probed[center] += 1
            root = self.root[place] = self._root(center)
            self.linked[root] += 1
            self.joined[place] = self.linked[root]
            flipped = label[row] >= 0 <= self.label[center] and label[row] != self.label[center]
            self.flips[center] += flipped
            self.sprt[center] = max(0.0, float(self.sprt[center]) + (FLIP if flipped else NO_FLIP))
            if PROBE * int(self.probed[center]) + float(self.sprt[center]) >= threshold:
                candidates.append((row, center))
        scored = [Alarm(row, center, self.score(center)) for row, center in candidates]
        return [alarm for alarm in scored if alarm.score >= threshold]

    def score(self, center: int) -> float:
        """Less the logarithm of how many centres there could be among the rows that are linked: the larger a cloud, the more
        of its rows have many neighbours by chance."""
        n = int(self.probed[center])
        chances = math.log(max(1.0, int(self.linked[self._root(center)]) / max(n, 1)))
        return self.likeness(center) * (PROBE * n + float(self.sprt[center])) - chances

    def _root(self, center: int) -> int:
        """Where its place has been taken by another row, the centre itself, which remembers how many they were."""
        root = int(self.root[center])
        if self.order[root] > self.order[center]:
            self.root[center], self.linked[center] = center, self.joined[center]
            return center
        return root

    def likeness(self, center: int) -> float:
        """In [0, 1]: how much its probes look as if it were in the midst of them."""
        n = int(self.probed[center])
        total = self.directions[center].astype(np.float64)
        cosine = (float(total @ total) - n) / (n * (n - 1)) if n > 1 else 0.0
        return min(1.0, max(0.0, (CLOUD - cosine) / (CLOUD - STAR)))

    def probes(self, center: int) -> Ints:
        """(k,) places of the rows whose nearest it was."""
        return np.flatnonzero((self.parent == center) & (self.order > self.order[center]))

    def snapshot(self) -> State:
        return {name: getattr(self, name).copy() for name in KEPT} | {"asked": np.array([self._asked])}

    def restore(self, state: State) -> None:
        for name in KEPT:
            setattr(self, name, state[name].copy())
        self._asked = int(state["asked"][0])
