"""Runs the comparison: us first, then each peer that can be had."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.progress import track

from evaluation.drift.peers import errors, report
from evaluation.drift.peers.environments import PLACE, Absent, python_of
from evaluation.drift.peers.measured import Result, measure
from evaluation.drift.peers.ours import Ours
from evaluation.drift.peers.process import Process
from evaluation.drift.peers.table import PEERS, Peer

BUDGET = 40.0  # s of CPU for each peer; a slow one takes more, since every column has a run; we are given all that is asked for


def main(out: Console, *, rows: int, runs: int, budget: float = BUDGET) -> list[Result]:
    out.rule("the same streams, watched by others and by us")
    ours = measure(Ours(), rows=rows, runs=runs, budget=float("inf"), steady=Ours(latched=True))
    results = [ours, *others(out, PEERS, rows=rows, runs=runs, budget=budget)]
    report.show(out, results)
    errors.main(out, runs)
    return results


def others(
    out: Console, peers: tuple[Peer, ...], *, rows: int, runs: int, budget: float, place: Path = PLACE
) -> list[Result]:  # fmt: skip
    """Those that can be had; the others are named, with the reason."""
    results: list[Result] = []
    for peer in track(peers, "others", console=out, transient=True):
        try:
            with Process(peer, python_of(peer.environment, place)) as process:
                results.append(measure(process, rows=rows, runs=runs, budget=budget))
        except Absent as why:
            out.print(f"{peer.name} is skipped: {why}", highlight=False)
        else:
            if peer.notice:
                out.print(f"{peer.name}: {peer.notice}", highlight=False)
    return results
