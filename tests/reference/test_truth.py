"""What labels of a reference's rows say of a model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import confusion_matrix, log_loss

from otel_mlsec.arrays import Floats
from otel_mlsec.observation import Meaning
from otel_mlsec.reference.calibration import isotonic
from otel_mlsec.reference.labelled import labelled
from otel_mlsec.reference.losses import LEVELS, judged, scale_of
from otel_mlsec.reference.reference import Reference
from otel_mlsec.sketches.bins import N_BINS

N = 3000


def rows(seed: int = 1, n: int = N) -> Floats:
    return np.random.default_rng((41, seed)).standard_normal((n, 3))


def truth(x: Floats, seed: int = 1) -> Floats:
    return (x[:, 0] + np.random.default_rng((42, seed)).standard_normal(len(x)) > 0).astype(np.int64)


X, Y = rows(), truth(rows())
NAMED = np.array(["late", "on time"])[Y]
MODEL = LogisticRegression().fit(rows(2), np.array(["late", "on time"])[truth(rows(2), 2)])
KNOWN = Reference.fit(X, NAMED, MODEL).calibration


def test_errors_losses_and_confusions_are_those_of_the_labels():
    known = Reference.fit(X, NAMED, MODEL).truth

    assert known is not None
    wrong = int((MODEL.predict(X) != NAMED).sum())
    assert known.n_rows == N
    assert dict(zip(known.kinds, known.errors.tolist(), strict=True)) == dict.fromkeys(("probability", "label", "margin"), wrong)
    np.testing.assert_array_equal(known.confusion[:2, :2], confusion_matrix(NAMED, MODEL.predict(X)))
    assert known.loss(0) * known.scales[0] == pytest.approx(log_loss(NAMED, MODEL.predict_proba(X)), rel=0.03)
    assert known.losses.sum(axis=1).tolist() == [N, 0, 0]
    assert known.columns == ("x0", "x1", "x2")
    assert known.rows.sum(axis=1).tolist() == [N] * 3
    assert (known.wrong_by_bin().sum(axis=2) == wrong).all()
    assert known.independent


def test_a_regressions_error_is_absolute_and_one_row_in_ten_has_a_large_one():
    y = X[:, 0] + np.random.default_rng(3).standard_normal(N)
    model = LinearRegression().fit(X, X[:, 0])

    known = Reference.fit(X, y, model).truth

    assert known is not None
    assert known.kinds == ("value",)
    error = np.abs(model.predict(X) - y)
    assert known.limit == pytest.approx(np.quantile(error, 0.9), rel=0.01)
    assert known.errors[0] == pytest.approx(N / 10, abs=1)
    assert known.loss(0) * known.scales[0] == pytest.approx(error.mean(), rel=0.03)
    assert known.confusion.shape == (0, 0)


@pytest.mark.parametrize(
    "y",
    [NAMED.tolist(), pd.Series(NAMED), pd.Series(NAMED, dtype="category"), NAMED[:, None], pd.DataFrame({"y": NAMED})],
    ids=["list", "series", "category", "column", "frame"],
)  # fmt: skip
def test_labels_may_come_in_any_container(y: object):
    assert np.array_equal(Reference.fit(X, y, MODEL).truth.errors, Reference.fit(X, NAMED, MODEL).truth.errors)


def test_labels_are_put_in_the_order_of_their_rows():
    times = np.random.default_rng(4).permutation(N) * 60.0

    known = Reference.fit(X, NAMED, MODEL, time=times).truth

    assert known.errors[0] == (MODEL.predict(X) != NAMED).sum()


def test_missing_labels_count_for_nothing_and_unknown_classes_as_errors():
    some = [None if i % 2 else label for i, label in enumerate(NAMED.tolist())]
    odd = [label if i % 10 else "cancelled" for i, label in enumerate(NAMED.tolist())]

    assert Reference.fit(X, some, MODEL).truth.n_rows == N / 2
    strange = Reference.fit(X, odd, MODEL).truth
    assert strange.errors[0] == ((MODEL.predict(X) != NAMED) | (np.arange(N) % 10 == 0)).sum()
    assert strange.confusion[2].sum() == N / 10
    assert Reference.fit(X, [None] * N, MODEL).truth is None


def test_a_wrong_number_of_labels_and_labels_of_other_classes_are_refused():
    with pytest.raises(ValueError, match=rf"one label a row \({N}\), got {N - 1}"):
        Reference.fit(X, NAMED[1:], MODEL)
    with pytest.raises(ValueError, match="must hold classes of the model, late, on time"):
        Reference.fit(X, ["other"] * N, MODEL)
    with pytest.raises(ValueError, match="one label a row"):
        Reference.fit(X, 7, MODEL)


def test_without_a_model_labels_are_let_be():
    plain = Reference.fit(X, NAMED)

    assert plain.truth is None
    assert plain.calibration is None


@pytest.mark.parametrize("classes", [("0", "1"), ("False", "True"), ("0.0", "1.0")])
def test_one_and_true_are_one_class(classes: tuple[str, ...]):
    labels = [1, 1.0, True, np.int64(1), np.bool_(True), "1", 0, False, None, float("nan"), pd.NA, pd.NaT, 2, "x"]

    found = labelled(labels, classes)

    np.testing.assert_array_equal(found, [1, 1, 1, 1, 1, 1, 0, 0, np.nan, np.nan, np.nan, np.nan, -1, -1])


def test_without_classes_a_label_is_a_number():
    found = labelled(["3.5", 2, True, None, "x", 10**400], ())

    np.testing.assert_array_equal(found, [3.5, 2, 1, np.nan, np.nan, np.nan])


def test_what_is_no_answer_is_wrong_and_what_has_no_truth_is_nothing():
    outputs = np.array([[np.nan, np.nan], [0.2, 0.8], [0.2, 0.8], [1.0, 0.0], [0.2, 0.8]])
    told = np.array([1.0, 1.0, np.nan, 1.0, -1.0])

    found = judged(Meaning.PROBABILITY, outputs, told, scale=2.0, limit=0.0)

    assert found.known.tolist() == [True, True, False, True, True]
    assert found.wrong.tolist() == [True, False, False, True, True]
    assert found.loss.tolist() == [LEVELS - 1, round(-np.log(0.8) / 2 * (LEVELS - 1)), -1, LEVELS - 1, LEVELS - 1]


def test_the_scale_is_rounded_up_to_two_digits():
    assert scale_of(np.full(100, 1.234)) == pytest.approx(1.3)
    assert scale_of(np.full(100, 0.0001234)) == pytest.approx(0.00013)
    assert scale_of(np.zeros(100)) == 1.0
    assert scale_of(np.array([])) == 1.0


def test_truth_and_calibration_go_through_a_file(tmp_path):
    known = Reference.fit(X, NAMED, MODEL)
    known.save(tmp_path / "m.ref")

    loaded = Reference.load(tmp_path / "m.ref")

    for part in ("truth", "calibration"):
        before, after = getattr(known, part), getattr(loaded, part)
        for name in before.__dataclass_fields__:
            np.testing.assert_array_equal(getattr(after, name), getattr(before, name), err_msg=name)


@pytest.mark.parametrize(
    "wrong",
    [
        {"errors": np.array([1])}, {"errors": np.array([-1, 0, 0])}, {"errors": np.full(3, N + 1)}, {"n_rows": 0},
        {"kinds": ("probability", "label", "guess")}, {"columns": ("x0", "x1", "nobody")}, {"scales": np.full(3, np.nan)},
        {"rows": np.zeros((3, N_BINS), np.int64)}, {"limit": -1.0}, {"variance_inflation": 0.5},
        {"confusion": np.zeros((2, 3), np.int64)}, {"confusion": np.zeros((2, 2), np.int64)},
        {"losses": np.full((3, LEVELS), 1 << 62)},
    ],
    ids=repr,
)  # fmt: skip
def test_what_does_not_fit_is_not_sound(wrong: dict[str, object]):
    known = Reference.fit(X, NAMED, MODEL)

    assert known.truth.sound(known)
    assert not replace(known.truth, **wrong).sound(known)


@pytest.mark.parametrize(
    "wrong",
    [
        {"edges": np.zeros(3)}, {"n_classes": 1}, {"n_classes": 3}, {"n_labelled": 0}, {"variance_inflation": 0.0},
        {"counts": np.zeros(50, np.int64)}, {"correct": np.full(50, 2.0)},
        {"counts": np.array([1] + [1 << 62] * 4 + [0] * (len(KNOWN.counts) - 5))},
    ],
    ids=repr,
)  # fmt: skip
def test_a_calibration_that_does_not_fit_is_not_sound(wrong: dict[str, object]):
    known = Reference.fit(X, NAMED, MODEL)

    assert known.calibration.sound(known)
    assert not replace(known.calibration, **wrong).sound(known)


def test_calibrated_shares_never_fall_and_are_near_what_was_seen():
    known = Reference.fit(X, NAMED, MODEL).calibration

    assert (np.diff(known.positive) >= 0).all()
    assert known.accuracy == pytest.approx(MODEL.score(X, NAMED), abs=0.01)
    assert isotonic(np.array([0, 5, 0]), np.array([0.0, 10.0, 0.0])).tolist() == [0.5, 0.5, 0.5]
    assert isotonic(np.array([9, 1]), np.array([10.0, 10.0])).tolist() == [0.5, 0.5]


def test_a_model_that_says_one_thing_only_can_be_calibrated():
    known = Reference.fit(X, NAMED, DummyClassifier().fit(X, NAMED))

    assert known.calibration.sound(known)
    assert known.truth.sound(known)
    assert known.calibration.accuracy == pytest.approx(max(np.mean(Y), 1 - np.mean(Y)), abs=0.01)
