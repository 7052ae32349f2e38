"""`otel-mlsec report`: what changed in recorded traffic, as one file that a person opens, or as JSON."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from rich.console import Console

from otel_mlsec import errors
from otel_mlsec.cli.derived import refuse_derived
from otel_mlsec.cli.ended import ended
from otel_mlsec.cli.reading import progress
from otel_mlsec.cli.reference_origin import stamped
from otel_mlsec.cli.report.asking import Asked
from otel_mlsec.cli.report.computing import Computing
from otel_mlsec.cli.report.drawing import ready
from otel_mlsec.cli.report.machine import document
from otel_mlsec.cli.report.page import page
from otel_mlsec.cli.report.result import Result
from otel_mlsec.cli.safe import safe
from otel_mlsec.cli.traffic import Roles
from otel_mlsec.config import Config
from otel_mlsec.finding import Severity
from otel_mlsec.reference.reference import Reference

FORMAT = """
FILE is Parquet, CSV (.csv, .csv.gz) or JSON lines (.jsonl, .ndjson); several are read one after the other, as one traffic.
Columns by name: `proba.<class>` are probabilities that the model gave, `output.*` its numbers, --prediction its label; or
--model is asked for them.  All that the reference knows are features.

The page is one file that loads nothing and runs nothing.  Levels of categories are numbered there; --show-values names them.
Settings of the agent (OTEL_MLSEC_CONFIG, OTEL_MLSEC_REFERENCE_KEY …) hold here, too.

Exit status: 0; 1 with --fail-on if there is a finding as severe; 2 if something cannot be read.
A .joblib or .pkl model EXECUTES CODE when it is loaded: name only files you trust.
"""
MOST = 500


def configure(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = FORMAT
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="recorded traffic, in the order in which it came")
    parser.add_argument("--reference", required=True, type=Path, metavar="FILE", help="of `otel-mlsec reference fit`")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="the page to write, .html")
    parser.add_argument("--json", action="store_true", help="write the same as JSON to standard output")
    parser.add_argument("--time", default="", metavar="COL", help="when: seconds since the epoch, or dates")
    parser.add_argument("--label", default="", metavar="COL", help="the true label, where it is known")
    parser.add_argument("--prediction", default="prediction", metavar="COL",
                        help="the label that the model gave, where there is such a column (default %(default)s)")  # fmt: skip
    parser.add_argument("--model", type=Path, metavar="FILE", help="saved model, asked for its answers")
    parser.add_argument("--title", default="", help="of the page")
    parser.add_argument("--max-features", type=_count, default=60, metavar="N",
                        help="columns that are drawn, the most changed (default %(default)s, at most 500)")  # fmt: skip
    parser.add_argument("--show-values", action="store_true", help="name levels of categories in the page as the data do")
    parser.add_argument("--fail-on", type=_severity, metavar="SEVERITY",
                        help="exit with 1 if a finding is LOW, MEDIUM, HIGH, CRITICAL or worse")  # fmt: skip


def run(options: argparse.Namespace) -> int:
    return ended(lambda: _report(options), _failed)


def _report(options: argparse.Namespace) -> int:
    if options.output is None and not options.json:
        raise ValueError("say where it goes: -o FILE for the page, --json for JSON on standard output")
    config = Config.load(os.environ)
    reference = Reference.load(options.reference, key=config.reference_key.encode() or None)
    refuse_derived(reference, options.reference)
    if options.model is not None and reference.origin is not None:
        file = (stamped(reference, options.model).origin or reference.origin).file
        if why := reference.origin.refusal(file=file):
            raise ValueError(f"{options.reference} does not belong to {options.model}: {why}")
    if options.output is not None:  # what cannot be done is said before the long part
        ready()
        if options.output.is_dir() or not options.output.parent.is_dir():
            raise ValueError(f"{options.output} is no file that could be written")
    if options.label and options.label == options.prediction:
        raise ValueError(f"--label and --prediction both name {options.label!r}: one is the truth, the other what the model said")
    asked = Asked(options.model, reference.inputs, reference.classes) if options.model is not None else None
    computing = Computing(
        reference, config.of(reference.model.name), timed=bool(options.time), show_values=options.show_values
    )  # fmt: skip
    roles = Roles(time=options.time, label=options.prediction)
    before = sum(errors.counts.values())
    result = computing.run(options.files, roles, options.label, asked, _say)
    if failed := sum(errors.counts.values()) - before:
        raise ValueError(f"detectors failed {failed:,} times, so findings would be missing")
    if result.backwards:
        _say(f"{result.backwards:,} rows are earlier than one before them; detectors take them in the order of the file")
    if options.output is not None:
        _write(options, result)
    if options.json:
        json.dump(document(result), sys.stdout, allow_nan=False)
        sys.stdout.write("\n")
        sys.stdout.flush()
    worst = result.worst
    return int(options.fail_on is not None and worst is not None and worst >= options.fail_on)


def _write(options: argparse.Namespace, result: Result) -> None:
    with progress() as bar:
        task = bar.add_task("drawing", total=min(len(result.columns), options.max_features))

        def drawn(_: str) -> None:
            bar.advance(task)

        whole = page(result, title=options.title or _title(result), max_features=options.max_features, drawn=drawn)
    options.output.write_text(whole, "utf-8", errors="replace")
    _say(f"{options.output}: {result.n_rows:,} rows, {_told(result)}")


def _title(result: Result) -> str:
    return f"Drift report: {result.model.name} {result.model.version}".strip().removesuffix(":")


def _told(result: Result) -> str:
    n = len(result.cases)
    return f"{n:,} change{'s' * (n != 1)}, the worst {result.worst.name}" if result.worst is not None else "no change"


def _say(sentence: str) -> None:
    Console(stderr=True, highlight=False, markup=False).print(f"otel-mlsec report: {safe(sentence, 1000)}", soft_wrap=True)


def _failed(sentence: str) -> int:
    _say(sentence)
    return 2


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST:
        raise argparse.ArgumentTypeError(f"must be 1 to {MOST}, got {text!r}")
    return int(text)


def _severity(text: str) -> Severity:
    if text.upper() not in Severity.__members__:
        raise argparse.ArgumentTypeError(f"must be one of {', '.join(Severity.__members__)}, got {text!r}")
    return Severity[text.upper()]
