"""What can be said of a configuration without an application: keys, and whether findings would arrive."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from urllib.parse import unquote, urlsplit

from otel_mlsec.cli.safe import safe
from otel_mlsec.config import FILE, Config
from otel_mlsec.emit import transports
from otel_mlsec.emit.delivery import OFF, root
from otel_mlsec.emit.destination import Destination, destination
from otel_mlsec.emit.transports.sinks import PORTS

PATIENCE = 3.0  # s for a connection


class State(IntEnum):
    WELL = 0
    NOTE = 1  # it works, and something is less than it could be
    WRONG = 2


@dataclass(frozen=True, slots=True)
class Check:
    state: State
    what: str
    mend: str = ""


def of_config(config: Config, environ: Mapping[str, str]) -> Iterator[Check]:
    variables = sum(name.startswith("OTEL_MLSEC_") and name != FILE for name in environ)
    where = f"{variables} OTEL_MLSEC_ variable{'s' * (variables != 1)}"
    if environ.get(FILE):
        where = f"{environ[FILE]} and {where}"
    yield Check(State.WELL, f"configuration: {where}, nothing unknown in it")
    if not config.enabled:
        yield Check(State.NOTE, "agent: enabled is false, so nothing is patched and nothing is found", "OTEL_MLSEC_ENABLED=true")


def of_key(config: Config) -> Iterator[Check]:
    if config.key:
        yield Check(State.WELL, "key: set, so a principal has the same pseudonym in every process")
    else:
        yield Check(
            State.NOTE, "key: none, so pseudonyms are of one process and those it forks", "OTEL_MLSEC_KEY=$(openssl rand -hex 32)"
        )


def of_delivery(config: Config, environ: Mapping[str, str], *, app_exports: bool) -> Iterator[Check]:
    """`app_exports`: the application's own logger provider has an exporter."""
    off = config.spool.lower() == OFF
    to = destination(environ, asked=bool(config.spool) and not off)
    if to is not None:
        yield _reachable(to)
    if to is None or off:
        yield _without_spool(off, app_exports or to is not None, bool(config.sinks))
    directory = root(config, environ)
    if directory is not None and (to is not None or config.sinks):
        yield from _of_spool(directory)
    for url in config.sinks:
        yield _of_sink(url, config.sink_secret)


def _reachable(to: Destination) -> Check:
    """A request of no records is answered by whoever speaks OTLP."""
    transport = to.transport()
    why = transport.send([]).why
    transport.close()
    protocol = "grpc" if to.grpc else "http/protobuf"
    if not why:
        return Check(State.WELL, f"findings: OTLP ({protocol}) to {to.shown}, which answers")
    return Check(
        State.WRONG, f"findings: OTLP ({protocol}) to {to.shown}, which does not answer as it should: {why}",
        "is a Collector there, and is this its port for the protocol (4317: grpc, 4318: http/protobuf)? `otel-mlsec view` "
        "takes http/protobuf only: OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
    )  # fmt: skip


def _without_spool(off: bool, app_exports: bool, sinks: bool) -> Check:
    why = "the spool is off" if off else "no OTLP endpoint is known from the environment"
    if app_exports:
        return Check(
            State.NOTE, f"findings: by the application's logger provider, since {why}: what it holds is lost in a crash",
            "unset OTEL_MLSEC_SPOOL" if off else "set OTEL_EXPORTER_OTLP_ENDPOINT, and they are kept on disk until they arrive",
        )  # fmt: skip
    if sinks:
        return Check(State.WELL, "findings: to the sinks only")
    return Check(
        State.WRONG,
        "findings: nowhere but to the log of the process",
        "set OTEL_EXPORTER_OTLP_ENDPOINT; `otel-mlsec view` prints one",
    )


def _of_spool(directory: Path) -> Iterator[Check]:
    at = directory
    while not at.exists() and at != at.parent:
        at = at.parent
    if not os.access(at, os.W_OK | os.X_OK) or not at.is_dir():
        yield Check(
            State.WRONG, f"spool: {directory} cannot be written, so findings wait in memory and are lost in a crash",
            "make it writable, or name another directory in OTEL_MLSEC_SPOOL",
        )  # fmt: skip
        return
    if os.name != "posix":
        yield Check(State.NOTE, "spool: in memory only, since locks of POSIX are missing here")
        return
    from otel_mlsec.emit.spool import inspect  # noqa: PLC0415 - needs those

    left: list[inspect.Waiting] = []
    for path in (path for receiver in inspect.receivers(directory) for path in inspect.directories(receiver)):
        with contextlib.suppress(OSError):  # delivered meanwhile, or another user's
            left += [each for each in [inspect.waiting(path)] if not each.alive]
    records = sum(sum(each.records.values()) for each in left)
    if records:
        yield Check(
            State.NOTE, f"spool: {directory}, where {records:,} records of processes that are gone wait",
            "the next process sends them, or `otel-mlsec spool send`",
        )  # fmt: skip
    else:
        yield Check(State.WELL, f"spool: {directory}, nothing left behind in it")


def _of_sink(url: str, secret: str) -> Check:
    try:
        transports.transport(url, secret=secret)
    except ValueError as error:
        return Check(State.WRONG, f"sink: {error}", "the agent stays off until this is mended")
    shown, parts = transports.shown(url), urlsplit(url)
    try:
        if parts.hostname:
            socket.create_connection((parts.hostname, parts.port or PORTS[parts.scheme]), PATIENCE).close()
        elif not os.access(Path(unquote(parts.path)).parent, os.W_OK):
            return Check(State.WRONG, f"sink: {shown}, whose directory cannot be written")
    except OSError as error:
        return Check(State.WRONG, f"sink: {shown}, where nobody listens ({error.strerror or type(error).__name__})")
    return Check(State.WELL, f"sink: {safe(shown)}, which is there")
