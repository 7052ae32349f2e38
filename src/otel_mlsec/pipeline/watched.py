"""What detects for one model: its detectors, or the reference in the making, and the gate behind them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from otel_mlsec.detector import Detector, OutcomeDetector
from otel_mlsec.errors import contained
from otel_mlsec.finding import Finding, Severity
from otel_mlsec.observation import Batch, Model, Outcomes
from otel_mlsec.pipeline.gate import Gate
from otel_mlsec.reference.embedding import Embedding
from otel_mlsec.reference.prose import Prose
from otel_mlsec.reference.provisional import Provisional
from otel_mlsec.reference.reference import Reference

Build = Callable[[Model, Reference], Sequence[Detector]]
BuildOutcomes = Callable[[Model, Reference], Sequence[OutcomeDetector]]


class Watched:
    """Batches of one model in, findings out, for live traffic and for recorded.

    State: that of the detectors and the gate; until a reference is there, at most 2,000 rows.
    """

    def __init__(self, build: Build, build_outcomes: BuildOutcomes = lambda _, __: ()) -> None:
        """Without a reference one is learned from the first batches, unless `judge_by` gives it."""
        self._build, self._build_outcomes = build, build_outcomes
        self._learning: Provisional | None = Provisional()
        self._gate = Gate()
        self.detectors: tuple[Detector, ...] = ()
        self.of_outcomes: tuple[OutcomeDetector, ...] = ()
        self._embedding: Embedding | None = None
        self.prose: Prose | None = None  # columns of free text, whose properties batches are to hold
        self.features: tuple[str, ...] = ()  # as the reference names them

    @property
    def learning(self) -> bool:
        """No reference yet, so nothing is judged."""
        return self._learning is not None

    @property
    def held_back(self) -> Mapping[tuple[str, Severity], int]:
        """Findings that the gate said nothing of so far, by kind and severity."""
        return self._gate.held_back

    def judge_by(self, model: Model, reference: Reference) -> None:
        """From now on; where detectors cannot be built for the reference, a provisional one is learned all the same."""
        self.detectors = tuple(self._build(model, reference))
        self.of_outcomes = tuple(self._build_outcomes(model, reference))
        self.features, self._embedding, self.prose = reference.features, reference.embedding, reference.prose
        self._learning = None

    def seen(self, batch: Batch) -> list[Finding]:
        """What is to be told after a batch of at least one row; `Finding.call` is an index of its calls."""
        self._learn(batch)  # first: what completes a reference is judged by it, and so is the rest of its batch
        if self._embedding is not None:
            batch = self._embedding.batch(batch)
        findings = [finding for detector in self.detectors for finding in _update(detector, batch)]
        return self._gate.admitted(findings, float(batch.times[-1]))

    def outcomes(self, outcomes: Outcomes) -> list[Finding]:
        """What is to be told now that these are known, at least one; `Finding.call` is a row of them."""
        findings: list[Finding] = []
        for detector in self.of_outcomes:
            with contained(f"detect {detector.name}"):
                findings += detector.update(outcomes)
        return self._gate.admitted(findings, float(outcomes.times[-1]))

    def _learn(self, batch: Batch) -> None:
        if self._learning is None:
            return
        with contained("learn"):
            reference = self._learning.learn(batch)
            if reference is not None:
                self._learning = None  # also where no detectors can be built: the next would be of the same traffic
                self.judge_by(batch.model, reference)


def _update(detector: Detector, batch: Batch) -> list[Finding]:
    with contained(f"detect {detector.name}"):
        return detector.update(batch)
    return []
