"""`make evaluate-attacks`: how soon attacks are found, and what it costs in false incidents, beside what others do.

Thresholds were chosen on other streams of diamonds and digits (another split of their rows, another seed of the traffic) and on
made-up tables; movies and InstEval were not looked at for that.  Drift detectors are left out: theirs is `make evaluate-drift`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from rich.console import Console

from evaluation.attacks import kept
from evaluation.attacks.measured import Amount, evaluated
from evaluation.attacks.report import show_asked, show_task
from evaluation.attacks.tasks import TASKS
from otel_mlsec.attack.families import TABLE

DEVELOPMENT, REPORT = 1, 2  # seeds of splits; the traffic's follows
FULL, QUICK = (1_000_000, 10), (50_000, 3)  # benign queries of a task, runs of each attack
out = Console(width=150)


def main(arguments: Sequence[str] | None = None) -> None:
    options = argparse.ArgumentParser(prog="evaluation.attacks", description=__doc__)
    options.add_argument("--task", action="append", choices=list(TASKS), help="only this one (may be repeated)")
    options.add_argument("--families", default="", help="only these attacks, by commas")
    options.add_argument("--quick", action="store_true", help=f"{QUICK[0]:,} benign queries and {QUICK[1]} runs of each attack")
    options.add_argument("--rows", type=int, help=f"benign queries of a task (default {FULL[0]:,})")
    options.add_argument("--victims", type=int, help=f"runs of each attack (default {FULL[1]})")
    options.add_argument("--development", action="store_true", help="the split that thresholds may be chosen on")
    options.add_argument("--no-peers", action="store_true", help="leave out what others do")
    options.add_argument("--json", type=Path, help="write the figures to this file, too")
    options.add_argument("--processes", type=int, default=2, help="tasks at the same time (default 2)")
    asked = options.parse_args(arguments)
    families = tuple(name for name in asked.families.split(",") if name) or tuple(TABLE)
    if unknown := set(families) - set(TABLE):
        options.error(f"no such attack: {', '.join(sorted(unknown))}; there are {', '.join(TABLE)}")
    rows, victims = QUICK if asked.quick else FULL
    amount = Amount(
        seed=DEVELOPMENT if asked.development else REPORT, rows=asked.rows or rows, victims=asked.victims or victims,
        families=families, others=not asked.no_peers,
    )  # fmt: skip
    names = list(dict.fromkeys(asked.task or TASKS))
    began = time.monotonic()
    found: dict[str, Any] = {}
    with ProcessPoolExecutor(min(asked.processes, len(names))) as pool:
        jobs = {pool.submit(evaluated, name, amount): name for name in names}
        for job in as_completed(jobs):
            found[jobs[job]] = job.result()
            show_task(out, jobs[job], found[jobs[job]])
            if asked.json:
                asked.json.write_text(json.dumps(found, indent=1, allow_nan=False))
    show_asked(out, {name: found[name] for name in names})
    out.print(f"in {time.monotonic() - began:.0f} s; attacks are kept in {kept.folder()}", highlight=False)


if __name__ == "__main__":
    main()
