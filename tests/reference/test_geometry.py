"""Where normal rows are: of tables of every shape, through a file, and how rare a row is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from otel_mlsec.arrays import Floats
from otel_mlsec.observation import Meaning, text_code
from otel_mlsec.reference.geometry import DIMENSIONS, FURTHEST, MAX_COLUMNS, Geometry, lower, upper
from otel_mlsec.reference.labels import UNKNOWN, labels_of, margins_of
from otel_mlsec.reference.reference import Reference
from otel_mlsec.reference.survey import Answers, survey

CITIES = np.array([text_code(name) for name in ("Graz", "Wien", "Linz", "Bregenz")])
NEW = text_code("Salzburg")


def names(d: int) -> tuple[str, ...]:
    return tuple(f"x{i}" for i in range(d))


def of(rows: Floats, answers: Answers = (), categorical: tuple[str, ...] = ()) -> Geometry:
    return survey(rows, names(rows.shape[1]), categorical, answers)


def mixed(seed: int, n: int) -> Floats:
    """Numbers that hang together, a heavy tail, whole numbers, a city, missing cells."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 6))
    x[:, 1] = x[:, 0] + 0.1 * x[:, 1]
    x[:, 2] = np.exp(2 * x[:, 2])
    x[:, 3] = rng.integers(0, 5, n)
    x[:, 4] = rng.choice(CITIES, n, p=[0.5, 0.3, 0.15, 0.05])
    x[rng.random(n) < 0.1, 5] = np.nan
    return x


def probabilities(x: Floats, k: int = 3) -> Floats:
    scores = np.stack([np.nan_to_num(x[:, i % x.shape[1]]) * (1 + i) for i in range(k)], axis=1)
    e = np.exp(np.clip(scores, -30, 30))
    return e / e.sum(axis=1, keepdims=True)


def sound(geometry: Geometry) -> None:
    """Nothing in it that would fail or blind later."""
    for f in fields(geometry):
        value = getattr(geometry, f.name)
        if isinstance(value, np.ndarray) and f.name not in ("low", "high", "level_codes", "range_known"):
            assert np.isfinite(value).all(), f.name
        if f.name.endswith("_known"):
            assert (value[1:] >= value[:-1]).all(), f.name
            assert not np.isnan(value).any()
    assert (geometry.scale > 0).all()
    assert 0 < geometry.spacing <= geometry.spread
    assert 0 < len(geometry.core) <= 512


def judged(geometry: Geometry, rows: Floats, labels: Floats | None = None) -> None:
    """Rows of any kind get numbers without a warning."""
    e = geometry.embedded(geometry.standardised(rows))
    found = np.zeros(len(rows), np.int64) if labels is None else labels.astype(np.int64)
    assert e.shape == (len(rows), geometry.n_dimensions)
    assert np.isfinite(e).all()
    assert np.isfinite(geometry.squares_to_core(e)).all()
    assert np.isfinite(geometry.mahalanobis(e)).all()
    assert (geometry.beyond(rows) >= 0).all()
    assert geometry.class_mahalanobis(e, found).shape == (len(rows),)


def wild(n: int, d: int) -> Floats:
    rng = np.random.default_rng(9)
    return rng.choice(np.array([np.nan, np.inf, -np.inf, 1.7e308, -1.7e308, 0.0, 5e-324, NEW, CITIES[0]]), (n, d))


def answered(x: Floats, k: int = 3) -> Answers:
    return [(Meaning.PROBABILITY, probabilities(x, k))]


TABLES: dict[str, tuple[Floats, Answers]] = {
    "mixed": (mixed(1, 2000), answered(mixed(1, 2000))),
    "one row": (mixed(1, 1), answered(mixed(1, 1))),
    "two rows": (mixed(1, 2), ()),
    "one column": (mixed(1, 500)[:, :1], ()),
    "constant columns": (np.tile([3.0, 0.0, -1e12], (300, 1)), ()),
    "one constant column": (np.column_stack([mixed(1, 300)[:, 0], np.full(300, 7.0)]), ()),
    "the same column twice": (np.repeat(mixed(1, 500)[:, :1], 2, axis=1), ()),
    "categories only": (np.random.default_rng(1).choice(CITIES, (500, 3)), answered(np.random.default_rng(1).random((500, 3)))),
    "all missing": (np.full((200, 3), np.nan), ()),
    "a column all missing": (np.column_stack([mixed(1, 300)[:, 0], np.full(300, np.nan)]), ()),
    "rows all missing": (np.where(np.arange(400)[:, None] % 4 == 0, np.nan, mixed(1, 400)), answered(mixed(1, 400))),
    "wild": (wild(500, 4), ()),
    "huge numbers": (np.random.default_rng(1).choice([-1.7e308, 1.7e308], (300, 2)), ()),
    "tiny numbers": (np.random.default_rng(1).standard_normal((300, 2)) * 1e-300, ()),
    "more columns than rows": (np.random.default_rng(1).standard_normal((120, 200)), ()),
    "single class": (mixed(1, 500), [(Meaning.PROBABILITY, np.ones((500, 1))), (Meaning.LABEL, np.zeros(500))]),
    "one class of two": (mixed(1, 500), [(Meaning.PROBABILITY, np.tile([1.0, 0.0], (500, 1)))]),
    "regression": (mixed(1, 500), [(Meaning.VALUE, mixed(1, 500)[:, 0])]),
    "constant regression": (mixed(1, 500), [(Meaning.VALUE, np.full(500, 3.0))]),
    "regression of nothing": (mixed(1, 500), [(Meaning.VALUE, np.full(500, np.nan))]),
    "several targets": (mixed(1, 500), [(Meaning.VALUE, mixed(1, 500))]),
    "answers of many dimensions": (mixed(1, 500), [(Meaning.PROBABILITY, np.ones((500, 2, 3)) / 2)]),
    "answers of no columns": (mixed(1, 500), [(Meaning.PROBABILITY, np.empty((500, 0)))]),
    "not summing to one": (mixed(1, 500), [(Meaning.PROBABILITY, 5 * probabilities(mixed(1, 500)))]),
    "not a number": (mixed(1, 500), [(Meaning.PROBABILITY, np.full((500, 3), np.nan))]),
    "logarithms": (mixed(1, 500), [(Meaning.LOG_PROBABILITY, np.where(probabilities(mixed(1, 500)) > 0.4, 0.0, -np.inf))]),
    "margins": (mixed(1, 500), [(Meaning.MARGIN, mixed(1, 500)[:, 0])]),
    "raw": (mixed(1, 500), [(Meaning.RAW, mixed(1, 500))]),
    "a thousand classes": (mixed(1, 500), answered(mixed(1, 500), 1000)),
}


@pytest.mark.parametrize("table", TABLES)
def test_any_table_has_a_geometry_and_any_row_a_place_in_it(table: str):
    rows, answers = TABLES[table]

    geometry = of(rows, answers)

    sound(geometry)
    judged(geometry, rows)
    judged(geometry, wild(100, rows.shape[1]))


def test_five_thousand_columns_are_projected_and_distances_stay(tmp_path: Path):
    rng = np.random.default_rng(1)
    rows = rng.standard_normal((150, 5000))

    geometry = of(rows)

    sound(geometry)
    judged(geometry, wild(10, 5000))
    assert len(geometry.names) == 5000
    z = geometry.standardised(rows)
    e = geometry.embedded(z)
    assert e.shape == (150, DIMENSIONS)
    ratio = np.linalg.norm(e[:75] - e[75:], axis=1) / np.linalg.norm(z[:75] - z[75:], axis=1)
    assert 0.6 < ratio.min() < ratio.max() < 1.4
    Reference.of_matrix(rows, names(5000), None, created=0.0).save(tmp_path / "m.ref")
    loaded = Reference.load(tmp_path / "m.ref").geometry
    assert loaded is not None
    np.testing.assert_array_equal(loaded.embedded(loaded.standardised(rows)), e)  # the projection is not in the file


def test_at_most_so_many_columns_are_looked_at():
    assert len(of(np.ones((3, MAX_COLUMNS + 5))).names) == MAX_COLUMNS


def test_no_value_of_a_row_is_in_it_as_it_was():
    rows = 1000 + 17 * np.random.default_rng(1).standard_normal((2000, 3))
    geometry = of(rows)

    kept = np.concatenate([getattr(geometry, f.name).ravel() for f in fields(geometry) if f.name.startswith("core")])

    assert not np.isin(np.round(rows, 6), np.round(kept, 6)).any()


def test_missing_is_in_the_middle_and_what_is_far_is_at_the_edge():
    geometry = of(np.random.default_rng(1).standard_normal((500, 3)))

    [row] = geometry.standardised(np.array([[np.nan, np.inf, -1e9]])).tolist()

    assert row == [0.0, FURTHEST, -FURTHEST]


def test_a_level_that_nobody_had_is_further_than_the_rarest():
    rows = np.random.default_rng(1).choice(CITIES, (2000, 1), p=[0.5, 0.3, 0.15, 0.05])
    geometry = of(rows)

    places = geometry.places(0, np.array([*CITIES, NEW, np.nan]))

    assert places.tolist()[:5] == [0.0, 1.0, 2.0, 3.0, 5.0]
    assert np.isnan(places[5])
    assert geometry.unseen(np.array([[NEW], [CITIES[0]], [np.nan]])).ravel().tolist() == [True, False, False]


def test_numbers_that_are_codes_are_categories_when_they_are_named():
    rows = np.random.default_rng(1).integers(0, 4, (500, 2)).astype(np.float64)

    geometry = of(rows, categorical=("x1",))

    assert np.diff(geometry.level_starts).tolist() == [0, 4]
    assert np.isinf(geometry.low[1])
    assert geometry.low[0] == 0


def test_a_hundredth_beyond_the_range_is_beyond_and_a_row_of_the_reference_is_not():
    rows = np.random.default_rng(1).uniform(0, 10, (3000, 2))
    geometry = of(rows)

    beyond = geometry.beyond(np.array([[5.0, 5.0], [5.0, 10.2], [-10.0, 5.0], [np.nan, 5.0]]))

    assert beyond[[0, 3]].tolist() == [0, 0]
    assert beyond[1] == pytest.approx(0.02, abs=0.005)
    assert beyond[2] == pytest.approx(1.0, abs=0.01)


def test_the_spacing_is_that_of_the_rows():
    rows = np.random.default_rng(1).uniform(0, 1, (8000, 3))

    geometry = of(rows)

    sd, others = 12**-0.5, 4800
    assert geometry.spacing == pytest.approx((np.log(2) * 3 / (4 * np.pi * others)) ** (1 / 3) / sd, rel=0.1)
    assert geometry.spread == pytest.approx(0.6617 / sd, rel=0.05)  # Robbins' constant is its mean


def test_repeated_rows_do_not_make_the_spacing_nought():
    once = np.random.default_rng(1).standard_normal((1000, 4))

    assert of(np.repeat(once, 4, axis=0)).spacing > 0.5 * of(once).spacing


P_VALUES: dict[str, Callable[[Geometry, Floats], Floats]] = {
    "novelty": lambda g, x: upper(g.near_known, np.sqrt(g.squares_to_core(g.embedded(g.standardised(x))).min(axis=1))),
    "mahalanobis": lambda g, x: upper(g.mahalanobis_known, g.mahalanobis(g.embedded(g.standardised(x)))),
    "class": lambda g, x: upper(
        g.class_known,
        g.class_mahalanobis(
            g.embedded(g.standardised(x)), labels_of(Meaning.PROBABILITY, probabilities(x), g.value_edges)
        ),
    ),
    "range": lambda g, x: upper(g.range_known, g.beyond(x)),
    "z": lambda g, x: upper(g.z_known, np.abs(g.standardised(x)).max(axis=1)),
    "margin": lambda g, x: lower(g.margins_known(Meaning.PROBABILITY), margins_of(Meaning.PROBABILITY, probabilities(x))),
}  # fmt: skip


@pytest.mark.parametrize("n", [500, 12_000])
@pytest.mark.parametrize("statistic", P_VALUES)
def test_p_values_of_rows_that_were_held_out_are_valid(statistic: str, n: int):
    live = mixed(77, 20_000)
    known = min(4000, 2 * n // 5)

    for seed in (1, 2, 3):
        p = P_VALUES[statistic](of(mixed(seed, n), answered(mixed(seed, n))), live)
        for alpha in (0.01, 0.05, 0.2, 0.5):
            error = np.sqrt(alpha * (1 - alpha) * (1 / known + 1 / len(live)))
            assert (p <= alpha).mean() <= alpha + 4 * error, (seed, alpha)
            if statistic in ("novelty", "mahalanobis", "margin"):  # others have ties, and are conservative
                assert (p <= alpha).mean() >= alpha - 4 * error - 1 / known, (seed, alpha)


@pytest.mark.parametrize("statistic", ["novelty", "mahalanobis", "class", "range", "z"])
def test_rows_from_elsewhere_are_rare(statistic: str):
    geometry = of(mixed(1, 5000), answered(mixed(1, 5000)))
    away = mixed(2, 500)
    away[:, [0, 1, 5]] = 8.0

    assert np.median(P_VALUES[statistic](geometry, away)) < 0.005


def test_what_breaks_a_correlation_is_rare_though_every_value_is_ordinary():
    geometry = of(mixed(1, 5000), answered(mixed(1, 5000)))
    broken = mixed(2, 500)
    broken[:, 1] = -broken[:, 0]
    broken = broken[np.abs(broken[:, 0]) > 1]

    assert np.median(P_VALUES["mahalanobis"](geometry, broken)) < 0.01
    assert np.median(P_VALUES["range"](geometry, broken)) > 0.5


def test_conformal_p_values_by_hand():
    known = np.array([1.0, 2.0, 2.0, 5.0])

    assert upper(known, np.array([0.0, 2.0, 3.0, 9.0, np.nan])).tolist() == [1.0, 0.8, 0.4, 0.2, 1.0]
    assert lower(known, np.array([0.0, 2.0, 3.0, 9.0, np.nan])).tolist() == [0.2, 0.8, 0.8, 1.0, 1.0]
    assert upper(np.empty(0), np.array([1.0])).tolist() == lower(np.empty(0), np.array([1.0])).tolist() == [1.0]


def test_classes_of_few_rows_have_no_shape_of_their_own():
    x = mixed(1, 2000)
    label = np.where(np.arange(2000) % 100 == 0, 1.0, 0.0)

    geometry = of(x, [(Meaning.LABEL, label)])

    assert geometry.class_labels.tolist() == [0]
    assert np.isnan(geometry.class_mahalanobis(geometry.embedded(geometry.standardised(x[:2])), np.array([1, UNKNOWN]))).all()
