"""Drift of what a model answers: labels, probabilities, margins, values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from otel_mlsec.arrays import Floats
from otel_mlsec.config import ModelSettings
from otel_mlsec.detector import State
from otel_mlsec.detectors.drift.change import Change, Changes
from otel_mlsec.detectors.drift.settings import budget, is_off
from otel_mlsec.detectors.drift.tell import told
from otel_mlsec.finding import Finding
from otel_mlsec.observation import Batch
from otel_mlsec.reference.column import Column
from otel_mlsec.reference.outputs import output_columns
from otel_mlsec.reference.reference import Reference


class PredictionDrift:
    """Change of the law of a model's answers, as `drift/data` does it for its inputs; the score is in rows.

    Needs answers in the reference: `Reference.fit(X, model=model)`.  Each kind of answer (labels, probabilities …) has its
    own evidence, because an application asks for one or the other.

    It does not see: answers that are wrong in the old proportions, which only labels tell.
    """

    name: ClassVar[str] = "drift/prediction"

    def __init__(self, columns: tuple[Column, ...], settings: ModelSettings, *, reference: Reference, seed: int = 0) -> None:
        self._reference = reference
        tolerances, weights, self._threshold = budget([c.name for c in columns], settings, provisional=reference.provisional)
        self._kinds: dict[str, Changes] = {}
        for kind in dict.fromkeys(_kind(c.name) for c in columns):
            mine = [i for i, c in enumerate(columns) if _kind(c.name) == kind]
            self._kinds[kind] = Changes(
                [columns[i] for i in mine], [tolerances[i] for i in mine], [weights[i] for i in mine],
                threshold=self._threshold, seed=seed,
            )  # fmt: skip

    @classmethod
    def build(cls, reference: Reference, settings: ModelSettings) -> PredictionDrift | None:
        columns = tuple(c for c in reference.outputs if not is_off(c.name, settings))
        return cls(columns, settings, reference=reference) if columns else None

    def update(self, batch: Batch, /) -> list[Finding]:
        if batch.outputs is None or not batch.n_rows:
            return []
        values, names = output_columns(batch.meaning, batch.outputs, batch.classes)
        changes = self._kinds.get(_kind(names[0])) if names else None
        if changes is None or not {c.name for c in changes.columns} <= set(names):
            return []
        found = changes.update(_picked(values, names, changes.columns), batch.times)
        return [self._finding(batch, changes, change) for change in found]

    def scores(self) -> Mapping[str, float]:
        return {name: score for changes in self._kinds.values() for name, score in changes.distances().items()}

    def snapshot(self) -> State:
        return {f"{kind}/{name}": part for kind, changes in self._kinds.items() for name, part in changes.snapshot().items()}

    def restore(self, state: State, /) -> None:
        for kind, changes in self._kinds.items():
            changes.restore(_of(kind, state))

    def merge(self, state: State, /) -> None:
        for kind, changes in self._kinds.items():
            changes.merge(_of(kind, state))

    def _finding(self, batch: Batch, changes: Changes, change: Change) -> Finding:
        return told(
            batch, change, kind="drift.prediction", detector=self.name, title="Prediction drift", columns=changes.columns,
            threshold=self._threshold, reference=self._reference,
        )  # fmt: skip


def _kind(name: str) -> str:
    return name.partition("[")[0]


def _picked(values: Floats, names: tuple[str, ...], columns: tuple[Column, ...]) -> Floats:
    return values[:, [names.index(c.name) for c in columns]]


def _of(kind: str, state: State) -> State:
    return {name.partition("/")[2]: part for name, part in state.items() if name.startswith(f"{kind}/")}
