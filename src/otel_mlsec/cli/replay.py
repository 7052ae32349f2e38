"""`otel-mlsec replay`: all detectors over recorded traffic, to tune on last month's before going live."""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from otel_mlsec import errors
from otel_mlsec.capture import identity
from otel_mlsec.capture.sources import network
from otel_mlsec.cli.derived import refuse_derived
from otel_mlsec.cli.ended import ended
from otel_mlsec.cli.reading import PART, ROWS, opened, progress
from otel_mlsec.cli.rehearsal import BATCH, Rehearsal, Watch
from otel_mlsec.cli.replayed import Budgets, Kinds, Lines, View
from otel_mlsec.cli.safe import safe
from otel_mlsec.cli.traffic import Columns, Reader, Roles, columns
from otel_mlsec.config import ANY, Config
from otel_mlsec.detectors import TABLE
from otel_mlsec.reference.reference import Reference
from otel_mlsec.references import every

SWEEP = (0.1, 1.0, 10.0, 100.0, 1000.0)  # false alarms per million rows
SOURCES = {  # option -> kind of pseudonym as capture names it, help
    "source": ("prefix", "the client's address, to see networks that share the work"),
    "group": ("group", "what else may stand for many principals: a tenant, an ASN"),
    "user-agent": ("agent", "the client's User-Agent"),
}
KEY = b"otel-mlsec replay"  # of pseudonyms where OTEL_MLSEC_KEY is not set: the same names on every run
SHOWN = 5  # names of many
FORMAT = """
FILE is Parquet, CSV (.csv, .csv.gz) or JSON lines (.jsonl, .ndjson).  Several are replayed one after the other, as one traffic.
Columns by name: `proba.<class>` are probabilities that the model gave, `output.*` its numbers, `label` its label; --principal,
--time and the like name others; all the rest are features, or with --reference those that it knows.

Every row is one call.  Principals leave as pseudonyms, those of your service if OTEL_MLSEC_KEY is its key; what already is one
stays.  Settings of the agent (OTEL_MLSEC_CONFIG, OTEL_MLSEC_REFERENCE …) hold here, too.  The same file gives the same output.

Exit status: 0; 2 if something cannot be read.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = FORMAT
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="recorded traffic, in the order in which it came")
    parser.add_argument("--reference", action="append", default=[], metavar="[MODEL=]FILE",
                        help="of `otel-mlsec reference fit`; without it one is learned from the first rows")  # fmt: skip
    parser.add_argument("--principal", default="", metavar="COL", help="who asked")
    parser.add_argument("--time", default="", metavar="COL", help="when: seconds since the epoch, or dates")
    for kind, (_, line) in SOURCES.items():
        parser.add_argument(f"--{kind}", default="", metavar="COL", help=line)
    parser.add_argument("--model-column", default="", metavar="COL", help="which model was asked")
    parser.add_argument("--version-column", default="", metavar="COL", help="and which version of it")
    parser.add_argument("--label", default="label", metavar="COL", help="the label that the model gave (default %(default)s)")
    parser.add_argument("--features", type=_names, default=(), metavar="COL,COL", help="only these")
    parser.add_argument(
        "--detectors", type=_detectors, default=(), metavar="NAME,NAME", help="only these, as evasion/sequence, drift"
    )
    parser.add_argument("--rows-per-second", type=_positive, default=1.0, metavar="N",
                        help="how fast rows without --time came (default 1)")  # fmt: skip
    parser.add_argument("--false-alarms", type=_budget, metavar="N", help="per million rows, instead of what the settings say")
    parser.add_argument("--sensitivity-sweep", nargs="?", type=_budgets, const=SWEEP, metavar="N,N",
                        help="findings and rows flagged by false alarms per million (default 0.1 to 1000)")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="one JSON object a record of a finding; of a sweep, a budget")


def run(options: argparse.Namespace) -> int:
    return ended(lambda: _replay(options), _failed)


def _replay(options: argparse.Namespace) -> int:
    config = Config.load(os.environ)
    references = _references(options.reference, config)
    if not options.model_column and ANY not in references and references:
        if len(references) > 1:
            raise ValueError(f"references of {', '.join(references)}, but no --model-column says whose the rows are")
        references[ANY] = next(iter(references.values()))
    budgets = options.sensitivity_sweep or (options.false_alarms,)
    rehearsal = Rehearsal(
        known=lambda name: references.get(name) or references.get(ANY),
        settings=config.of,
        budgets=budgets,
        only=options.detectors,
    )
    console = Console(highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() else 200)
    view: View = Lines() if options.json else Kinds(console)
    if options.sensitivity_sweep:
        view = Budgets(console, budgets, as_json=options.json)
    reader = Reader(principal=_principal, source=_source, rows_per_second=options.rows_per_second)
    before = sum(errors.counts.values())
    with _key(config.key):
        for path in options.files:
            _file(path, options, references, reader, rehearsal, view)
    view.end(reader.n_rows)
    _tell(reader, rehearsal, options)
    failed = sum(errors.counts.values()) - before
    if failed:
        return _failed(f"detectors failed {failed:,} times, so findings are missing")
    return 0 if reader.n_rows else _failed("no row was read")


def _file(
    path: Path, options: argparse.Namespace, references: dict[str, Reference], reader: Reader, rehearsal: Rehearsal, view: View
) -> None:
    recording = opened(path)
    known: set[str] = set()
    if ANY in references:  # else there may be models whose features nobody knows
        known = {name for reference in references.values() for name in reference.features}
    texts = {column.name for reference in references.values() for column in reference.inputs if column.bins.text}
    sources = tuple((kind, column) for kind in SOURCES if (column := getattr(options, kind.replace("-", "_"))))
    roles = Roles(principal=options.principal, time=options.time, sources=sources, model=options.model_column,
                  version=options.version_column, label=options.label, features=options.features)  # fmt: skip
    try:
        chosen = columns(recording.names, roles, known, texts)
        _say(_described(path, chosen))
        size = min(ROWS, max(PART // (8 * len(chosen.all)), BATCH)) // BATCH * BATCH
        with progress() as bar:
            task = bar.add_task(path.name, total=recording.total)
            for part in recording.parts(chosen.all, size):
                view.add(rehearsal.judge(reader.read(part, chosen)))
                bar.update(task, completed=part.position)
    except BrokenPipeError:
        raise
    except (ValueError, OSError, NotImplementedError) as error:  # the last: what pyarrow cannot read
        raise ValueError(f"{path}: {str(error).partition(chr(10))[0]}") from error
    if recording.malformed:
        _say(f"{path}: {recording.malformed:,} lines are no rows and were left out")


def _references(told: list[str], config: Config) -> dict[str, Reference]:
    """By name of the model; `*` for any other."""
    asked: dict[str, str] = {}
    for text in told:
        name, equals, path = text.partition("=")
        whole = not equals or Path(text).exists()
        asked[ANY if whole else name] = text if whole else path
    paths = {**config.reference, **asked}
    key = config.reference_key.encode() or None
    found = every(paths, key)
    for name in [name for name, each in found.items() if each.texts is not None and name not in asked]:
        del found[name]  # of a language model, which settings name for live calls
    for name, reference in found.items():
        refuse_derived(reference, paths.get(name, name), reads=("embedding",))
    return found


@contextmanager
def _key(key: str) -> Generator[None]:
    """Pseudonyms of this run."""
    before = identity.key()
    identity.set_key(key.encode("utf-8", "surrogateescape") or KEY)
    try:
        yield
    finally:
        identity.set_key(before)


def _principal(who: str) -> str:
    return identity.pseudonym(identity.Asked("app", who))


def _source(option: str, cell: str) -> str:
    return identity.pseudonym(identity.Asked(SOURCES[option][0], network(cell) if option == "source" else cell))


def _described(path: Path, of: Columns) -> str:
    answers = [
        *([f"probabilities of {len(of.probabilities)} classes"] if of.probabilities else []),
        *(["labels"] if of.label else []),
        *([f"{len(of.outputs)} outputs"] if of.outputs else []),
    ]
    said = f"{path}: {len(of.features):,} features; answers: {', '.join(answers) or 'none'}"
    if of.left_out:
        said += f"; left out, since no reference knows them: {_some(of.left_out)}"
    return said


def _tell(reader: Reader, rehearsal: Rehearsal, options: argparse.Namespace) -> None:
    """What a reader of the findings must know beside them."""
    if reader.backwards:
        _say(f"{reader.backwards:,} rows are earlier than one before them; detectors take rows in the order of the file")
    if reader.untimed:
        _say(f"{reader.untimed:,} rows have no time and were taken for as late as the row before")
    if reader.rising:
        _say(f"{_some(reader.rising)}: never falls, as a time or a row number does; a time is named by --time")
    if not options.time:
        _say(f"no --time: rows were taken to come evenly, {options.rows_per_second:g} a second")
    if rehearsal.forgotten:
        _say(f"more models than are watched at once: {rehearsal.forgotten:,} times one was forgotten")
    said: dict[str, list[str]] = {}  # of models
    for watch in rehearsal.models.values():
        if sentence := _about(watch):
            said.setdefault(sentence, []).append(f"{watch.model.name} {watch.model.version}".strip())
    for sentence, names in said.items():
        _say(f"{_some(names)}: {sentence}")
    _say(f"{reader.n_rows:,} rows of {len(rehearsal.models)} models" if len(rehearsal.models) > 1 else f"{reader.n_rows:,} rows")


def _about(watch: Watch) -> str:
    if watch.learning:
        return "too few rows, or too many of one principal, to learn a reference from; nothing was judged: give --reference"
    if watch.reference is None:
        return "no reference was given; a provisional one was learned from the first rows, which nobody vouched for"
    if watch.reference.geometry is None:
        return "the reference was fitted before attacks were looked for; fit it anew to find them"
    return ""


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else "")


def _say(sentence: str) -> None:
    Console(stderr=True, highlight=False, markup=False).print(f"otel-mlsec replay: {safe(sentence, 1000)}", soft_wrap=True)


def _failed(sentence: str) -> int:
    _say(sentence)
    return 2


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for name in text.split(",") if name)


def _detectors(text: str) -> tuple[str, ...]:
    names = _names(text)
    known = {*TABLE, *(name.partition("/")[0] for name in TABLE)}
    for name in names:
        if name not in known:
            raise argparse.ArgumentTypeError(f"must be of {', '.join(sorted(known))}, got {name!r}")
    return names


def _positive(text: str) -> float:
    return _number(text, 1e-6, 1e9)


def _budget(text: str) -> float:
    return _number(text, 1e-6, 1e5)


def _budgets(text: str) -> tuple[float, ...]:
    return tuple(dict.fromkeys(_budget(part) for part in text.split(",")))


def _number(text: str, low: float, high: float) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not low <= number <= high:
        raise argparse.ArgumentTypeError(f"must be {low:g} to {high:g}, got {text!r}")
    return number
