"""What can be said of references without traffic: are they there, whole, signed, whose are they, and how old."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from otel_mlsec.cli.doctor_checks import Check, State
from otel_mlsec.cli.reference_origin import age_in_days
from otel_mlsec.config import ANY, Config
from otel_mlsec.fetch import fetch
from otel_mlsec.reference import store
from otel_mlsec.reference.address import on_disk, shown
from otel_mlsec.reference.envelope import is_signed
from otel_mlsec.reference.origin import Origin
from otel_mlsec.reference.reference import Reference

OLD = 90  # days after which what was normal is looked at again
SHOWN = 20  # models of a directory
UPDATE = "look at a clean period and adopt it: otel-mlsec reference update"


def of_references(config: Config, watched: Sequence[str]) -> Iterator[Check]:
    """`watched`: names that the application gave models of its own while it was imported; () where it was not."""
    if not config.reference:
        yield Check(
            State.NOTE, "references: none in the settings, so a model without one beside it takes its first rows for normal, and "
            "detectors stay quieter",
            "otel-mlsec reference fit validation.parquet --model model.joblib --label y --time at -o model.mlsec, then "
            "OTEL_MLSEC_REFERENCE=model.mlsec",
        )  # fmt: skip
    for model, told in config.reference.items():
        yield from _of(model, told, config.reference_key.encode() or None)
        if watched and model not in (ANY, *watched):
            yield Check(
                State.NOTE, f"reference of {model}: no model of that name is watched in the application; those are "
                f"{', '.join(watched[:SHOWN])}", "name it as `watch(model, name=…)` or the model's class does, or `*` for any",
            )  # fmt: skip


def _of(model: str, told: str, key: bytes | None) -> Iterator[Check]:
    whose = "any model" if model == ANY else model
    try:
        path = on_disk(told)
    except ValueError as error:
        yield Check(State.WRONG, f"reference of {whose}: {error}", "the agent stays off until this is mended")
        return
    if path is None:
        yield _of_url(whose, model, told, key)
    elif path.is_dir():
        yield from _of_directory(model, path, key)
    else:
        yield _of_file(whose, model, path, key, "the agent stays off until this is mended")


def _of_file(whose: str, model: str, path: Path, key: bytes | None, mend: str) -> Check:
    try:
        reference, signed = Reference.load(path, key=key), is_signed(path)
    except (ValueError, OSError) as error:
        return Check(State.WRONG, f"reference of {whose}: {error}", mend)
    return _said(whose, model, reference, str(path), signed)


def _of_directory(model: str, path: Path, key: bytes | None) -> Iterator[Check]:
    names = store.names(path) if model == ANY else [model]
    if not names:
        yield Check(State.NOTE, f"references: {path} has none in it, as yet", f"otel-mlsec reference fit … --store {path}")
    for name in names[:SHOWN]:
        try:
            found = store.find(path, name)
        except (ValueError, OSError) as error:
            yield Check(
                State.WRONG, f"reference of {name}: {error}", f"otel-mlsec reference rollback {name} --store {path} --to N"
            )
            continue
        if found is None:
            yield Check(State.NOTE, f"reference of {name}: {path} has none", f"otel-mlsec reference list --store {path}")
        else:
            yield _of_file(name, name, found, key, "until this is mended a provisional one is learned instead")


def _of_url(whose: str, model: str, url: str, key: bytes | None) -> Check:
    try:
        reference = Reference.parse(fetch(url), shown(url), key=key)
    except ValueError as error:
        return Check(State.WRONG, f"reference of {whose}: {error}", "until this is mended a provisional one is learned instead")
    if key is None:
        return Check(
            State.NOTE, f"reference of {whose}: {shown(url)}, which nobody asks to be signed", "OTEL_MLSEC_REFERENCE_KEY, when "
            "it is fitted and when it is used: what comes from elsewhere decides what counts as an attack",
        )  # fmt: skip
    return _said(whose, model, reference, shown(url), True)


def _said(whose: str, model: str, reference: Reference, where: str, signed: bool) -> Check:
    origin = reference.origin or Origin()
    days = age_in_days(reference.created, origin.last)
    told = (
        f"reference of {whose}: {where}, {'signed' if signed else 'not signed'}, version {origin.version}, {days:,.0f} days old"
    )
    fitted = reference.model.name
    if fitted and model not in (ANY, fitted):
        return Check(State.NOTE, f"{told}, fitted for a model called {fitted}", f"is {model} the same one?")
    return Check(State.NOTE, f"{told}: it is stale", UPDATE) if days > OLD else Check(State.WELL, told)
