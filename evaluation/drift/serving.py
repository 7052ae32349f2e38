"""Rows → batches → detectors, as the worker does it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from otel_mlsec.arrays import Floats
from otel_mlsec.config import ModelSettings
from otel_mlsec.detectors import build
from otel_mlsec.detectors.drift.cycle import CycleDrift
from otel_mlsec.detectors.drift.data import DataDrift
from otel_mlsec.detectors.drift.joint import JointDrift
from otel_mlsec.finding import Finding, Status
from otel_mlsec.observation import Batch, Meaning, Model
from otel_mlsec.pipeline.gate import Gate
from otel_mlsec.reference.reference import Reference

MODEL = Model(name="evaluated")
STATISTICAL = ("drift/data", "drift/cycle", "drift/joint", "drift/prediction")


class Watch:
    """The detectors of one model with default settings, started anew after every statistical finding when asked to."""

    def __init__(self, reference: Reference, *, anew: bool = False) -> None:
        self._reference, self._anew = reference, anew
        self._small = 0
        self.alarms = 0  # of the statistical detectors, also those too small to show
        self._start()

    def _start(self) -> None:
        self.detectors = build(self._reference, ModelSettings())
        self._data = [d for d in self.detectors if isinstance(d, DataDrift | CycleDrift | JointDrift)]
        self._gate = Gate()
        self._small = 0

    def update(self, rows: Floats, times: Floats, names: tuple[str, ...]) -> list[Finding]:
        """(n, d) rows and (n,) s -> findings that are new or back again."""
        batch = Batch(
            model=MODEL, meaning=Meaning.RAW, features=names, inputs=rows, outputs=None, times=times,
            calls=np.zeros(len(rows), np.int64), principals=("",),
        )  # fmt: skip
        told = self._gate.admitted([f for d in self.detectors for f in d.update(batch)], float(times[-1]))
        found = [f for f in told if f.status is not Status.RESOLVED]
        small = sum(d.small_changes() for d in self._data)
        statistical = [f for f in found if f.detector in STATISTICAL and f.kind != "drift.order"]
        self.alarms += small - self._small + len(statistical)
        self._small = small
        if statistical and self._anew:
            self._start()
        return found


def pieces(times: Floats) -> Iterator[slice]:
    """Stretches of rows of one time: a request an hour."""
    cuts = [0, *(np.flatnonzero(np.diff(times)) + 1).tolist(), len(times)]
    for start, end in pairwise(cuts):
        yield slice(start, end)
