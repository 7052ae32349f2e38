"""`otel-mlsec view`: a page of this machine that shows what is found, as it is found."""

from __future__ import annotations

import argparse
import errno
import sqlite3
import sys
import webbrowser
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from rich.console import Console

from otel_mlsec.cli.receiver import Receiver
from otel_mlsec.cli.tail import port, stopped
from otel_mlsec.cli.view.server import Page
from otel_mlsec.cli.view.store import Store
from otel_mlsec.cli.view.telemetry import Telemetry
from otel_mlsec.cli.wire import Request

COMMAND = "otel-mlsec view"
T = TypeVar("T")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "It prints the address of the page, with a token in it that only you should have, and the environment of an application "
        "that is to be seen.  Nothing leaves this machine, and without --db nothing is kept."
    )
    where = "on 127.0.0.1 (default %(default)s; 0: a free one)"
    parser.add_argument("--port", type=port, default=4318, help=f"where telemetry is received {where}")
    parser.add_argument("--page-port", type=port, default=4319, help=f"where the page is {where}")
    parser.add_argument(
        "--db", type=Path, metavar="FILE", help="keep what is received in this SQLite file, and show what is in it"
    )
    parser.add_argument("--open", action="store_true", help="open the page in a browser")


def run(options: argparse.Namespace) -> int:
    notes = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    try:
        with stopped() as stop, viewing(options.port, options.page_port, options.db) as view:
            notes.print(f"{COMMAND}: {view.page.address}", style="bold")
            notes.print("Start the application with", style="dim")
            for name, value in view.environment.items():
                notes.print(f"  {name}={value}", style="dim")
            if options.open:
                webbrowser.open(view.page.address)
            stop.wait()
    except OSError as error:
        reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
        return _failed(f"{error.filename} {reason}; --port, --page-port and --db choose others")
    except sqlite3.Error as error:
        return _failed(f"{options.db} cannot be used as a database ({error})")
    return 0


def _failed(sentence: str) -> int:
    print(f"{COMMAND}: {sentence}", file=sys.stderr)  # noqa: T201 - a command
    return 2


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A page, and the receiver of what it shows."""

    page: Page
    receiver: Receiver

    @property
    def environment(self) -> dict[str, str]:
        """Of an application that is to be seen."""
        return environment(self.receiver.url)


def environment(receiver: str) -> dict[str, str]:
    return {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_EXPORTER_OTLP_ENDPOINT": receiver}


@contextmanager
def viewing(
    at: int = 0, page_at: int = 0, database: Path | None = None, also: Callable[[Request], object] = lambda _: None
) -> Generator[View]:
    """Receives at one port of 127.0.0.1 and shows at another; 0 is a free one.  `also` gets all that is received, too.

    Raises:
        OSError: a port is in use, or the file cannot be written; `filename` says which.
        sqlite3.Error: the file is no database.
    """
    store = Store(database)
    try:
        telemetry = Telemetry(store)

        def take(request: Request) -> None:
            telemetry.take(request)
            also(request)

        with (
            _at(at, lambda: Receiver(take, port=at)) as receiver,
            _at(page_at, lambda: Page(store, port=page_at, about=environment(receiver.url))) as page,
        ):
            yield View(page=page, receiver=receiver)
    finally:
        store.close()


def _at(port: int, server: Callable[[], T]) -> T:
    try:
        return server()
    except OSError as error:
        raise OSError(error.errno, error.strerror, f"port {port} on 127.0.0.1") from error
