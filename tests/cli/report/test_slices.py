"""Sums by slice lose nothing when slices are merged, and bars nothing of the bins; memory does not grow with the rows."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_mlsec.cli.report.cases import EPISODES, Cases
from otel_mlsec.cli.report.histogram import bars
from otel_mlsec.cli.report.result import Compared
from otel_mlsec.cli.report.slices import MOST, Slices
from otel_mlsec.finding import Finding, Severity, Status
from otel_mlsec.observation import Model
from otel_mlsec.reference.reference import Reference


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.integers(-(10**11), 10**11).map(float), min_size=1, max_size=300), min_size=1, max_size=6), st.booleans()
)
def test_merged_slices_hold_every_row_and_are_never_too_many(parts, timed):
    slices = Slices(timed=timed)
    for part in parts:
        keys, at = slices.places(np.array(part))
        slices.add(keys, rows=np.bincount(at, minlength=len(keys)))
    before = len(slices.starts)
    slices.settle()

    assert before <= MOST and len(slices.starts) <= before
    assert slices.total("rows").sum() == sum(map(len, parts))
    whole = np.concatenate([np.array(part) for part in parts])
    expected = np.bincount(np.searchsorted(slices.starts, whole, side="right") - 1, minlength=len(slices.starts))
    assert slices.total("rows").tolist() == expected.tolist()


@pytest.mark.parametrize("kind", ["normal", "zeros", "whole", "constant", "text", "huge"])
def test_bars_hold_every_row_of_the_bins(kind):
    rng = np.random.default_rng(3)
    values = {
        "normal": rng.normal(size=3000), "zeros": np.where(rng.random(3000) < 0.95, 0.0, rng.exponential(size=3000)),
        "whole": rng.integers(0, 24, 3000).astype(float), "constant": np.full(3000, 7.0),
        "text": rng.choice(list("abcdefgh"), 3000),
        "huge": np.abs(rng.normal(size=3000)) * 1e300,
    }[kind]  # fmt: skip
    [column] = Reference.fit(pd.DataFrame({"x": values})).inputs
    counts = rng.integers(0, 50, 32)
    if column.numeric:
        counts[len(column.bins.edges) + 1 : 30] = 0
        counts[30:] = 0
    shown = bars(_compared(column, counts))

    assert shown.after.sum() + shown.below[1] + shown.above[1] == pytest.approx(1, abs=1e-6)
    assert shown.before.sum() + shown.below[0] + shown.above[0] == pytest.approx(1, abs=1e-6)
    assert (shown.after >= -1e-9).all() and (shown.before >= -1e-9).all()


def _compared(column, counts):
    nothing = np.zeros(0)
    return Compared(column=column, output=False, counts=counts, effect=None, since=None, until=None, distances=nothing, usual=0.0,
                    rows=nothing, missing=nothing, cases=())  # fmt: skip


FOUND = Finding(kind="drift.data", detector="drift/data", title="Data drift", summary="x", severity=Severity.MEDIUM, score=2.0,
                threshold=1.0, model=Model(name="m"), time=10.0, first_seen=5.0, subject=("x",))  # fmt: skip


def test_a_change_that_comes_and_goes_is_one_case_of_bounded_length():
    cases = Cases()
    cases.add(FOUND, 5, 10)
    cases.add(replace(FOUND, severity=Severity.HIGH, status=Status.ONGOING, summary="worse"), 5, 11)
    cases.add(replace(FOUND, status=Status.RESOLVED, time=20.0), 20, 20)

    [case] = cases.sorted()
    assert (case.severity, case.summary, case.open, case.episodes[0].until) == (Severity.HIGH, "worse", False, 20.0)

    for i in range(3 * EPISODES):
        cases.add(replace(FOUND, status=Status.REOPENED, first_seen=30.0 + i), 30 + i, 31 + i)
        cases.add(replace(FOUND, status=Status.RESOLVED, time=30.5 + i), 31 + i, 31 + i)
    [case] = cases.sorted()
    assert len(case.episodes) == EPISODES and case.since == 5.0


PEAK = """
import sys
from otel_mlsec.cli import main
status = main(sys.argv[1:])
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(status, peak, file=sys.stderr)  # getrusage would tell the peak of who started this
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read from /proc")
def test_many_rows_take_no_more_memory_than_few(tmp_path):
    rng = np.random.default_rng(0)
    names = [f"x{i}" for i in range(8)]
    Reference.fit(pd.DataFrame(rng.normal(size=(500, 8)), columns=names)).save(tmp_path / "r.ref")

    def peak(rows: int) -> int:
        path = tmp_path / f"{rows}.parquet"
        pd.DataFrame(rng.normal(size=(rows, 8)), columns=names).assign(note="n" * 400).to_parquet(path, row_group_size=rows)
        words = ["report", "--reference", str(tmp_path / "r.ref"), str(path), "--json"]
        done = subprocess.run([sys.executable, "-c", PEAK, *words], capture_output=True, text=True, check=True)
        status, kilobytes = done.stderr.split()[-2:]
        assert status == "0"
        return int(kilobytes) << 10

    few, many = peak(30_000), peak(240_000)

    assert many - few < 32 << 20  # the rows are 15 MB and copied several times, their notes 96
