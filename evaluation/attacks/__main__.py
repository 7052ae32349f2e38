"""`make evaluate-attacks`: how soon attacks are found, and what it costs in false incidents, beside what others do.

Thresholds were chosen on other streams of diamonds and digits (another seed of the traffic, other rows) and on made-up tables;
movies and InstEval were not looked at for that.  Drift detectors are left out: theirs is `make evaluate-drift`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.stats import chi2

from evaluation.attacks.peers import peers, standardised
from evaluation.attacks.streams import Watch, first_told, reference_of
from evaluation.attacks.tasks import TASKS, Task
from otel_mlsec.attack.families import TABLE, Trace, carry_out
from otel_mlsec.attack.traffic import KINDS, Mixture, Traffic, benign, mix
from otel_mlsec.finding import Status

EVASION, EXTRACTION = 400, 1000  # queries of an attack at most
ACCOUNTS = (1, 10, 50, 100)
QUERIES = {1: 600, 10: 300, 50: 500, 100: 1000}  # of an extraction, by accounts
AROUND = 8_000  # benign rows that an attack is hidden in
GAP = 15.0  # benign rows between two of an attack
PEER_ROWS = 60_000  # benign rows that others are measured on
DEVELOPMENT, REPORT = 1, 2  # seeds of splits; the traffic's follows
out = Console(width=132)


def main(arguments: Sequence[str] | None = None) -> None:
    options = argparse.ArgumentParser(prog="evaluation.attacks", description=__doc__)
    options.add_argument("--task", action="append", choices=list(TASKS), help="only this one (may be repeated)")
    options.add_argument("--families", default="", help="only these attacks, by commas")
    options.add_argument("--rows", type=int, default=1_000_000, help="benign queries of a task (default a million)")
    options.add_argument("--victims", type=int, default=10, help="runs of each attack (default 10)")
    options.add_argument("--development", action="store_true", help="the split that thresholds may be chosen on")
    options.add_argument("--no-peers", action="store_true", help="leave out what others do")
    options.add_argument("--json", type=Path, help="write the figures to this file, too")
    asked = options.parse_args(arguments)
    began = time.monotonic()
    families = [name for name in asked.families.split(",") if name] or list(TABLE)
    seed = DEVELOPMENT if asked.development else REPORT
    names = asked.task or list(TASKS)
    with ProcessPoolExecutor(2) as pool:
        jobs = {
            name: pool.submit(evaluated, name, seed, asked.rows, asked.victims, families, not asked.no_peers) for name in names
        }
        found = {name: job.result() for name, job in jobs.items()}
    for name, figures in found.items():
        show(name, figures)
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1))
    out.print(f"in {time.monotonic() - began:.0f} s")


def evaluated(name: str, seed: int, n_rows: int, victims: int, families: list[str], others: bool) -> dict[str, Any]:
    task = TASKS[name](seed)
    reference = reference_of(task)
    traffic, answers = stream(task, n_rows, 1000 + seed)
    figures: dict[str, Any] = {"benign": calm(task, reference, traffic, answers)}
    attacks: dict[str, Any] = {}
    flags = {who: (judge, standardised(task.fitted)) for who, judge in peers(task.fitted).items()} if others else {}
    held = task.ask(task.knowledge.held)
    for family in families:
        budget = EVASION if TABLE[family].threat == "evasion" else EXTRACTION
        traces: list[Trace] = []
        for victim in range(victims if TABLE[family].threat == "evasion" else max(2, victims // 3)):
            traces.append(carry_out(family, task.ask, task.knowledge, seed=100 * seed + victim, budget=budget, held=held))
        attacks[family] = attacked(reference, task, traffic, answers, traces, flags)
    figures["attacks"] = attacks
    if others:
        figures["peers"] = {who: false_flags(judge, units, traffic, answers) for who, (judge, units) in flags.items()}
    return figures


def stream(task: Task, n_rows: int, seed: int) -> tuple[Traffic, np.ndarray]:
    known = task.knowledge
    low, high = np.nanmin(task.fitted, axis=0), np.nanmax(task.fitted, axis=0)
    traffic = benign(
        task.pool, n_rows, low=low, high=high, decimals=known.decimals, numeric=task.numeric, seed=seed, morph=task.morph
    )
    return traffic, task.ask(traffic.rows)


def calm(task: Task, reference: Any, traffic: Traffic, answers: np.ndarray) -> dict[str, Any]:
    watch = Watch.of(reference)
    began = time.thread_time()
    told: list[tuple[str, str, str]] = []
    for row, finding in watch.told(traffic.rows, answers, traffic.principals, traffic.times):
        if finding.status is not Status.ONGOING:
            told.append((finding.detector, KINDS[traffic.kinds[row]], finding.summary))
    n = len(traffic.rows)
    return {
        "rows": n,
        "distinct": len(np.unique(traffic.rows.astype(np.float32).view([("", np.float32)] * traffic.rows.shape[1]))),
        "us_per_row": (time.thread_time() - began) / n * 1e6,
        "state_mib": watch.bytes / 2**20,
        "told": told,
    }


def attacked(
    reference: Any, task: Task, traffic: Traffic, answers: np.ndarray, traces: list[Trace], flags: dict[str, Any]
) -> dict[str, Any]:
    extraction = TABLE[traces[0].family].threat == "extraction"
    figures: dict[str, Any] = {
        "queries": float(np.median([len(trace.rows) for trace in traces])),
        "success": float(np.mean([trace.success for trace in traces])),
        "effect": float(np.median([trace.effect for trace in traces])),
        "accounts": {},
        "peers": {},
    }
    for accounts in ACCOUNTS if extraction else (1, 50):
        at: list[int | None] = []
        who = Counter[str]()
        for number, trace in enumerate(traces):
            cut = _cut(trace, QUERIES[accounts]) if extraction else trace
            if not len(cut.rows):
                continue
            part, first = _part(traffic, number)
            mixture = mix(part, [cut], accounts=accounts, gap=GAP, seed=number)
            said = _answers(mixture, answers[first : first + AROUND], cut)
            found = first_told(Watch.of(reference), mixture, said)
            at.append(found[0] if found else None)
            who[found[1] if found else "none"] += 1
            if accounts == 1 and number < 3:
                labels = said.argmax(axis=1)
                for peer, (judge, units) in flags.items():
                    flagged = judge(units(mixture.rows), labels, mixture.principals) & (mixture.trace >= 0)
                    first_flag = int(mixture.ordinal[flagged].min()) + 1 if flagged.any() else None
                    figures["peers"].setdefault(peer, []).append(first_flag)
        figures["accounts"][accounts] = {"at": at, "by": dict(who)}
    return figures


def false_flags(judge: Any, units: Any, traffic: Traffic, answers: np.ndarray) -> float:
    """Flagged rows per million."""
    n = min(PEER_ROWS, len(traffic.rows))
    flagged = judge(units(traffic.rows[:n]), answers[:n].argmax(axis=1), traffic.principals[:n])
    return float(flagged.mean() * 1e6)


def _part(traffic: Traffic, number: int) -> tuple[Traffic, int]:
    first = (number * 37_123) % max(1, len(traffic.rows) - AROUND)
    rows = slice(first, first + AROUND)
    return Traffic(
        rows=traffic.rows[rows], principals=traffic.principals[rows], times=traffic.times[rows], kinds=traffic.kinds[rows]
    ), first


def _cut(trace: Trace, n: int) -> Trace:
    return Trace(family=trace.family, rows=trace.rows[:n], answers=trace.answers[:n], success=trace.success, effect=trace.effect)


def _answers(mixture: Mixture, benign_answers: np.ndarray, trace: Trace) -> np.ndarray:
    return np.where(
        (mixture.trace >= 0)[:, None],
        trace.answers[np.maximum(mixture.ordinal, 0)],
        benign_answers[np.maximum(mixture.benign, 0)],
    )


def show(name: str, figures: dict[str, Any]) -> None:
    out.rule(name)
    calm_ = figures["benign"]
    n = calm_["rows"]
    by = Counter(detector for detector, _, _ in calm_["told"])
    attacks = sum(count for detector, count in by.items() if detector != "anomaly/input")
    out.print(
        f"{n:,} benign queries ({calm_['distinct']:,} distinct): {attacks} false incidents of attack detectors, "
        f"{attacks / n * 1e6:.1f} per million (95 % bound {upper(attacks) / n * 1e6:.1f}; asked: at most 2); "
        f"anomaly/input {by['anomaly/input']}; {calm_['us_per_row']:.1f} us a row, {calm_['state_mib']:.0f} MiB"
    )
    for detector, kind, summary in calm_["told"][:8]:
        out.print(f"  {detector} in {kind}: {summary}", markup=False, highlight=False)
    table = Table(title="found / runs, median query at which (extraction: of one account)")
    for column in ("attack", "queries", "success", *(f"{k} accounts" for k in ACCOUNTS), "found by"):
        table.add_column(column)
    for family, row in figures["attacks"].items():
        extraction = TABLE[family].threat == "extraction"
        cells = [_cell(row["accounts"].get(k), k if extraction else 1) for k in ACCOUNTS]
        who = Counter[str]()
        for each in row["accounts"].values():
            who.update(each["by"])
        table.add_row(
            family, f"{row['queries']:.0f}", f"{row['success']:.0%}", *cells, ", ".join(f"{d} {c}" for d, c in who.most_common(3))
        )
    out.print(table)
    if "peers" in figures:
        beside = Table(title="beside: benign rows flagged per million, and found / runs, median query, 1 account")
        beside.add_column("attack")
        for peer, rate in figures["peers"].items():
            beside.add_column(f"{peer}\n{rate:,.0f} / M")
        for family, row in figures["attacks"].items():
            beside.add_row(family, *(_cell({"at": row["peers"].get(peer, [])}, 1) for peer in figures["peers"]))
        out.print(beside)


def _cell(figures: dict[str, Any] | None, accounts: int) -> str:
    if figures is None or not figures["at"]:
        return ""
    found = [at for at in figures["at"] if at is not None]
    median = f" @{np.median(found) / accounts:.3g}" if found else ""
    return f"{len(found)}/{len(figures['at'])}{median}"


def upper(count: int) -> float:
    """Exact 95 % upper bound of a Poisson mean."""
    return float(chi2.ppf(0.95, 2 * count + 2) / 2)


if __name__ == "__main__":
    main()
