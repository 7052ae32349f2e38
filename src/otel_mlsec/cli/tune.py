"""`otel-mlsec tune`: how much each feature moves in a period that is known to be good, and which tolerances follow from that."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from otel_mlsec.arrays import Ints
from otel_mlsec.cli.derived import refuse_derived
from otel_mlsec.cli.ended import ended
from otel_mlsec.cli.reading import Rereading, Rows
from otel_mlsec.cli.safe import safe
from otel_mlsec.config import Config
from otel_mlsec.detectors.drift.data import DataDrift, worth_watching
from otel_mlsec.detectors.drift.movement import Movement, movements
from otel_mlsec.detectors.drift.settings import by_cycle
from otel_mlsec.finding import Status
from otel_mlsec.observation import Batch, Meaning
from otel_mlsec.reference.order import CYCLE_ROWS, DAY
from otel_mlsec.reference.reference import Reference
from otel_mlsec.reference.sketch import Counting, Sketch
from otel_mlsec.settings import FeatureSettings, ModelSettings
from otel_mlsec.sketches.bins import INVALID, MISSING

EVERY = {"day": DAY, "week": 7 * DAY}  # s
ROUNDS = 3  # in which tolerances of what still alarms are raised
RAISED = 1.5
MOVES = 0.02  # sd from cycle to cycle, without what chance does
TOO_MUCH = 1.0  # sd: who tolerates more sees nothing
BATCH = 256  # rows
SHOWN = 20
BARE = re.compile(r"[A-Za-z0-9_-]+")
ABOUT = """
CLEAN are rows of a period that somebody has found good: Parquet, CSV or JSON lines, in the order in which they came.
What is printed, or written with -o, goes into the file that OTEL_MLSEC_CONFIG names.  A tolerance hides drift up to its size:
read the reasons beside it first.  Alarms before and after are counted in the same rows that the proposal is made from.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = ABOUT
    parser.add_argument("clean", nargs="+", type=Path, metavar="CLEAN", help="rows of a period that is known to be good")
    parser.add_argument("--reference", type=Path, required=True, help="of `otel-mlsec reference fit`")
    parser.add_argument("--model", default="", metavar="NAME", help="whose settings these are (default: the reference's)")
    parser.add_argument(
        "--time", default="", metavar="COL", help="seconds since the epoch, or dates; without it a cycle is 1,000 rows"
    )
    parser.add_argument("--every", choices=EVERY, default="day", help="how long a cycle is, with --time (default %(default)s)")
    parser.add_argument("-o", "--output", type=Path, help="TOML file to write, instead of printing it")


def run(options: argparse.Namespace) -> int:
    return ended(lambda: _tune(options), _failed)


@dataclass(slots=True, kw_only=True)
class Alarms:
    """Of `drift/data` in the clean period; each would be false."""

    findings: Counter[str] = field(default_factory=Counter[str])  # by feature
    small: int = 0  # too small to show

    def __str__(self) -> str:
        return f"{self.findings.total():,} findings and {self.small:,} alarms too small to show"


def _tune(options: argparse.Namespace) -> int:
    config = Config.load(os.environ)
    reference = Reference.load(options.reference, key=config.reference_key.encode() or None)
    refuse_derived(reference, options.reference)
    model = options.model or reference.model.name
    settings = config.of(model)
    clean = Rereading(options.clean, reference, options.time, _say)
    counting, n_rows = Counting(reference.inputs, ""), 0
    for rows in clean.rows("counting"):
        counting.add(rows.inputs, rows.times, _cycles(rows, EVERY[options.every]))
        n_rows = rows.first + len(rows.inputs)
    sketch = counting.sketch()
    empty = _empty(reference, sketch)
    found = [each for each in movements(reference, sketch) if each.column not in empty]
    noun = options.every if options.time else f"{CYCLE_ROWS:,} rows"
    if empty:
        _say(f"hold nothing of what the reference knows in them, so nothing is proposed: {_some(empty)}")
    off = {name: replace(settings.features.get(name, FeatureSettings()), off=True) for name in empty}
    settings = replace(settings, features={**settings.features, **off})
    before, after, proposal = _proposal(reference, settings, clean, found)
    _print(found, proposal, noun)
    _tell(reference, clean, found, by_cycle(reference, settings))
    _say(f"over {n_rows:,} clean rows drift/data had {before}; with the proposal it has {after}")
    text = _toml(model, proposal, {each.column: each for each in found}, noun)
    if options.output is not None:
        options.output.write_text(text, "utf-8")
        _say(f"{options.output}: {len(proposal)} tolerances")
    elif proposal:
        sys.stdout.write(text)
    return 0


def _proposal(
    reference: Reference, settings: ModelSettings, clean: Rereading, found: Sequence[Movement]
) -> tuple[Alarms, Alarms, dict[str, float]]:
    """-> alarms without and with the proposal, and the tolerance of each feature that needs one."""
    odd = {*_identifiers(reference, clean), *_restless(found), *by_cycle(reference, settings)}
    watched = [each for each in found if each.column not in odd]
    proposal = {each.column: each.tolerance for each in watched if each.tolerance > _tolerance(settings, each.column)}
    before, after = _alarms(reference, [settings, _with(settings, proposal)], clean)
    for _ in range(ROUNDS - 1):
        raised = {
            name: _raised(max(proposal.get(name, 0.0), _tolerance(settings, name))) for name in after.findings if name not in odd
        }
        if not raised:
            break
        proposal |= raised
        [after] = _alarms(reference, [_with(settings, proposal)], clean)
    return before, after, proposal


def _raised(tolerance: float) -> float:
    return min(TOO_MUCH, float(np.ceil(round(100 * max(RAISED * tolerance, 0.02), 6))) / 100)


def _tolerance(settings: ModelSettings, name: str) -> float:
    own = settings.features.get(name)
    return own.tolerance if own is not None and own.tolerance is not None else settings.tolerance


def _with(settings: ModelSettings, proposal: Mapping[str, float]) -> ModelSettings:
    own = {name: replace(settings.features.get(name, FeatureSettings()), tolerance=size) for name, size in proposal.items()}
    return replace(settings, features={**settings.features, **own})


def _alarms(reference: Reference, variants: Sequence[ModelSettings], clean: Rereading) -> list[Alarms]:
    detectors = [DataDrift.build(reference, settings) for settings in variants]
    alarms = [Alarms() for _ in variants]
    names = tuple(c.name for c in reference.inputs)
    for rows in clean.rows("checking"):
        times = rows.first + np.arange(float(len(rows.inputs))) if rows.times is None else rows.times
        for at in range(0, len(times), BATCH):
            part = slice(at, at + BATCH)
            n = len(times[part])
            batch = Batch(
                model=reference.model, meaning=Meaning.RAW, features=names, inputs=rows.inputs[part], outputs=None,
                times=times[part], calls=np.zeros(n, np.int64), principals=("",),
            )  # fmt: skip
            for detector, own in zip(detectors, alarms, strict=True):
                told = detector.update(batch) if detector is not None else []
                own.findings.update(name for f in told if f.status is not Status.RESOLVED for name in f.subject)
    for detector, own in zip(detectors, alarms, strict=True):
        own.small = detector.small_changes() if detector is not None else 0
    return alarms


def _empty(reference: Reference, sketch: Sketch) -> list[str]:
    """Columns that are absent, or hold nothing but what is missing or of another type, as they did not in the reference."""
    odd = [MISSING, INVALID]
    now = sketch.counts.sum(axis=0)  # (d, N_BINS)
    return [
        c.name
        for i, c in enumerate(reference.inputs)
        if now[i].sum() == now[i, odd].sum() and c.counts.sum() > c.counts[odd].sum()
    ]


def _cycles(rows: Rows, seconds: float) -> Ints:
    if rows.times is None:
        return (rows.first + np.arange(len(rows.inputs))) // CYCLE_ROWS
    return np.floor(rows.times / seconds).astype(np.int64)


def _print(found: Sequence[Movement], proposal: Mapping[str, float], noun: str) -> None:
    moving = [each for each in found if (each.usual >= MOVES and each.most > 0) or each.column in proposal]
    moving.sort(key=lambda each: -each.usual)
    console = Console(stderr=True, width=None if sys.stderr.isatty() else 120)
    if not moving:
        console.print(f"No feature moves from {noun} to {noun} by more than chance does.", markup=False, highlight=False)
        return
    table = Table("feature", f"moves, sd a {noun}", "beyond chance", "tolerance")
    for each in moving[:SHOWN]:
        size = f"{proposal[each.column]:.2f}" if each.column in proposal else "-"
        table.add_row(safe(each.column), f"{each.usual:.3f}", f"{each.most:.3f}", size)
    console.print(table)
    middle = float(np.median([each.usual for each in moving]))
    some = f"{len(moving)} of {len(found)} features"
    console.print(f"{some} move from {noun} to {noun}, by {middle:.2f} sd in the median.", markup=False, highlight=False)
    if len(moving) > SHOWN:
        console.print(f"and {len(moving) - SHOWN} more that move less", markup=False, highlight=False)


def _tell(reference: Reference, clean: Rereading, found: Sequence[Movement], by_day: Sequence[str]) -> None:
    named = _identifiers(reference, clean)
    if named:
        _say(f"identifiers or row numbers, by the look of them; turn them off: {_some(named)}")
    if by_day:
        _say(f"drift/cycle judges these by how they move from cycle to cycle, so nothing is proposed: {_some(by_day)}")
    if restless := [name for name in _restless(found) if name not in (*named, *by_day)]:
        _say(f"move by more than {TOO_MUCH:g} sd, which is nothing to tolerate; turn them off, or fit a longer reference, "
             f"with its times: {_some(restless)}")  # fmt: skip
    if still := [each.column for each in found if each.constant and each.column not in named]:
        _say(f"have one value only: {_some(still)}")
    if found and max(each.cycles for each in found) < 10:
        _say(f"only {max(each.cycles for each in found)} cycles of 50 rows or more: how much features move is hardly known")


def _identifiers(reference: Reference, clean: Rereading) -> list[str]:
    names = [c.name for c in reference.inputs if not c.calendar and not worth_watching(c)]
    return [*names, *(c.name for c in reference.inputs if c.name in clean.rising and not c.calendar)]


def _restless(found: Sequence[Movement]) -> list[str]:
    return [each.column for each in found if each.tolerance > TOO_MUCH]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else "")


def _toml(model: str, proposal: Mapping[str, float], found: Mapping[str, Movement], noun: str) -> str:
    table = f"models.{_key(model)}" if model else "model"
    lines = ["# proposed by `otel-mlsec tune`"]
    for name, size in sorted(proposal.items()):
        moved = found[name]
        why = f"moves {moved.usual:.3f} sd from {noun} to {noun}" if moved.tolerance else "alarmed in the clean period"
        lines += ["", f"[{table}.features.{_key(name)}]", f"tolerance = {size:.2f}  # {why}"]
    return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    """As TOML writes it; a lone surrogate has no place there."""
    if BARE.fullmatch(name):
        return name
    text = name.encode("utf-8", "replace").decode("utf-8")
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _say(sentence: str) -> None:
    Console(stderr=True, highlight=False, markup=False).print(f"otel-mlsec tune: {safe(sentence, 2000)}", soft_wrap=True)


def _failed(sentence: str) -> int:
    _say(sentence)
    return 2
