"""`otel-mlsec reference list`, `rollback` and `attach`: versions that are kept, and a reference among a model's artifacts."""

from __future__ import annotations

import argparse
import os
import tempfile
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from otel_mlsec.cli.reference_origin import IN_MLFLOW, age_in_days, beside, mlflow_client, of_mlflow, stamped
from otel_mlsec.cli.safe import safe
from otel_mlsec.reference import store
from otel_mlsec.reference.envelope import fingerprint, is_signed
from otel_mlsec.reference.origin import Origin
from otel_mlsec.reference.reference import Reference

KEY = "OTEL_MLSEC_REFERENCE_KEY"


def configure(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:  # pyright: ignore[reportPrivateUsage]
    listed = actions.add_parser("list", help="say which references a directory has, and which versions count")
    listed.add_argument("--store", type=Path, required=True, metavar="DIR")
    listed.set_defaults(act=_list)
    back = actions.add_parser("rollback", help="let an earlier version of a reference count again")
    back.add_argument("name", help="of the model")
    back.add_argument("--store", type=Path, required=True, metavar="DIR")
    back.add_argument("--to", type=int, metavar="N", help="version; without it the one before")
    back.set_defaults(act=_rollback)
    attach = actions.add_parser("attach", help="put a reference where MLflow, or `watch(model, file=…)`, finds it with its model")
    attach.add_argument("reference", type=Path)
    attach.add_argument("model", help="saved model: its file, the directory of an MLflow model, or its URI as models:/m-1f…")
    attach.set_defaults(act=_attach)


def key() -> bytes | None:
    return os.environ.get(KEY, "").encode() or None


def keep(reference: Reference, directory: Path, name: str, key: bytes | None) -> Path:
    """As the next version of the model's reference, which counts from now on."""
    origin = reference.origin or Origin()
    before = store.find(directory, name) if directory.is_dir() else None
    parent = fingerprint(before) if before is not None else origin.parent

    def write(path: Path, version: int) -> None:
        replace(reference, origin=replace(origin, version=version, parent=parent)).save(path, key=key)

    return store.add(directory, name, write)


def _list(options: argparse.Namespace) -> int:
    if not options.store.is_dir():
        raise ValueError(f"{options.store} is no directory")
    table = Table("model", "version", "rows", "days old", "signed", "note")
    for name in store.names(options.store):
        numbers = store.versions(options.store, name)
        counts = store.current(options.store, name) if numbers else 0
        for number in numbers or [0]:
            path = options.store / f"{name}{store.SUFFIX}" if not number else store.path_of(options.store, name, number)
            table.add_row(safe(name), f"{number} *" if number == counts and number else str(number or "-"), *_row(path))
    console = Console()
    console.print(table if table.row_count else f"{safe(str(options.store))} has no reference in it.", markup=False)
    if table.row_count:
        console.print("* counts", markup=False)
    return 0


def _row(path: Path) -> tuple[str, str, str, str]:
    try:
        reference = Reference.load(path)
    except (ValueError, OSError) as error:
        return "", "", "", safe(str(error).rpartition(": ")[2])
    origin = reference.origin or Origin()
    days = age_in_days(reference.created, origin.last)
    return f"{reference.n_rows:,}", f"{days:,.0f}", "yes" if is_signed(path) else "no", safe(origin.note)


def _rollback(options: argparse.Namespace) -> int:
    number = store.roll_back(options.store, options.name, options.to)
    Console().print(
        f"{safe(options.name)}: version {number} counts again; processes read it when they start",
        markup=False, highlight=False,
    )  # fmt: skip
    return 0


def _attach(options: argparse.Namespace) -> int:
    reference = Reference.load(options.reference, key=key())
    if "://" in options.model or options.model.startswith(("models:/", "runs:/")):
        where = _log(reference, options.model)
    else:
        model = Path(options.model)
        where = str(_put(reference, model, beside(model)))
    Console().print(f"{safe(where)} is where it is looked for", markup=False, highlight=False, soft_wrap=True)
    return 0


def _put(reference: Reference, model: Path, path: Path) -> Path:
    """Signed as the environment says; with another model's digest it is refused as the agent would refuse it."""
    if not model.exists():
        raise ValueError(f"{model} does not exist")
    if model.is_dir():
        path.parent.mkdir(exist_ok=True)
    _same(reference, stamped(reference, model), str(model)).save(path, key=key())
    return path


def _same(before: Reference, after: Reference, model: str) -> Reference:
    fitted, now = (before.origin or Origin()).file, (after.origin or Origin()).file
    if fitted and fitted != now:
        raise ValueError(f"it was fitted with another model ({fitted}; {model} is {now}): fit one with --model {model}")
    return after


def _log(reference: Reference, uri: str) -> str:
    """Upload it to a logged model of MLflow 3."""
    mlflow = mlflow_client()
    manifest = mlflow.models.Model.load(uri)
    if not manifest.model_id:
        raise ValueError(f"{uri} is no logged model of MLflow 3: attach the reference to a directory, and log that")
    inputs = manifest.signature.inputs if manifest.signature is not None else None
    columns = inputs.input_names() if inputs is not None and inputs.has_input_names() else None
    marked = _same(reference, of_mlflow(reference, manifest.model_uuid, columns, uri), uri)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / IN_MLFLOW.name
        marked.save(path, key=key())
        mlflow.MlflowClient().log_model_artifact(manifest.model_id, str(path), IN_MLFLOW.parent.name)
    return f"{IN_MLFLOW} of models:/{manifest.model_id}"
