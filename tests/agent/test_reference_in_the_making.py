"""What a model answers while a reference is made of it is nobody's request."""

import numpy as np
import pytest

import otel_mlsec

linear = pytest.importorskip("sklearn.linear_model")


def test_a_reference_that_is_fitted_under_the_agent_is_no_traffic(watched):
    rows = np.random.default_rng(0).normal(size=(3000, 4))
    model = linear.LogisticRegression().fit(rows, rows[:, 0] > 0)
    watched.instrument()

    reference = otel_mlsec.Reference.fit(rows, rows[:, 0] > 0, model)

    assert reference.importance is not None  # so each column was shuffled once, and the model asked about that
    assert watched.spans() == []

    model.predict(rows[:5])
    assert len(watched.spans()) == 1
