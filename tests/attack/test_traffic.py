"""Benign traffic has the kinds it says it has, from natural rows; attacks are hidden in it without loss."""

from __future__ import annotations

import time

import numpy as np
import pytest

from otel_mlsec.attack.families import Trace
from otel_mlsec.attack.traffic import (
    BATCH,
    BATCH_RERUN,
    CORRECTION,
    INTERACTIVE,
    KINDS,
    NOISY_SENSOR,
    RETRY,
    SHADOW,
    TIMESERIES,
    WHATIF,
    Traffic,
    benign,
    mix,
)

N = 20_000
POOL = np.column_stack([np.random.default_rng(1).normal(size=(30_000, 5)).round(3), np.arange(30_000.0) % 3])
LOW, HIGH, DECIMALS = POOL.min(axis=0), POOL.max(axis=0), (3, 3, 3, 3, 3, 0)
NUMERIC = np.array([True] * 5 + [False])


def day(n: int = N, seed: int = 0, **changes) -> Traffic:
    return benign(POOL, n, **{"low": LOW, "high": HIGH, "decimals": DECIMALS, "numeric": NUMERIC, "seed": seed, **changes})


@pytest.fixture(scope="module")
def traffic() -> Traffic:
    return day()


def of(traffic: Traffic, kind: int) -> np.ndarray:
    return traffic.rows[traffic.kinds == kind]


def natural(rows: np.ndarray) -> np.ndarray:
    known = {row.tobytes() for row in POOL}
    return np.array([row.tobytes() in known for row in np.ascontiguousarray(rows)])


@pytest.mark.parametrize("n", [1, 2, 7, 100, 5000])
def test_there_are_as_many_queries_as_asked_for_in_the_order_of_their_times(n):
    made = day(n)

    assert len(made.rows) == len(made.principals) == len(made.times) == len(made.kinds) == n
    assert (np.diff(made.times) >= 0).all()


def test_every_kind_has_its_share(traffic):
    share = dict(zip(KINDS, np.bincount(traffic.kinds, minlength=len(KINDS)) / N, strict=True))

    wanted = {"interactive": 0.35, "batch": 0.24, "batch_rerun": 0.11, "retry": 0.04, "timeseries": 0.12, "shadow": 0.08,
              "whatif": 0.006, "correction": 0.024, "noisy_sensor": 0.03}  # fmt: skip
    assert share == {name: pytest.approx(part, rel=0.35) for name, part in wanted.items()}


def test_people_and_jobs_ask_natural_rows_none_twice(traffic):
    first = np.concatenate([of(traffic, INTERACTIVE), of(traffic, BATCH)])

    assert natural(first).all()
    assert len(np.unique(first, axis=0)) > 0.999 * len(first)  # the pool itself has few equal rows


def test_repeats_are_exact_and_a_shadow_is_somebody_else(traffic):
    asked = {row.tobytes() for row in np.ascontiguousarray(of(traffic, INTERACTIVE))}
    jobs = {row.tobytes() for row in np.ascontiguousarray(of(traffic, BATCH))}
    who = {kind: set(traffic.principals[traffic.kinds == kind]) for kind in (INTERACTIVE, RETRY, SHADOW)}

    assert {row.tobytes() for row in np.ascontiguousarray(of(traffic, RETRY))} <= asked
    assert {row.tobytes() for row in np.ascontiguousarray(of(traffic, SHADOW))} <= asked
    assert {row.tobytes() for row in np.ascontiguousarray(of(traffic, BATCH_RERUN))} <= jobs
    assert who[RETRY] <= who[INTERACTIVE]
    assert not who[SHADOW] & who[INTERACTIVE]


def test_sensors_move_slowly_within_the_box_and_are_written_as_the_data_is(traffic):
    for kind in (TIMESERIES, NOISY_SENSOR):
        rows = of(traffic, kind)
        assert ((rows >= LOW) & (rows <= HIGH)).all()
        assert np.allclose(rows, rows.round(3), atol=1e-9)
    for who in np.unique(traffic.principals[traffic.kinds == TIMESERIES])[:20]:
        path = traffic.rows[traffic.principals == who]
        assert np.abs(np.diff(path, axis=0)).max() < 1.0  # ten steps of the largest size
        assert (path[:, 5] == path[0, 5]).all()  # a code does not drift


def test_a_slider_changes_one_number_and_a_correction_one_field(traffic):
    for who in np.unique(traffic.principals[traffic.kinds == WHATIF]):
        rows = traffic.rows[traffic.principals == who]
        if len(rows) == 20:
            assert (np.ptp(rows, axis=0) > 0).sum() == 1
            assert np.ptp(rows[:, 5]) == 0
    nearest = [np.count_nonzero(of(traffic, INTERACTIVE) != row, axis=1).min() for row in of(traffic, CORRECTION)[:50]]
    assert max(nearest) <= 1


def test_the_same_seed_gives_the_same_day_and_another_another(traffic):
    again, other = day(), day(seed=1)

    assert np.array_equal(again.rows, traffic.rows)
    assert np.array_equal(again.principals, traffic.principals)
    assert not np.array_equal(other.rows, traffic.rows)


def test_series_that_morph_go_between_two_natural_rows():
    made = day(morph=True)

    for who in np.unique(made.principals[made.kinds == TIMESERIES])[:10]:
        path = made.rows[made.principals == who]
        centred = path - path.mean(axis=0)
        spread = np.linalg.svd(centred, compute_uv=False) ** 2
        assert spread[0] > 0.5 * spread.sum() or spread[0] < 5.0  # on a line, or hardly any way


def test_a_small_pool_and_missing_cells_are_survived():
    few, gappy = POOL[:3], POOL.copy()
    gappy[::2, 0] = np.nan
    gappy[:, 1] = np.nan

    assert len(benign(few, 500, low=LOW, high=HIGH, decimals=DECIMALS).rows) == 500
    made = benign(gappy, 3000, low=LOW, high=HIGH, decimals=DECIMALS)
    assert np.isnan(made.rows[:, 1]).all()
    with pytest.raises(ValueError, match="at least 1"):
        benign(POOL[:0], 5, low=LOW, high=HIGH, decimals=DECIMALS)


def test_rows_keep_the_type_of_the_pool():
    made = benign(POOL.astype(np.float32), 500, low=LOW, high=HIGH, decimals=DECIMALS)

    assert made.rows.dtype == np.float32


def test_a_hundred_thousand_queries_take_no_time():
    began = time.process_time()

    day(100_000)

    assert time.process_time() - began < 3.0  # a tenth of that on a quiet machine


def trace(q: int, seed: int) -> Trace:
    g = np.random.default_rng(seed)
    return Trace(family="x", rows=g.normal(size=(q, 6)), answers=g.random((q, 2)), success=True, effect=0.0)


def test_a_mixture_holds_every_query_once_and_in_order(traffic):
    traces = [trace(50, 1), trace(120, 2)]

    mixed = mix(traffic, traces, accounts=10, gap=20, seed=4, start=0.3)

    assert len(mixed.rows) == N + 170
    assert np.array_equal(mixed.rows[mixed.trace < 0], traffic.rows)
    assert np.array_equal(mixed.benign[mixed.trace < 0], np.arange(N))
    assert (np.diff(mixed.times) >= 0).all()
    for number, each in enumerate(traces):
        at = np.flatnonzero(mixed.trace == number)
        assert np.array_equal(mixed.rows[at], each.rows)
        assert mixed.ordinal[at].tolist() == list(range(len(each.rows)))
        assert (mixed.benign[at] == -1).all()
        assert at[0] >= 0.3 * N
        assert np.mean(np.diff(at)) == pytest.approx(21, rel=0.35)


def test_accounts_of_attacks_are_nobody_elses(traffic):
    mixed = mix(traffic, [trace(200, 1), trace(200, 2)], accounts=10, seed=4)

    who = [set(mixed.principals[mixed.trace == number]) for number in (-1, 0, 1)]
    assert not who[0] & who[1]
    assert not who[1] & who[2]
    assert len(who[1]) == len(who[2]) == 10


def test_an_attack_that_is_longer_than_the_traffic_is_squeezed_in_and_one_without_traffic_asks_every_second():
    short, none = day(100), day(1)
    none = Traffic(rows=none.rows[:0], principals=none.principals[:0], times=none.times[:0], kinds=none.kinds[:0])

    squeezed, alone = mix(short, [trace(500, 1)]), mix(none, [trace(500, 1)], accounts=3)

    assert len(squeezed.rows) == 600
    assert squeezed.ordinal[squeezed.trace == 0].tolist() == list(range(500))
    assert alone.ordinal.tolist() == list(range(500))
    assert np.diff(alone.times).mean() == pytest.approx(1.0, rel=0.2)
    with pytest.raises(ValueError, match="accounts"):
        mix(short, [], accounts=0)
