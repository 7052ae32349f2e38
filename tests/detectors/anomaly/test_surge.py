"""The evidence that rows are rare too often, and the combination of p-values it rests on."""

from __future__ import annotations

import numpy as np
import pytest

from otel_mlsec.detectors.anomaly.rarity import simes
from otel_mlsec.detectors.anomaly.surge import Surge


def first_alarm(surge: Surge, rare: np.ndarray, threshold: float) -> int | None:
    for place, is_rare in enumerate(rare.tolist()):
        if not is_rare:
            surge.others(1)
        elif surge.rare()[0] >= threshold:
            return place
    return None


def surge(**changed: float) -> Surge:
    return Surge(**({"n_known": 4000, "n_compared": 4, "inflation": 1.0, "most": 20.0} | changed))


def test_twice_the_share_of_the_reference_alarms_no_more_often_than_the_threshold_says():
    rng = np.random.default_rng(1)
    alarms = [first_alarm(surge(), rng.random(20_000) < 0.02, np.log(20_000)) for _ in range(60)]

    assert sum(alarm is not None for alarm in alarms) < 45  # a mean of 20,000 rows leaves a third without; many more are


@pytest.mark.parametrize(("share", "at_most"), [(1.0, 6), (0.5, 20), (0.15, 250)])
def test_the_more_rows_are_rare_the_sooner_it_is_known(share: float, at_most: int):
    rng = np.random.default_rng(2)
    alarms = [first_alarm(surge(), rng.random(5000) < share, 13.8) for _ in range(40)]

    assert all(alarm is not None for alarm in alarms)
    assert np.median([alarm for alarm in alarms if alarm is not None]) <= at_most


def test_inflation_asks_for_as_many_times_the_rows():
    one, ten = (first_alarm(surge(inflation=inflation), np.ones(500, np.bool_), 13.8) for inflation in (1.0, 10.0))

    assert one is not None and ten is not None
    assert ten >= 8 * one


def test_evidence_is_bounded_so_that_it_goes_away_soon():
    watched = surge()
    for _ in range(100_000):
        watched.rare()
    watched.others(400)

    score, alone = watched.rare()

    assert score < 10
    assert alone


def test_few_known_rows_raise_the_level_to_what_they_can_tell():
    few, many = surge(n_known=40), surge()

    assert many.level == 0.01
    assert few.level == pytest.approx(4 / 41)
    assert few.usual > 2 * few.level
    assert few.able
    assert not surge(n_known=10).able


def test_simes_is_valid_where_p_values_depend_on_each_other():
    rng = np.random.default_rng(3)
    common = rng.normal(size=(200_000, 1))
    z = 0.8 * common + 0.6 * rng.normal(size=(200_000, 4))
    p = np.argsort(np.argsort(-z, axis=0), axis=0) / 200_000

    combined = simes(p)

    for level in (0.001, 0.01, 0.05):
        assert (combined <= level).mean() <= 1.1 * level
