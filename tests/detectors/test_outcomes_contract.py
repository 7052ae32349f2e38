"""What every detector of outcomes keeps to; one is covered by being listed in `detectors.OUTCOMES`."""

from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from tests.detectors import labelled
from tests.detectors.labelled import CLASSES, NAMES, inputs, serve, told

from otel_mlsec.config import ModelSettings
from otel_mlsec.detector import OutcomeDetector, State
from otel_mlsec.detectors import OUTCOMES, build_outcomes
from otel_mlsec.emit.kinds import KINDS
from otel_mlsec.finding import Status
from otel_mlsec.observation import Meaning, Outcomes, text_code
from otel_mlsec.reference.reference import Reference
from otel_mlsec.settings import CONCEPT

ROOT = Path(__file__).parents[2]
REFERENCE = labelled.reference()
SETTINGS = {
    **{method: ModelSettings(concept=method) for method in CONCEPT},
    "slices": ModelSettings(slices=("age", "carrier")),
    "tolerant": ModelSettings(tolerance=0.05, false_alarms_per_million=100.0),
}
STATE = 2 << 20  # bytes
KINDS_OF_ROWS = ("clean", "worse", "better", "wild", "labels")

every_detector = pytest.mark.parametrize("row", OUTCOMES)
every_setting = pytest.mark.parametrize("setting", SETTINGS)


def one(row: str, setting: str = "slices") -> OutcomeDetector:
    module, _, name = OUTCOMES[row].partition(":")
    built: OutcomeDetector | None = getattr(import_module(module), name).build(REFERENCE, SETTINGS[setting])
    assert built is not None
    return built


def outcomes(kind: str, seed: int, n: int, first: int = 0) -> Outcomes:
    match kind:
        case "clean":
            return told(seed, n, first=first)
        case "worse":
            return told(seed, n, 0.4, first=first)
        case "better":
            return told(seed, n, 0.01, first=first)
        case "labels":
            return told(seed, n, 0.1, first=first, meaning=Meaning.LABEL)
        case "wild":
            rng = np.random.default_rng(seed)
            odd = np.array([np.nan, np.inf, -np.inf, 1e308, -1.0, 0.5, 5e-324, text_code("x")])
            plain = told(seed, n, first=first)
            return replace(
                plain, inputs=rng.choice(odd, (n, 2)), outputs=rng.choice(odd, (n, 2)),
                truth=rng.choice([np.nan, -1.0, 0.0, 1.0, 7.0, 1e300, np.inf], n), told=rng.choice(odd, n),
            )  # fmt: skip
    raise ValueError(kind)


def same(left: State, right: State) -> None:
    assert left.keys() == right.keys()
    for name in left:
        np.testing.assert_allclose(left[name], right[name], rtol=1e-9, err_msg=name)


@every_detector
@every_setting
def test_it_is_built_for_a_reference_with_labels_and_for_no_other(row: str, setting: str):
    rows = inputs(1, 500)

    assert one(row, setting).name == row
    assert set(one(row, setting).scores().values()) == {0.0}
    assert row in KINDS
    assert build_outcomes(Reference.of_matrix(rows, NAMES, None, created=0.0), SETTINGS[setting]) == []
    assert build_outcomes(REFERENCE, replace(SETTINGS[setting], off=True)) == []


@every_detector
@every_setting
def test_findings_exist_for_reason_and_carry_numbers_that_a_person_can_check(row: str, setting: str):
    detector, asked = one(row, setting), outcomes("worse", 1, 4000)
    batches = [labelled.part(asked, at, at + 64) for at in range(0, 4000, 64)]
    told_in = [(finding, each) for each in batches for finding in detector.update(each)]

    assert told_in
    for finding, batch in told_in:
        assert finding.time == batch.told[finding.call]
        assert finding.score >= finding.threshold > 0
        assert finding.detector == row
        assert finding.kind in KINDS[row]
        assert finding.first_seen <= finding.time
        assert finding.count > 0
        assert finding.subject
        assert finding.evidence["reference"] == "fitted"
        assert all(np.isfinite(v) for v in finding.evidence.values() if isinstance(v, float))


@every_detector
@every_setting
@pytest.mark.parametrize("kind", KINDS_OF_ROWS)
def test_cutting_the_labels_into_other_batches_changes_nothing(row: str, setting: str, kind: str):
    rows = outcomes(kind, 2, 3000)
    small, large = one(row, setting), one(row, setting)

    one_way, other_way = ([replace(f, call=-1) for f in serve(*each)] for each in ((small, rows, 37), (large, rows, 1900)))
    assert one_way == other_way
    same(small.snapshot(), large.snapshot())


@every_detector
@every_setting
@pytest.mark.parametrize("kind", KINDS_OF_ROWS)
def test_restored_from_arrays_in_a_file_it_goes_on_as_if_nothing_had_been(row: str, setting: str, kind: str):
    detector, restored = one(row, setting), one(row, setting)
    serve(detector, outcomes(kind, 3, 1510))
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **detector.snapshot())
    file.seek(0)
    with np.load(file, allow_pickle=False) as archive:
        state = {name: archive[name] for name in archive.files}
    restored.restore(state)
    for array in state.values():  # what was restored is a copy
        array[...] = 0

    same(restored.snapshot(), detector.snapshot())
    for then in ("worse", "clean"):
        assert serve(restored, outcomes(then, 4, 2500, 1510)) == serve(detector, outcomes(then, 4, 2500, 1510))
    assert restored.scores() == detector.scores()


@every_detector
@every_setting
def test_snapshot_stays_as_taken_and_is_nobodys_memory(row: str, setting: str):
    detector = one(row, setting)
    serve(detector, outcomes("worse", 5, 1000))
    taken = detector.snapshot()
    kept = {name: part.copy() for name, part in taken.items()}

    serve(detector, outcomes("clean", 6, 1000, 1000))
    same(taken, kept)

    before = detector.snapshot()
    for part in detector.snapshot().values():
        part[...] = 0
    same(detector.snapshot(), before)


@every_detector
@every_setting
def test_memory_is_bounded_and_no_part_of_a_batch_is_kept(row: str, setting: str):
    detector, twin = one(row, setting), one(row, setting)
    for i in range(10):
        rows = outcomes(KINDS_OF_ROWS[i % len(KINDS_OF_ROWS)], i, 3000, 3000 * i)
        twin.update(rows)
        mine = replace(rows, outputs=rows.outputs.copy(), truth=rows.truth.copy(), times=rows.times.copy(), told=rows.told.copy())
        detector.update(mine)
        for array in (mine.outputs, mine.truth, mine.times, mine.told):
            array[...] = 7

    assert sum(part.nbytes for part in detector.snapshot().values()) <= STATE
    same(detector.snapshot(), twin.snapshot())


def odd() -> list[Outcomes]:
    plain = told(9, 10)
    return [
        replace(plain, outputs=np.full((10, 2), np.nan)),
        replace(plain, outputs=np.empty((10, 0))),
        replace(plain, outputs=np.ones((10, 1000)), classes=()),
        replace(plain, outputs=plain.outputs.reshape(10, 2, 1)),
        replace(plain, outputs=plain.outputs[:, 1:]),
        replace(plain, truth=np.full(10, np.nan)),
        replace(plain, truth=np.full(10, -1.0)),
        replace(plain, truth=np.full(10, 1e300)),
        replace(plain, meaning=Meaning.RAW),
        replace(plain, meaning=Meaning.VALUE),
        replace(plain, meaning=Meaning.LOG_PROBABILITY, outputs=np.full((10, 2), -np.inf)),
        replace(plain, meaning=Meaning.LABEL, outputs=np.full((10, 1), -1.0)),
        replace(plain, inputs=None),
        replace(plain, inputs=np.empty((10, 0)), features=()),
        replace(plain, inputs=np.ones((10, 3)), features=("other", "names", "here")),
        replace(plain, times=np.full(10, np.nan), told=np.full(10, np.nan)),
        replace(plain, times=np.full(10, 1e18), told=np.full(10, -1e18)),
        replace(plain, times=plain.times[::-1]),
        replace(plain, coverage=float("nan")),
        replace(plain, classes=CLASSES[::-1]),
    ]


@every_detector
@pytest.mark.parametrize("number", range(len(odd())))
def test_odd_input_raises_nothing_and_does_not_blind_it(row: str, number: int):
    detector = one(row)

    detector.update(odd()[number])

    detector.scores()
    assert serve(detector, outcomes("worse", 1, 3000))


@every_detector
def test_no_labels_leave_the_state_alone(row: str):
    detector = one(row)
    serve(detector, outcomes("clean", 1, 510))
    before = detector.snapshot()
    plain = told(9, 10)

    assert detector.update(labelled.part(plain, 0, 0)) == []
    assert detector.update(replace(plain, truth=np.full(10, np.nan))) == []

    same(detector.snapshot(), before)


POISONED = """
import builtins, os, random, secrets, sys, time
import numpy as np
from tests.detectors.test_outcomes_contract import OUTCOMES, SETTINGS, one, outcomes, serve

detectors = [one(row, setting) for row in OUTCOMES for setting in SETTINGS]
asked = outcomes("worse", 1, 3000)

def touched(*_, **__):
    raise AssertionError("a detector reached outside of its batch")

for name in ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "localtime", "gmtime", "sleep"):
    setattr(time, name, touched)
for module in (random, np.random, secrets):
    for name in ("random", "randint", "choice", "rand", "randn", "normal", "seed", "token_bytes", "default_rng", "permutation"):
        if hasattr(module, name):
            setattr(module, name, touched)
os.urandom = os.getenv = builtins.open = touched
found = [len(serve(detector, asked)) for detector in detectors]
for detector in detectors:
    detector.restore(detector.snapshot()), detector.scores()
sys.stdout.write(repr(min(found)))
"""


def test_none_reads_a_clock_the_environment_files_or_chance():
    done = subprocess.run([sys.executable, "-c", POISONED], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)

    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 1


@every_detector
def test_a_change_that_is_told_is_told_once_and_its_end_is_told(row: str):
    detector = one(row)

    found = serve(detector, outcomes("worse", 1, 5000)) + serve(detector, outcomes("clean", 2, 5000, 5000))
    again = serve(detector, outcomes("worse", 3, 3000, 10_000))

    assert [f.status for f in found if f.status is not Status.ONGOING] == [Status.NEW, Status.RESOLVED]
    assert found[0].dedup_key == found[-1].dedup_key == again[0].dedup_key
    assert again[0].status is Status.REOPENED
