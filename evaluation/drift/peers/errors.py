"""Labels that come late: errors rise from 10 % to 20 %, watched by `drift/concept` and by who watches one number at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from rich.console import Console
from rich.table import Table

from evaluation.drift import concept
from evaluation.drift.peers.environments import PLACE, Absent, python_of
from evaluation.drift.peers.process import Process
from evaluation.drift.peers.report import median
from evaluation.drift.peers.table import PEERS, Peer
from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.config import ModelSettings
from otel_mlsec.observation import Meaning, Outcomes
from otel_mlsec.reference.reference import Reference

CHANGE, LAST = 15_000, 40_000  # predictions
LAG = 5000  # predictions until a label comes, on average; exponential
RAISED = 0.2
PIECE = 25
Told = Callable[[Ints], bool]  # numbers of the predictions whose labels come next -> is there an alarm?


def main(out: Console, runs: int) -> None:
    known = [concept.reference(seed) for seed in range(4)]
    table = Table(
        title=f"errors 10 % → 20 %, labels {LAG:,} predictions late on average: {runs} runs, and as many that stay at 10 %"
    )
    for name in (
        "",
        "predictions from the change until told, median",
        f"false alarms, in {runs * (LAST + CHANGE):,} predictions",
    ):
        table.add_column(name)
    table.add_row("otel-mlsec drift/concept", *_cells([one(_ours(known[run % 4]), run) for run in range(runs)]))
    for peer in PEERS:
        if peer.of_errors:
            try:
                table.add_row(peer.name, *_cells(_peer(peer, runs)))
            except Absent as why:
                out.print(f"{peer.name} is skipped: {why}", highlight=False)
    out.print(table)


def stream(run: int, raised: float) -> tuple[Outcomes, Floats]:
    """-> outcomes in the order of predictions, and when the label of each comes."""
    rng = np.random.default_rng((12, run, round(100 * raised)))
    whole = concept.stream(rng, np.where(np.arange(LAST) < CHANGE, concept.BASE, raised), LAST, Meaning.LABEL)
    return whole, np.arange(LAST) + rng.exponential(LAG, LAST)


def one(begin: Callable[[Outcomes, Floats], Told], run: int) -> tuple[float, int]:
    """-> predictions from the change until told (infinite: not within 25,000), and false alarms, also of a stream unchanged."""
    false, delay = 0, np.inf
    for raised in (RAISED, concept.BASE):
        whole, told = stream(run, raised)
        alarmed, order = begin(whole, told), np.argsort(told, kind="stable")
        order = order[told[order] < LAST]
        for at in range(0, len(order), PIECE):
            part = order[at : at + PIECE]
            if alarmed(part):
                now = float(told[part[-1]])
                if raised == concept.BASE or now < CHANGE:
                    false += 1
                else:
                    delay = now - CHANGE
                    break
    return delay, false


def _ours(known: Reference) -> Callable[[Outcomes, Floats], Told]:
    def begin(whole: Outcomes, told: Floats) -> Told:
        detector = concept.built(known, ModelSettings())

        def alarmed(part: Ints) -> bool:
            outcomes = replace(
                whole, inputs=None, outputs=whole.outputs[part], truth=whole.truth[part], times=part.astype(np.float64),
                told=told[part], sources=("",) * len(part),
            )  # fmt: skip
            return bool(detector.update(outcomes))

        return alarmed

    return begin


def _peer(peer: Peer, runs: int) -> list[tuple[float, int]]:
    with Process(peer, python_of(peer.environment, PLACE)) as process:

        def begin(whole: Outcomes, told: Floats) -> Told:
            wrong = (whole.outputs != whole.truth[:, None]).astype(np.float64)
            process.learn(np.empty((0, 1)), None)
            return lambda part: bool(process.update(wrong[part], told[part]).alarms)

        return [one(begin, run) for run in range(runs)]


def _cells(results: list[tuple[float, int]]) -> tuple[str, str]:
    return median([delay for delay, _ in results]), str(sum(false for _, false in results))
