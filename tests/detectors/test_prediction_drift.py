"""What `drift/prediction` says of labels, probabilities, margins and values."""

from __future__ import annotations

import numpy as np
import pytest
from tests.detectors.streams import DEFAULTS, NAMES, batch, moments, table

from otel_mlsec.arrays import Floats
from otel_mlsec.config import FeatureSettings, ModelSettings
from otel_mlsec.detectors.drift.prediction import PredictionDrift
from otel_mlsec.finding import Finding, Status
from otel_mlsec.observation import Meaning
from otel_mlsec.reference.fit import answer_columns
from otel_mlsec.reference.reference import Reference

CLASSES = ("a", "b", "c")
N = 12_000


def answers(meaning: Meaning, seed: int, n: int, moved: float = 0.0) -> Floats:
    """What a model of three classes says; `moved` makes the last one likelier."""
    rng = np.random.default_rng((17, seed))
    scores = rng.standard_normal((n, 3)) + np.array([0.5, 0.0, moved])
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    match meaning:
        case Meaning.LABEL:
            return scores.argmax(axis=1).astype(np.float64)
        case Meaning.PROBABILITY:
            return shares
        case Meaning.LOG_PROBABILITY:
            return np.log(shares)
        case Meaning.MARGIN:
            return scores
        case _:
            return scores[:, 2]


MEANINGS = [m for m in Meaning if m is not Meaning.RAW]


def reference(*meanings: Meaning) -> Reference:
    known = [(m, answers(m, 1, N)) for m in meanings]
    return Reference.of_matrix(
        table(1, N),
        NAMES,
        None,
        created=0.0,
        classes=CLASSES,
        answers=known,
    )


def detector(*meanings: Meaning, settings: ModelSettings = DEFAULTS) -> PredictionDrift:
    built = PredictionDrift.build(reference(*meanings), settings)
    assert built is not None
    return built


def serve(watching: PredictionDrift, meaning: Meaning, outputs: Floats, size: int = 16) -> list[Finding]:
    times = moments(len(outputs))
    return [
        finding
        for at in range(0, len(outputs), size)
        for finding in watching.update(
            batch(None, times[at : at + size], outputs=outputs[at : at + size], meaning=meaning, classes=CLASSES)
        )
    ]


NAMED = {
    Meaning.LABEL: "label", Meaning.PROBABILITY: "probability[c]", Meaning.LOG_PROBABILITY: "probability[c]",
    Meaning.MARGIN: "margin[c]", Meaning.SCORE: "score", Meaning.VALUE: "value",
}  # fmt: skip


@pytest.mark.parametrize("meaning", MEANINGS)
def test_answers_that_change_are_found_and_those_that_do_not_are_silent(meaning: Meaning):
    watching = detector(meaning)

    clean = serve(watching, meaning, answers(meaning, 2, 20_000))
    found = serve(watching, meaning, answers(meaning, 3, 2000, moved=1.0))

    assert clean == []
    assert found[0].kind == "drift.prediction"
    assert found[0].status is Status.NEW
    assert NAMED[meaning] in {name for f in found for name in f.subject}
    assert (found[0].time - moments(1)[0]) < moments(400)[-1] - moments(1)[0]


def test_log_probabilities_are_judged_as_the_probabilities_they_are():
    watching = detector(Meaning.PROBABILITY)

    assert serve(watching, Meaning.LOG_PROBABILITY, answers(Meaning.LOG_PROBABILITY, 2, 20_000)) == []
    assert serve(watching, Meaning.LOG_PROBABILITY, answers(Meaning.LOG_PROBABILITY, 3, 1000, moved=1.0))


def test_each_kind_of_answer_has_its_own_evidence():
    watching = detector(Meaning.LABEL, Meaning.PROBABILITY)

    found = serve(watching, Meaning.LABEL, answers(Meaning.LABEL, 3, 1000, moved=1.0))

    assert [f.subject for f in found] == [("label",)]
    assert serve(watching, Meaning.PROBABILITY, answers(Meaning.PROBABILITY, 2, 5000)) == []


def test_the_budget_of_false_alarms_is_shared_by_all_answers():
    [first, *_] = serve(detector(Meaning.LABEL, Meaning.PROBABILITY), Meaning.LABEL, answers(Meaning.LABEL, 3, 1000, moved=1.0))

    assert first.threshold == pytest.approx(1e6)


def test_a_kind_of_answer_that_the_reference_does_not_know_is_let_be():
    watching = detector(Meaning.LABEL)

    assert serve(watching, Meaning.PROBABILITY, answers(Meaning.PROBABILITY, 3, 2000, moved=3.0)) == []
    assert serve(watching, Meaning.RAW, answers(Meaning.PROBABILITY, 3, 2000, moved=3.0)) == []


def test_two_classes_are_one_column():
    known = answer_columns([(Meaning.PROBABILITY, answers(Meaning.PROBABILITY, 1, N)[:, :2])], ("no", "yes"), None)

    assert [c.name for c in known] == ["probability[yes]"]


def test_of_many_classes_the_first_sixteen_are_watched():
    known = answer_columns([(Meaning.PROBABILITY, np.full((500, 100), 0.01))], (), None)

    assert len(known) == 16


def test_off_and_without_answers_nothing_is_built():
    off = ModelSettings(features={"label": FeatureSettings(off=True)})

    assert PredictionDrift.build(reference(Meaning.LABEL), off) is None
    assert PredictionDrift.build(reference(), DEFAULTS) is None


def test_labels_of_a_class_that_the_model_does_not_list_are_found():
    watching = detector(Meaning.LABEL)

    found = serve(watching, Meaning.LABEL, np.full(200, -1.0))

    assert [f.subject for f in found] == [("label",)]
