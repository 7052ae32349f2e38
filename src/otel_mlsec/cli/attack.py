"""`otel-mlsec attack`: attacks on one's own model, to see which of them its monitoring finds, and when."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn

from otel_mlsec import errors
from otel_mlsec.attack.families import TABLE, Family
from otel_mlsec.attack.knowledge import Unsuitable
from otel_mlsec.attack.outcome import Calm, Outcome
from otel_mlsec.cli.attack_data import Data
from otel_mlsec.cli.attack_remote import opened
from otel_mlsec.cli.attack_report import as_json, print_table
from otel_mlsec.cli.attack_session import rehearsal
from otel_mlsec.cli.reference import JOBLIB
from otel_mlsec.cli.safe import safe
from otel_mlsec.config import Config

THREATS = ("evasion", "extraction", "poisoning")
FORMAT = f"""
The target is a saved model or a function of this process, which the detectors of --reference (or of one that is fitted on half of
--data) watch here, among --benign queries; or a service on this machine, whose findings arrive at --listen.

  otel-mlsec attack --model model.joblib --data rows.parquet --label y
  otel-mlsec attack --callable service:predict --data rows.csv --families hop_skip_jump,marginal --accounts 50
  otel-mlsec attack --url http://127.0.0.1:8000/predict --data rows.csv --template '{{"age": "{{age}}", "job": "{{job}}"}}' \\
      --answer probabilities --listen 4318 --principal-header x-user
    with the service started as OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318

Families:
{chr(10).join(f"  {name:22} {family.threat:10} {family.says}" for name, family in TABLE.items())}

`effect` is, of an evasion, the distance (L2, in widths of the features' ranges) at which the label changed; of an extraction, the
share of unseen rows on which a copy agrees; of poisoning, by how much more often one label is given to rows with the trigger.
Detectors of drift are left out: a rehearsal's traffic is no traffic to judge by.  {JOBLIB}

Exit status: 0, whatever was found; 2 if the target cannot be asked.
"""


class Session(Protocol):
    """Where attacks are made."""

    def calm(self) -> Calm: ...

    def attack(self, family: Family, *, budget: int, accounts: int, gap: float) -> Outcome: ...


def configure(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = FORMAT.replace("%", "%%")
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--model", type=Path, metavar="FILE", help="saved model: .joblib, .skops, .ubj, .json, .txt")
    target.add_argument("--callable", default="", metavar="MODULE:FUNCTION", help="given a pandas table, answers for its rows")
    target.add_argument("--url", default="", metavar="URL", help="a service on this machine, asked row by row with POST")
    parser.add_argument(
        "--data", type=Path, required=True, metavar="FILE", help="natural rows, .csv or .parquet, new to the model"
    )
    parser.add_argument("--label", default="", metavar="COL", help="a column that is no feature")
    parser.add_argument("--features", default="", metavar="COL,COL", help="only these, in this order")
    parser.add_argument("--reference", type=Path, metavar="FILE", help="of `otel-mlsec reference fit`")
    parser.add_argument("--families", type=_families, default=tuple(TABLE), metavar="A,B",
                        help="or threats: evasion, extraction, poisoning (default: all)")  # fmt: skip
    parser.add_argument("--budget", type=_whole(1, 1_000_000), default=1000, help="queries of an attack (default %(default)s)")
    parser.add_argument("--accounts", type=_whole(1, 100_000), default=1, help="that share an attack (default %(default)s)")
    parser.add_argument("--gap", type=_whole(0, 1_000_000), default=20,
                        help="benign queries between two of an attack, in this process (default %(default)s)")  # fmt: skip
    parser.add_argument("--benign", type=_whole(0, 1_000_000), metavar="N",
                        help="benign queries (default 10000 in this process, 0 by --url)")  # fmt: skip
    parser.add_argument("--seed", type=_whole(0, 2**31), default=0, help="of all that is random (default %(default)s)")
    parser.add_argument("--template", default="", metavar="JSON",
                        help='request; "{feature}" is a cell, "{row}" a list of all, "{record}" an object (default)')  # fmt: skip
    parser.add_argument("--answer", default="", metavar="PATH", help="in the response, as predictions[0].probabilities")
    parser.add_argument("--principal-header", default="", metavar="NAME", help="request header that carries the account")
    parser.add_argument("--listen", type=_whole(0, 65_535), metavar="PORT", help="receive the service's findings on 127.0.0.1")
    parser.add_argument(
        "--settle", type=float, default=8.0, metavar="S", help="how long to wait for them (default %(default)s s)"
    )
    parser.add_argument("--i-own-this-target", action="store_true", help="it may be on another machine")
    parser.add_argument("--json", action="store_true", help="one JSON object an attack, and one for benign traffic")


def run(options: argparse.Namespace) -> int:
    try:
        return _attack(options)
    except Unsuitable as error:
        return _failed(f"{error}, though it is natural; see --template")
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        return _failed(f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error))
    except (ValueError, ImportError) as error:
        return _failed(str(error))
    except Exception as error:  # noqa: BLE001 - the target is foreign code and raises anything
        return _failed(f"{type(error).__name__}: {error}")


def _attack(options: argparse.Namespace) -> int:
    if options.listen is not None and not options.url:
        raise ValueError("--listen is for --url; what is in this process is watched here")
    if options.url and options.accounts > 1 and not options.principal_header:
        raise ValueError("--accounts of a service needs --principal-header, which tells them apart")
    if options.url and options.reference:
        raise ValueError("--reference is for targets in this process; a service has its own")
    config = Config.load(os.environ)
    before = sum(errors.counts.values())
    data = Data.read(options, config)
    with ExitStack() as stack:
        session: Session
        session = stack.enter_context(opened(options, data)) if options.url else rehearsal(options, data, config)
        calm, outcomes = _carried_out(session, list(_available(options.families)), options)
    if not options.json:
        print_table(_console(), calm, outcomes)
    failed = sum(errors.counts.values()) - before
    return _failed(f"detectors failed {failed:,} times, so findings are missing") if failed else 0


def _carried_out(session: Session, families: Sequence[Family], options: argparse.Namespace) -> tuple[Calm, list[Outcome]]:
    outcomes: list[Outcome] = []
    progress_on = Console(stderr=True)
    with Progress(SpinnerColumn(), TextColumn("{task.description}", markup=False), console=progress_on, transient=True,
                  disable=not progress_on.is_terminal) as progress:  # fmt: skip
        task = progress.add_task("benign traffic")
        calm = session.calm()
        for number, family in enumerate(families, 1):
            progress.update(task, description=f"{family.name} ({number} of {len(families)})")
            outcomes.append(session.attack(family, budget=options.budget, accounts=options.accounts, gap=options.gap))
            if options.json:
                _write(as_json(outcomes[-1]))
    if options.json:
        _write(as_json(calm))
    return calm, outcomes


def _available(names: Sequence[str]) -> Iterator[Family]:
    """Those whose library is there."""
    there = find_spec("art") is not None
    left_out = [name for name in names if TABLE[name].library and not there]
    if left_out:
        _say(f"{', '.join(left_out)}: left out, as adversarial-robustness-toolbox is not installed (otel-mlsec[attack])")
    return (TABLE[name] for name in names if name not in left_out)


def _families(text: str) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for part in filter(None, text.split(",")):
        chosen = [name for name, family in TABLE.items() if part in (name, family.threat, "all")]
        if not chosen:
            raise argparse.ArgumentTypeError(f"must be of {', '.join((*TABLE, *THREATS))}, got {part!r}")
        names.update(dict.fromkeys(chosen))
    return tuple(names)


def _whole(low: int, high: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 12 and low <= int(text) <= high):
            raise argparse.ArgumentTypeError(f"must be {low} to {high}, got {text!r}")
        return int(text)

    return number


def _console() -> Console:
    return Console(highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() else 200)


def _write(record: object) -> None:
    sys.stdout.write(json.dumps(record, allow_nan=False) + "\n")
    sys.stdout.flush()


def _say(sentence: str) -> None:
    Console(stderr=True, highlight=False, markup=False).print(f"otel-mlsec attack: {safe(sentence, 1000)}", soft_wrap=True)


def _failed(sentence: str) -> int:
    _say(sentence)
    return 2
