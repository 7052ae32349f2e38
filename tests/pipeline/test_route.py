"""Calls become batches, one a model, method and shape, and reach the detectors of that model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
import pytest

from otel_mlsec import errors
from otel_mlsec.arrays import Floats
from otel_mlsec.config import ModelSettings
from otel_mlsec.detector import Detector, State
from otel_mlsec.detectors import build
from otel_mlsec.finding import Finding, Severity
from otel_mlsec.observation import Batch, Meaning, Model, Prediction
from otel_mlsec.pipeline.route import COMPANIONS, MAX_MODELS, Router, batch_of
from otel_mlsec.reference import provisional
from otel_mlsec.reference.reference import Reference

FEATURES = ("a", "b", "c")


def rows(seed: int, n: int, shift: float = 0.0) -> Floats:
    return np.random.default_rng((3, seed)).standard_normal((n, 3)) + shift


def probabilities(x: Floats) -> Floats:
    late = 1 / (1 + np.exp(-x[:, 0]))
    return np.column_stack([1 - late, late])


def call(
    x: Floats | None, *, method: str = "predict_proba", outputs: Floats | None = None, model: str = "m", principal: str = "",
    time: float = 0.0, features: tuple[str, ...] = FEATURES,
) -> Prediction:  # fmt: skip
    meaning = {"predict_proba": Meaning.PROBABILITY, "predict": Meaning.LABEL, "decision_function": Meaning.MARGIN}[method]
    return Prediction(
        model=Model(name=model), method=method, meaning=meaning, inputs=x, outputs=outputs, features=features,
        classes=("no", "yes"), n_rows=0 if x is None else len(x), time=time, principal=principal,
    )  # fmt: skip


class Recorder:
    """A detector that says what it was given; every row of it is a finding when asked."""

    name: ClassVar[str] = "test/recorder"

    def __init__(self, finds: bool = False) -> None:
        self.batches: list[Batch] = []
        self._finds = finds

    def update(self, batch: Batch, /) -> list[Finding]:
        self.batches.append(batch)
        return [found(batch, int(n)) for n in np.unique(batch.calls)] if self._finds else []

    def scores(self) -> Mapping[str, float]:
        return {"a": 0.5}

    def snapshot(self) -> State:
        return {}

    def restore(self, state: State, /) -> None: ...

    def merge(self, state: State, /) -> None: ...


class Broken(Recorder):
    name: ClassVar[str] = "test/broken"

    def update(self, batch: Batch, /) -> list[Finding]:
        raise RuntimeError("ours")


def found(batch: Batch, number: int) -> Finding:
    return Finding(
        kind="test", detector="test/recorder", title="", summary="", severity=Severity.LOW, score=1.0, threshold=1.0,
        model=batch.model, time=0.0, first_seen=0.0, call=number,
    )  # fmt: skip


REFERENCE = Reference.of_matrix(
    rows(1, 5000), FEATURES, None, created=0.0, classes=("no", "yes"),
    answers=[(Meaning.PROBABILITY, probabilities(rows(1, 5000)))],
)  # fmt: skip


def router(*detectors: Detector) -> Router:
    return Router(build=lambda _, __: list(detectors), known=lambda _: REFERENCE)


def test_calls_of_one_model_and_method_are_one_batch_that_knows_its_calls():
    recorder = Recorder()

    router(recorder).detect([call(rows(i, n), time=float(i), principal=f"p{i}") for i, n in enumerate((2, 1, 3))])

    [batch] = recorder.batches
    assert batch.calls.tolist() == [0, 0, 1, 2, 2, 2]
    assert batch.times.tolist() == [0, 0, 1, 2, 2, 2]
    assert batch.principals == ("p0", "p1", "p2")
    np.testing.assert_array_equal(batch.inputs, np.concatenate([rows(0, 2), rows(1, 1), rows(2, 3)]))


def test_a_finding_comes_with_the_very_call_that_decided():
    x = rows(1, 4)
    calls = [call(x), call(rows(2, 4)), call(x, method="predict", outputs=np.zeros(4))]

    told = router(Recorder(finds=True)).detect(calls)

    assert [id(c) for _, c in told] == [id(c) for c in calls]  # of the companion too, which detectors see without its rows


def test_models_methods_and_shapes_are_batches_of_their_own():
    recorder = Recorder()
    wide = np.ones((2, 5))

    router(recorder).detect(
        [
            call(rows(1, 2)),
            call(rows(2, 2), model="n"),
            call(rows(3, 2), method="predict"),
            call(wide, features=()),
            call(None, outputs=np.ones((2, 2))),
        ]
    )

    assert [(b.model.name, b.meaning.value, b.n_rows) for b in recorder.batches] == [
        ("m", "probability", 2), ("n", "probability", 2), ("m", "label", 2), ("m", "probability", 2), ("m", "probability", 2),
    ]  # fmt: skip


def test_a_call_that_raised_does_not_cost_the_others_their_answers():
    recorder = Recorder()
    x = rows(1, 5)

    router(recorder).detect(
        [call(x, outputs=probabilities(x)), call(rows(2, 1)), call(None), call(None, outputs=np.ones((1, 2)))]
    )

    assert [(b.inputs is not None, b.outputs is not None, b.n_rows) for b in recorder.batches] == [
        (True, True, 5), (True, False, 1), (False, True, 1),
    ]  # fmt: skip


def test_the_same_rows_by_another_method_are_one_request():
    recorder = Recorder()
    x = rows(1, 3)
    routing = router(recorder)

    routing.detect([call(x, outputs=probabilities(x)), call(x.copy(), method="predict", outputs=np.zeros(3))])
    routing.detect([call(x.copy(), method="decision_function", outputs=np.zeros(3))])

    first, *companions = recorder.batches
    assert first.inputs is not None
    assert [b.inputs for b in companions] == [None, None]
    assert [b.meaning for b in companions] == [Meaning.LABEL, Meaning.MARGIN]


def test_the_same_rows_by_the_same_method_are_two_requests():
    recorder = Recorder()
    x = rows(1, 3)

    router(recorder).detect([call(x), call(x.copy())])

    assert recorder.batches[0].n_rows == 6


def test_companions_of_a_busy_moment_are_all_known():
    recorder = Recorder()
    asked = [rows(i, 1) for i in range(3 * COMPANIONS)]

    methods = ("predict_proba", "predict")
    router(recorder).detect([call(x, method=method, outputs=probabilities(x)) for x in asked for method in methods])

    assert [(b.meaning, b.n_rows, b.inputs is None) for b in recorder.batches] == [
        (Meaning.PROBABILITY, len(asked), False), (Meaning.LABEL, len(asked), True),
    ]  # fmt: skip


def test_a_companion_is_one_only_for_a_while():
    recorder = Recorder()
    routing = router(recorder)
    x = rows(0, 1)
    routing.detect([call(x)])

    routing.detect([call(rows(i, 1)) for i in range(1, COMPANIONS + 1)])
    routing.detect([call(x, method="predict")])

    assert recorder.batches[-1].inputs is not None


def test_predict_beside_predict_proba_does_not_count_rows_twice():
    one, both = (Router(build=lambda _, r: build(r, ModelSettings()), known=lambda _: REFERENCE) for _ in range(2))

    def ask(routing: Router, methods: Sequence[str]) -> list[tuple[float, tuple[str, ...]]]:
        told: list[tuple[float, tuple[str, ...]]] = []
        for i in range(300):
            x = rows(i, 4, 0.3)
            answers = {"predict_proba": probabilities(x), "predict": (x[:, 0] > 0).astype(np.float64)}
            calls = [call(x, method=m, outputs=answers[m], time=float(i)) for m in methods]
            told += [(f.time, f.subject) for f, _ in routing.detect(calls) if f.detector == "drift/data"]
        return told

    assert ask(one, ["predict_proba"]) == ask(both, ["predict_proba", "predict"]) != []


def test_a_detector_that_fails_is_counted_and_the_next_one_is_asked(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(errors, "raising", False)
    recorder = Recorder()

    router(Broken(), recorder).detect([call(rows(1, 2))])

    assert len(recorder.batches) == 1
    assert errors.counts["detect test/broken"] == 1


def test_a_model_whose_reference_cannot_be_used_does_not_cost_another_its_detection(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(errors, "raising", False)
    recorder = Recorder()

    def built(model: Model, _: Reference) -> list[Detector]:
        if model.name == "bad":
            raise ValueError("bad reference")
        return [recorder]

    Router(build=built, known=lambda _: REFERENCE).detect([call(rows(1, 2), model="bad"), call(rows(2, 2))])

    assert [b.model.name for b in recorder.batches] == ["m"]
    assert errors.counts["route"] == 1


def test_a_call_whose_arrays_are_no_rows_costs_only_itself(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(errors, "raising", False)
    recorder = Recorder()

    router(recorder).detect([call(np.zeros(3)), call(rows(1, 2)), call(rows(2, 2), outputs=np.float64(1.0))])

    assert [b.n_rows for b in recorder.batches] == [2]
    assert errors.counts["route"] == 2


def test_models_beyond_the_bound_are_forgotten_the_silent_first():
    routing = router(Recorder())
    routing.detect([call(rows(1, 1), model=f"m{i}") for i in range(MAX_MODELS)])
    routing.detect([call(rows(1, 1), model="m0")])

    routing.detect([call(rows(1, 1), model="one more")])

    assert routing.forgotten == 1
    assert routing.detectors_of(Model(name="m0")) == ("test/recorder",)
    assert routing.detectors_of(Model(name="m1")) == ()


def test_scores_say_model_detector_and_feature():
    routing = router(Recorder())
    routing.detect([call(rows(1, 1))])

    assert list(routing.scores()) == [(Model(name="m"), "test/recorder", "a", 0.5)]


def test_without_a_reference_one_is_learned_and_then_detection_begins():
    learned: list[Reference] = []

    def built(_: Model, reference: Reference) -> list[Detector]:
        learned.append(reference)
        return list(build(reference, ModelSettings()))

    routing = Router(build=built, known=lambda _: None)
    x = rows(1, provisional.ROWS)
    before = routing.detect([call(x, outputs=probabilities(x), principal=f"p{i}") for i in range(1)])
    for i in range(40):
        routing.detect([call(rows(i, 100), outputs=probabilities(rows(i, 100)), principal=f"p{i % 7}")])

    told = [f for i in range(100) for f, _ in routing.detect([call(rows(i, 32, 1.0), outputs=probabilities(rows(i, 32, 1.0)))])]

    assert before == []
    [reference] = learned
    assert (reference.provisional, reference.n_rows, reference.largest_share) == (True, 2000, 0.5)
    assert [c.name for c in reference.outputs] == ["probability[yes]"]
    assert {f.evidence["reference"] for f in told} == {"provisional"}
    assert {f.detector for f in told} >= {"drift/data", "drift/prediction"}


def test_calls_without_rows_are_no_batch():
    assert batch_of([call(None), call(rows(1, 0))]) is None
    assert router(Recorder()).detect([]) == []


def test_principals_that_were_forgotten_are_counted_by_detector_over_all_models():
    class Forgetful(Recorder):
        name: ClassVar[str] = "test/forgetful"

        @property
        def evicted(self) -> int:
            return len(self.batches)

    routing = Router(build=lambda _model, _reference: [Forgetful(), Recorder()], known=lambda _call: REFERENCE)
    routing.detect([call(rows(i, 1), model=f"m{i}", outputs=probabilities(rows(i, 1))) for i in range(3)])

    assert routing.evicted() == {"test/forgetful": 3}
