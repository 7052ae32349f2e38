"""`otel-mlsec reference fit` and `show`: make the file that says what normal is, and look into one."""

from __future__ import annotations

import argparse
import os
from importlib import import_module
from pathlib import Path
from typing import Any

from rich.console import Console

from otel_mlsec.cli import reference_store, reference_update
from otel_mlsec.cli.ended import ended
from otel_mlsec.cli.models import load_model
from otel_mlsec.cli.reference_columns import show_columns, show_texts
from otel_mlsec.cli.reference_origin import beside, labels_in, stamped, told
from otel_mlsec.cli.safe import safe
from otel_mlsec.cli.separated import separated
from otel_mlsec.detectors.drift.effect import hardly_used
from otel_mlsec.reference.envelope import is_signed
from otel_mlsec.reference.importance import Importance
from otel_mlsec.reference.reference import Reference
from otel_mlsec.reference.truth import Truth

KEY = "OTEL_MLSEC_REFERENCE_KEY"
JOBLIB = (
    "A .joblib or .pkl model EXECUTES CODE when it is loaded: name only files you trust. .skops, .ubj, .json and .txt do not."
)


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    fit = actions.add_parser("fit", help="learn a reference from a CSV or Parquet file", epilog=JOBLIB)
    fit.add_argument("data", type=Path, help="rows known to be good, in the order in which they were served")
    fit.add_argument(
        "--model",
        type=Path,
        help="saved model, asked about every row: .joblib, .skops, .ubj, .json, .txt, or MLflow's directory",
    )
    fit.add_argument("--label", help="column that is the label, not a feature")
    fit.add_argument("--time", help="column of event times; rows are sorted by it, and it is not a feature")
    fit.add_argument("--categorical", default="", metavar="COL,COL", help="columns of numbers that are codes")
    fit.add_argument("--name", default="", help="the model's name, as `watch` or its class says it")
    fit.add_argument("--version", default="", help="the model's version")
    fit.add_argument("--embedding", action="store_true", help="the columns are the dimensions of an embedding")
    fit.add_argument("--free-text", default="", metavar="COL,COL", help="columns of free text: its properties are watched")
    fit.add_argument("--text", metavar="COL", help="column of prompts: the reference is of a language model")
    fit.add_argument("--answer", metavar="COL", help="column of its answers, beside --text")
    fit.add_argument("--forest", action="store_true", help='grow an isolation forest, too, for `anomaly = ["forest"]`')
    fit.add_argument("--in-sample", action="store_true", help="the model was fitted on these rows: its errors on them say little")
    fit.add_argument("-o", "--output", type=Path, help="file to write; without it where the model's reference is looked for")
    fit.add_argument("--store", type=Path, metavar="DIR", help="directory of versions, where it counts from then on")
    fit.set_defaults(act=_fit)
    reference_update.configure(actions, _read, _times)
    reference_store.configure(actions)
    show = actions.add_parser("show", help="say what a reference holds")
    show.add_argument("file", type=Path)
    show.set_defaults(act=_show)


def run(options: argparse.Namespace) -> int:
    try:
        return ended(lambda: int(options.act(options)), _failed)
    except Exception as error:  # noqa: BLE001 - the model that is asked is foreign code and raises anything
        return _failed(f"{type(error).__name__}: {error}")


def _failed(sentence: str) -> int:
    Console(stderr=True).print(f"otel-mlsec reference: {safe(sentence)}", style="red", markup=False, highlight=False)
    return 2


def _fit(options: argparse.Namespace) -> int:
    frame = _read(options.data)
    if by := separated(list(frame.columns)):
        raise ValueError(f"{options.data}: its cells seem to be separated by {by}s; a .csv has commas")
    if frame.empty:
        raise ValueError(f"{options.data} has no row")
    for column in filter(None, (options.label, options.time, options.text, options.answer)):
        if column not in frame.columns:
            raise ValueError(f"{options.data} has no column {column!r}; it has {', '.join(map(str, frame.columns[:20]))}")
    if options.text or options.answer:
        return _fit_texts(options, frame)
    features = frame.drop(columns=[c for c in (options.label, options.time) if c])
    categorical = [c for c in options.categorical.split(",") if c]
    if unknown := set(categorical) - set(map(str, features.columns)):
        raise ValueError(f"--categorical names {', '.join(sorted(unknown))}, which {options.data} does not have")
    path = _output(options)
    model = load_model(options.model) if options.model else None
    for sentence in labels_in(features, model):
        Console(stderr=True).print(f"otel-mlsec reference: {safe(sentence)}", style="yellow", markup=False, highlight=False)
    reference = Reference.fit(
        features,
        frame[options.label] if options.label and not options.in_sample else None,
        model,
        time=_times(frame[options.time]) if options.time else None,
        categorical=categorical,
        name=options.name,
        version=options.version,
        forest=options.forest,
        embedding=options.embedding,
        texts=tuple(c for c in options.free_text.split(",") if c),
    )
    return _kept(options, path, stamped(reference, options.model, in_sample=options.in_sample))


def _fit_texts(options: argparse.Namespace, frame: Any) -> int:
    if not options.text:
        raise ValueError("--answer is given beside --text")
    path = _output(options)
    prompts, answers = (
        [text for text in frame[column] if isinstance(text, str)] if column else [] for column in (options.text, options.answer)
    )
    return _kept(options, path, Reference.fit_texts(prompts, answers, name=options.name, version=options.version))


def _kept(options: argparse.Namespace, path: Path | None, reference: Reference) -> int:
    key = os.environ.get(KEY, "").encode()
    if path is None:
        path = reference_store.keep(reference, options.store, reference.model.name, key or None)
    else:
        reference.save(path, key=key or None)
    _print(reference, path, signed=bool(key))
    _print_origin(reference)
    return 0


def _output(options: argparse.Namespace) -> Path | None:
    """None: into the store."""
    if options.store is not None and options.output is not None:
        raise ValueError("-o and --store say both where it goes: name one")
    if options.store is not None or options.output is not None:
        return options.output
    if options.model is None:
        raise ValueError("say where it goes: -o FILE, or --store DIR")
    path = beside(options.model)
    if options.model.is_dir():
        path.parent.mkdir(exist_ok=True)
    return path


def _show(options: argparse.Namespace) -> int:
    key = os.environ.get(KEY, "").encode()
    reference = Reference.load(options.file, key=key or None)
    _print(reference, options.file, signed=is_signed(options.file))
    _print_origin(reference)
    return 0


def _print_origin(reference: Reference) -> None:
    for line in told(reference) if reference.texts is None else ():
        Console().print(safe(line), markup=False, highlight=False)


def _read(path: Path) -> Any:
    parquet, lines = path.suffix in (".parquet", ".pq"), path.suffix in (".jsonl", ".ndjson")
    if not parquet and not lines and not path.name.endswith((".csv", ".csv.gz", ".csv.zip")):
        raise ValueError(f"{path} must be .csv, .csv.gz, .csv.zip, .parquet or .jsonl")
    pandas = _pandas()
    try:
        if lines:
            return pandas.read_json(path, lines=True)
        return pandas.read_parquet(path) if parquet else pandas.read_csv(path)
    except FileNotFoundError:
        raise ValueError(f"{path} is not there") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 ({error.reason} at byte {error.start:,}): save it as UTF-8") from error
    except ValueError as error:
        said = str(error).partition("\n")[0]
        raise ValueError(f"{path} cannot be read as rows ({type(error).__name__}: {said})") from error


def _times(column: Any) -> Any:
    """Numbers are seconds since the epoch; text is read as dates."""
    return column if column.dtype.kind in "fiM" else _pandas().to_datetime(column, utc=True)


def _pandas() -> Any:
    try:
        return import_module("pandas")  # only `fit` needs it, and it comes with an extra
    except ImportError as error:
        raise ImportError("fitting from a file needs pandas: pip install 'otel-mlsec[reference]'") from error


def _print(reference: Reference, path: Path, *, signed: bool) -> None:
    console = Console()
    cycle = "days" if reference.timed else "cycles of 1,000 rows"
    name = safe(f"{reference.model.name or 'any model'} {reference.model.version}".strip())
    held = (
        f"{reference.n_rows:,} rows, {reference.n_cycles} {cycle}" if reference.texts is None else f"{reference.n_rows:,} prompts"
    )
    console.print(f"{safe(str(path))}: {name}, {held}, {'signed' if signed else 'not signed'}", markup=False, highlight=False)
    if reference.forest is not None:
        console.print(f"An isolation forest of {len(reference.forest.features)} trees.", markup=False, highlight=False)
    if reference.importance is not None:
        console.print(_leans(reference.importance), markup=False, highlight=False)
    if reference.pairs is not None:
        pairs = f"{len(reference.pairs.left)} pairs of features are watched for how they go together."
        console.print(pairs, markup=False, highlight=False)
    if reference.truth is not None:
        console.print(_worth(reference.truth), markup=False, highlight=False)
    if reference.texts is not None:
        show_texts(console, reference)
        return
    if not reference.timed:
        console.print("No time column: rows are taken to be in the order in which they were served.", markup=False)
    show_columns(console, reference)


def _leans(importance: Importance) -> str:
    """What decides the model's answers, the most important first."""
    used = sorted((each for each in importance.relative().items() if not hardly_used(each[1])), key=lambda each: -each[1])
    n = len(importance.names)
    most = ", ".join(f"{safe(name)} ({share / n:.0%})" for name, share in used[:5])
    hardly = f"; it hardly uses {n - len(used)} of {n} features." if len(used) < n else "."
    return f"The model leans most on {most}{hardly}"


def _worth(truth: Truth) -> str:
    """What its labels say of the model."""
    labels = f"Labels of {truth.n_rows:,} rows, which the model must not have been fitted on:"
    if truth.kinds == ("value",):
        return f"{labels} absolute error {truth.loss(0) * float(truth.scales[0]):.4g}, in one row of ten above {truth.limit:.4g}."
    loss = f", log loss {truth.loss(0) * float(truth.scales[0]):.3f}" if truth.kinds[0] == "probability" else ""
    return f"{labels} {100 * truth.error(0):.3g} % of its answers are wrong{loss}."
