"""`otel-mlsec scan`: judge a corpus of prompts, tool results and answers as the agent would judge them in traffic."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import BinaryIO

from rich.console import Console

from otel_mlsec.cli.judges import scanner, settings, threshold
from otel_mlsec.cli.prompts import ROLES, Prompt, Reader
from otel_mlsec.cli.safe import safe
from otel_mlsec.cli.verdicts import Lines, Rows, Tally, View
from otel_mlsec.config import ConfigError
from otel_mlsec.finding import Severity

STDIN = "-"
JSON_LINES = (".jsonl", ".ndjson")
FORMAT = """
A file is one text, or JSON lines if its name ends in .jsonl or .ndjson: objects with "content", and where known "id", "role"
(user, tool, document, system, assistant), "conversation", "principal" and "tool".  Standard input is JSON lines if its first
line is such an object.  Lines of one conversation are its turns, in order: answers are judged beside what was said before them,
and system lines are never judged.  Unbounded consumption is not looked for, since a corpus has no time.
Settings of the agent (OTEL_MLSEC_CONFIG, OTEL_MLSEC_LLM_ALLOWED_HOSTS …) hold here, too; with its OTEL_MLSEC_KEY its canaries are
known.

Exit status: 0; 1 if a finding is as bad as --fail-on; 2 if something cannot be read.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = FORMAT
    parser.add_argument("files", nargs="*", metavar="FILE", default=[STDIN], help="what to scan (default: -, standard input)")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--text", dest="format", action="store_const", const="whole", help="every file is one text")
    how.add_argument("--lines", dest="format", action="store_const", const="lines", help="every line is one text")
    how.add_argument("--jsonl", dest="format", action="store_const", const="json_lines", help="every line is a JSON object")
    parser.add_argument("--role", choices=ROLES, default="user", help="who speaks where nothing says so (default %(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON object a finding")
    parser.add_argument("--all", action="store_true", help="also the score of what is no finding; with --json one object a text")
    parser.add_argument("--fail-on", choices=list(Severity.__members__), metavar="SEVERITY", help="LOW, MEDIUM, HIGH or CRITICAL")
    parser.add_argument(
        "--false-alarms",
        type=_rate,
        default=1000.0,
        metavar="N",
        help="in a million benign texts (default 1000)",
    )


def run(options: argparse.Namespace) -> int:
    try:
        llm = settings(options.false_alarms)
    except ConfigError as error:
        _say(str(error))
        return 2
    scan = scanner(llm)
    console = Console(highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() else 1000)
    view: View = (
        Lines(everything=options.all, threshold=threshold(llm)) if options.json else Rows(console, everything=options.all)
    )
    reader, tally = Reader(role=options.role), Tally()
    unreadable = 0
    try:
        for name in options.files:
            try:
                for prompt in _prompts(name, reader, options.format):
                    scanned = scan.scan(prompt)
                    tally.add(scanned)
                    view.add(scanned)
            except (OSError, ValueError) as error:
                if isinstance(error, BrokenPipeError):
                    raise
                unreadable += 1
                reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
                _say(f"{'standard input' if name == STDIN else name} cannot be read: {reason}")
        view.end()
    except (BrokenPipeError, SystemExit):  # `otel-mlsec scan | head` has seen enough; rich exits on a closed pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes once more at exit
    return _told(options, reader, tally, unreadable)


def _prompts(name: str, reader: Reader, kind: str | None) -> Iterator[Prompt]:
    kind = kind or ("guessed" if name == STDIN else "json_lines" if name.lower().endswith(JSON_LINES) else "whole")
    read: Callable[[BinaryIO, str], Iterator[Prompt]] = getattr(reader, kind)
    with contextlib.nullcontext(sys.stdin.buffer) if name == STDIN else open(name, "rb") as source:
        yield from read(source, name)


def _told(options: argparse.Namespace, reader: Reader, tally: Tally, unreadable: int) -> int:
    for reason, count in reader.malformed.items():
        _say(f"lines left out as {reason}: {count:,}, the first is {reader.first[reason]}")
    if options.json:
        _say(tally.line())
    else:
        Console(highlight=False, markup=False).print(f"otel-mlsec scan: {tally.line()}", soft_wrap=True)
    if unreadable or (reader.malformed and not tally.prompts):
        return 2
    return int(bool(options.fail_on and any(severity >= Severity[options.fail_on] for severity in tally.findings)))


def _say(sentence: str) -> None:
    Console(stderr=True, highlight=False, markup=False).print(f"otel-mlsec scan: {safe(sentence)}", soft_wrap=True)


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 1e-3 <= rate <= 1e5:
        raise argparse.ArgumentTypeError(f"must be 0.001 to 100000, got {text!r}")
    return rate
