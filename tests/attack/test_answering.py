"""Targets answer in many forms; all are probabilities of classes, or refused in a sentence."""

from __future__ import annotations

import numpy as np
import pytest

from otel_mlsec.attack.answering import OTHER, Answering, Form


@pytest.mark.parametrize(
    ("said", "form", "classes", "first"),
    [
        (np.array([[0.2, 0.8], [0.6, 0.4]]), Form.PROBABILITIES, ("0", "1"), [0.2, 0.8]),
        ([[0.2, 0.5, 0.3], [1, 0, 0]], Form.PROBABILITIES, ("0", "1", "2"), [0.2, 0.5, 0.3]),
        ([{"no": 0.2, "yes": 0.8}, {"yes": 0.1, "no": 0.9}], Form.PROBABILITIES, ("no", "yes"), [0.2, 0.8]),
        ([0.3, 0.7, 1.0], Form.POSITIVE, ("0", "1"), [0.7, 0.3]),
        (np.array([[0.25], [0.5]]), Form.POSITIVE, ("0", "1"), [0.75, 0.25]),
        (["b", "a", "b"], Form.LABELS, ("a", "b", OTHER), [0.0, 1.0, 0.0]),
        ([2, 10, 1], Form.LABELS, ("1", "2", "10", OTHER), [0.0, 1.0, 0.0, 0.0]),
        (np.array([1.0, 0.0]), Form.LABELS, ("0", "1", OTHER), [0.0, 1.0, 0.0]),
        ([True, False], Form.LABELS, ("False", "True", OTHER), [0.0, 1.0, 0.0]),
        (["same", "same"], Form.LABELS, ("same", OTHER), [1.0, 0.0]),
    ],
)
def test_every_form_is_read(said, form, classes, first):
    answering = Answering(said)

    answers = answering.of(said)
    assert (answering.form, answering.classes) == (form, classes)
    assert answers[0] == pytest.approx(first)
    assert answers.shape == (len(said), len(classes))


def test_names_of_classes_are_taken_where_they_fit():
    assert Answering(np.eye(2) * 0.5 + 0.25, ("bad", "good")).classes == ("bad", "good")
    assert Answering(np.eye(2) * 0.5 + 0.25, ("bad", "good", "worse")).classes == ("0", "1")


def test_a_label_it_never_gave_before_is_another_class():
    answering = Answering(["a", "b"])

    assert answering.of(["c"]).argmax() == answering.classes.index(OTHER)


def test_scores_of_classes_become_probabilities_in_the_same_order():
    answers = Answering(np.array([[-3.0, 1.0, 2.0]])).of(np.array([[-3.0, 1.0, 2.0], [5.0, 900.0, -900.0]]))

    assert answers.sum(axis=1) == pytest.approx([1, 1])
    assert answers.argmax(axis=1).tolist() == [2, 1]


@pytest.mark.parametrize(
    "said",
    [
        [1.5, 2.5, -3.0],  # a regression
        list(range(1000)),
        [[0.5, 0.5], [1.0]],
        [{"a": 0.5}, {"b": 0.5}],
        np.zeros((2, 2, 2)),
        [[np.nan, 0.5]],
        [None, {"a": 1}, [3]],
        [["x", "y"]],
    ],
)
def test_what_is_no_classification_is_refused_in_a_sentence(said):
    with pytest.raises(ValueError, match="target"):
        Answering(said)


def test_answers_that_change_their_form_are_refused():
    one, several = Answering([0.5, 0.25]), Answering([[0.5, 0.5]])

    for answering, said in ((one, [[0.2, 0.8]]), (one, [1.5]), (one, ["x"]), (several, [[0.2, 0.3, 0.5]]), (several, [0.5])):
        with pytest.raises(ValueError, match="target"):
            answering.of(said)
