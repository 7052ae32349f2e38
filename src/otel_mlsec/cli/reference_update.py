"""`otel-mlsec reference update`: a reviewed clean period takes the place of what was normal, and what changes is shown first."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from otel_mlsec.cli.derived import refuse_derived
from otel_mlsec.cli.models import load_model
from otel_mlsec.cli.reference_origin import stamped
from otel_mlsec.cli.reference_store import keep, key
from otel_mlsec.cli.safe import safe
from otel_mlsec.reference import store
from otel_mlsec.reference.column import Column
from otel_mlsec.reference.envelope import fingerprint
from otel_mlsec.reference.fit import MAX_FEATURES, answers_of
from otel_mlsec.reference.origin import NOTE, Origin
from otel_mlsec.reference.outputs import output_columns
from otel_mlsec.reference.reference import Reference
from otel_mlsec.sketches.bins import N_BINS
from otel_mlsec.table import table

DAY = 86400.0  # s
MUCH = 0.1  # distance from which on a column is said to have changed much


def configure(
    actions: argparse._SubParsersAction[argparse.ArgumentParser],  # pyright: ignore[reportPrivateUsage]
    read: Callable[[Path], Any],
    times: Callable[[Any], Any],
) -> None:
    """`read` gives the frame of a file, `times` the event times in a column of it."""
    update = actions.add_parser("update", help="adopt a reviewed clean period as the new reference, after showing what changes")
    update.add_argument("old", help="the reference to be replaced: its file or, with --store, the model's name")
    update.add_argument("data", type=Path, nargs="+", help="rows of the reviewed period, in the order in which they were served")
    update.add_argument("-o", "--output", type=Path, help="file to write; the old one stays")
    update.add_argument("--store", type=Path, metavar="DIR", help="directory of versions, where the new one counts from then on")
    update.add_argument("--model", type=Path, help="the saved model, asked about every row; as for `fit`")
    update.add_argument("--label", help="column that is the label, not a feature")
    update.add_argument("--time", help="column of event times; rows are sorted by it, and it is not a feature")
    update.add_argument("--days", type=float, help="of the data only the last so many, by --time")
    update.add_argument("--note", default="", help="who reviewed it and why, kept in the reference")
    update.add_argument("--yes", action="store_true", help="do not ask")

    def act(options: argparse.Namespace) -> int:
        return _update(options, read, times)

    update.set_defaults(act=act)


def _update(options: argparse.Namespace, read: Callable[[Path], Any], times: Callable[[Any], Any]) -> int:
    if (options.output is None) == (options.store is None):
        raise ValueError("say where the new reference goes: -o FILE, or --store DIR")
    if len(options.note) > NOTE:
        raise ValueError(f"--note has {len(options.note)} characters, at most {NOTE} are kept")
    before = _old(options)
    old = Reference.load(before, key=key())
    refuse_derived(old, before)
    model = _model(options, old)
    frame, when = _frame(options, read, times)
    _fits(frame, old)
    categories = [c.name for c in old.inputs if not c.numeric]
    new = Reference.fit(
        frame[0], frame[1], model, time=when, categorical=categories,
        name=old.model.name, version=old.model.version, forest=old.forest is not None,
    )  # fmt: skip
    was = old.origin or Origin()
    new = stamped(new, options.model)
    origin = new.origin or Origin()
    new = replace(new, origin=replace(origin, parent=fingerprint(before), version=was.version + 1, note=options.note))
    _show(old, new, _distances(old, frame[0], model))
    if not options.yes and not _agreed():
        return 1
    if options.store is not None:
        path = keep(new, options.store, options.old, key())
    else:
        path = options.output
        new.save(path, key=key())
    Console().print(f"{safe(str(path))} written", markup=False, highlight=False, soft_wrap=True)
    return 0


def _old(options: argparse.Namespace) -> Path:
    if options.store is None:
        return Path(options.old)
    found = store.find(options.store, options.old) if options.store.is_dir() else None
    if found is None:
        there = ", ".join(store.names(options.store)[:20]) or "none"
        raise ValueError(f"{options.store} has no reference of {options.old!r}; it has: {there}")
    return found


def _model(options: argparse.Namespace, old: Reference) -> Any:
    """Of the same model, or the answers in the old reference could not be compared, nor watched any more."""
    if options.model is None:
        if old.outputs:
            raise ValueError("the reference has columns of the model's answers: name the saved model by --model")
        return None
    fitted, now = (old.origin or Origin()).file, (stamped(old, options.model).origin or Origin()).file
    if fitted and fitted != now:
        raise ValueError(f"{options.model} is not the model that the reference was fitted with: a new model needs a new `fit`")
    return load_model(options.model)


def _frame(options: argparse.Namespace, read: Callable[[Path], Any], times: Callable[[Any], Any]) -> tuple[tuple[Any, Any], Any]:
    frames = [read(path) for path in options.data]
    for path, frame in zip(options.data, frames, strict=True):
        if list(frame.columns) != list(frames[0].columns):
            raise ValueError(f"{path} has other columns than {options.data[0]}")
        for column in filter(None, (options.label, options.time)):
            if column not in frame.columns:
                raise ValueError(f"{path} has no column {column!r}; it has {', '.join(map(str, frame.columns[:20]))}")
    frame = frames[0] if len(frames) == 1 else sys.modules["pandas"].concat(frames, ignore_index=True)
    when = times(frame[options.time]) if options.time else None
    if options.days is not None:
        if when is None:
            raise ValueError("--days needs --time, the column that says of which day a row is")
        if not options.days > 0:
            raise ValueError(f"--days must be positive, got {options.days:g}")
        seconds, _ = table(when)
        if seconds is None or not np.isfinite(seconds).any():
            raise ValueError(f"--days needs times, and {options.time!r} has none")
        late = seconds.reshape(-1) > np.nanmax(seconds) - options.days * DAY
        frame, when = frame[late], when[late]
    label = frame[options.label] if options.label else None
    return (frame.drop(columns=[c for c in (options.label, options.time) if c]), label), when


def _fits(frame: tuple[Any, Any], old: Reference) -> None:
    known, here = [c.name for c in old.inputs], list(map(str, frame[0].columns))
    if known != here[:MAX_FEATURES]:
        odd = [name for name in here if name not in known] + [name for name in known if name not in here]
        raise ValueError(
            f"the data's columns are not the reference's, or in another order{': ' + ', '.join(odd[:8]) if odd else ''}; "
            "a label is named by --label, a time by --time, and another schema needs a new `fit`"
        )


def _distances(old: Reference, features: Any, model: Any) -> dict[str, float]:
    """Share of rows that would have to change their bin of the old reference, by column: 0 none, 1 all."""
    matrix, _ = table(features)
    found = {} if matrix is None else {c.name: _distance(c, matrix[:, i]) for i, c in enumerate(old.inputs)}
    columns = {c.name: c for c in old.outputs}
    answers, classes = answers_of(model, features) if model is not None else ([], ())
    for meaning, outputs in answers:
        values, names = output_columns(meaning, outputs, classes)
        found |= {name: _distance(columns[name], values[:, i]) for i, name in enumerate(names) if name in columns}
    return found


def _distance(column: Column, x: Any) -> float:
    """Total variation beyond what chance gives: its mean without any change is taken off, in squares.

    NaN where chance alone may give as much: of rows that depend on each other so few are independent that nothing can be told.
    """
    now = np.bincount(column.bins.index(x), minlength=N_BINS)[:N_BINS]
    n, m = max(int(now.sum()), 1), max(int(column.counts.sum()), 1)
    pooled = (now + column.counts) / (n + m)
    distance = 0.5 * np.abs(now / n - column.counts / m).sum()
    variance = pooled * (1 - pooled) * (1 / n + 1 / m) * column.variance_inflation
    chance = 0.5 * np.sqrt(2 / np.pi * variance).sum()  # mean of the absolute value of a normal variable
    if chance >= max(distance, MUCH):
        return float("nan")
    return float(np.sqrt(max(0.0, distance**2 - chance**2)))


def _show(old: Reference, new: Reference, distances: dict[str, float]) -> None:
    console = Console()
    name, version = safe(new.model.name) or "any model", (old.origin or Origin()).version
    console.print(
        f"{name}: {old.n_rows:,} rows of version {version} become {new.n_rows:,}",
        markup=False, highlight=False,
    )  # fmt: skip
    before = {c.name: c for c in (*old.inputs, *old.outputs)}

    def hidden(name: str) -> bool:
        return bool(np.isnan(distances[name]))

    shown = Table("column", "distance", "mean before", "mean now", "missing before", "missing now")
    for column in sorted((*new.inputs, *new.outputs), key=lambda c: -np.nan_to_num(distances.get(c.name, 1.0), nan=MUCH)):
        known = before.get(column.name)
        distance = "new" if column.name not in distances else "?" if hidden(column.name) else f"{distances[column.name]:.3f}"
        (mean, missing), (mean_now, missing_now) = _facts(known), _facts(column)
        shown.add_row(safe(column.name), distance, mean, mean_now, missing, missing_now)
    console.print(shown)
    if any(map(hidden, distances)):
        console.print(
            "?: its rows hang together so much that chance alone may move it as far; compare the means",
            markup=False,
            highlight=False,
        )
    much = sum(distance >= MUCH for distance in distances.values())
    if much:
        console.print(
            f"{much} column{'s' * (much != 1)} moved by {MUCH:.2f} or more: what moved is taken for normal from then on, "
            "an attack or a fault in it, too.", markup=False, highlight=False,
        )  # fmt: skip


def _facts(column: Column | None) -> tuple[str, str]:
    if column is None:
        return "", ""
    missing = column.counts[30] / max(int(column.counts.sum()), 1)
    return f"{column.mean:.4g}" if column.numeric else "", f"{100 * missing:.2g} %" if missing else ""


def _agreed() -> bool:
    if not sys.stdin.isatty():
        raise ValueError("nobody is there to be asked whether this is to be normal: look at the table, and say --yes")
    console = Console()
    try:
        return console.input("Shall this be normal from now on? [y/N] ", markup=False).strip().lower() in ("y", "yes")
    except EOFError:
        return False
