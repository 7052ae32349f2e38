"""Drift of how the features of a model go together, where each of them stays what it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from otel_mlsec.config import ModelSettings
from otel_mlsec.detector import State
from otel_mlsec.detectors.align import aligned
from otel_mlsec.detectors.drift.change import Change
from otel_mlsec.detectors.drift.effect import Effect
from otel_mlsec.detectors.drift.paired import PairChanges
from otel_mlsec.detectors.drift.settings import budget, importance, is_off
from otel_mlsec.detectors.drift.shuffled import SHUFFLED
from otel_mlsec.detectors.drift.tell import told
from otel_mlsec.finding import Finding
from otel_mlsec.observation import Batch
from otel_mlsec.reference.column import Column
from otel_mlsec.reference.reference import Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    column: Column  # of the product
    left: str
    right: str


class JointDrift:
    """Change of the correlation of any of at most 128 pairs of numeric features; the score is in rows.

    The e-detector of `drift/data` on the products of the pairs' normal scores.  Which pairs: all, where there are at most 128;
    else those of the largest correlation in the reference and of the most important features (`reference.pairs`), so that the
    cost does not grow with the square of the number of features.  A pair of which one feature itself has changed is left to
    `drift/data`.  Severity is one step less if the model hardly uses one of the two.  Pairs whose order in the reference
    shows dependence are judged with tempered evidence, those that live by the day are not.

    It does not see: pairs that were not chosen, categories, dependence of three and more features that leaves pairs as they
    were, and two that depend on each other without being correlated.
    """

    name: ClassVar[str] = "drift/joint"

    def __init__(self, pairs: Sequence[Pair], settings: ModelSettings, *, reference: Reference, seed: int = 0) -> None:
        names = list(dict.fromkeys(side for pair in pairs for side in (pair.left, pair.right)))
        columns = {c.name: c for c in reference.inputs}
        own, _, _ = budget(names, settings, provisional=reference.provisional)
        tolerance = dict(zip(names, own, strict=True))
        known = dict(zip(names, importance(names, settings, reference), strict=True))
        _, weights, self._threshold = budget([p.column.name for p in pairs], settings, provisional=reference.provisional)
        self._reference = reference
        self._features = [columns[name] for name in names]
        self._before = {pair.column.name: pair.column.mean for pair in pairs}
        self._changes = PairChanges(
            [pair.column for pair in pairs],
            [(names.index(pair.left), names.index(pair.right)) for pair in pairs],
            self._features,
            [max(tolerance[pair.left], tolerance[pair.right]) for pair in pairs],
            weights,
            threshold=self._threshold,
            seed=seed,
            importance=[_least(known[pair.left], known[pair.right]) for pair in pairs],
        )

    @classmethod
    def build(cls, reference: Reference, settings: ModelSettings) -> JointDrift | None:
        if reference.pairs is None:
            return None
        names = reference.pairs.names
        left: list[int] = reference.pairs.left.tolist()
        right: list[int] = reference.pairs.right.tolist()
        found = [
            Pair(column=column, left=names[i], right=names[j])
            for column, i, j in zip(reference.pairs.columns(), left, right, strict=True)
        ]
        on = [p for p in found if not any(is_off(name, settings) for name in (p.left, p.right, p.column.name))]
        return cls(on, settings, reference=reference) if on else None

    def update(self, batch: Batch, /) -> list[Finding]:
        if batch.inputs is None or not batch.n_rows:
            return []
        values, _ = aligned(batch.inputs, batch.features, self._features, [c.name for c in self._reference.inputs])
        changes = self._changes.update(values, batch.times)
        if batch.derived.get(SHUFFLED):  # rows are worth less than they were taken for, and nobody knows how much
            return []
        return [self._finding(batch, change) for change in changes]

    def scores(self) -> Mapping[str, float]:
        return self._changes.distances()

    def small_changes(self) -> int:
        """Alarms whose effect was too small to show, or that a change of one feature explains."""
        return int(self._changes.small.sum())

    def snapshot(self) -> State:
        return self._changes.snapshot()

    def restore(self, state: State, /) -> None:
        self._changes.restore(state)

    def merge(self, state: State, /) -> None:
        self._changes.merge(state)

    def _finding(self, batch: Batch, change: Change) -> Finding:
        return told(
            batch, change, kind="drift.joint", detector=self.name, title="Drift of how features go together",
            columns=self._changes.columns, threshold=self._threshold, reference=self._reference, words=self._words,
        )  # fmt: skip

    def _words(self, effect: Effect) -> str:
        before = self._before[effect.column]
        after = min(1.0, max(-1.0, before + effect.shift))
        return (
            f"{effect.column}: correlation {before:+.2f} -> {after:+.2f} "
            f"JS {effect.distance:.2f} [{effect.low:.2f}, {effect.high:.2f}]"
        )


def _least(one: float | None, other: float | None) -> float | None:
    known = [share for share in (one, other) if share is not None]
    return min(known, default=None)
