"""Sketches: of any split of the rows the sum is the sketch of the whole, to the last bit."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.detectors.streams import COUNTRY, DAY, DISTANCE, NEW_YEAR, TEMP, moments, reference, table

from otel_mlsec.arrays import Floats
from otel_mlsec.detectors.drift.summed import effects
from otel_mlsec.finding import Severity
from otel_mlsec.observation import text_code
from otel_mlsec.reference import sketch as module
from otel_mlsec.reference.sketch import UNTIMED, Counting, Sketch, merged

REFERENCE = reference()
DIGEST = "ab" * 32
N = 3000


def of(rows: Floats, times: Floats | None = None) -> Sketch:
    counting = Counting(REFERENCE.inputs, DIGEST)
    counting.add(rows, times)
    return counting.sketch()


def same(one: Sketch, other: Sketch) -> bool:
    return all(np.array_equal(getattr(one, f.name), getattr(other, f.name)) for f in fields(Sketch))


def wild(seed: int) -> Floats:
    rows = table(seed, N)
    rng = np.random.default_rng(seed)
    odd = np.array([np.nan, np.inf, -np.inf, 1e308, -1e308, 5e-324, text_code("x"), 0.1])
    return np.where(rng.random(rows.shape) < 0.3, rng.choice(odd, rows.shape), rows)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 5), cuts=st.lists(st.integers(0, N), max_size=6), turned=st.randoms(), timed=st.booleans())
def test_however_the_rows_are_split_the_sum_is_the_whole(seed: int, cuts: list[int], turned: object, timed: bool):
    rows, times = wild(seed), moments(N)
    order = np.random.default_rng(getattr(turned, "randrange")(1000)).permutation(N)  # noqa: B009 - hypothesis' own Random
    whole = of(rows, times if timed else None)

    parts = [part for part in np.split(order, sorted(cuts)) if len(part)]
    sketches = [of(rows[part], times[part] if timed else None) for part in parts]
    at_once = Counting(REFERENCE.inputs, DIGEST)
    for part in parts:
        at_once.add(rows[part], times[part] if timed else None)

    assert same(merged(sketches), whole)
    assert same(merged([sketches[-1], merged(sketches[:-1])] if len(sketches) > 1 else sketches), whole)
    assert same(at_once.sketch(), whole)
    assert whole.n_rows == N
    assert (whole.cycles.tolist() == [UNTIMED]) is not timed


def test_the_sum_is_judged_as_the_whole_and_says_what_changed_by_how_much_and_since_when():
    rows, times = table(3, 4000), moments(4000)
    rows[2000:, TEMP] += 8.0  # one standard deviation, from the eleventh day on

    found = effects(REFERENCE, merged([of(rows[i::3], times[i::3]) for i in range(3)]))

    assert found == effects(REFERENCE, of(rows, times))
    assert [each.effect.column for each in found if each.effect.shown] == ["temp"]
    temp = found[0]
    assert temp.cycle == NEW_YEAR // DAY + 10
    assert temp.effect.rows == 2000
    assert abs(temp.effect.shift_sd - 1.0) < 0.05
    assert abs(temp.effect.shift - 8.0) < 0.4
    assert temp.effect.severity >= Severity.HIGH
    assert temp.effect.since == times[2000]


def test_the_reference_itself_has_not_changed():
    rows = table(1, 12_000)

    assert not any(each.effect.shown for each in effects(REFERENCE, of(rows, moments(12_000))))
    assert not any(each.effect.shown for each in effects(REFERENCE, of(rows)))


def test_it_comes_back_from_its_file_as_it_was(tmp_path: Path):
    sketch = of(wild(1), moments(N))
    sketch.save(tmp_path / "a.sketch", key=b"a key of sixteen bytes")

    assert same(Sketch.load(tmp_path / "a.sketch", key=b"a key of sixteen bytes"), sketch)
    with pytest.raises(ValueError, match="signed with another key"):
        Sketch.load(tmp_path / "a.sketch", key=b"another key, also long")
    REFERENCE.save(tmp_path / "m.ref")
    with pytest.raises(ValueError, match="is not a sketch of otel-mlsec"):
        Sketch.load(tmp_path / "m.ref")


SKETCH = of(table(1, 500), moments(500))
LIES = {
    "a negative count": replace(SKETCH, counts=SKETCH.counts - 1),
    "rows in one column only": replace(SKETCH, counts=SKETCH.counts + (np.arange(6) == 2)[:, None]),
    "more than anybody has": replace(SKETCH, counts=SKETCH.counts + (1 << 50)),
    "a sum that is too large": replace(SKETCH, shifts=np.full_like(SKETCH.shifts, np.iinfo(np.int64).min)),
    "days out of order": replace(SKETCH, cycles=SKETCH.cycles[::-1].copy()),
    "times that are none": replace(SKETCH, spans=SKETCH.spans * np.nan),
    "fewer columns": replace(SKETCH, shifts=SKETCH.shifts[:, 1:].copy()),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_file_that_does_not_fit_itself_is_refused(tmp_path: Path, lie: str):
    LIES[lie].save(tmp_path / "a.sketch")

    with pytest.raises(ValueError, match="is damaged"):
        Sketch.load(tmp_path / "a.sketch")


def test_sketches_of_different_references_are_not_added():
    with pytest.raises(ValueError, match="different references"):
        merged([SKETCH, replace(SKETCH, reference="cd" * 32)])
    with pytest.raises(ValueError, match="no sketch"):
        merged([])
    with pytest.raises(ValueError, match="not of this reference"):
        effects(replace(REFERENCE, inputs=REFERENCE.inputs[1:]), SKETCH)


def test_cycles_and_rows_are_bounded(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ValueError, match="at most 1,000 cycles"):
        of(table(1, 1200), NEW_YEAR + np.arange(1200) * DAY)
    monkeypatch.setattr(module, "MOST_ROWS", 800)
    with pytest.raises(ValueError, match="at most 800 rows"):
        merged([SKETCH, SKETCH])


def test_no_value_of_a_row_is_in_the_file(tmp_path: Path):
    rows = table(1, 500)
    rows[:, DISTANCE] = 1234.5678
    rows[:, COUNTRY] = text_code("secret")
    of(rows, moments(500)).save(tmp_path / "a.sketch")

    held = (tmp_path / "a.sketch").read_bytes()

    for secret in (b"secret", np.float64(1234.5678).tobytes(), np.float64(text_code("secret")).tobytes()):
        assert secret not in held
