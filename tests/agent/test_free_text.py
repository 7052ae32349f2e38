"""Free text in a column of a live table: from the call of a model to the finding that names its property."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tests.reviews import review

import otel_mlsec

pytest.importorskip("sklearn")
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline


def frame(seed: int, n: int, share: float = 0.0) -> pd.DataFrame:
    chance = np.random.default_rng(seed)
    texts = ["Комната была очень тихая" if chance.random() < share else review(chance) for _ in range(n)]
    return pd.DataFrame({"price": chance.normal(100, 20, n), "review": texts})


def test_another_script_in_a_column_of_a_live_table_is_named_and_no_text_leaves(watched):
    known = frame(0, 3000)
    columns = ColumnTransformer([("t", HashingVectorizer(n_features=16), "review")], remainder="passthrough")
    model = make_pipeline(columns, LogisticRegression(max_iter=500)).fit(known, known["price"] > 100)
    reference = otel_mlsec.Reference.fit(frame(1, 3000), texts=("review",), name="stay")
    watched.instrument()
    served = otel_mlsec.watch(model, name="stay", reference=reference)
    for i in range(20):
        served.predict(frame(10 + i, 100))
    assert watched.findings() == []
    for i in range(15):
        served.predict(frame(50 + i, 100, share=0.15))
    found = watched.findings()
    drift = [each for each in found if each.attributes["security_rule.name"].startswith("drift")]
    assert {each.attributes["security_rule.name"] for each in drift} == {"drift/data"}
    assert "review: Cyrillic letters" in str([(each.body, dict(each.attributes)) for each in drift])
    everything = str([(each.body, dict(each.attributes)) for each in found]) + str(
        [dict(each.attributes) for each in watched.spans()]
    )
    assert "Комната" not in everything and "breakfast" not in everything
