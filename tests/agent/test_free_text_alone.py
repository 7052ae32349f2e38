"""Models that are given texts and nothing else: a Series, a list, an array, a frame without names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from tests.reviews import review

import otel_mlsec


def frame(seed: int, n: int) -> pd.DataFrame:
    chance = np.random.default_rng(seed)
    return pd.DataFrame({"review": [review(chance, 12) for _ in range(n)]})


class Lenient:
    def predict(self, rows: Any) -> np.ndarray:
        return np.zeros(len(rows))


@pytest.mark.parametrize("served", [
    lambda rows: rows, lambda rows: rows["review"], lambda rows: list(rows["review"]), lambda rows: tuple(rows["review"]),
    lambda rows: rows["review"].to_numpy(object), lambda rows: pd.DataFrame(rows.to_numpy()),
    lambda rows: pl.Series(rows["review"]), lambda rows: rows["review"].to_numpy(str),
])  # fmt: skip
def test_texts_alone_are_the_same_texts(watched: Any, served: Callable[[pd.DataFrame], Any]):
    watched.instrument()
    reference = otel_mlsec.Reference.fit(frame(1, 3000), texts=("review",), name="stay")
    model = otel_mlsec.watch(Lenient(), name="stay", reference=reference)

    for i in range(20):
        model.predict(served(frame(100 + i, 64)))

    assert len(watched.spans()) == 20
    assert watched.findings() == []


@pytest.mark.parametrize(("fitted", "name"), [
    (lambda rows: rows["review"], "review"), (lambda rows: list(rows["review"]), "x0"),
    (lambda rows: rows.set_axis([7], axis=1), "7"), (lambda rows: pd.DataFrame(rows.to_numpy()), "x0"),
])  # fmt: skip
def test_a_reference_is_fitted_to_texts_alone(fitted: Callable[[pd.DataFrame], Any], name: str):
    reference = otel_mlsec.Reference.fit(fitted(frame(1, 400)), texts=(name,))

    [length] = [column for column in reference.inputs if column.name == f"{name}: length"]
    assert np.expm1(length.mean) > 50
