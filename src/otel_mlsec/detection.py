"""What the worker does with calls: copies become predictions, detectors see them, findings leave.

Importing this imports numpy, so it happens with the first call, when a model library has done so.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from opentelemetry import trace
from opentelemetry.context import Context

from otel_mlsec.capture import Call, prediction, with_prose
from otel_mlsec.capture.fitted import Fitted
from otel_mlsec.capture.predicted import digest
from otel_mlsec.config import Config
from otel_mlsec.detector import Detector, OutcomeDetector
from otel_mlsec.detectors import build, build_outcomes
from otel_mlsec.detectors.drift.effect import severity
from otel_mlsec.emit.caller import caller
from otel_mlsec.emit.emitter import Emitter
from otel_mlsec.errors import contained
from otel_mlsec.finding import Finding, Severity
from otel_mlsec.observation import Model, Prediction, Truths
from otel_mlsec.pipeline.clock import Clock
from otel_mlsec.pipeline.consequences import Consequences
from otel_mlsec.pipeline.feedback import Feedback
from otel_mlsec.pipeline.life import REPETITION, Life
from otel_mlsec.pipeline.route import Router
from otel_mlsec.reference.reference import Reference
from otel_mlsec.references import References

SCORES_EVERY = 5.0  # s
_log = logging.getLogger("otel_mlsec")


class Detection:
    """One process's router and the way out; used by the worker's thread alone.

    Args:
        life: what of all findings is told; the process's, which others tell through, too.
        clock: that rows are timed by.
        references: the process's, which language models are judged by, too.
    """

    def __init__(
        self, config: Config, emitter: Emitter, life: Life, clock: Clock | None = None, references: References | None = None
    ) -> None:
        self._config, self._emitter, self._life, self._clock = config, emitter, life, clock or Clock()
        self._references = references or References(config.reference, config.reference_key, emitter.reference_refused)
        self._router = Router(build=self._detectors, known=self._reference, build_outcomes=self._of_outcomes)
        self._feedback = Feedback(
            self._router, slices=lambda name: config.of(name).slices, digest=digest, span=_span,
            horizon=config.label_horizon, n_bytes=config.label_bytes,
        )  # fmt: skip
        self._consequences = Consequences(
            lambda finding: emitter.withheld(finding.kind, finding.severity, finding.model.name, REPETITION)
        )
        self._scores_at = 0.0
        self._evicted: Counter[str] = Counter()
        self._held_back: Counter[tuple[str, str, Severity]] = Counter()

    def fitted(self, fits: Sequence[Fitted]) -> None:
        from otel_mlsec.at_fit import keep  # noqa: PLC0415 - nearly nobody asks for it

        keep(fits, self._config.reference_key.encode() or None)

    def handle(self, calls: Sequence[Call]) -> None:
        predictions: list[Prediction] = []
        for call in calls:
            with contained("convert"):
                predictions.append(self._with_prose(call, prediction(call)))
        began = time.perf_counter()
        self._clock.look()
        steadied = [self._clock.steadied(call) for call in predictions]
        as_they_came = {id(steady): call for steady, call in zip(steadied, predictions, strict=True)}
        found: list[tuple[Finding, Prediction]] = []
        late: list[tuple[Finding, Prediction]] = []
        with contained("detect"):
            found = self._router.detect(steadied)
            found, late = self._consequences.admitted(steadied, found)
        with contained("references"):
            for call in predictions:
                self._references.asked(call, time.time())
        self._emitter.detected(time.perf_counter() - began, len(predictions))
        for model in {call.model for call in predictions}:
            self._emitter.model_seen(model, self._router.detectors_of(model))
        findings: dict[int, list[Finding]] = {}
        for finding, steady in found:
            with contained("life"):
                call = as_they_came[id(steady)]
                told = self._life.admitted(self._clock.shown(finding, call), _without_rows(call))
                findings.setdefault(id(call), []).extend(told)
        for call in predictions:
            self._emitter.call(call, findings.get(id(call), []))
        for finding, call in late:
            self._tell(finding, call)
        with contained("feedback"):
            self._tell_outcomes(self._feedback.answered(predictions, time.monotonic()))
        if found:
            self._scores_at = 0.0

    def _with_prose(self, call: Call, made: Prediction) -> Prediction:
        """With properties of free text, where the model's reference knows any: these need the cells, not their codes."""
        with contained("free text"):
            prose = self._router.prose(made)
            return made if prose is None else with_prose(call, made, prose)
        return made

    def told(self, truths: Sequence[Truths]) -> None:
        with contained("feedback"):
            self._tell_outcomes(self._feedback.told(truths, time.monotonic()))

    def _tell_outcomes(self, found: Sequence[tuple[Finding, Prediction]]) -> None:
        for finding, call in found:
            with contained("life"):
                for told in self._life.admitted(finding, call):
                    self._emitter.finding(told, call, caller(call))

    def _tell(self, finding: Finding, call: Prediction) -> None:
        """A finding whose call is over."""
        with contained("life"):
            for told in self._life.admitted(self._clock.shown(finding, call), call):
                self._emitter.finding(told, call, Context())

    def idle(self, last: bool) -> None:
        """Set the gauges, every few seconds or if this may be the last time."""
        now = time.monotonic()
        if last or now - self._scores_at >= SCORES_EVERY:
            self._scores_at = now
            scores = list(self._router.scores())
            self._emitter.scores(scores)
            self._emitter.estimates(self._router.estimates())
            self._emitter.references(self._references.staleness(time.time()))
            with contained("references"):
                self._references.look(time.time())
            for finding, call in self._life.measured(scores, severity):
                self._emitter.finding(finding, call, Context())
            self._count_evicted()
            self._count_held_back()
            self._count_labels()

    def _count_evicted(self) -> None:
        for detector, count in self._router.evicted().items():
            new = count - self._evicted[detector]  # negative when a model was forgotten with its principals
            self._evicted[detector] = count
            if new > 0:
                self._emitter.evicted(detector, new)

    def _count_labels(self) -> None:
        labels, forgotten = self._feedback.counted()
        for (model, outcome), count in labels.items():
            self._emitter.labels(model, outcome, count)
        for (model, reason), count in forgotten.items():
            self._emitter.unanswered(model, reason, count)
        self._emitter.coverage(self._feedback.coverage())

    def _count_held_back(self) -> None:
        for key, count in self._router.held_back().items():
            new = count - self._held_back[key]
            self._held_back[key] = count
            if new > 0:
                model, kind, how_bad = key
                self._emitter.withheld(kind, how_bad, model, REPETITION, new)

    def _detectors(self, model: Model, reference: Reference) -> Sequence[Detector]:
        self._references.used(model, reference)
        settings = self._config.of(model.name)
        known = {c.name for c in (*reference.inputs, *reference.outputs)} | set(reference.features)
        if unknown := sorted({*settings.features, *settings.slices} - known):
            _log.warning("settings of model %s name %s, which its reference does not have", model.name, ", ".join(unknown[:8]))
        return build(reference, settings)

    def _of_outcomes(self, model: Model, reference: Reference) -> Sequence[OutcomeDetector]:
        return build_outcomes(reference, self._config.of(model.name))

    def _reference(self, call: Prediction) -> Reference | None:
        reference = self._references.of(call, time.time())
        return reference if reference is None or reference.texts is None else None  # of texts: a table is not judged by it


def _without_rows(call: Prediction) -> Prediction:
    """What is remembered of a call until its finding is told again."""
    return replace(call, inputs=None, outputs=None, reference=None, id="")


def _span(trace_id: int, span_id: int, flags: int) -> trace.SpanContext:
    return trace.SpanContext(trace_id, span_id, is_remote=False, trace_flags=trace.TraceFlags(flags))
