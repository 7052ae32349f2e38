"""Attacks on a model in this process, judged by the detectors of a reference as its live traffic would be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from otel_mlsec.arrays import Floats
from otel_mlsec.attack.families import Family, Trace, carry_out
from otel_mlsec.attack.knowledge import Ask, Knowledge
from otel_mlsec.attack.outcome import Calm, Outcome, Told, principals_of
from otel_mlsec.attack.traffic import Mixture, Traffic, mix
from otel_mlsec.capture import identity
from otel_mlsec.config import ModelSettings
from otel_mlsec.detector import Detector
from otel_mlsec.detectors import build
from otel_mlsec.finding import Finding
from otel_mlsec.observation import Meaning, Model, Prediction
from otel_mlsec.pipeline.route import Router
from otel_mlsec.reference.reference import Reference

BATCH = 256  # rows that the detectors see at once
DRIFT = "drift/"  # detectors that say how traffic changed, which a rehearsed mixture of traffic does by itself
EPOCH = 1.7e9  # s; when the day of a rehearsal begins: the same on every run

Inputs = Callable[[Floats], tuple[Floats, tuple[str, ...]]]
"""(n, d) rows of attacks -> what the detectors are given of them, and the names of its columns."""


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """
    Attributes:
        ask: the target.
        inputs: rows as capture would see them.
        traffic: benign, with what the target answered; may be empty.
        labels_only: the target gives labels.
        held: answers to `knowledge.held`.
    """

    ask: Ask
    inputs: Inputs
    knowledge: Knowledge
    held: Floats
    traffic: Traffic
    answers: Floats  # (n, k) to the traffic
    reference: Reference
    settings: ModelSettings
    classes: tuple[str, ...]
    labels_only: bool
    seed: int = 0

    def calm(self) -> Calm:
        """Only benign traffic."""
        if not len(self.traffic.rows):
            return Calm(queries=0)
        alone = mix(self.traffic, [])
        return Calm(
            queries=len(alone.rows),
            false_alarms=tuple(Told.of(finding) for _, finding in self._findings(alone, self.answers)),
        )

    def attack(self, family: Family, *, budget: int, accounts: int, gap: float) -> Outcome:
        """One attack among benign traffic, from accounts of its own; the detectors start anew."""
        trace = carry_out(family, self.ask, self.knowledge, seed=self.seed, budget=budget, held=self.held)
        outcome = Outcome(
            attack=family.name, threat=family.threat, queries=len(trace.rows), accounts=accounts, success=trace.success,
            effect=trace.effect, note=trace.error,
        )  # fmt: skip
        if not len(trace.rows):
            return outcome
        mixture = mix(self.traffic, [trace], accounts=accounts, gap=gap, seed=self.seed)
        return _with_first(outcome, mixture, self._findings(mixture, self._answers(mixture, trace)))

    def _answers(self, mixture: Mixture, trace: Trace) -> Floats:
        k = max(self.answers.shape[1], trace.answers.shape[1])
        answers = np.zeros((len(mixture.rows), k))
        ours = mixture.trace >= 0
        answers[ours] = trace.answers[mixture.ordinal[ours]]
        answers[~ours] = self.answers[mixture.benign[~ours]]
        return answers

    def _findings(self, mixture: Mixture, answers: Floats) -> list[tuple[int, Finding]]:
        """Findings with the row that decided."""
        own = self.reference.model
        model = Model(name=own.name or "attacked", version=own.version, framework=own.framework)
        router = Router(build=lambda _, reference: self._detectors(reference), known=lambda _: self.reference)
        found: list[tuple[int, Finding]] = []
        whom = principals(mixture.principals.tolist())
        for start in range(0, len(mixture.rows), BATCH):
            rows = np.arange(start, min(start + BATCH, len(mixture.rows)))
            inputs, names = self.inputs(mixture.rows[rows])
            meaning, outputs = self._outputs(answers[rows])
            calls = [
                Prediction(
                    model=model, method="attack", meaning=meaning, inputs=inputs[i : i + 1], outputs=outputs[i : i + 1],
                    features=names, classes=self.classes, n_rows=1, principal=whom[row], time=EPOCH + float(mixture.times[row]),
                    start_ns=row,
                )
                for i, row in enumerate(rows.tolist())
            ]  # fmt: skip
            found += [(call.start_ns, finding) for finding, call in router.detect(calls)]
        return found

    def _outputs(self, answers: Floats) -> tuple[Meaning, Floats]:
        if not self.labels_only:
            return Meaning.PROBABILITY, answers
        labels = answers.argmax(axis=1).astype(np.float64)
        return Meaning.LABEL, np.where(labels < len(self.classes), labels, -1.0)[:, None]

    def _detectors(self, reference: Reference) -> list[Detector]:
        return [detector for detector in build(reference, self.settings) if not detector.name.startswith(DRIFT)]


def principals(numbers: Sequence[int]) -> list[str]:
    """Accounts as findings call them."""
    return [identity.pseudonym(identity.Asked("app", f"account {number}")) for number in numbers]


def _with_first(outcome: Outcome, mixture: Mixture, found: Sequence[tuple[int, Finding]]) -> Outcome:
    """The outcome with the first finding that was made on a row of the attack, or lists one of its accounts."""
    attack_rows = np.flatnonzero(mixture.trace >= 0)
    whom = set(principals(np.unique(mixture.principals[attack_rows]).tolist()))
    for row, finding in found:
        so_far = int(np.searchsorted(attack_rows, row, side="right"))  # queries of the attack
        if so_far and (mixture.trace[row] >= 0 or not whom.isdisjoint(principals_of(finding))):
            return replace(outcome, detected_at=so_far, told=Told.of(finding))
    return outcome
