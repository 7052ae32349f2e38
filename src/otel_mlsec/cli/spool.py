"""`otel-mlsec spool`: what waits to be delivered, is it as it was written, and deliver it now."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from otel_mlsec.cli.safe import safe
from otel_mlsec.config import Config, ConfigError
from otel_mlsec.emit import transports
from otel_mlsec.emit.delivery import OTLP, chain_key, root
from otel_mlsec.emit.destination import destination
from otel_mlsec.emit.spool import inspect
from otel_mlsec.emit.spool.home import Home
from otel_mlsec.emit.spool.inspect import Receiver, Waiting
from otel_mlsec.emit.spool.spool import Spool
from otel_mlsec.emit.spool.store import CORRUPT, DELIVERED, REFUSALS
from otel_mlsec.emit.transport import Transport

ALL = "; --all sends them, too"
SAID = 20  # faults that are shown one by one


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    status = actions.add_parser("status", help="what waits, for which receiver, of which process")
    verify = actions.add_parser("verify", help="is every line as it was written? set OTEL_MLSEC_KEY as it was then")
    send = actions.add_parser("send", help="deliver what gone processes have left, to OTEL_EXPORTER_OTLP_* and OTEL_MLSEC_SINKS")
    send.add_argument("--all", action="store_true", help="also what was left for another OTLP address: the receiver has moved")
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
    console.print(f"in {directory}" + ("" if inspect.receivers(directory) else ", where nothing waits"))
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
        except OSError:  # delivered meanwhile, or another user's
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
    """Each receiver's to itself: findings for a sink are never sent to another, and `--all` is about OTLP only."""
    to = destination(os.environ, asked=True)
    ways: dict[str, Callable[[], Transport]] = {transports.shown(url): _sink(url, config) for url in config.sinks}
    console = Console(highlight=False, markup=False, soft_wrap=True)
    end = time.monotonic() + options.timeout
    left = 0
    for receiver in inspect.receivers(directory):
        connect = ways.get(receiver.url)
        if to is not None and receiver.name == OTLP and (receiver.url == to.shown or options.all):
            connect = to.transport
        if connect is not None:
            shown = to.shown if to is not None and receiver.name == OTLP else receiver.url
            console.print(_delivered(receiver, connect, config, max(0.0, end - time.monotonic())) + f" to {safe(shown)}")
        waits = sum(sum(each.records.values()) for each in _each(receiver) if not each.alive)
        if waits:
            why = "" if connect is not None else f", which is not where you send now{ALL if receiver.name == OTLP else ''}"
            console.print(f"{waits:,} wait for {_who(receiver)}{why}")
        left += waits
    if not left:
        console.print("nothing is left")
    return 1 if left else 0


def _sink(url: str, config: Config) -> Callable[[], Transport]:
    return lambda: transports.transport(url, secret=config.sink_secret)


def _delivered(receiver: Receiver, connect: Callable[[], Transport], config: Config, timeout: float) -> str:
    home = Home(receiver.path, receiver.name, receiver.url, key=chain_key(config))
    spool = Spool(receiver.name, connect, home, limit=sys.maxsize, quiet=nullcontext)  # gives nothing up
    spool.deliver(timeout)
    counts: Counter[str] = Counter()
    for (outcome, _), count in spool.counts.items():
        counts[outcome] += count
    spool.close(0.0)
    also = [f"{counts[REFUSALS]:,} refused"] if counts[REFUSALS] else []
    if counts[CORRUPT]:
        also.append(f"{counts[CORRUPT]:,} unreadable, see `otel-mlsec spool verify`")
    return ", ".join([f"{counts[DELIVERED]:,} delivered", *also])
