"""Rows through the detectors of a reference, and what came of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from evaluation.attacks.tasks import Task
from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.attack.outcome import principals_of
from otel_mlsec.attack.traffic import Mixture, Traffic
from otel_mlsec.config import ModelSettings
from otel_mlsec.detectors import build
from otel_mlsec.finding import Finding, Status
from otel_mlsec.observation import Batch, Meaning, Model
from otel_mlsec.pipeline.watched import Watched
from otel_mlsec.reference.reference import Reference

BATCH = 256  # rows
MODEL = Model(name="evaluated")
MIDNIGHT = 1.75e9  # s since the epoch


def reference_of(task: Task) -> Reference:
    frame = pd.DataFrame(task.fitted, columns=list(task.names) if task.names else [f"x{i}" for i in range(task.fitted.shape[1])])
    model = _Named(task.model)
    return Reference.fit(frame, model=model, categorical=task.categorical, name=MODEL.name)


class _Named:
    """A model that was fitted on arrays, asked with a frame."""

    def __init__(self, model: object) -> None:
        self._model = model
        self.classes_ = model.classes_  # type: ignore[attr-defined]

    def predict(self, rows: object) -> Floats:
        return self._model.predict(np.asarray(rows))  # type: ignore[attr-defined]

    def predict_proba(self, rows: object) -> Floats:
        return self._model.predict_proba(np.asarray(rows))  # type: ignore[attr-defined]


@dataclass
class Watch:
    """The attack detectors of one reference behind its gate; drift is another evaluation's."""

    watched: Watched

    @classmethod
    def of(cls, reference: Reference) -> Watch:
        watch = cls(Watched(lambda _, known: [d for d in build(known, ModelSettings()) if not d.name.startswith("drift/")]))
        watch.watched.judge_by(MODEL, reference)
        return watch

    @property
    def bytes(self) -> int:
        return sum(part.nbytes for detector in self.watched.detectors for part in detector.snapshot().values())

    def told(self, rows: Floats, answers: Floats, principals: Ints, times: Floats) -> Iterator[tuple[int, Finding]]:
        """Findings that began or go on, each with the row that decided."""
        names = np.char.add("user:", np.char.zfill(principals.astype("U12"), 12))
        for at in range(0, len(rows), BATCH):
            end = min(at + BATCH, len(rows))
            batch = Batch(
                model=MODEL, meaning=Meaning.PROBABILITY, features=(), inputs=rows[at:end], outputs=answers[at:end],
                times=MIDNIGHT + times[at:end], calls=np.arange(end - at), principals=tuple(names[at:end].tolist()),
            )  # fmt: skip
            for finding in self.watched.seen(batch):
                if finding.status is not Status.RESOLVED and finding.call >= 0:
                    yield at + finding.call, finding


def name_of(principal: int) -> str:
    return f"user:{principal:012d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Blamed:
    """A finding that is about nobody who attacks."""

    detector: str
    principal: str
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was told while one attack went on."""

    at: int | None = None  # number of the attack's queries when the first finding about it was made
    by: str = ""  # which detector
    named: int = 0  # principals that findings about the attack name
    attackers: int = 0  # of those
    blamed: tuple[Blamed, ...] = ()  # about somebody else


def found(watch: Watch, mixture: Mixture, answers: Floats) -> Found:
    """The mixture of one attack through the detectors.

    A finding is about the attack if one of its rows decided or if it names one of its accounts.  That one of its rows is an
    anomalous input is not counted: of natural rows, too, some are.
    """
    accounts = {name_of(int(who)) for who in np.unique(mixture.principals[mixture.trace >= 0])}
    asked = np.maximum.accumulate(mixture.ordinal) + 1
    at, by = None, ""
    named: set[str] = set()
    blamed: list[Blamed] = []
    for row, finding in watch.told(mixture.rows, answers, mixture.principals, mixture.times):
        if finding.detector.startswith("anomaly/"):
            continue
        who = set(principals_of(finding))
        if mixture.trace[row] >= 0 or who & accounts:
            named |= who
            if at is None:
                at, by = int(asked[row]), finding.detector
        elif finding.status is not Status.ONGOING:
            blamed.append(Blamed(detector=finding.detector, principal=finding.principal, summary=finding.summary))
    return Found(at=at, by=by, named=len(named), attackers=len(named & accounts), blamed=tuple(blamed))


def alone(traffic: Traffic) -> Mixture:
    """Benign traffic as a mixture without an attack."""
    none, n = np.full(len(traffic.rows), -1), len(traffic.rows)
    return Mixture(
        rows=traffic.rows, principals=traffic.principals, times=traffic.times, benign=np.arange(n), trace=none, ordinal=none
    )
