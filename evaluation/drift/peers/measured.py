"""False alarms, delays and costs of one watcher, ours or another's, all from the same seeds."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from evaluation.drift.peers.process import SMALL, Alarm, Reply
from evaluation.drift.streams import (
    CHANGES,
    CLEAN,
    FEW,
    FEW_MOVED,
    STAY,
    Law,
    autocorrelated,
    day_and_night,
    ramp,
    there_and_back,
)
from evaluation.drift.tables import MAIN_CATEGORICAL
from otel_mlsec.arrays import Floats

REFERENCES = 4
PIECE = 1000  # rows, of a clean stream
STEP = 64  # rows, of one that changes
LARGE = MAIN_CATEGORICAL.index("x19") + 16  # the column of a thousand levels
CREEP_LONGEST = 30_000
BEFORE = 2000  # rows before a change that comes back


class Watcher(Protocol):
    name: str
    version: str
    settings: str
    longest: int

    def learn(self, rows: Floats, times: Floats | None) -> float: ...
    def again(self) -> None: ...
    def update(self, rows: Floats, times: Floats) -> Reply: ...


@dataclass(kw_only=True)
class Clean:
    """Alarms of rows that nothing happened to."""

    alarms: int = 0
    elsewhere: int = 0  # that name another column than the one of a thousand levels
    rows: int = 0  # judged
    seconds: float = 0.0  # of CPU
    by: Counter[str] = field(default_factory=Counter[str])

    def add(self, alarms: tuple[Alarm, ...]) -> None:
        self.alarms += len(alarms)
        self.elsewhere += sum(a.columns != {LARGE} for a in alarms)
        self.by.update(a.who for a in alarms if a.who)


@dataclass(kw_only=True)
class Result:
    name: str
    version: str
    settings: str
    longest: int
    clean: dict[str, Clean] = field(default_factory=dict[str, Clean])
    delays: dict[str, list[float]] = field(default_factory=dict[str, list[float]])  # inf: not in `longest` rows
    evidence: dict[str, list[float]] = field(default_factory=dict[str, list[float]])  # the same, told or too small to show
    found_by: dict[str, Counter[str]] = field(default_factory=dict[str, Counter[str]])
    recurring: list[tuple[int, int, int]] = field(default_factory=list[tuple[int, int, int]])


AWKWARD_CLEAN = (autocorrelated(0.8, 0.0), day_and_night(0.0), FEW)
AWKWARD_CHANGES = (autocorrelated(0.8, 0.5), day_and_night(0.5), FEW_MOVED)


def measure(watcher: Watcher, *, rows: int, runs: int, budget: float, steady: Watcher | None = None) -> Result:
    """All there is to know of `watcher`, of at most `rows` clean rows and `runs` runs of a change, in `budget` s of its CPU.

    The budget is kept for each part: four tenths for clean rows, three for changes, three for the awkward streams.
    `steady` is the watcher for a change that comes back, where what it told must not be forgotten.
    """
    result = Result(name=watcher.name, version=watcher.version, settings=watcher.settings, longest=watcher.longest)
    result.clean[CLEAN.key] = clean(watcher, CLEAN, rows, 0.4 * budget)
    delays(watcher, CHANGES, runs, 0.3 * budget, result)
    for law in AWKWARD_CLEAN:
        result.clean[law.key] = clean(watcher, law, min(rows, 200_000), 0.05 * budget)
    for law in AWKWARD_CHANGES:
        delays(watcher, (law,), max(2, runs // 2), 0.03 * budget, result)
    delays(watcher, (ramp(),), max(2, runs // 4), 0.03 * budget, result, longest=CREEP_LONGEST)
    for run in range(max(1, runs // 4) if np.isinf(budget) else 1):
        result.recurring.append(recurring(steady or watcher, run))
    return result


def clean(watcher: Watcher, law: Law, rows: int, budget: float) -> Clean:
    """Of four references, each with a fourth of the rows and of the budget."""
    counted = Clean()
    for seed in range(REFERENCES):
        watcher.learn(*law.reference(seed))
        watcher.again()
        rng = np.random.default_rng((9, seed))
        draw, judged, spent = law.start(rng), 0, 0.0
        for first in range(0, rows // REFERENCES, PIECE):
            reply = watcher.update(draw(first, PIECE), law.times(first, PIECE))
            counted.add(reply.alarms)
            judged, spent = reply.judged, spent + reply.seconds
            if spent > budget / REFERENCES:
                break
        counted.rows += judged
        counted.seconds += spent
    return counted


def delays(watcher: Watcher, laws: tuple[Law, ...], runs: int, budget: float, result: Result, longest: int | None = None) -> None:
    """Rows from a change until an alarm names a column that changed; rounds of all laws, as many as the budget allows."""
    spent = 0.0
    for run in range(runs):
        watcher.learn(*laws[0].reference(run % REFERENCES))  # all of them begin alike
        for law in laws:
            rows, evident, seconds, who = delay(watcher, law, run, longest or watcher.longest)
            result.delays.setdefault(law.key, []).append(rows)
            result.evidence.setdefault(law.key, []).append(evident)
            result.found_by.setdefault(law.key, Counter())[who or "nobody"] += 1
            spent += seconds
        if spent * (run + 2) / (run + 1) > budget:  # another round would not fit
            return


def delay(watcher: Watcher, law: Law, run: int, longest: int) -> tuple[float, float, float, str]:
    """-> rows until told, rows until there was evidence (infinite: not in `longest`), CPU seconds, detector.

    The change begins at a random phase of windows.
    """
    rng = np.random.default_rng((10, run))
    before, spent, evident = 1000 + int(rng.integers(1000)), 0.0, np.inf
    draw = law.start(rng)
    watcher.again()
    for first in (-before, *range(0, longest, STEP)):
        n = before if first < 0 else STEP
        reply = watcher.update(draw(first, n), law.times(first, n))
        spent += reply.seconds
        for alarm in reply.alarms:
            if alarm.row <= before:
                continue
            if alarm.who == SMALL or alarm.columns & law.columns:
                evident = min(evident, alarm.row - before)
            if alarm.columns & law.columns:
                return float(alarm.row - before), evident, spent, alarm.who
    return np.inf, evident, spent, ""


def recurring(watcher: Watcher, run: int) -> tuple[int, int, int]:
    """-> alarms that name the column while the change is there, while it is away, and when it is back."""
    law, counts = there_and_back(), [0, 0, 0]
    watcher.learn(*law.reference(run))
    watcher.again()
    draw = law.start(np.random.default_rng((11, run)))
    for first in range(-BEFORE, 3 * STAY, PIECE):
        for alarm in watcher.update(draw(first, PIECE), law.times(first, PIECE)).alarms:
            if alarm.row > BEFORE and alarm.columns & law.columns:
                counts[min((alarm.row - BEFORE - 1) // STAY, 2)] += 1
    return counts[0], counts[1], counts[2]
