"""`otel-mlsec drift sketch` and `merge`: count rows where they are, add the counts elsewhere, and see what has changed."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from otel_mlsec.cli.derived import refuse_derived
from otel_mlsec.cli.ended import ended
from otel_mlsec.cli.reading import Rereading
from otel_mlsec.cli.safe import safe
from otel_mlsec.detectors.drift.summed import Summed, effects
from otel_mlsec.reference.envelope import fingerprint
from otel_mlsec.reference.order import DAY
from otel_mlsec.reference.reference import Reference
from otel_mlsec.reference.sketch import UNTIMED, Counting, Sketch, merged

KEY = "OTEL_MLSEC_REFERENCE_KEY"
SHOWN = 30  # features in the table
ABOUT = """
A sketch holds, by UTC day and feature, how many rows fell into which bin of the reference: whole numbers, no value of any row.
Sketches of any number of files and processes add up to exactly the sketch of all their rows, however these were split.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = ABOUT
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    sketch = actions.add_parser("sketch", help="count the rows of files in the bins of a reference")
    sketch.add_argument("data", nargs="+", type=Path, metavar="FILE", help="Parquet, .csv, .csv.gz, .jsonl or .ndjson")
    sketch.add_argument("--reference", type=Path, required=True, help="of `otel-mlsec reference fit`")
    sketch.add_argument("--time", default="", metavar="COL", help="seconds since the epoch, or dates; counts are then by day")
    sketch.add_argument("-o", "--output", type=Path, required=True, help="file to write")
    sketch.set_defaults(act=_sketch)
    merge = actions.add_parser("merge", help="add sketches, and say how far each feature is from the reference, and since when")
    merge.add_argument("sketches", nargs="+", type=Path, metavar="SKETCH", help="of the same reference")
    merge.add_argument("--reference", type=Path, help="that they are of; without it nothing is judged")
    merge.add_argument("-o", "--output", type=Path, help="file to write the sum to")
    merge.add_argument("--json", action="store_true", help="one JSON object a feature")
    merge.set_defaults(act=_merge)


def run(options: argparse.Namespace) -> int:
    return ended(lambda: int(options.act(options)), _failed)


def _sketch(options: argparse.Namespace) -> int:
    reference = Reference.load(options.reference, key=_key())
    refuse_derived(reference, options.reference)
    counting = Counting(reference.inputs, fingerprint(options.reference))
    for rows in Rereading(options.data, reference, options.time, _say).rows("counting"):
        counting.add(rows.inputs, rows.times)
    sketch = counting.sketch()
    sketch.save(options.output, key=_key())
    _say(f"{options.output}: {_extent(sketch)}")
    return 0


def _merge(options: argparse.Namespace) -> int:
    if len({fingerprint(path) for path in options.sketches}) < len(options.sketches):
        raise ValueError("one of the sketches is given twice, and its rows would count twice")
    sketch = merged(Sketch.load(path, key=_key()) for path in options.sketches)
    if options.output is not None:
        sketch.save(options.output, key=_key())
    if options.reference is None:
        if options.json:
            raise ValueError("--json needs --reference: without it nothing is judged")
        _say(f"{len(options.sketches)} sketches, {_extent(sketch)}; with --reference they are compared with it")
        return 0
    if fingerprint(options.reference) != sketch.reference:
        raise ValueError(f"{options.reference} is not the reference that these sketches were made with ({sketch.reference[:12]})")
    found = effects(Reference.load(options.reference, key=_key()), sketch)
    if options.json:
        for each in found:
            print(json.dumps(_as_json(each)))  # noqa: T201 - the command's output
    else:
        _print(found, sketch)
    return 0


def _as_json(each: Summed) -> dict[str, object]:
    e = each.effect
    said: dict[str, object] = {
        "feature": e.column, "js_distance": e.distance, "js_distance_low": e.low, "js_distance_high": e.high,
        "severity": e.severity.name if e.shown and not each.by_day else None,
        "by_day": each.by_day, "since": _day(each.cycle), "rows": e.rows, "shift": e.shift,
        "shift_sd": e.shift_sd, "missing": e.missing, "missing_before": e.missing_before,
    }  # fmt: skip
    return said if e.importance is None else {**said, "importance": e.importance}


def _print(found: list[Summed], sketch: Sketch) -> None:
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(_extent(sketch), markup=False, highlight=False)
    table = Table("feature", "JS distance", "90 %", "severity", "since", "rows", "shift, sd", "missing")
    for each in found[:SHOWN]:
        e = each.effect
        table.add_row(
            safe(e.column), f"{e.distance:.3f}", f"{e.low:.2f} … {e.high:.2f}", _severity(each),
            _day(each.cycle) or "-", f"{e.rows:,}", f"{e.shift_sd:+.2f}", f"{e.missing:.1%}",
        )  # fmt: skip
    console.print(table)
    if len(found) > SHOWN:
        console.print(f"and {len(found) - SHOWN} more that are nearer to the reference", markup=False, highlight=False)
    if any(each.by_day for each in found):
        console.print("by day: where it is served its days are compared with days; its size here says little", markup=False)
    console.print(
        "since: the last days that are likeliest to be a change; no false-alarm rate is promised for what is looked at once",
        markup=False, highlight=False,
    )  # fmt: skip


def _severity(each: Summed) -> str:
    return "by day" if each.by_day else each.effect.severity.name if each.effect.shown else "-"


def _extent(sketch: Sketch) -> str:
    days = [cycle for cycle in sketch.cycles.tolist() if cycle != UNTIMED]
    when = f"{len(days)} days, {_day(days[0])} to {_day(days[-1])}" if days else "without times"
    return f"{sketch.n_rows:,} rows, {when}"


def _day(cycle: int) -> str:
    """UTC; "" for rows whose time nobody knows, or that are beyond the calendar."""
    try:
        return time.strftime("%Y-%m-%d", time.gmtime(cycle * DAY)) if cycle != UNTIMED else ""
    except (ValueError, OverflowError, OSError):
        return f"day {cycle}"


def _key() -> bytes | None:
    return os.environ.get(KEY, "").encode() or None


def _say(sentence: str) -> None:
    Console(stderr=True, highlight=False, markup=False).print(f"otel-mlsec drift: {safe(sentence, 1000)}", soft_wrap=True)


def _failed(sentence: str) -> int:
    _say(sentence)
    return 2
