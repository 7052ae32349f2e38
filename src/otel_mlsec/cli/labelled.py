"""Recorded predictions and their labels -> the detectors of outcomes, as live ones see them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.cli.answers import Answers
from otel_mlsec.cli.rehearsal import RowsByTime, Told
from otel_mlsec.cli.traffic import Requests
from otel_mlsec.config import ModelSettings
from otel_mlsec.detectors import build_outcomes
from otel_mlsec.observation import Meaning, Model, Outcomes
from otel_mlsec.pipeline.codes import truths
from otel_mlsec.pipeline.cohorts import Cohorts
from otel_mlsec.pipeline.watched import Watched
from otel_mlsec.reference.reference import Reference

PIECE = 256  # outcomes that are judged together
MAX_MODELS = 64

Known = Callable[[str], Reference | None]
Settings = Callable[[str], ModelSettings]


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """Labels of some rows of requests."""

    rows: Ints  # (n,)
    codes: Floats  # (n,)
    told: Floats  # (n,) s since the epoch, NaN where nobody told it
    source: str


class Labelled:
    """State: that of the detectors of at most 64 models, and counts by day."""

    def __init__(self, *, known: Known, settings: Settings) -> None:
        self._known, self._settings = known, settings
        self._models: dict[tuple[str, str], _Model | None] = {}
        self.unjudged: dict[str, None] = {}  # models without a reference that was told labels
        self._counts: Counter[str] = Counter()

    @property
    def coverage(self) -> Mapping[str, float]:
        """Share of the predictions whose label is known, by model."""
        return {f"{of.model.name} {of.model.version}".strip(): of.cohorts.coverage() for of in self._models.values() if of}

    @property
    def counts(self) -> Counter[str]:
        summed = Counter(self._counts)
        for of in self._models.values():
            summed.update(of.counts if of else {})
        return summed

    def judge(self, requests: Requests, joined: Joined) -> list[Told]:
        """Findings, in the order of the rows that decided."""
        told: list[Told] = []
        for number, key in enumerate(requests.names):
            of = self._of(*key)
            mine = requests.models == number
            with_label = mine[joined.rows]
            if of is None:
                self.unjudged[key[0]] = None
                self._counts["unjudged"] += int(with_label.sum())
                continue
            own = Joined(
                rows=joined.rows[with_label], codes=joined.codes[with_label], told=joined.told[with_label], source=joined.source
            )  # fmt: skip
            told += of.judge(requests, np.flatnonzero(mine), own)
        return sorted(told, key=lambda each: each.row)

    def _of(self, name: str, version: str) -> _Model | None:
        if (name, version) not in self._models:
            if len(self._models) >= MAX_MODELS:
                raise ValueError(f"more than {MAX_MODELS} models; --model-column may name a column of something else")
            self._models[name, version] = self._built(name, version)
        return self._models[name, version]

    def _built(self, name: str, version: str) -> _Model | None:
        reference = self._known(name)
        if reference is None:
            return None
        model = Model(name=name or reference.model.name or "recorded", version=version or reference.model.version)
        settings = self._settings(model.name)
        watched = Watched(lambda _, __: (), lambda _, known: build_outcomes(known, settings))
        watched.judge_by(model, reference)
        return _Model(model, reference, watched, settings) if watched.of_outcomes else None


class _Model:
    def __init__(self, model: Model, reference: Reference, watched: Watched, settings: ModelSettings) -> None:
        self.model, self._watched, self._answers = model, watched, Answers(reference)
        self._budget = settings.false_alarms_per_million
        self._by_time = RowsByTime()
        self.cohorts, self.counts = Cohorts(), Counter[str]()

    def judge(self, requests: Requests, rows: Ints, joined: Joined) -> Iterator[Told]:
        """All rows of the model in these requests, and those that have a label."""
        self.cohorts.answered(requests.times[rows])
        if len(rows):
            self._by_time.add(requests.times[rows], requests.first_row + rows)
        answers = self._answers.of(requests, joined.rows)
        if not answers or not len(joined.rows):
            self.counts["unanswered"] += len(joined.rows)
            return
        meaning, outputs = answers[0]  # the most telling, as of live calls
        yield from self._outcomes(requests, meaning, outputs, joined)

    def _outcomes(self, requests: Requests, meaning: Meaning, outputs: Floats, joined: Joined) -> Iterator[Told]:
        classes = () if meaning is Meaning.VALUE else self._answers.classes
        truth = truths(joined.codes, classes)
        known = np.flatnonzero(~np.isnan(truth))
        times = requests.times[joined.rows]
        self.counts["invalid"] += len(truth) - len(known)
        self.counts["joined"] += len(known)
        if classes:
            self.counts["new_class"] += int((truth[known] < 0).sum())
        self.counts["backwards"] += int((joined.told[known] < times[known]).sum())
        self.cohorts.labelled(times[known])
        told = np.where(np.isnan(joined.told), times, joined.told)
        order = known[np.argsort(times[known], kind="stable")]
        for start in range(0, len(order), PIECE):
            piece = order[start : start + PIECE]
            rows = joined.rows[piece]
            outcomes = Outcomes(
                model=self.model,
                meaning=meaning,
                features=requests.features,
                inputs=requests.inputs[rows] if requests.features else None,
                outputs=outputs[piece],
                truth=truth[piece],
                times=times[piece],
                told=told[piece],
                sources=(joined.source,) * len(piece),
                classes=classes,
                coverage=self.cohorts.coverage(times[piece]),
            )
            for finding in self._watched.outcomes(outcomes):
                row = int(requests.first_row + rows[finding.call])
                first = min(self._by_time.first(finding.first_seen), row)
                yield Told(finding=finding, first_row=first, row=row, budget=self._budget)
