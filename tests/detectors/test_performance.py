"""What `drift/performance` expects of answers that nobody has labelled."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix, roc_auc_score
from tests.detectors.labelled import CLASSES, NAMES

from otel_mlsec.arrays import Floats
from otel_mlsec.config import ModelSettings
from otel_mlsec.detectors.drift.performance import Performance
from otel_mlsec.finding import Finding, Severity, Status
from otel_mlsec.observation import Batch, Meaning, Model
from otel_mlsec.reference.reference import Reference

DEFAULTS = ModelSettings()


def rows(seed: int, n: int, sharper: float = 1.0) -> tuple[Floats, Floats]:
    """-> (n, 2) inputs and (n,) truths; the sharper, the farther are rows from the line that divides the classes."""
    rng = np.random.default_rng((31, seed))
    x = rng.standard_normal((n, 2)) * sharper
    return x, (rng.random(n) < 1 / (1 + np.exp(-2 * x[:, 0]))).astype(np.float64)


MODEL = LogisticRegression().fit(*rows(1, 5000))
KNOWN = Reference.fit(*rows(2, 10_000), MODEL, name="m")


def built(reference: Reference = KNOWN) -> Performance:
    made = Performance.build(reference, DEFAULTS)
    assert made is not None
    return made


def batch(outputs: Floats, first: int = 0, meaning: Meaning = Meaning.PROBABILITY) -> Batch:
    n = len(outputs)
    return Batch(
        model=Model(name="m"), meaning=meaning, features=NAMES, inputs=None, outputs=outputs, times=first + np.arange(float(n)),
        calls=np.zeros(n, np.int64), principals=("",), classes=CLASSES,
    )  # fmt: skip


def serve(detector: Performance, outputs: Floats, first: int = 0, meaning: Meaning = Meaning.PROBABILITY) -> list[Finding]:
    return [f for at in range(0, len(outputs), 50) for f in detector.update(batch(outputs[at : at + 50], first + at, meaning))]


@pytest.mark.parametrize("sharper", [0.6, 1.0, 2.0])
def test_the_estimates_are_near_the_truth_while_scores_mean_what_they_meant(sharper: float):
    x, y = rows(3, 1984, sharper)  # whole blocks, and no row falls out of the window
    detector = built()

    serve(detector, MODEL.predict_proba(x))

    estimates = detector.estimates()
    assert estimates["accuracy"] == pytest.approx(MODEL.score(x, y), abs=0.03)
    assert estimates["auc"] == pytest.approx(roc_auc_score(y, MODEL.predict_proba(x)[:, 1]), abs=0.03)
    expected = detector.confusion()[:2, :2]
    np.testing.assert_allclose(expected, confusion_matrix(y, MODEL.predict(x)), atol=60)
    assert detector.confusion().sum() == pytest.approx(1984)


def test_it_cannot_see_that_the_truth_has_turned_and_says_so():
    x, y = rows(3, 4000)
    detector = built()

    assert serve(detector, MODEL.predict_proba(x)) == []

    assert detector.estimates()["accuracy"] > 0.75 > 1 - MODEL.score(x, 1 - y) - 0.1
    assert "cannot see concept drift" in serve(built(), MODEL.predict_proba(rows(3, 6000, 0.3)[0]))[0].summary


def test_a_fall_is_told_once_and_its_end_too():
    detector = built()

    clean = serve(detector, MODEL.predict_proba(rows(4, 100_000)[0]))
    found = serve(detector, MODEL.predict_proba(rows(5, 8000, 0.4)[0]), 100_000)
    low = detector.estimates()["accuracy"]
    over = serve(detector, MODEL.predict_proba(rows(6, 8000)[0]), 108_000)
    again = serve(detector, MODEL.predict_proba(rows(7, 8000, 0.4)[0]), 116_000)

    assert clean == []
    assert [f.status for f in found if f.status is not Status.ONGOING] == [Status.NEW]
    assert [f.status for f in over] == [Status.RESOLVED]
    assert again[0].status is Status.REOPENED
    first = found[0]
    assert (first.kind, first.subject) == ("drift.performance", ("accuracy",))
    assert first.evidence["before"] - 0.02 > first.evidence["after_high"]
    assert low == pytest.approx(MODEL.score(*rows(5, 8000, 0.4)), abs=0.03)
    assert Severity.MEDIUM <= first.severity <= Severity.HIGH
    assert abs(first.first_seen - 100_000) < 1000
    assert found[0].dedup_key == over[0].dedup_key == again[0].dedup_key


def test_better_and_a_little_worse_are_nobodys_business():
    assert serve(built(), MODEL.predict_proba(rows(4, 20_000, 2.0)[0])) == []
    assert serve(built(), MODEL.predict_proba(rows(4, 20_000, 0.95)[0])) == []


def test_log_probabilities_and_a_single_column_are_the_same_probabilities():
    plain, logs, single = built(), built(), built()
    said = MODEL.predict_proba(rows(5, 3000)[0])

    serve(plain, said)
    serve(logs, np.log(said), meaning=Meaning.LOG_PROBABILITY)
    serve(single, said[:, 1:])

    assert plain.estimates() == logs.estimates() == single.estimates() != {}


def test_two_processes_that_saw_a_half_each_know_what_one_knows_that_saw_all():
    said = MODEL.predict_proba(rows(5, 1600)[0])
    one, other, both = built(), built(), built()
    serve(one, said[:800]), serve(other, said[800:], 800), serve(both, said)

    one.merge(other.snapshot())

    np.testing.assert_array_equal(one.confusion(), both.confusion())
    assert one.estimates() == both.estimates()


def test_of_many_classes_the_likeliest_is_judged():
    rng = np.random.default_rng(1)
    x = rng.standard_normal((12_000, 3))
    scores = np.exp(1.5 * x)
    shares = scores / scores.sum(axis=1, keepdims=True)
    y = (rng.random((12_000, 1)) > np.cumsum(shares, axis=1)).sum(axis=1)
    model = LogisticRegression().fit(x[:4000], y[:4000])
    detector = built(Reference.fit(x[4000:10_016], y[4000:10_016], model))

    serve(detector, model.predict_proba(x[10_016:]))

    assert detector.estimates() == {"accuracy": pytest.approx(model.score(x[10_016:], y[10_016:]), abs=0.03)}
    table = confusion_matrix(y[10_016:], model.predict(x[10_016:]))
    np.testing.assert_allclose(detector.confusion()[:3, :3], table, atol=60)


def test_without_labels_probabilities_or_enough_of_them_nothing_is_expected():
    x, y = rows(2, 1000)

    assert Performance.build(Reference.fit(x, model=MODEL), DEFAULTS) is None
    assert Performance.build(Reference.fit(x, np.where(np.arange(1000) < 100, y, np.nan), MODEL), DEFAULTS) is None
    assert built().estimates() == {}
    assert built().scores() == {}
    fresh = built()
    assert serve(fresh, (y > 0).astype(float)[:, None], meaning=Meaning.LABEL) == []
    assert fresh.estimates() == {}
