"""This package's detectors, all that a reference can serve with default settings, asked as the peers are."""

from __future__ import annotations

import time
from importlib.metadata import version

import numpy as np

from evaluation.drift.iid import NAMES
from evaluation.drift.peers.process import SMALL, Alarm, Reply
from evaluation.drift.serving import STATISTICAL, Watch
from evaluation.drift.tables import MAIN_CATEGORICAL
from otel_mlsec.arrays import Floats
from otel_mlsec.finding import Finding
from otel_mlsec.observation import Model
from otel_mlsec.reference.reference import Reference


class Ours:
    """Statistical detectors start anew after each alarm unless `latched`, which keeps them as they are served."""

    name, version, longest = "otel-mlsec", version("otel-mlsec"), 10_000
    settings = "all detectors with default settings: a false alarm per million rows of each"

    def __init__(self, *, latched: bool = False) -> None:
        self._latched = latched

    def learn(self, rows: Floats, times: Floats | None) -> float:
        began = time.process_time()
        self._reference = Reference.of_matrix(
            rows, NAMES, times, categorical=MAIN_CATEGORICAL, model=Model(name="main"), created=0.0
        )
        self.again()
        return time.process_time() - began

    def again(self) -> None:
        self._watch, self._rows = Watch(self._reference, anew=not self._latched), 0

    def update(self, rows: Floats, times: Floats) -> Reply:
        before, began = self._watch.alarms, time.process_time()
        found = self._watch.update(rows, times, NAMES)
        seconds = time.process_time() - began
        alarms = [self._alarm(f, times) for f in found]
        statistical = sum(f.detector in STATISTICAL and f.kind != "drift.order" for f in found)  # as `Watch` counts them
        self._rows += len(rows)
        small = Alarm(row=self._rows, columns=frozenset(), who=SMALL)
        alarms += [small] * (self._watch.alarms - before - statistical)
        return Reply(seconds=seconds, judged=self._rows, alarms=tuple(alarms))

    def _alarm(self, finding: Finding, times: Floats) -> Alarm:
        named = {part for name in finding.features or finding.subject for part in name.split(" × ")}
        at = int(np.searchsorted(times, finding.time, side="right"))
        return Alarm(
            row=self._rows + max(at, 1),
            columns=frozenset(i for i, name in enumerate(NAMES) if name in named),
            who=finding.detector,
        )
