"""How far is beyond all that was seen: enough for every tail, and not said of too few rows."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from otel_mlsec.arrays import Floats
from otel_mlsec.observation import text_code
from otel_mlsec.reference.reference import Reference
from otel_mlsec.reference.tails import tail

Draw = Callable[[np.random.Generator, int], Floats]
LAWS: dict[str, Draw] = {
    "normal": lambda g, n: np.abs(g.standard_normal(n)),
    "exponential": lambda g, n: g.exponential(size=n),
    "lognormal": lambda g, n: np.exp(g.standard_normal(n)),
    "Cauchy": lambda g, n: np.abs(g.standard_cauchy(n)),
    "uniform": lambda g, n: g.random(n),
    "counts": lambda g, n: g.poisson(2.0, n).astype(np.float64),
    "mostly zero": lambda g, n: np.where(g.random(n) < 0.97, 0.0, g.exponential(size=n)),
}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("n", [100, 3000, 20_000])
def test_a_million_more_rows_are_within_reach(law: str, n: int):
    rng = np.random.default_rng(n)
    beyond = sum(
        bool((LAWS[law](rng, 1_000_000) > tail(LAWS[law](rng, n)).reach(math.log(1e7))).any()) for _ in range(10)
    )  # fmt: skip

    assert beyond <= 2  # of ten samples; an estimate from a hundred rows may be short


@pytest.mark.parametrize(("law", "at_most"), [("normal", 25.0), ("exponential", 60.0), ("lognormal", 20_000.0), ("uniform", 1.6)])
def test_the_reach_is_not_out_of_all_proportion(law: str, at_most: float):
    assert tail(LAWS[law](np.random.default_rng(1), 10_000)).reach(math.log(1e7)) < at_most


@pytest.mark.parametrize("known", [np.zeros(1000), np.full(1000, np.nan), np.full(1000, np.inf), np.eye(1, 1000)[0], np.empty(0)])
def test_of_a_column_that_is_nearly_constant_nothing_is_said(known: Floats):
    assert tail(known).reach(13.8) == math.inf


def test_rows_of_a_reference_come_in_bunches_or_do_not():
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(20_000, 3))
    stormy = rows.copy()
    for at in range(0, 20_000, 1000):
        stormy[at : at + 60] += 3.0
    text = np.full((500, 1), text_code("x"))

    fitted = [Reference.fit(data).geometry for data in (rows, stormy, rng.permutation(stormy), text)]

    inflation = [geometry.rare_inflation for geometry in fitted if geometry is not None]
    assert inflation[0] == inflation[2] == inflation[3] == 1.0
    assert inflation[1] > 10
