"""Which detectors see which calls: calls become batches, one a model and method, and go to that model's detectors."""

from __future__ import annotations

import hashlib
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from otel_mlsec.arrays import Floats
from otel_mlsec.detector import Estimating, Evicting
from otel_mlsec.errors import contained
from otel_mlsec.finding import Finding, Severity
from otel_mlsec.observation import Batch, Meaning, Model, Prediction
from otel_mlsec.pipeline.watched import Build, BuildOutcomes, Watched
from otel_mlsec.reference.prose import Prose
from otel_mlsec.reference.reference import Reference

MAX_MODELS = 64  # watched at once; of more, the one that was silent for the longest is forgotten
COMPANIONS = 64  # calls a model within which `predict` after `predict_proba` of the same rows is the same request

Known = Callable[[Prediction], Reference | None]
Recent = OrderedDict[bytes, set[str]]  # digests of inputs -> methods asked about them
Kind = tuple[str, str, str, Meaning, tuple[str, ...], int, int]  # of calls whose arrays fit each other


@dataclass(slots=True)
class _Routed:
    """One model."""

    watched: Watched
    recent: Recent = field(default_factory=OrderedDict[bytes, set[str]])


class Router:
    """State: at most 64 models."""

    def __init__(self, *, build: Build, known: Known, build_outcomes: BuildOutcomes = lambda _, __: ()) -> None:
        """`known` gives the reference of a call's model, if there is one; the others the detectors for a reference."""
        self._build, self._known, self._build_outcomes = build, known, build_outcomes
        self._routed: OrderedDict[tuple[str, str], _Routed] = OrderedDict()
        self.forgotten = 0  # models

    def detect(self, predictions: Sequence[Prediction]) -> list[tuple[Finding, Prediction]]:
        """Findings, each with the call that decided."""
        found: list[tuple[Finding, Prediction]] = []
        for model, calls, companions in self._groups(predictions):
            with contained("route"):  # what goes wrong with one model is not the others'
                batch = batch_of([replace(call, inputs=None) for call in calls] if companions else calls)
                if batch is not None:
                    found += [(finding, calls[finding.call]) for finding in model.watched.seen(batch)]
        return found

    def _groups(self, predictions: Sequence[Prediction]) -> Iterator[tuple[_Routed, list[Prediction], bool]]:
        """Calls whose arrays fit each other; one that raised or could not be copied must not cost the others their rows.

        True: they ask rows that were asked just before by another method, so only their answers are new.
        """
        groups: dict[tuple[Kind, bool], tuple[_Routed, list[Prediction]]] = {}
        for call in predictions:  # in the order in which they were made, as that says what is just before
            with contained("route"):  # of arrays that are none, too
                kind, model = _kind(call), self._of(call)
                groups.setdefault((kind, _is_companion(model.recent, call)), (model, []))[1].append(call)
        for (_, companions), (model, calls) in groups.items():
            yield model, calls, companions

    def scores(self) -> Iterator[tuple[Model, str, str, float]]:
        """Model, detector, subject (a feature) and effect, of everything that is watched."""
        for (name, version), model in self._routed.items():
            for detector in (*model.watched.detectors, *model.watched.of_outcomes):
                for subject, score in detector.scores().items():
                    yield Model(name=name, version=version), detector.name, subject, score

    def estimates(self) -> Iterator[tuple[Model, str, str, float]]:
        """Model, detector, measure (accuracy, for one) and value, of everything that is watched."""
        for (name, version), model in self._routed.items():
            for detector in (*model.watched.detectors, *model.watched.of_outcomes):
                if isinstance(detector, Estimating):
                    for measure, value in detector.estimates().items():
                        yield Model(name=name, version=version), detector.name, measure, value

    def evicted(self) -> Mapping[str, int]:
        """Principals that detectors of attacks had to forget so far, by detector."""
        counts: Counter[str] = Counter()
        for model in self._routed.values():
            for detector in model.watched.detectors:
                if isinstance(detector, Evicting):
                    counts[detector.name] += detector.evicted
        return counts

    def held_back(self) -> Mapping[tuple[str, str, Severity], int]:
        """Findings that gates said nothing of so far, by model, kind and severity."""
        counts: Counter[tuple[str, str, Severity]] = Counter()
        for (name, _), model in self._routed.items():
            for (kind, severity), count in model.watched.held_back.items():
                counts[name, kind, severity] += count
        return counts

    def detectors_of(self, model: Model) -> tuple[str, ...]:
        routed = self._routed.get((model.name, model.version))
        return tuple(each.name for each in (*routed.watched.detectors, *routed.watched.of_outcomes)) if routed else ()

    def judging(self, model: Model) -> Watched | None:
        """Who judges outcomes of a model, if anybody does."""
        routed = self._routed.get((model.name, model.version))
        return routed.watched if routed is not None and routed.watched.of_outcomes else None

    @property
    def judges_nothing(self) -> bool:
        """There are models, and nobody wants to know how they did."""
        return bool(self._routed) and not any(model.watched.of_outcomes for model in self._routed.values())

    def prose(self, call: Prediction) -> Prose | None:
        """Columns of free text that the model has, where its reference names any."""
        return self._of(call).watched.prose

    def _of(self, call: Prediction) -> _Routed:
        key = call.model.name, call.model.version
        routed = self._routed.get(key)
        if routed is None:
            routed = self._routed[key] = _Routed(Watched(self._build, self._build_outcomes))
            if len(self._routed) > MAX_MODELS:
                self._routed.popitem(last=False)
                self.forgotten += 1
            reference = self._known(call)
            if reference is not None:
                routed.watched.judge_by(call.model, reference)
        self._routed.move_to_end(key)
        return routed


def _kind(call: Prediction) -> Kind:
    asked = call.inputs.shape[1] if call.inputs is not None else -1
    answered = _columns(call.outputs).shape[1] if call.outputs is not None else -1
    return call.model.name, call.model.version, call.method, call.meaning, call.features, asked, answered


def _is_companion(recent: Recent, call: Prediction) -> bool:
    if call.inputs is None:
        return False
    rows = hashlib.blake2b(np.ascontiguousarray(call.inputs).tobytes(), digest_size=16).digest()
    methods = recent.get(rows)
    if methods is not None and call.method not in methods:
        methods.add(call.method)
        return True
    recent[rows] = {call.method}
    recent.move_to_end(rows)
    if len(recent) > COMPANIONS:
        recent.popitem(last=False)
    return False


def batch_of(calls: Sequence[Prediction]) -> Batch | None:
    """Rows of calls of one model, method and width, one after another; None where no call kept any."""
    sizes = [_rows(call) for call in calls]
    if not sum(sizes):
        return None
    first = calls[0]
    inputs = [call.inputs for call in calls if call.inputs is not None]
    outputs = [_columns(call.outputs) for call in calls if call.outputs is not None]
    whole = sum(map(len, outputs)) == sum(sizes) and len({part.shape[1] for part in outputs}) == 1
    return Batch(
        model=first.model,
        meaning=first.meaning,
        features=first.features,
        inputs=np.concatenate(inputs) if sum(map(len, inputs)) == sum(sizes) else None,
        outputs=np.concatenate(outputs) if whole else None,
        times=np.repeat(np.array([call.time for call in calls]), sizes),
        calls=np.repeat(np.arange(len(calls)), sizes),
        principals=tuple(call.principal for call in calls),
        classes=first.classes,
        sources=tuple(call.sources for call in calls),
        n_asked=tuple(call.n_rows for call in calls),
    )


def _rows(call: Prediction) -> int:
    kept = call.inputs if call.inputs is not None else call.outputs
    return len(kept) if kept is not None else 0


def _columns(outputs: Floats) -> Floats:
    """(n,) or (n, k) or more dimensions -> (n, k)."""
    return outputs.reshape(len(outputs), int(np.prod(outputs.shape[1:])))
