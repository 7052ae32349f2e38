"""What every detector keeps to; one is covered by being listed in `detectors.TABLE`."""

from __future__ import annotations

import gc
import io
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import FunctionType, ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.detectors import streams
from tests.detectors.streams import COUNTRY, DEFAULTS, DISTANCE, GATE, NAMES, TEMP, WIND, answers, batch, moments, serve

from otel_mlsec.arrays import Floats
from otel_mlsec.detector import Detector, State
from otel_mlsec.detectors import TABLE
from otel_mlsec.observation import Batch, Meaning, text_code

ROOT = Path(__file__).parents[2]
A_COLUMN = 24 << 10  # bytes of state that a column may take, whatever comes
ROWS = ("drift/data", "drift/facts", "drift/prediction")
REFERENCE = streams.reference()

every_detector = pytest.mark.parametrize("row", list(TABLE))


def fresh(row: str) -> Detector:
    module, _, name = TABLE[row].partition(":")
    built: Detector | None = getattr(import_module(module), name).build(REFERENCE, DEFAULTS)
    assert built is not None, f"{row} is not served by the reference of these tests: give it what it needs"
    return built


def traffic(kind: str, seed: int, n: int, first_row: int = 0) -> Floats:
    """Rows of a kind that moves every part of a detector's state."""
    rows = streams.table(seed, n, first_row=first_row)
    match kind:
        case "clean":
            pass
        case "shifted":
            rows[:, [TEMP, DISTANCE]] *= 2.0
            rows[:, WIND] = np.nan
        case "repeated":
            rows[1:] = rows[:-1]
        case "flood":  # every cell is new
            rows[:] = np.arange(rows.size).reshape(rows.shape) * 1e3 + seed
            rows[:, COUNTRY] = [text_code(f"{seed} {i}") for i in range(n)]
        case "wild":
            rng = np.random.default_rng(seed)
            wild = np.array([np.nan, np.inf, -np.inf, 1e308, -1e308, 0.0, 5e-324, text_code("x"), -(2.0**53)])
            rows = np.where(rng.random(rows.shape) < 0.5, rng.choice(wild, rows.shape), rows)
        case _:
            raise ValueError(kind)
    return rows


KINDS = ("clean", "shifted", "repeated", "flood", "wild")


def learned(row: str, pieces: list[tuple[str, int, int]]) -> State:
    detector = fresh(row)
    at = 0
    for kind, seed, n in pieces:
        serve(detector, traffic(kind, seed, n, at), first_row=at)
        at += n
    return detector.snapshot()


def merged(row: str, *states: State) -> State:
    detector = fresh(row)
    detector.restore(states[0])
    for state in states[1:]:
        detector.merge(state)
    return detector.snapshot()


def same(left: State, right: State, *, rtol: float = 0.0) -> None:
    assert left.keys() == right.keys()
    for name in left:
        np.testing.assert_allclose(left[name], right[name], rtol=rtol, err_msg=name)


def size(state: State) -> int:
    return sum(part.nbytes for part in state.values())


def weight(whole: object) -> int:
    """Bytes of an object and of all that it reaches; of a view, its whole base."""
    seen: set[int] = set()
    waiting, total = [whole], 0
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, type | ModuleType | FunctionType):
            continue
        seen.add(id(one))
        if isinstance(one, np.ndarray):
            base = one.base
            total += sys.getsizeof(one) if base is None else 0
            waiting += [] if base is None else [base]
            continue
        total += sys.getsizeof(one)
        waiting += gc.get_referents(one)
    return total


def test_the_table_is_the_one_that_these_tests_know():
    assert sorted(TABLE) == sorted(ROWS)  # a new row: see that `traffic` moves its state, then add its name


@every_detector
def test_names_itself_as_its_row(row: str):
    assert fresh(row).name == row


@every_detector
def test_findings_exist_for_reason_and_carry_numbers_that_a_person_can_check(row: str):
    found = serve(fresh(row), traffic("shifted", 1, 4000), first_row=0)

    assert found
    for finding in found:
        assert finding.score >= finding.threshold > 0
        assert finding.detector == row
        assert finding.first_seen <= finding.time
        assert finding.call == 0
        assert finding.count > 0
        assert finding.evidence["reference"] == "fitted"
        assert all(np.isfinite(v) for v in finding.evidence.values() if isinstance(v, float))


@every_detector
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_rows_give_the_same_findings_and_state(row: str, kind: str):
    one, two = fresh(row), fresh(row)

    assert serve(one, traffic(kind, 3, 3000)) == serve(two, traffic(kind, 3, 3000))
    same(one.snapshot(), two.snapshot())


@every_detector
@pytest.mark.parametrize("kind", KINDS)
def test_the_batch_is_not_changed_and_no_part_of_it_is_kept(row: str, kind: str):
    detector, twin = fresh(row), fresh(row)
    rows = traffic(kind, 4, 1000)
    given_rows, given_times, given_answers = rows.copy(), moments(1000), answers(rows)
    asked = batch(given_rows, given_times, outputs=given_answers)

    detector.update(asked)

    np.testing.assert_array_equal(given_rows, rows)
    np.testing.assert_array_equal(given_times, moments(1000))
    np.testing.assert_array_equal(given_answers, answers(rows))
    for array in (given_rows, given_times, given_answers):
        array[:] = 7.0
    twin.update(batch(rows, moments(1000), outputs=answers(rows)))
    same(detector.snapshot(), twin.snapshot())
    assert serve(detector, rows, first_row=1000) == serve(twin, rows, first_row=1000)


@every_detector
def test_snapshot_stays_as_taken_and_is_nobodys_memory(row: str):
    detector = fresh(row)
    serve(detector, traffic("shifted", 5, 1500))
    taken = detector.snapshot()
    kept = {name: part.copy() for name, part in taken.items()}

    serve(detector, traffic("clean", 6, 3000), first_row=1500)
    same(taken, kept)

    before = detector.snapshot()
    for part in detector.snapshot().values():
        part[...] = 0
    same(detector.snapshot(), before)


@every_detector
@pytest.mark.parametrize("kind", KINDS)
def test_restored_from_arrays_in_a_file_it_goes_on_as_if_nothing_had_been(row: str, kind: str):
    detector, restored = fresh(row), fresh(row)
    serve(detector, traffic(kind, 7, 1500))
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **detector.snapshot())
    file.seek(0)
    with np.load(file, allow_pickle=False) as archive:
        state = {name: archive[name] for name in archive.files}
    restored.restore(state)

    for part in state.values():  # what was restored is a copy, too
        part[...] = 0
    same(restored.snapshot(), detector.snapshot())
    for then in ("shifted", "clean"):
        rows = traffic(then, 8, 3000, 1500)
        assert serve(restored, rows, first_row=1500) == serve(detector, rows, first_row=1500)
    same(restored.snapshot(), detector.snapshot())
    assert restored.scores() == detector.scores()


@every_detector
@pytest.mark.parametrize("kind", ["flood", "shifted", "changing"])
def test_memory_is_bounded_whatever_comes(row: str, kind: str):
    detector = fresh(row)
    born = weight(detector)

    for i in range(20):
        piece = ("shifted", "clean", "flood", "wild")[i % 4] if kind == "changing" else kind
        serve(detector, traffic(piece, i, 10_000), size=1000, first_row=10_000 * i)

    assert size(detector.snapshot()) <= A_COLUMN * len(NAMES)
    assert weight(detector) - born <= A_COLUMN * len(NAMES)


@every_detector
def test_a_large_batch_is_not_kept_alive(row: str):
    detector = fresh(row)
    born = weight(detector)
    rows = traffic("shifted", 1, 100_000)

    detector.update(batch(rows, outputs=answers(rows)))

    assert weight(detector) - born <= A_COLUMN * len(NAMES)


@every_detector
def test_many_states_merge_within_the_bound(row: str):
    detector = fresh(row)
    for seed in range(6):
        detector.merge(learned(row, [("clean", seed, 20_000)]))
    assert size(detector.snapshot()) <= A_COLUMN * len(NAMES)
    serve(detector, traffic("clean", 7, 100), first_row=20_000)

    assert size(detector.snapshot()) <= A_COLUMN * len(NAMES)


@every_detector
def test_cutting_the_rows_into_other_batches_changes_nothing(row: str):
    rows = np.concatenate([traffic("clean", 1, 1000), traffic("shifted", 2, 3000, 1000)])
    small, large = fresh(row), fresh(row)

    found = serve(small, rows, size=37), serve(large, rows, size=1900)

    assert [f.subject for f in found[0]] == [f.subject for f in found[1]]
    same(small.snapshot(), large.snapshot(), rtol=1e-4)  # of float32 ratios that are multiplied in other shapes


parts = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 5), st.integers(0, 700)), max_size=3)


@every_detector
@settings(max_examples=12, deadline=None)
@given(a=parts, b=parts)
def test_merging_is_commutative(row: str, a: list[tuple[str, int, int]], b: list[tuple[str, int, int]]):
    left, right = learned(row, a), learned(row, b)

    same(merged(row, left, right), merged(row, right, left), rtol=1e-12)


@every_detector
@settings(max_examples=12, deadline=None)
@given(a=parts, b=parts, c=parts)
def test_merging_is_associative(
    row: str, a: list[tuple[str, int, int]], b: list[tuple[str, int, int]], c: list[tuple[str, int, int]]
):
    one, two, three = learned(row, a), learned(row, b), learned(row, c)

    same(merged(row, merged(row, one, two), three), merged(row, one, merged(row, two, three)), rtol=1e-9)


@every_detector
@settings(max_examples=12, deadline=None)
@given(a=parts)
def test_a_fresh_state_merges_as_nothing(row: str, a: list[tuple[str, int, int]]):
    state, nothing = learned(row, a), fresh(row).snapshot()

    same(merged(row, state, nothing), state)
    same(merged(row, nothing, state), state)


def odd_batches() -> list[Batch]:
    rows = streams.table(9, 10)
    probabilities = answers(rows)
    few = rows[:, :2]
    return [
        batch(rows[:0], outputs=probabilities[:0]),
        batch(None, moments(10), outputs=None),
        batch(None, moments(10), outputs=probabilities),
        batch(rows, outputs=None),
        batch(rows, outputs=np.empty((10, 0))),
        batch(rows, outputs=probabilities.reshape(10, 2, 1)),
        batch(rows, outputs=np.ones((10, 1000)), classes=()),
        batch(rows, outputs=np.full((10, 2), np.nan)),
        batch(rows, outputs=np.full((10, 2), -np.inf), meaning=Meaning.LOG_PROBABILITY),
        batch(rows, outputs=np.full((10, 2), 1e308), meaning=Meaning.LOG_PROBABILITY),
        batch(rows, outputs=probabilities, meaning=Meaning.RAW),
        batch(rows, outputs=np.full((10, 1), -1.0), meaning=Meaning.LABEL),
        batch(np.full(rows.shape, np.nan)),
        batch(np.full(rows.shape, np.inf)),
        batch(np.full(rows.shape, text_code("surprise"))),
        batch(few, features=NAMES[:2]),
        batch(few, features=("other", "names")),
        batch(few, features=()),
        batch(np.empty((10, 0)), features=()),
        batch(rows, features=("gate",) * 6),
        batch(np.column_stack([rows, rows]), features=(*NAMES, *(f"new {n}" for n in NAMES))),
        batch(rows[:, ::-1], features=NAMES[::-1]),
        batch(np.ones((10, 100_000)), features=()),
        batch(np.asfortranarray(rows)),
        batch(rows, np.full(10, -1e18)),
        batch(rows, np.full(10, 1e18)),
        batch(rows, moments(10)[::-1]),
    ]


@every_detector
@pytest.mark.parametrize("number", range(len(odd_batches())))
def test_odd_input_raises_nothing_and_the_next_batch_is_served(row: str, number: int):
    detector = fresh(row)

    detector.update(odd_batches()[number])

    detector.scores()
    assert serve(detector, traffic("shifted", 1, 4000), first_row=400), "what came first must not blind it"


@every_detector
def test_an_empty_batch_leaves_the_state_alone(row: str):
    detector = fresh(row)
    serve(detector, traffic("clean", 1, 500))
    before = detector.snapshot()

    assert detector.update(odd_batches()[0]) == []

    same(detector.snapshot(), before)


POISONED = """
import builtins, os, random, secrets, sys, time
import numpy as np
from tests.detectors.test_contract import TABLE, fresh, serve, traffic

detectors = {row: fresh(row) for row in TABLE}
rows = traffic("shifted", 1, 3000)
new_generator = np.random.default_rng

def touched(*_, **__):
    raise AssertionError("a detector reached outside of its batch")

def seeded(seed=None):
    return touched() if seed is None else new_generator(seed)

class Nothing(dict):
    __getitem__ = get = __contains__ = __iter__ = touched

for name in ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "localtime", "gmtime", "sleep"):
    setattr(time, name, touched)
for module in (random, np.random, secrets):
    for name in ("random", "randint", "choice", "rand", "randn", "normal", "seed", "token_bytes", "shuffle", "permutation"):
        if hasattr(module, name):
            setattr(module, name, touched)
np.random.default_rng = seeded
os.urandom = os.getenv = builtins.open = touched
os.environ = Nothing()
found = {row: len(serve(d, rows)) for row, d in detectors.items()}
for detector in detectors.values():
    detector.merge(detector.snapshot()), detector.restore(detector.snapshot()), detector.scores()
sys.stdout.write(repr(found))
"""


def test_no_detector_reads_a_clock_the_environment_files_or_chance():
    done = subprocess.run([sys.executable, "-c", POISONED], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)

    assert done.returncode == 0, done.stderr
    assert done.stdout == repr({row: len(serve(fresh(row), traffic("shifted", 1, 3000))) for row in TABLE})


@pytest.mark.parametrize("row", ["drift/data", "drift/prediction"])
def test_two_halves_of_a_stream_hold_the_evidence_and_the_counts_of_both(row: str):
    rows = traffic("clean", 1, 6400)
    a, b, whole = fresh(row), fresh(row), fresh(row)
    serve(a, rows[:3200]), serve(b, rows[3200:], first_row=3200), serve(whole, rows)
    one, two, all_of_it = a.snapshot(), b.snapshot(), whole.snapshot()

    together = merged(row, one, two)

    for name in (n for n in together if n.endswith("evidence")):
        np.testing.assert_allclose(together[name], np.add(one[name], two[name]))
    for name in (n for n in together if n.endswith("history.counts")):
        np.testing.assert_array_equal(together[name].sum(axis=0), all_of_it[name].sum(axis=0))


def test_facts_of_two_halves_of_a_day_are_the_facts_of_the_day():
    rows = streams.table(1, streams.ROWS_A_DAY)
    rows[::50, GATE] = 99.0
    a, b, whole = fresh("drift/facts"), fresh("drift/facts"), fresh("drift/facts")
    serve(a, rows[:100]), serve(b, rows[100:], first_row=100), serve(whole, rows)
    all_of_it = whole.snapshot()

    together = merged("drift/facts", a.snapshot(), b.snapshot())

    for name in ("cycle", "rows", "counts", "first", "repeated"):
        np.testing.assert_array_equal(together[name], all_of_it[name], err_msg=name)
