"""`otel-mlsec feedback`: labels in files, held against recorded predictions; for what came too late for the serving process."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from otel_mlsec import errors
from otel_mlsec.cli.answers import other_classes
from otel_mlsec.cli.ended import ended
from otel_mlsec.cli.labelled import Joined, Labelled
from otel_mlsec.cli.labels import Labels
from otel_mlsec.cli.reading import opened, progress
from otel_mlsec.cli.recording import Recording
from otel_mlsec.cli.replayed import Kinds, Lines, View
from otel_mlsec.cli.safe import safe
from otel_mlsec.cli.separated import separated
from otel_mlsec.cli.traffic import OUTPUT, PROBABILITY, Columns, Reader, Roles
from otel_mlsec.config import ANY, Config
from otel_mlsec.reference.reference import Reference

ROWS = 1 << 14
MAX_KEPT = 64  # inputs that are read, for slices
SAID = {  # what became of a label -> words
    "joined": "joined",
    "duplicate": "said before",
    "contradictory": "contradict an earlier one, which counts",
    "invalid": "are none, or have no id",
    "unknown": "of predictions that are not recorded",
    "unanswered": "of predictions without an answer",
    "unjudged": "of models that nobody judges",
    "new_class": "of a class that the model does not list (is it the right column, and UTF-8?)",
    "backwards": "known before the prediction was made",
    "answered_again": "predictions with an id that had its label already",
}
FORMAT = """
FILE has a label a row, --predictions what the model answered: Parquet, CSV (.csv, .csv.gz) or JSON lines (.jsonl, .ndjson).
Columns of predictions: `proba.<class>` are probabilities, `output.*` numbers, --answer the label that the model gave.
The reference must have been told labels itself: `otel-mlsec reference fit --label`, or Reference.fit(X, y, model).

Findings are as in live traffic, in the order of the predictions.  Labels are held in memory, 51 bytes each, at most 8 million;
predictions are read part by part.  Settings of the agent (OTEL_MLSEC_CONFIG, OTEL_MLSEC_REFERENCE …) hold here, too.

Exit status: 0; 2 if something cannot be read, or no label is of a prediction.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = FORMAT
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="labels, in any order")
    parser.add_argument("--predictions", action="append", required=True, type=Path, metavar="FILE",
                        help="recorded answers, in the order in which they were given; may be said again")  # fmt: skip
    parser.add_argument("--reference", action="append", default=[], metavar="[MODEL=]FILE", help="of `otel-mlsec reference fit`")
    parser.add_argument("--id", default="prediction_id", metavar="COL", help="id of the prediction (default %(default)s)")
    parser.add_argument("--label", default="label", metavar="COL", help="what was true (default %(default)s)")
    parser.add_argument("--index", default="", metavar="COL", help="row of the call, where an id has several; in both files")
    parser.add_argument("--time", default="", metavar="COL", help="when the label became known: seconds, or dates with a zone")
    parser.add_argument("--source", default="", metavar="TEXT", help="who says so")
    parser.add_argument("--prediction-id", default="", metavar="COL", help="if the predictions call it something else than --id")
    parser.add_argument("--prediction-time", default="", metavar="COL", help="when the model was asked")
    parser.add_argument("--model-column", default="", metavar="COL", help="which model was asked")
    parser.add_argument("--version-column", default="", metavar="COL", help="and which version of it")
    parser.add_argument("--answer", default="", metavar="COL", help="the label that the model gave")
    parser.add_argument("--slices", default="", metavar="COL,COL", help="features by whose parts errors are judged, too")
    parser.add_argument("--json", action="store_true", help="one JSON object a record of a finding, and one of the counts")


def run(options: argparse.Namespace) -> int:
    return ended(lambda: _joined(options), _failed)


def _joined(options: argparse.Namespace) -> int:
    config = _sliced(Config.load(os.environ), tuple(filter(None, options.slices.split(","))))
    references = _references(options.reference, config)
    judged = Labelled(known=lambda name: references.get(name) or references.get(ANY), settings=config.of)
    console = Console(highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() else 200)
    view: View = Lines() if options.json else Kinds(console)
    before = sum(errors.counts.values())
    labels = Labels()
    for path in options.files:
        _labels(path, options, labels)
    _refuse_other_classes(labels, references)
    reader = Reader(principal=str, source=lambda _, cell: cell, rows_per_second=1.0)
    for path in options.predictions:
        _predictions(path, options, config, references, reader, labels, judged, view)
    counts = +(labels.counts + judged.counts + Counter(unknown=labels.unknown()))
    view.end(reader.n_rows)
    _tell(reader, labels, judged, counts, options)
    if failed := sum(errors.counts.values()) - before:
        return _failed(f"detectors failed {failed:,} times, so findings are missing")
    if judged.unjudged and not judged.coverage:
        return _failed(
            f"no reference of {', '.join(safe(name or 'the model') for name in list(judged.unjudged)[:5])} was told labels: "
            "fit it with --label, or Reference.fit(X, y, model)"
        )
    return 0 if counts["joined"] else _failed("no label is of a prediction")


def _refuse_other_classes(labels: Labels, references: dict[str, Reference]) -> None:
    """Or every answer would be called wrong."""
    told = [each.classes for each in references.values() if each.truth is not None]
    if told and all(classes and not labels.of_classes(classes) for classes in told):
        raise other_classes(told[0])


def _labels(path: Path, options: argparse.Namespace, labels: Labels) -> None:
    recording = opened(path)
    try:
        _there(recording, {"--id": options.id, "--label": options.label, "--index": options.index, "--time": options.time})
        wanted: list[str] = [name for name in (options.id, options.label, options.index, options.time) if name]
        reader = Reader(principal=str, source=lambda _, cell: cell, rows_per_second=1.0)
        of = Columns(roles=Roles(time=options.time), features=(), probabilities=(), outputs=(), label="")
        with progress() as bar:
            task = bar.add_task(path.name, total=recording.total)
            for part in recording.parts(list(dict.fromkeys(wanted)), ROWS):
                times = reader.read(part, of).times if options.time else None
                labels.add(part, options.id, options.label, options.index, times)
                bar.update(task, completed=part.position)
    except BrokenPipeError:
        raise
    except (ValueError, OSError, NotImplementedError) as error:  # the last: what pyarrow cannot read
        raise ValueError(f"{path}: {str(error).partition(chr(10))[0]}") from error
    if recording.malformed:
        _say(f"{path}: {recording.malformed:,} lines are no rows and were left out")


def _predictions(
    path: Path, options: argparse.Namespace, config: Config, references: dict[str, Reference], reader: Reader, labels: Labels,
    judged: Labelled, view: View,
) -> None:  # fmt: skip
    recording = opened(path)
    ids: str = options.prediction_id or options.id
    try:
        _there(recording, {"--prediction-id" if options.prediction_id else "--id": ids, "--index": options.index,
                           "--prediction-time": options.prediction_time, "--model-column": options.model_column,
                           "--version-column": options.version_column, "--answer": options.answer})  # fmt: skip
        of = _columns(recording, options, config, references)
        wanted: list[str] = list(dict.fromkeys([*of.all, ids, *filter(None, [options.index])]))
        with progress() as bar:
            task = bar.add_task(path.name, total=recording.total)
            for part in recording.parts(wanted, ROWS):
                rows, codes, told = labels.take(part, ids, options.index)
                view.add(judged.judge(reader.read(part, of), Joined(rows=rows, codes=codes, told=told, source=options.source)))
                bar.update(task, completed=part.position)
    except BrokenPipeError:
        raise
    except (ValueError, OSError, NotImplementedError) as error:
        raise ValueError(f"{path}: {str(error).partition(chr(10))[0]}") from error
    if recording.malformed:
        _say(f"{path}: {recording.malformed:,} lines are no rows and were left out")


def _sliced(config: Config, slices: tuple[str, ...]) -> Config:
    """With other slices than its own, if there are any."""
    if not slices:
        return config
    models = {name: replace(of, slices=slices) for name, of in config.models.items()}
    return replace(config, model=replace(config.model, slices=slices), models=models)


def _columns(recording: Recording, options: argparse.Namespace, config: Config, references: dict[str, Reference]) -> Columns:
    """Answers, and those inputs whose slices are judged."""
    roles = Roles(time=options.prediction_time, model=options.model_column, version=options.version_column, label=options.answer)
    probabilities = tuple(name for name in recording.names if name.startswith(PROBABILITY))
    outputs = tuple(name for name in recording.names if name.startswith(OUTPUT))
    if not (probabilities or outputs or options.answer):
        raise ValueError(f"no column is an answer: {PROBABILITY}<class>, {OUTPUT}*, or the one that --answer names")
    inputs = [column for reference in references.values() for column in reference.inputs]
    slices = dict.fromkeys(name for of in (config.model, *config.models.values()) for name in of.slices)
    known = dict.fromkeys(column.name for column in inputs if column.name in slices and column.name in recording.names)
    if options.slices and (missing := [name for name in slices if name not in known]):
        raise ValueError(f"--slices names {missing[0]!r}, which is no column that the reference knows and the file has")
    return Columns(
        roles=roles,
        features=tuple(known)[:MAX_KEPT],
        probabilities=probabilities,
        outputs=outputs,
        label=options.answer,
        texts=frozenset(column.name for column in inputs if column.bins.text) & set(known),
    )


def _there(recording: Recording, told: dict[str, str]) -> None:
    for option, name in told.items():
        if name and name not in recording.names:
            by = separated(recording.names)
            hint = f"; are its columns separated by a {by}?" if by else ""
            if any("\x00" in column or "\ufffd" in column for column in recording.names):
                hint = "; is it UTF-8?"
            said = ", ".join(recording.names[:20]) or "none"
            raise ValueError(f"{option} names {name!r}, which is no column; those are {said}{hint}")


def _references(told: Sequence[str], config: Config) -> dict[str, Reference]:
    """By name of the model; `*` for any other, which is also the only one."""
    paths = dict(config.reference)
    for text in told:
        name, equals, path = text.partition("=")
        whole = not equals or Path(text).exists()
        paths[ANY if whole else name] = text if whole else path
    if not paths:
        raise ValueError("--reference is needed: labels are compared with those that the reference was told")
    key = config.reference_key.encode() or None
    references = {name: Reference.load(Path(path), key=key) for name, path in paths.items()}
    return references | ({ANY: next(iter(references.values()))} if len(references) == 1 else {})


def _tell(reader: Reader, labels: Labels, judged: Labelled, counts: Counter[str], options: argparse.Namespace) -> None:
    if options.json:
        said = {"predictions": reader.n_rows, "labels": labels.n_rows, **{name: counts[name] for name in SAID if counts[name]},
                "coverage": judged.coverage}  # fmt: skip
        sys.stdout.write(json.dumps(said) + "\n")
    if reader.backwards:
        _say(f"{reader.backwards:,} predictions are earlier than one before them; detectors take them in the order of the file")
    if not options.prediction_time:
        _say("no --prediction-time: predictions were taken to come evenly, one a second")
    for name, words in SAID.items():
        if counts[name]:
            _say(f"{counts[name]:,} {'' if name == 'answered_again' else 'labels '}{words}")
    for model, share in judged.coverage.items():
        _say(f"{model}: labels of {share:.1%} of the predictions")
    _say(f"{reader.n_rows:,} predictions, {labels.n_rows:,} labels")


def _say(sentence: str) -> None:
    Console(stderr=True, highlight=False, markup=False).print(f"otel-mlsec feedback: {safe(sentence, 1000)}", soft_wrap=True)


def _failed(sentence: str) -> int:
    _say(sentence)
    return 2
