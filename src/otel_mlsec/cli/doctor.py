"""`otel-mlsec doctor`: what the agent sees in this environment, what is missing, and how to mend it."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

from rich.console import Console
from rich.text import Text

from otel_mlsec.cli import doctor_probe
from otel_mlsec.cli.doctor_checks import Check, State, of_config, of_delivery, of_key
from otel_mlsec.cli.doctor_references import of_references
from otel_mlsec.cli.safe import safe
from otel_mlsec.config import Config, ConfigError

PATIENCE = 120.0  # s that an application may take to be imported
STYLES = {State.WELL: "green", State.NOTE: "yellow", State.WRONG: "bold red"}
LAUNCHER = "opentelemetry-instrument"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--import", dest="module", metavar="MODULE",
        help="import this, as `app.main`, to see what the application sets up itself; its code runs, in a process of its own",
    )  # fmt: skip
    parser.add_argument(
        "--no-launcher", action="store_true", help=f"the application is not started by {LAUNCHER}, but calls instrument() itself"
    )


def run(options: argparse.Namespace) -> int:
    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    sdk = version("opentelemetry-sdk")
    console.print(f"otel-mlsec {version('otel-mlsec')} · Python {platform.python_version()} · OpenTelemetry SDK {sdk}\n")
    worst = State.WELL
    for check in _checks(options):
        worst = max(worst, check.state)
        console.print(
            Text(f"{check.state.name.lower():>5}  ", style=STYLES[check.state]).append(safe(check.what), style="default")
        )
        if check.mend:
            console.print(Text(f"       → {safe(check.mend)}", style="dim"))
    return 1 if worst is State.WRONG else 0


def _checks(options: argparse.Namespace) -> Iterator[Check]:
    try:
        config = Config.load(os.environ)
    except ConfigError as error:
        yield Check(State.WRONG, f"configuration: {error}", "the agent stays off until this is mended")
        return
    yield from of_config(config, os.environ)
    launcher = None if options.no_launcher else _launcher()
    seen = _seen(launcher, options.module)
    yield from _of_process(seen, launcher is not None, options)
    yield from _of_libraries(seen)
    yield from of_references(config, seen.get("watched", []))
    yield from of_key(config)
    exports = bool(seen["providers"].get("logs", {}).get("exporters"))
    yield from of_delivery(config, {**os.environ, **seen["environ"]}, app_exports=exports)


def _launcher() -> str | None:
    beside = os.path.join(os.path.dirname(sys.executable), LAUNCHER)
    return beside if os.path.exists(beside) else shutil.which(LAUNCHER)


def _seen(launcher: str | None, module: str | None) -> dict[str, Any]:
    command = [*([launcher] if launcher else []), sys.executable, "-m", doctor_probe.__name__, *([module] if module else [])]
    seen: dict[str, Any] = {"problem": "", "instrumented": False, "libraries": [], "providers": {}, "environ": {}}
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return seen | {"problem": f"a process of this environment does not come to an end in {PATIENCE:.0f} s"}
    said = [line for line in done.stdout.splitlines() if line.startswith(doctor_probe.MARK)]
    if not said:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        return seen | {"problem": f"a process of this environment ends early: {last}"}
    return json.loads(said[-1].removeprefix(doctor_probe.MARK))


def _of_process(seen: dict[str, Any], launched: bool, options: argparse.Namespace) -> Iterator[Check]:
    if seen["problem"]:
        yield Check(State.WRONG, f"process: {seen['problem']}", "see what it says when you start it by hand")
    how = " and ".join([*([f"by {LAUNCHER}"] if launched else []), *([f"importing {options.module}"] if options.module else [])])
    if seen["instrumented"]:
        yield Check(State.WELL, f"agent: on, in a process started {how}")
    elif launched or options.module:
        yield Check(
            State.WRONG, f"agent: off, in a process started {how}",
            "is something else wrong below? else: is OTEL_PYTHON_DISABLED_INSTRUMENTATIONS set, or opentelemetry-distro missing "
            "(pip install 'otel-mlsec[distro]')?",
        )  # fmt: skip
    else:
        yield Check(
            State.NOTE, "agent: nobody turns it on here",
            f"start the application by {LAUNCHER} (pip install 'otel-mlsec[distro]'), or call otel_mlsec.instrument() in it and "
            "name its module: otel-mlsec doctor --import app.main",
        )  # fmt: skip
    for signal, provider in seen["providers"].items():
        exporters = ", ".join(provider["exporters"])
        if exporters:
            yield Check(State.WELL, f"{signal}: {provider['class']} exports by {exporters}")
        elif provider["class"] and not provider["class"].startswith(("Proxy", "NoOp", "_Proxy")):
            yield Check(State.NOTE, f"{signal}: {provider['class']} exports to nobody, as far as can be seen from here")
        else:
            yield Check(
                State.NOTE, f"{signal}: the SDK is not set up",
                f"{LAUNCHER} sets it up, or the application does: https://opentelemetry.io/docs/languages/python/exporters/",
            )  # fmt: skip


def _of_libraries(seen: dict[str, Any]) -> Iterator[Check]:
    for each in seen["libraries"]:
        name = f"{each['name']} {each['version']}"
        if each["patched"]:
            yield Check(State.WELL, f"{name}: its calls are observed")
        elif each["why"]:
            yield Check(State.WRONG, f"{name}: {each['why']}", "please report it, with this version")
        elif seen["instrumented"]:
            yield Check(State.NOTE, f"{name}: not observed", "is it in OTEL_MLSEC_DISABLED_INSTRUMENTATIONS?")
    if not seen["libraries"]:
        yield Check(
            State.NOTE, "no library that is observed by itself is installed here",
            "any object with a method that predicts is: otel_mlsec.watch(model, name=…)",
        )  # fmt: skip
