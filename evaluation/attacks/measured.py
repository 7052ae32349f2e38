"""What is measured of one task: false incidents of benign traffic, and at which query attacks hidden in it are found."""

from __future__ import annotations

import time
import warnings
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from evaluation.attacks import kept
from evaluation.attacks.peers import Judge, incidents, peers
from evaluation.attacks.streams import Watch, alone, found, reference_of
from evaluation.attacks.tasks import TASKS, Task
from otel_mlsec.arrays import Floats
from otel_mlsec.attack.families import TABLE, Trace, carry_out
from otel_mlsec.attack.traffic import KINDS, Mixture, Traffic, benign, mix
from otel_mlsec.finding import Status
from otel_mlsec.reference.reference import Reference

EVASION, EXTRACTION = 400, 1000  # queries of an attack at most
ACCOUNTS = (1, 10, 50, 100)
QUERIES = {1: 600, 10: 300, 50: 500, 100: 1000}  # of an extraction, by accounts
AROUND = 8_000  # benign rows that an attack is hidden in
GAP = 15.0  # benign rows between two of an attack
PEER_ROWS = 100_000  # benign rows that others are measured on, a day of them

Told = dict[tuple[str, str], str]  # detector and principal -> summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """How much is measured of each task."""

    seed: int  # of the split; that of the traffic follows
    rows: int  # benign
    victims: int  # runs of each attack
    families: tuple[str, ...]
    others: bool  # what others do, too


def evaluated(name: str, amount: Amount) -> dict[str, Any]:
    """All figures of a task, on one core."""
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # attackers' copies that have not converged are what they are
        task = TASKS[name](amount.seed)
        reference = reference_of(task)
        traffic, answers = stream(task, amount.rows, 1000 + amount.seed)
        judges = peers(task.fitted) if amount.others else {}
        fresh = started(reference, traffic, answers, amount.victims)
        figures: dict[str, Any] = {
            "benign": calm(reference, traffic, answers),
            "started": [[who, what] for told in fresh for (who, _), what in told.items()],
            "attacks": {},
        }
        if judges:
            day, said = stream(task, min(PEER_ROWS, amount.rows), 1000 + amount.seed)
            figures["peers"] = {who: false_flags(judge, day, said) for who, judge in judges.items()}
        for family in amount.families:
            traces = attacks(task, family, amount)
            figures["attacks"][family] = attacked(reference, traffic, answers, traces, fresh, judges)
        return figures


def stream(task: Task, n_rows: int, seed: int) -> tuple[Traffic, Floats]:
    """Benign traffic and what the model answers."""
    low, high = np.nanmin(task.fitted, axis=0), np.nanmax(task.fitted, axis=0)
    traffic = benign(
        task.pool, n_rows, low=low, high=high, decimals=task.knowledge.decimals, numeric=task.numeric, seed=seed, morph=task.morph
    )
    key = f"{task.name}-{task.seed}-benign-{n_rows}-{seed}"
    return traffic, kept.answers_of(key, n_rows, lambda: task.ask(traffic.rows))


def attacks(task: Task, family: str, amount: Amount) -> list[Trace]:
    """One attack for each victim."""
    budget = EVASION if TABLE[family].threat == "evasion" else EXTRACTION
    traces: list[Trace] = []
    for victim in range(amount.victims):
        seed = 100 * amount.seed + victim
        key = f"{task.name}-{task.seed}-{family}-{seed}-{budget}"
        traces.append(kept.trace_of(key, lambda seed=seed: carry_out(family, task.ask, task.knowledge, seed=seed, budget=budget)))
    return traces


def calm(reference: Reference, traffic: Traffic, answers: Floats) -> dict[str, Any]:
    """Findings of benign traffic: all of them are false."""
    watch = Watch.of(reference)
    began = time.process_time()
    told = [
        (finding.detector, KINDS[traffic.kinds[row]], finding.summary)
        for row, finding in watch.told(traffic.rows, answers, traffic.principals, traffic.times)
        if finding.status is not Status.ONGOING
    ]
    n = len(traffic.rows)
    return {
        "rows": n,
        "distinct": len(np.unique(traffic.rows.astype(np.float32).view([("", np.float32)] * traffic.rows.shape[1]))),
        "us_per_row": (time.process_time() - began) / n * 1e6,
        "state_mib": watch.bytes / 2**20,
        "told": told,
    }


def started(reference: Reference, traffic: Traffic, answers: Floats, n: int) -> list[Told]:
    """False findings of detectors that start in the middle of the day, in the hours that attacks are hidden in."""
    told: list[Told] = []
    for number in range(n):
        part, first = part_of(traffic, number)
        blamed = found(Watch.of(reference), alone(part), answers[first : first + AROUND]).blamed
        told.append({(each.detector, each.principal): each.summary for each in blamed})
    return told


def attacked(
    reference: Reference,
    traffic: Traffic,
    answers: Floats,
    traces: list[Trace],
    fresh: list[Told],
    judges: dict[str, Judge],
) -> dict[str, Any]:
    """Runs of one attack, each by 1, 10, 50 and 100 accounts; `fresh` is told without it, too."""
    extraction = TABLE[traces[0].family].threat == "extraction"
    figures: dict[str, Any] = {
        "queries": float(np.median([len(trace.rows) for trace in traces])),
        "success": float(np.mean([trace.success for trace in traces])),
        "effect": _finite(float(np.median([trace.effect for trace in traces]))),
        "accounts": {},
        "blamed": [],
        "peers": {peer: {accounts: [] for accounts in ACCOUNTS} for peer in judges},
    }
    for accounts in ACCOUNTS:
        at: list[int | None] = []
        who = Counter[str]()
        named = attackers = 0
        for number, trace in enumerate(traces):
            cut = _cut(trace, QUERIES[accounts]) if extraction else trace
            if not len(cut.rows):
                continue  # this attack cannot be made on this task
            part, first = part_of(traffic, number)
            mixture = mix(part, [cut], accounts=accounts, gap=GAP, seed=number)
            run = found(Watch.of(reference), mixture, answers_in(mixture, answers[first : first + AROUND], cut))
            at.append(run.at)
            who[run.by or "none"] += 1
            named, attackers = named + run.named, attackers + run.attackers
            figures["blamed"] += [
                [each.detector, each.summary] for each in run.blamed if (each.detector, each.principal) not in fresh[number]
            ]
            for peer, judge in judges.items():
                figures["peers"][peer][accounts].append(first_flag(judge, mixture, cut))
        figures["accounts"][accounts] = {"at": at, "by": dict(who), "named": named, "attackers": attackers}
    return figures


def first_flag(judge: Judge, mixture: Mixture, trace: Trace) -> int | None:
    """Number of the attack's queries at the first that is flagged; the attack is seen by itself, which costs no peer anything."""
    mine = mixture.trace >= 0
    order = mixture.ordinal[mine]
    flagged = judge(mixture.rows[mine], trace.answers[order].argmax(axis=1), mixture.principals[mine]).flagged
    return int(flagged.argmax()) + 1 if flagged.any() else None


def false_flags(judge: Judge, traffic: Traffic, answers: Floats) -> dict[str, float]:
    began = time.process_time()
    judged = judge(traffic.rows, answers.argmax(axis=1), traffic.principals)
    n = len(traffic.rows)
    return {
        "rows": n,
        "us_per_row": (time.process_time() - began) / n * 1e6,
        "flagged_per_million": float(judged.flagged.mean() * 1e6),
        "incidents": incidents(judged.flagged, traffic.principals, traffic.times),
        "state_mib": judged.bytes / 2**20,
    }


def part_of(traffic: Traffic, number: int) -> tuple[Traffic, int]:
    """Some hours of the traffic, others for each number, and where they begin."""
    first = (number * 37_123) % max(1, len(traffic.rows) - AROUND)
    rows = slice(first, first + AROUND)
    return Traffic(
        rows=traffic.rows[rows], principals=traffic.principals[rows], times=traffic.times[rows], kinds=traffic.kinds[rows]
    ), first


def answers_in(mixture: Mixture, benign_answers: Floats, trace: Trace) -> Floats:
    """(n, k) for the rows of a mixture with one attack."""
    return np.where(
        (mixture.trace >= 0)[:, None],
        trace.answers[np.maximum(mixture.ordinal, 0)],
        benign_answers[np.maximum(mixture.benign, 0)],
    )


def _cut(trace: Trace, n: int) -> Trace:
    return Trace(family=trace.family, rows=trace.rows[:n], answers=trace.answers[:n], success=trace.success, effect=trace.effect)


def _finite(number: float) -> float | None:
    """For JSON, which knows no infinity."""
    return number if np.isfinite(number) else None
