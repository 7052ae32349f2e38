"""The detectors of live traffic over recorded traffic: no clock, no queue, every row a call, batches as the worker makes."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.cli.answers import Answers
from otel_mlsec.cli.traffic import Requests
from otel_mlsec.config import ModelSettings
from otel_mlsec.detector import Detector
from otel_mlsec.detectors import build
from otel_mlsec.finding import Finding
from otel_mlsec.observation import Batch, Meaning, Model
from otel_mlsec.pipeline.watched import Watched
from otel_mlsec.reference.reference import Reference

BATCH = 256  # rows
MAX_MODELS = 64  # as in live traffic
RECENT = 4096  # batches whose rows' times are remembered one by one

Known = Callable[[str], Reference | None]
Settings = Callable[[str], ModelSettings]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A finding, and the rows of the recording that it is about, counted from 0."""

    finding: Finding
    first_row: int  # first that is not earlier than `finding.first_seen`
    row: int  # that decided
    budget: float  # false alarms per million rows


class Rehearsal:
    """State: that of the detectors of at most 64 models, for each of the budgets."""

    def __init__(self, *, known: Known, settings: Settings, budgets: Sequence[float | None], only: Sequence[str] = ()) -> None:
        """
        Args:
            known: the reference of a model by its name; without one it is learned from the model's first rows.
            settings: of a model by its name.
            budgets: false alarms per million rows; None as in the settings.
            only: detectors that count, by name or by the part before the slash; () all.
        """
        self._known, self._settings, self._budgets, self._only = known, settings, budgets, only
        self.models: OrderedDict[tuple[str, str], Watch] = OrderedDict()
        self.forgotten = 0

    def judge(self, requests: Requests) -> list[Told]:
        """Findings in the order of the rows that decided."""
        told: list[Told] = []
        for number, key in enumerate(requests.names):
            rows: Ints | slice = np.flatnonzero(requests.models == number) if len(requests.names) > 1 else slice(None)
            told += self._of(*key).judge(requests, rows)
        return sorted(told, key=lambda each: each.row)

    def _of(self, name: str, version: str) -> Watch:
        watch = self.models.get((name, version))
        if watch is None:
            reference = self._known(name)
            own = reference.model if reference is not None else Model(name="recorded")
            settings = self._settings(name or own.name)
            watch = self.models[name, version] = Watch(
                Model(name=name or own.name, version=version or own.version), reference,
                [settings if budget is None else replace(settings, false_alarms_per_million=budget) for budget in self._budgets],
                self._only,
            )  # fmt: skip
            if len(self.models) > MAX_MODELS:
                self.models.popitem(last=False)
                self.forgotten += 1
        self.models.move_to_end((name, version))
        return watch


class Watch:
    """One model, as often as there are budgets."""

    def __init__(self, model: Model, reference: Reference | None, budgets: Sequence[ModelSettings], only: Sequence[str]) -> None:
        self.model, self.reference = model, reference
        self._answers = Answers(reference)
        self._names = set(reference.features) if reference is not None else set[str]()
        self._rows = RowsByTime()
        self._judges = [(settings.false_alarms_per_million, _watched(model, reference, settings, only)) for settings in budgets]

    @property
    def learning(self) -> bool:
        return self._judges[0][1].learning

    def judge(self, requests: Requests, rows: Ints | slice) -> Iterator[Told]:
        for numbers, batches in self._batches(requests, rows):
            self._rows.add(batches[0].times, numbers)
            for budget, watched in self._judges:
                for batch in batches:
                    # What detectors share of a batch may depend on their settings.
                    for finding in watched.seen(replace(batch, derived={})):
                        first = min(self._rows.first(finding.first_seen), int(numbers[finding.call]))
                        yield Told(finding=finding, first_row=first, row=int(numbers[finding.call]), budget=budget)

    def _batches(self, requests: Requests, rows: Ints | slice) -> Iterator[tuple[Ints, list[Batch]]]:
        """Numbers of rows; a batch with inputs, and those of other answers to the same rows, without."""
        numbers = np.arange(len(requests.times))[rows]
        inputs, names = self._inputs(requests, rows)
        times = requests.times[rows]
        answers: list[tuple[Meaning, Floats | None]] = [*self._answers.of(requests, rows)] or [(Meaning.RAW, None)]
        for start in range(0, len(numbers), BATCH):
            at: list[int] = numbers[start : start + BATCH].tolist()
            piece = slice(start, start + len(at))
            batch = Batch(
                model=self.model,
                meaning=Meaning.RAW,
                features=names,
                inputs=inputs[piece],
                outputs=None,
                times=times[piece],
                calls=np.arange(len(at)),
                principals=tuple([requests.principals[i] for i in at]),
                classes=self._answers.classes,
                sources=tuple([requests.sources[i] for i in at]) if requests.sources else (),
            )
            yield requests.first_row + numbers[piece], [
                replace(
                    batch, meaning=meaning, outputs=outputs[piece] if outputs is not None else None,
                    inputs=batch.inputs if not i else None,
                )
                for i, (meaning, outputs) in enumerate(answers)
            ]  # fmt: skip

    def _inputs(self, requests: Requests, rows: Any) -> tuple[Floats, tuple[str, ...]]:
        """Of other models' features none."""
        own = [i for i, name in enumerate(requests.features) if not self._names or name in self._names]
        inputs = requests.inputs[rows]
        if len(own) == len(requests.features):
            return inputs, requests.features
        return np.ascontiguousarray(inputs[:, own]), tuple(requests.features[i] for i in own)


def _watched(model: Model, reference: Reference | None, settings: ModelSettings, only: Sequence[str]) -> Watched:
    def built(_: Model, known: Reference) -> list[Detector]:
        return [
            each for each in build(known, settings) if not only or not {each.name, each.name.partition("/")[0]}.isdisjoint(only)
        ]

    watched = Watched(built)
    if reference is not None:
        watched.judge_by(model, reference)
    return watched


class RowsByTime:
    """Which row was the first at a time: exact for the last million rows of a model, to the batch before that."""

    def __init__(self) -> None:
        self._times, self._rows = array("d"), array("q")  # of the first row of every batch, 16 bytes
        self._recent: deque[tuple[Floats, Ints]] = deque(maxlen=RECENT)

    def add(self, times: Floats, rows: Ints) -> None:
        """A clock that jumps back stands still."""
        latest = float(self._recent[-1][0][-1]) if self._recent else -np.inf
        steady = np.maximum.accumulate(np.maximum(times, latest))
        self._times.append(float(steady[0]))
        self._rows.append(int(rows[0]))
        self._recent.append((steady, rows))

    def first(self, time: float) -> int:
        """Of the rows so far; the latest, if all are earlier."""
        batch = max(0, bisect_left(self._times, time) - 1)
        recent = batch - (len(self._times) - len(self._recent))
        if recent < 0:
            return self._rows[batch]
        times, rows = self._recent[recent]
        at = int(np.searchsorted(times, time))
        if at < len(rows):
            return int(rows[at])
        return self._rows[batch + 1] if batch + 1 < len(self._rows) else int(rows[-1])
