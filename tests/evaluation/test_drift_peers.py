"""That streams are what they are said to be, that others are asked as they are meant, and that who is absent is named."""

from __future__ import annotations

import json
import sys
from io import StringIO
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

pytest.importorskip("scipy")

from evaluation.drift.peers import compared, environments, errors, process, report
from evaluation.drift.peers.environments import Absent
from evaluation.drift.peers.measured import Clean, Result, clean, delay, delays, recurring
from evaluation.drift.peers.ours import Ours
from evaluation.drift.peers.process import Process, reply_of
from evaluation.drift.peers.table import PEERS, Peer
from evaluation.drift.streams import CHANGES, CLEAN, DAY_ROWS, STAY, autocorrelated, day_and_night, ramp, there_and_back

N = 20_000
STAND_IN = """
import numpy as np
from runner import Windows, serve
serve("numpy", "a mean beyond 0.5", lambda known: Windows(lambda w: np.flatnonzero(np.nanmean(w[:, :2], axis=0) > 0.5), 100))
"""


def drawn(law, n: int = N, seed: int = 1):
    """-> as many rows before the change and after it."""
    draw = law.start(np.random.default_rng(seed))
    return draw(-n, n), draw(0, n)


def test_a_change_is_what_its_name_says_and_nothing_else():
    after = {law.name: drawn(law)[1] for law in CHANGES}
    before, same = drawn(CLEAN)
    missing = {name: np.isnan(rows[:, 15]).mean() for name, rows in after.items()}

    assert [after[f"mean {s}"][:, 0].mean() for s in (0.25, 0.5, "1.0")] == pytest.approx([0.25, 0.5, 1], abs=0.03)
    assert after["spread 1.5"][:, 0].std() == pytest.approx(1.5, abs=0.03)
    assert (after["category 0.10"][:, 17] == 4).mean() == pytest.approx(0.15, abs=0.01)
    assert (after["new-level 0.01"][:, 17] == 77).mean() == pytest.approx(0.01, abs=0.003)
    assert missing.pop("missing 0.04") == pytest.approx(0.06, abs=0.006)
    assert list(missing.values()) == pytest.approx([0.02] * len(missing), abs=0.005)
    assert np.corrcoef(after["correlation 0.5"][:, :2].T)[0, 1] == pytest.approx(0.5, abs=0.02)
    assert after["correlation 0.5"][:, 1].std() == pytest.approx(1, abs=0.02)
    assert (after["contaminated 0.01"][:, 0] > 4).mean() == pytest.approx(0.01, abs=0.003)
    for name, rows in after.items():
        [law] = [law for law in CHANGES if law.name == name]
        still = [c for c in (*range(8), 13, 14, 16, 17, 18) if c not in law.columns]
        np.testing.assert_allclose(rows[:, still].mean(axis=0), before[:, still].mean(axis=0), atol=0.08)
    np.testing.assert_allclose(same[:, :8].mean(axis=0), 0, atol=0.03)


def test_noise_remembers_across_parts_as_much_as_it_says():
    draw = autocorrelated(0.8, 0.5).start(np.random.default_rng(3))
    parts = [draw(first, 100) for first in range(-N, N, 100)]
    before, after = np.concatenate(parts[: N // 100])[:, 0], np.concatenate(parts[N // 100 :])[:, 0]
    joints = np.array([(a[-1, 0], b[0, 0]) for a, b in pairwise(parts)])

    assert np.corrcoef(before[1:], before[:-1])[0, 1] == pytest.approx(0.8, abs=0.02)
    assert np.corrcoef(joints.T)[0, 1] == pytest.approx(0.8, abs=0.1)
    assert before.std() == pytest.approx(1, abs=0.05)
    assert after.mean() - before.mean() == pytest.approx(0.5, abs=0.1)


def test_days_swing_ramps_creep_and_what_recurs_goes_away():
    before, after = drawn(day_and_night(0.5), 10 * DAY_ROWS)
    noon, midnight = (
        before.reshape(10, DAY_ROWS, 20)[:, at : at + 200, 3].mean() for at in (DAY_ROWS // 4 - 100, 3 * DAY_ROWS // 4 - 100)
    )
    law = day_and_night(0.0, days=3)
    rows, times = law.reference(1)
    creeping = ramp().start(np.random.default_rng(4))(0, 30_000)[:, 0]
    recurrent = there_and_back().start(np.random.default_rng(5))(0, 3 * STAY)[:, 0].reshape(3, STAY)

    assert (noon, midnight) == pytest.approx((0.6, -0.6), abs=0.08)
    assert after[:, 0].mean() == pytest.approx(0.5, abs=0.03)
    assert len(rows) == 3 * DAY_ROWS
    assert times is not None
    assert times[DAY_ROWS] - times[0] == 86_400
    assert law.times(0, 1)[0] - times[-1] == 36  # the stream goes on where the reference ends
    assert [part.mean() for part in np.split(creeping, 6)] == pytest.approx([0.0625, 0.1875, 0.3125, 0.4375, 0.5, 0.5], abs=0.05)
    assert recurrent.mean(axis=1) == pytest.approx([0.5, 0, 0.5], abs=0.04)


def test_labels_come_late_and_delays_are_predictions_made_until_then():
    whole, told = errors.stream(1, errors.RAISED)
    wrong = (whole.outputs[:, 0] != whole.truth).astype(np.float64)

    delay, false = errors.one(lambda whole, told: lambda part: bool(told[part[-1]] >= errors.CHANGE + 1000), 1)

    assert wrong[: errors.CHANGE].mean() == pytest.approx(0.1, abs=0.01)
    assert wrong[errors.CHANGE :].mean() == pytest.approx(0.2, abs=0.01)
    assert (told - np.arange(errors.LAST)).mean() == pytest.approx(errors.LAG, rel=0.05)
    assert delay == pytest.approx(1000, abs=60)
    assert false > 0  # the same watcher where nothing changes


@pytest.fixture(scope="module")
def watched() -> Result:
    """Our row, of a small budget."""
    ours = Ours()
    result = Result(name=ours.name, version=ours.version, settings=ours.settings, longest=4000)
    result.clean[CLEAN.key] = clean(ours, CLEAN, 8_000, np.inf)
    delays(ours, tuple(law for law in CHANGES if law.name in ("mean 1.0", "correlation 0.5")), 2, np.inf, result, longest=4000)
    return result


def test_our_row_of_a_small_budget(watched: Result):
    counted = watched.clean[CLEAN.key]
    moved, joint = (law.key for law in CHANGES if law.name in ("mean 1.0", "correlation 0.5"))

    assert (counted.alarms, counted.rows) == (0, 8_000)
    assert np.median(watched.delays[moved]) <= 200
    assert np.median(watched.delays[joint]) <= 1000
    assert watched.found_by[moved] == {"drift/data": 2}
    assert watched.found_by[joint] == {"drift/joint": 2}
    assert all(e <= d for e, d in zip(watched.evidence[moved], watched.delays[moved], strict=True))


def test_what_comes_back_is_told_while_it_is_there():
    there, away, back = recurring(Ours(latched=True), 0)

    assert there >= 1
    assert away == 0
    assert back >= 1


@pytest.fixture
def runners(tmp_path: Path) -> Path:
    (tmp_path / "runner.py").write_text((process.RUNNERS / "runner.py").read_text("utf-8"), "utf-8")
    (tmp_path / "run_mean.py").write_text(STAND_IN, "utf-8")
    return tmp_path


MEAN = Peer(name="a mean", environment="none", runner="run_mean.py")


def test_a_runner_is_asked_through_pipes_and_judges_windows(runners: Path):
    with Process(MEAN, Path(sys.executable), runners) as watcher:
        watcher.learn(*CLEAN.reference(0))
        [law] = [law for law in CHANGES if law.name == "mean 1.0"]
        rows, _, seconds, _ = delay(watcher, law, 0, 2000)
        watcher.again()
        reply = watcher.update(np.ones((250, 20)), np.arange(250.0))

        assert watcher.version == np.__version__
    assert 40 <= rows <= 200
    assert seconds > 0
    assert reply.judged == 200
    assert [(a.row, a.columns) for a in reply.alarms] == [(100, {0, 1}), (200, {0, 1})]


@pytest.mark.parametrize("told", [
    "", "Traceback", "[]", "{}", '{"seconds": 1, "judged": 100, "alarms": [{"row": 101, "columns": []}]}',
    '{"seconds": -1, "judged": 100, "alarms": []}', '{"seconds": 1, "judged": 100, "alarms": [{"row": 5}]}',
])  # fmt: skip
def test_what_is_no_answer_is_refused_by_name(told: str):
    with pytest.raises(Absent, match="river"):
        reply_of(told.encode(), "river")


def test_a_runner_that_ends_is_named_with_its_last_words(runners: Path):
    (runners / "run_mean.py").write_text("raise SystemExit('no such library')", "utf-8")

    with pytest.raises(Absent, match="no such library"), Process(MEAN, Path(sys.executable), runners):
        pass


def test_a_peer_that_cannot_be_had_is_skipped_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    told = StringIO()

    results = compared.others(Console(file=told, width=300), PEERS[:1], rows=1, runs=1, budget=1, place=tmp_path)

    assert "river ADWIN is skipped: it could not be installed" in told.getvalue()
    assert results == []


def test_every_peer_has_a_runner_and_pins_of_exact_versions():
    for peer in PEERS:
        pins = (Path(environments.__file__).parent / "pins" / f"{peer.environment}.txt").read_text("utf-8").split()

        assert (process.RUNNERS / peer.runner).is_file()
        assert any(pin.startswith(f"{peer.environment}==") for pin in pins)
        assert all("==" in pin for pin in pins)


def test_numbers_for_machines_are_json_and_what_was_missed_is_null(watched: Result):
    result = Result(name="n", version="1", settings="", longest=10, delays={"a": [5.0, np.inf]})

    told = json.loads(json.dumps(report.machine([watched, result]), allow_nan=False))

    assert told[1]["delays"] == {"a": [5.0, None]}
    assert told[0]["clean"][CLEAN.key]["rows"] == 8_000
    assert report.median([5.0, np.inf, 7.0]) == "7 (1/3)"
    assert report.million(Clean(alarms=2, rows=1_000_000)).startswith("2 (≤ 6.3; 2 / 1 M)")
