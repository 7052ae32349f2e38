"""`otel-mlsec spool`: what waits to be delivered, is it as it was written, and deliver it now."""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from otel_mlsec.cli.safe import safe
from otel_mlsec.config import Config, ConfigError
from otel_mlsec.emit.delivery import chain_key, root
from otel_mlsec.emit.destination import destination
from otel_mlsec.emit.spool import inspect
from otel_mlsec.emit.spool.home import Home
from otel_mlsec.emit.spool.inspect import Receiver, Waiting
from otel_mlsec.emit.spool.spool import Spool
from otel_mlsec.emit.spool.store import DELIVERED

SAID = 20  # faults that are shown one by one


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    status = actions.add_parser("status", help="what waits, for which receiver, of which process")
    verify = actions.add_parser("verify", help="is every line as it was written? set OTEL_MLSEC_KEY as it was then")
    send = actions.add_parser("send", help="deliver what processes that are gone have left, to where OTEL_EXPORTER_OTLP_* say")
    send.add_argument("--all", action="store_true", help="also what was left for another address: the receiver has moved")
    send.add_argument("--timeout", type=float, default=30.0, metavar="SECONDS", help="for all of it (default %(default)g)")
    for action, act in ((status, _status), (verify, _verify), (send, _send)):
        action.add_argument("--directory", type=Path, help="instead of OTEL_MLSEC_SPOOL, or the user's state directory")
        action.set_defaults(act=act)


def run(options: argparse.Namespace) -> int:
    try:
        config = Config.load(os.environ)
        directory = options.directory or root(config, os.environ)
        if directory is None:
            raise ConfigError("OTEL_MLSEC_SPOOL is off, so nothing is kept; name a directory with --directory")
        return int(options.act(options, config, directory))
    except (ConfigError, OSError) as error:
        Console(stderr=True).print(f"otel-mlsec spool: {safe(str(error))}", style="red", markup=False, highlight=False)
        return 2


def _status(_options: argparse.Namespace, _config: Config, directory: Path) -> int:
    console = Console(highlight=False, markup=False, soft_wrap=True)
    for receiver in inspect.receivers(directory):
        processes = _each(receiver)
        console.print(f"for {_who(receiver)}" + ("" if processes else ": nothing waits"))
        for each in processes:
            console.print(f"  {_process(each)}")
    console.print(f"in {directory}")
    return 0


def _process(waiting: Waiting) -> str:
    since = datetime.fromtimestamp(waiting.oldest, UTC).strftime(", since %Y-%m-%d %H:%MZ") if waiting.oldest else ""
    what = ", ".join(f"{count:,} {lane}" for lane, count in waiting.records.items()) or "nothing"
    whose = "that runs" if waiting.alive else "that is gone"
    return f"{what}, {waiting.size:,} B{since}, of process {waiting.directory.name.partition('-')[0]} {whose}"


def _each(receiver: Receiver) -> list[Waiting]:
    found: list[Waiting] = []
    for directory in inspect.directories(receiver):
        try:
            found.append(inspect.waiting(directory))
        except FileNotFoundError:  # delivered meanwhile
            continue
    return found


def _who(receiver: Receiver) -> str:
    return safe(receiver.name if receiver.name == receiver.url else f"{receiver.name} {receiver.url}")


def _verify(_options: argparse.Namespace, config: Config, directory: Path) -> int:
    counts: Counter[str] = Counter()
    console = Console(highlight=False, markup=False, soft_wrap=True)
    for receiver in inspect.receivers(directory):
        for each in inspect.directories(receiver):
            for fault in inspect.verify(each, chain_key(config)):
                counts[fault.what if fault else ""] += 1
                if fault and counts.total() - counts[""] <= SAID:
                    console.print(f"{fault.what}: {fault.file}, line {fault.line}")
    faults = counts.total() - counts[""]
    if faults > SAID:
        console.print(f"… and {faults - SAID:,} more")
    if counts[inspect.UNVERIFIED]:
        console.print("unverified: whoever wrote it had another OTEL_MLSEC_KEY, or none")
    console.print(f"{counts['']:,} of {counts.total():,} records are as they were written")
    return 1 if faults else 0


def _send(options: argparse.Namespace, config: Config, directory: Path) -> int:
    to = destination(os.environ, asked=True)
    if to is None:
        raise ConfigError("OpenTelemetry's variables send logs nowhere by OTLP; set OTEL_EXPORTER_OTLP_ENDPOINT")
    console = Console(highlight=False, markup=False, soft_wrap=True)
    end = time.monotonic() + options.timeout
    delivered = left = 0
    for receiver in inspect.receivers(directory):
        if receiver.url != to.shown and not options.all:
            others = sum(sum(each.records.values()) for each in _each(receiver))
            if others:
                console.print(f"{others:,} wait for {_who(receiver)}, which is not where you send now; --all sends them, too")
            continue
        home = Home(directory, receiver.name, receiver.url, key=chain_key(config))
        spool = Spool(receiver.name, to.transport, home, quiet=nullcontext)
        spool.deliver(max(0.0, end - time.monotonic()))
        delivered += sum(count for (outcome, _), count in spool.counts.items() if outcome == DELIVERED)
        left += spool.waiting
        spool.close(0.0)
    console.print(f"{delivered:,} delivered to {safe(to.shown)}, {left:,} left")
    return 1 if left else 0
