"""Which detectors see which calls: calls become batches, one a model and method, and go to that model's detectors."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from otel_mlsec.arrays import Floats
from otel_mlsec.detector import Detector
from otel_mlsec.errors import contained
from otel_mlsec.finding import Finding
from otel_mlsec.observation import Batch, Meaning, Model, Prediction
from otel_mlsec.pipeline.gate import Gate
from otel_mlsec.reference.provisional import Provisional
from otel_mlsec.reference.reference import Reference

MAX_MODELS = 64  # watched at once; of more, the one that was silent for the longest is forgotten
COMPANIONS = 64  # calls a model within which `predict` after `predict_proba` of the same rows is the same request

Build = Callable[[Model, Reference], Sequence[Detector]]
Known = Callable[[Prediction], Reference | None]


@dataclass(slots=True)
class _Watched:
    """One model: its detectors, or the reference in the making."""

    detectors: list[Detector] = field(default_factory=list[Detector])
    learning: Provisional | None = None
    gate: Gate = field(default_factory=Gate)
    recent: OrderedDict[bytes, set[str]] = field(default_factory=OrderedDict[bytes, set[str]])  # inputs -> methods asked


class Router:
    """State: at most 64 models."""

    def __init__(self, *, build: Build, known: Known) -> None:
        """`known` gives the reference of a call's model, if there is one; `build` the detectors for a reference."""
        self._build, self._known = build, known
        self._watched: OrderedDict[tuple[str, str], _Watched] = OrderedDict()
        self.forgotten = 0  # models

    def detect(self, predictions: Sequence[Prediction]) -> list[tuple[Finding, Prediction]]:
        """Findings, each with the call that decided."""
        found: list[tuple[Finding, Prediction]] = []
        for calls in _by_model_and_method(predictions):
            with contained("route"):  # what goes wrong with one model is not the others'
                watched = self._of(calls[0])
                for group, new_rows in _fresh_and_companions(watched, calls):
                    found += self._seen(watched, group, new_rows)
        return found

    def _seen(self, watched: _Watched, calls: list[Prediction], new_rows: bool) -> list[tuple[Finding, Prediction]]:
        batch = batch_of(calls if new_rows else [replace(call, inputs=None) for call in calls])
        if batch is None:
            return []
        self._learn(watched, batch)  # first: what completes a reference is judged by it, and so is the rest of its batch
        findings = [f for detector in watched.detectors for f in self._update(detector, batch)]
        return [(f, calls[f.call]) for f in watched.gate.admitted(findings, float(batch.times[-1]))]

    def scores(self) -> Iterator[tuple[Model, str, str, float]]:
        """Model, detector, subject (a feature) and effect, of everything that is watched."""
        for (name, version), watched in self._watched.items():
            for detector in watched.detectors:
                for subject, score in detector.scores().items():
                    yield Model(name=name, version=version), detector.name, subject, score

    def detectors_of(self, model: Model) -> tuple[str, ...]:
        watched = self._watched.get((model.name, model.version))
        return tuple(detector.name for detector in watched.detectors) if watched else ()

    def _of(self, call: Prediction) -> _Watched:
        key = call.model.name, call.model.version
        watched = self._watched.get(key)
        if watched is None:
            watched = self._watched[key] = _Watched(learning=Provisional())
            if len(self._watched) > MAX_MODELS:
                self._watched.popitem(last=False)
                self.forgotten += 1
            reference = self._known(call)
            if reference is not None:
                watched.detectors = list(self._build(call.model, reference))
                watched.learning = None  # only now: of a reference that cannot be used, a provisional one takes the place
        self._watched.move_to_end(key)
        return watched

    def _update(self, detector: Detector, batch: Batch) -> list[Finding]:
        with contained(f"detect {detector.name}"):
            return detector.update(batch)
        return []

    def _learn(self, watched: _Watched, batch: Batch) -> None:
        if watched.learning is None:
            return
        with contained("learn"):
            reference = watched.learning.learn(batch)
            if reference is not None:
                watched.learning = None
                watched.detectors = list(self._build(batch.model, reference))


def _by_model_and_method(predictions: Sequence[Prediction]) -> Iterator[list[Prediction]]:
    """Calls whose arrays fit each other; one that raised or could not be copied must not cost the others their rows."""
    groups: dict[tuple[str, str, str, Meaning, tuple[str, ...], int, int], list[Prediction]] = {}
    for call in predictions:
        asked = call.inputs.shape[1] if call.inputs is not None else -1
        answered = _columns(call.outputs).shape[1] if call.outputs is not None else -1
        key = (call.model.name, call.model.version, call.method, call.meaning, call.features, asked, answered)
        groups.setdefault(key, []).append(call)
    yield from groups.values()


def _fresh_and_companions(watched: _Watched, calls: list[Prediction]) -> Iterator[tuple[list[Prediction], bool]]:
    """Calls whose rows are new (true), then those that ask the same rows by another method: only their answers are new."""
    fresh: list[Prediction] = []
    again: list[Prediction] = []
    for call in calls:
        (again if _is_companion(watched, call) else fresh).append(call)
    if fresh:
        yield fresh, True
    if again:
        yield again, False


def _is_companion(watched: _Watched, call: Prediction) -> bool:
    if call.inputs is None:
        return False
    rows = hashlib.blake2b(np.ascontiguousarray(call.inputs).tobytes(), digest_size=16).digest()
    methods = watched.recent.get(rows)
    if methods is not None and call.method not in methods:
        methods.add(call.method)
        return True
    watched.recent[rows] = {call.method}
    watched.recent.move_to_end(rows)
    if len(watched.recent) > COMPANIONS:
        watched.recent.popitem(last=False)
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
    )


def _rows(call: Prediction) -> int:
    kept = call.inputs if call.inputs is not None else call.outputs
    return len(kept) if kept is not None else 0


def _columns(outputs: Floats) -> Floats:
    """(n,) or (n, k) or more dimensions -> (n, k)."""
    return outputs.reshape(len(outputs), int(np.prod(outputs.shape[1:])))
