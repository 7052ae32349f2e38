"""What every detector keeps to; one is covered by being listed in `detectors.TABLE`."""

from __future__ import annotations

import gc
import io
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import FunctionType, ModuleType
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.detectors import streams
from tests.detectors.streams import (
    COUNTRIES,
    COUNTRY,
    DAY,
    DEFAULTS,
    DISTANCE,
    GATE,
    MONTH,
    NAMES,
    ROWS_A_DAY,
    TEMP,
    WIND,
    answers,
    batch,
    moments,
)

from otel_mlsec.arrays import Floats
from otel_mlsec.detector import Detector, Mergeable, State
from otel_mlsec.detectors import TABLE
from otel_mlsec.finding import Finding, Status
from otel_mlsec.observation import Batch, Meaning, text_code
from otel_mlsec.reference.reference import Reference

ROOT = Path(__file__).parents[2]
A_COLUMN = 24 << 10  # bytes of state that drift of a column may take, whatever comes
MiB = 1 << 20
REFERENCE = streams.reference()
BY_DAY = streams.reference(by_day=True)
SHUFFLED = streams.reference(timed=False, by_day=True, shuffled=True)


@dataclass(frozen=True, kw_only=True)
class Law:
    """What holds for one row of the table."""

    told: str  # kind of `traffic` that it must have findings of
    state: int  # bytes that a snapshot has at most
    grows: int  # bytes by which it may become heavier than it was born
    behind: tuple[str, ...] = ()  # rows whose work it reads of the batch, in the order of the table
    pace: float = 1.0  # s from row to row
    exact: bool = False  # do batches that are cut elsewhere give the same findings at the same rows, and the same state?
    merges: bool = False
    reference: Reference = field(default=REFERENCE, repr=False)


DRIFT = Law(
    told="shifted", state=A_COLUMN * len(NAMES), grows=A_COLUMN * len(NAMES), pace=DAY / ROWS_A_DAY, exact=True, merges=True
)
NEAR, ACCOUNT = "evasion/near_duplicate", "extraction/account"
LAWS = {
    "drift/facts": DRIFT,
    "drift/data": DRIFT,
    "drift/cycle": Law(
        told="shifted", state=6 * A_COLUMN, grows=6 * A_COLUMN, pace=DAY / ROWS_A_DAY, exact=True, reference=BY_DAY
    ),
    "drift/anchor": Law(
        told="shifted",
        state=3 * A_COLUMN * len(NAMES),
        grows=3 * A_COLUMN * len(NAMES),
        pace=DAY / ROWS_A_DAY,
        exact=True,
        reference=SHUFFLED,
    ),
    "drift/joint": Law(  # six pairs of four columns
        told="coupled", state=A_COLUMN * 10, grows=A_COLUMN * 10, pace=DAY / ROWS_A_DAY, exact=True, merges=True
    ),
    "drift/prediction": DRIFT,
    "drift/performance": DRIFT,
    NEAR: Law(told="attack", state=24 * MiB, grows=2 * MiB),
    "anomaly/input": Law(told="attack", state=MiB, grows=2 * MiB),
    ACCOUNT: Law(told="extraction", state=40 * MiB, grows=2 * MiB, behind=(NEAR,)),
    "extraction/volume": Law(told="rush", state=8 * MiB, grows=2 * MiB, pace=10.0),
    "evasion/sequence": Law(told="attack", state=MiB, grows=2 * MiB, behind=(NEAR, ACCOUNT)),
    "extraction/coordinated": Law(told="attack", state=2 * MiB, grows=2 * MiB, behind=(NEAR, ACCOUNT)),
}
ROWS = [row for row in TABLE if row in LAWS]
MERGE = [row for row in ROWS if LAWS[row].merges]

every_detector = pytest.mark.parametrize("row", ROWS)
every_that_merges = pytest.mark.parametrize("row", MERGE)


class Chain:
    """A detector behind those whose work it reads: they see the same batch first, and only its own findings count."""

    def __init__(self, parts: Sequence[Detector]) -> None:
        self.parts = parts
        self.last = parts[-1]
        self.name = self.last.name

    def update(self, batch: Batch) -> list[Finding]:
        return [part.update(batch) for part in self.parts][-1]

    def scores(self) -> Mapping[str, float]:
        return self.last.scores()

    def snapshot(self) -> State:
        before = {f"{part.name}:{name}": array for part in self.parts[:-1] for name, array in part.snapshot().items()}
        return before | self.last.snapshot()

    def restore(self, state: State) -> None:
        for part in self.parts:
            prefix = "" if part is self.last else f"{part.name}:"
            part.restore({name.removeprefix(prefix): array for name, array in state.items() if name.startswith(prefix)})

    def merge(self, state: State) -> None:
        assert isinstance(self.last, Mergeable)
        self.last.merge(state)


def one(row: str) -> Detector:
    module, _, name = TABLE[row].partition(":")
    built: Detector | None = getattr(import_module(module), name).build(LAWS[row].reference, DEFAULTS)
    assert built is not None, f"{row} is not served by the reference of these tests: give it what it needs"
    return built


def fresh(row: str) -> Chain:
    return Chain([one(each) for each in (*LAWS[row].behind, row)])


class Traffic(NamedTuple):
    rows: Floats  # (n, 6)
    who: tuple[str, ...] = ()  # one a row, or () where nobody says

    def part(self, start: int, end: int) -> Traffic:
        return Traffic(self.rows[start:end], self.who[start:end])

    def batch(self, times: Floats) -> Batch:
        """One call; one a row where somebody says who asks, from a network of the name's first word."""
        rows = self.rows
        if not self.who:
            return batch(rows, times, outputs=answers(rows))
        sources = tuple((f"prefix:{name.partition('.')[0]}",) for name in self.who)
        return batch(rows, times, outputs=answers(rows), principals=self.who, calls=np.arange(len(rows)), sources=sources)


def attack(seed: int, n: int) -> Traffic:
    """By turns: one who asks rows from all over, a crowd that soon does it, too, probes around rows, and a walk far out."""
    rng = np.random.default_rng((17, seed))
    rows = rng.uniform([50, -20, 0, 0, 0, 1], [5000, 40, 50, 1, 4, 12], (n, 6))
    rows[:, [MONTH, GATE]] = np.round(rows[:, [MONTH, GATE]])
    rows[:, COUNTRY] = COUNTRIES[rng.integers(0, len(COUNTRIES), n)]
    kinds, turns = np.arange(n) % 4, np.arange(n) // 4
    centers = rng.uniform([300, 9.5, 0.5, 0, 0, 3], [2000, 10.5, 1.5, 1, 0, 9], (n // 160 + 1, 6))
    centers[:, COUNTRY] = COUNTRIES[0]
    numbers = [DISTANCE, TEMP, WIND, MONTH, GATE]
    moved = rng.standard_normal((n, 5)) * (turns % 40 > 0)[:, None]  # the first is the centre
    moved *= 0.2 * 0.93 ** (turns % 40)[:, None] / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-9)  # sd
    probes = kinds == 2
    rows[probes] = centers[turns[probes] // 40]
    rows[:, numbers] += np.where(probes[:, None], moved * [400, 8, 5, 0.5, 3.5], 0.0)
    far = kinds == 3
    rows[far, :3] = [4500, -12.5, 45] + rng.standard_normal((int(far.sum()), 3)) * [150, 3, 2]
    rows[far, 3:] = [0.0, COUNTRIES[4], 4.0]
    names = [
        ("box", f"crowd.{turn // 5}" if turn >= 50 else "box", f"probe.{turn % 3}", "walk")[kind]
        for kind, turn in zip(kinds.tolist(), turns.tolist(), strict=True)
    ]
    return Traffic(rows, tuple(names))


def traffic(kind: str, seed: int, n: int, first_row: int = 0) -> Traffic:
    """Rows of a kind that moves every part of a detector's state."""
    rows = streams.table(seed, n, first_row=first_row)
    who: tuple[str, ...] = ()
    match kind:
        case "clean":
            pass
        case "shifted":
            rows[:, [TEMP, DISTANCE]] *= 2.0
            rows[:, WIND] = np.nan
        case "coupled":  # temp goes with distance, and is distributed as ever
            rows[:, TEMP] = 10 + 0.7 * (rows[:, TEMP] - 10) + 8 * np.sqrt(0.51) * (np.log(rows[:, DISTANCE]) - 6.5) / 0.5
        case "repeated":
            rows[1:] = rows[:-1]
        case "flood":  # every cell is new, and so is whoever asks
            rows[:] = np.arange(rows.size).reshape(rows.shape) * 1e3 + seed
            rows[:, COUNTRY] = [text_code(f"{seed} {i}") for i in range(n)]
            who = tuple(f"flood.{seed}.{i}" for i in range(n))
        case "wild":
            rng = np.random.default_rng(seed)
            wild = np.array([np.nan, np.inf, -np.inf, 1e308, -1e308, 0.0, 5e-324, text_code("x"), -(2.0**53)])
            rows = np.where(rng.random(rows.shape) < 0.5, rng.choice(wild, rows.shape), rows)
            who = tuple(rng.choice(["", "a", "a.b", "\x00", "\ud800", "é" * 40, "z" * 3000], n).tolist())
        case "extraction":  # one of twenty principals is a thief
            who = tuple("box" if i % 20 == 0 else f"user.{i % 20}" for i in range(n))
            rows[::20] = attack(seed, 4 * len(rows[::20])).rows[::4]
        case "attack":  # every second row; the others are of ordinary accounts, some of them new
            evil = attack(seed, n - n // 2)
            rows[::2] = evil.rows
            who = tuple(evil.who[i // 2] if i % 2 == 0 else f"user.{i // 30 if i % 4 == 1 else i % 40}" for i in range(n))
        case "rush":  # of tenants who ask the same every hour, the last quarter is of one
            who = tuple(f"tenant.{i % 24 if i < n - n // 4 else 0}" for i in range(n))
        case _:
            raise ValueError(kind)
    return Traffic(rows, who)


KINDS = ("clean", "shifted", "coupled", "repeated", "flood", "wild", "extraction", "attack", "rush")


def times_of(row: str, n: int, first_row: int = 0) -> Floats:
    return streams.NEW_YEAR + (first_row + np.arange(n)) * LAWS[row].pace


def serve(detector: Chain, asked: Traffic, *, size: int = 64, first_row: int = 0) -> list[Finding]:
    """All findings of rows that come in batches of `size`, with the answers to them."""
    times = times_of(detector.name, len(asked.rows), first_row)
    found: list[Finding] = []
    for at in range(0, len(times), size):
        found += detector.update(asked.part(at, at + size).batch(times[at : at + size]))
    return found


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
        if left[name].dtype.kind in "SU" or np.array_equal(left[name], right[name]):
            np.testing.assert_array_equal(left[name], right[name], err_msg=name)
        else:
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
    assert sorted(TABLE) == sorted(LAWS)  # a new row: see that `traffic` moves its state, then add its law


@every_detector
def test_names_itself_as_its_row(row: str):
    assert one(row).name == row


@every_detector
def test_merges_iff_it_is_listed_to(row: str):
    assert isinstance(one(row), Mergeable) == LAWS[row].merges


@every_detector
def test_findings_exist_for_reason_and_carry_numbers_that_a_person_can_check(row: str):
    detector, asked = fresh(row), traffic(LAWS[row].told, 1, 4000)
    times = times_of(row, 4000)
    batches = [asked.part(at, at + 64).batch(times[at : at + 64]) for at in range(0, 4000, 64)]

    told = [(finding, each) for each in batches for finding in detector.update(each)]

    assert told
    for finding, each in told:
        assert finding.score >= finding.threshold > 0
        assert finding.detector == row
        assert finding.first_seen <= finding.time
        assert finding.status is Status.RESOLVED or finding.time in each.times[each.calls == finding.call]
        assert finding.count > 0
        assert finding.evidence["reference"] == "fitted"
        assert all(np.isfinite(v) for v in finding.evidence.values() if isinstance(v, float))


@every_detector
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_rows_give_the_same_findings_and_state(row: str, kind: str):
    left, right = fresh(row), fresh(row)

    assert serve(left, traffic(kind, 3, 3000)) == serve(right, traffic(kind, 3, 3000))
    same(left.snapshot(), right.snapshot())


@every_detector
@pytest.mark.parametrize("kind", KINDS)
def test_the_batch_is_not_changed_and_no_part_of_it_is_kept(row: str, kind: str):
    detector, twin = fresh(row), fresh(row)
    asked = traffic(kind, 4, 1000)
    given = asked.batch(moments(1000))
    assert given.inputs is not None
    assert given.outputs is not None
    arrays = (given.inputs, given.times, given.outputs, given.calls)
    before = [array.copy() for array in arrays]
    told = Traffic(asked.rows.copy(), asked.who)

    detector.update(given)

    for array, as_it_was in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, as_it_was)
        array[:] = 7
    twin.update(told.batch(moments(1000)))
    same(detector.snapshot(), twin.snapshot())
    assert serve(detector, told, first_row=1000) == serve(twin, told, first_row=1000)


@every_detector
def test_snapshot_stays_as_taken_and_is_nobodys_memory(row: str):
    detector = fresh(row)
    serve(detector, traffic(LAWS[row].told, 5, 1500))
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
    for then in (LAWS[row].told, "clean"):
        asked = traffic(then, 8, 3000, 1500)
        assert serve(restored, asked, first_row=1500) == serve(detector, asked, first_row=1500)
    same(restored.snapshot(), detector.snapshot())
    assert restored.scores() == detector.scores()


@every_detector
@pytest.mark.parametrize("kind", ["flood", "shifted", "changing"])
def test_memory_is_bounded_whatever_comes(row: str, kind: str):
    n = 10_000 if row.startswith("drift/") else 4000
    detector = fresh(row)
    born = weight(detector.last)

    for i in range(20):
        piece = ("shifted", "clean", "flood", "wild", "attack")[i % 5] if kind == "changing" else kind
        serve(detector, traffic(piece, i, n), size=1000, first_row=n * i)

    assert size(detector.last.snapshot()) <= LAWS[row].state
    assert weight(detector.last) - born <= LAWS[row].grows


@every_detector
def test_a_large_batch_is_not_kept_alive(row: str):
    detector = fresh(row)
    born = weight(detector.last)

    detector.update(traffic("shifted", 1, 100_000).batch(moments(100_000)))

    assert weight(detector.last) - born <= LAWS[row].grows


@every_that_merges
def test_many_states_merge_within_the_bound(row: str):
    detector = fresh(row)
    for seed in range(6):
        detector.merge(learned(row, [("clean", seed, 20_000)]))
    assert size(detector.snapshot()) <= LAWS[row].state
    serve(detector, traffic("clean", 7, 100), first_row=20_000)

    assert size(detector.snapshot()) <= LAWS[row].state


@every_detector
def test_cutting_the_rows_into_other_batches_changes_nothing(row: str):
    clean, then = traffic("clean", 1, 1000), traffic(LAWS[row].told, 2, 3000, 1000)
    asked = Traffic(np.concatenate([clean.rows, then.rows]), ("ann",) * 1000 + then.who if then.who else ())
    small, large = fresh(row), fresh(row)

    found = [[(f.principal, f.subject) for f in serve(each[0], asked, size=each[1])] for each in ((small, 37), (large, 1900))]

    if LAWS[row].exact:
        assert found[0] == found[1]
        same(small.snapshot(), large.snapshot(), rtol=1e-4)  # of float32 ratios that are multiplied in other shapes
    assert set(found[0]) == set(found[1])


parts = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 5), st.integers(0, 700)), max_size=3)


@every_that_merges
@settings(max_examples=12, deadline=None)
@given(a=parts, b=parts)
def test_merging_is_commutative(row: str, a: list[tuple[str, int, int]], b: list[tuple[str, int, int]]):
    left, right = learned(row, a), learned(row, b)

    same(merged(row, left, right), merged(row, right, left), rtol=1e-12)


@every_that_merges
@settings(max_examples=12, deadline=None)
@given(a=parts, b=parts, c=parts)
def test_merging_is_associative(
    row: str, a: list[tuple[str, int, int]], b: list[tuple[str, int, int]], c: list[tuple[str, int, int]]
):
    one, two, three = learned(row, a), learned(row, b), learned(row, c)

    same(merged(row, merged(row, one, two), three), merged(row, one, merged(row, two, three)), rtol=1e-9)


@every_that_merges
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
    assert serve(detector, traffic(LAWS[row].told, 1, 4000), first_row=400), "what came first must not blind it"


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
from tests.detectors.test_contract import LAWS, MERGE, ROWS, fresh, serve, traffic

detectors = {row: fresh(row) for row in ROWS}
asked = {row: traffic(LAWS[row].told, 1, 3000) for row in ROWS}
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
found = {row: len(serve(d, asked[row])) for row, d in detectors.items()}
for row, detector in detectors.items():
    detector.restore(detector.snapshot()), detector.scores()
    if row in MERGE:
        detector.merge(detector.snapshot())
sys.stdout.write(repr(found))
"""


def test_no_detector_reads_a_clock_the_environment_files_or_chance():
    done = subprocess.run([sys.executable, "-c", POISONED], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)

    assert done.returncode == 0, done.stderr
    assert done.stdout == repr({row: len(serve(fresh(row), traffic(LAWS[row].told, 1, 3000))) for row in ROWS})


@pytest.mark.parametrize("row", ["drift/data", "drift/prediction"])
def test_two_halves_of_a_stream_hold_the_evidence_and_the_counts_of_both(row: str):
    rows = traffic("clean", 1, 6400)
    a, b, whole = fresh(row), fresh(row), fresh(row)
    serve(a, rows.part(0, 3200)), serve(b, rows.part(3200, 6400), first_row=3200), serve(whole, rows)
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
    serve(a, Traffic(rows[:100])), serve(b, Traffic(rows[100:]), first_row=100), serve(whole, Traffic(rows))
    all_of_it = whole.snapshot()

    together = merged("drift/facts", a.snapshot(), b.snapshot())

    for name in ("cycle", "rows", "counts", "first", "repeated"):
        np.testing.assert_array_equal(together[name], all_of_it[name], err_msg=name)
