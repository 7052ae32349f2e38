"""What an answer says of a row, and how sure it is."""

from __future__ import annotations

import numpy as np
import pytest

from otel_mlsec.arrays import Floats
from otel_mlsec.observation import Meaning
from otel_mlsec.reference.labels import labels_of, margins_of


@pytest.mark.parametrize(
    ("meaning", "outputs", "labels"),
    [
        (Meaning.LABEL, [[0.0], [2.0], [-1.0], [np.nan], [np.inf], [1e300]], [0, 2, -1, -1, -1, 2**31]),
        (Meaning.PROBABILITY, [[0.2, 0.8], [0.8, 0.2], [np.nan, 1.0]], [1, 0, -1]),
        (Meaning.PROBABILITY, [[0.2], [0.8]], [0, 1]),
        (Meaning.PROBABILITY, [[3.0, 8.0], [8.0, 3.0]], [1, 0]),  # of what sums to more than one, all the same
        (Meaning.LOG_PROBABILITY, [[0.0, -np.inf], [-np.inf, 0.0], [np.nan, 0.0]], [0, 1, -1]),
        (Meaning.MARGIN, [[-3.0], [3.0]], [0, 1]),
        (Meaning.MARGIN, [[-3.0, 1.0, 0.0]], [1]),
        (Meaning.VALUE, [[-5.0], [1.5], [99.0], [np.nan]], [0, 1, 2, -1]),
        (Meaning.RAW, [[1.0]], [-1]),
        (Meaning.PROBABILITY, np.empty((2, 0)), [-1, -1]),
        (Meaning.PROBABILITY, np.empty((0, 3)), []),
        (Meaning.LABEL, np.empty(0), []),
        (Meaning.LABEL, np.array([1.0, 0.0]), [1, 0]),
    ],
)
def test_what_an_answer_says(meaning: Meaning, outputs: Floats, labels: list[int]):
    assert labels_of(meaning, np.asarray(outputs), np.array([1.0, 2.0])).tolist() == labels


@pytest.mark.parametrize(
    ("meaning", "outputs", "margins"),
    [
        (Meaning.PROBABILITY, [[0.2, 0.8], [0.5, 0.5]], [0.6, 0.0]),
        (Meaning.PROBABILITY, [[0.9], [0.5]], [0.8, 0.0]),
        (Meaning.PROBABILITY, [[0.2, 0.5, 0.3]], [0.2]),
        (Meaning.LOG_PROBABILITY, [[0.0, -np.inf], [np.log(0.6), np.log(0.4)]], [1.0, 0.2]),
        (Meaning.LOG_PROBABILITY, [[1e308, 1e308]], [0.0]),
        (Meaning.MARGIN, [[-3.0], [0.5]], [3.0, 0.5]),
        (Meaning.MARGIN, [[1.0, 4.0, 2.0]], [2.0]),
    ],
)
def test_how_sure_an_answer_is(meaning: Meaning, outputs: list[list[float]], margins: list[float]):
    np.testing.assert_allclose(margins_of(meaning, np.array(outputs)), margins, atol=1e-12)


@pytest.mark.parametrize("meaning", [Meaning.LABEL, Meaning.VALUE, Meaning.SCORE, Meaning.RAW])
def test_what_has_no_margin_is_not_known(meaning: Meaning):
    assert np.isnan(margins_of(meaning, np.ones((3, 2)))).all()
    assert margins_of(meaning, np.ones((0, 2))).shape == (0,)
