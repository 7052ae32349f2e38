"""The command `otel-mlsec`: one row a subcommand, whose module is imported when it is asked for."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version

# name → (module with `configure(parser)` and `run(options) -> exit status`, one line for --help)
TABLE = {
    "attack": ("otel_mlsec.cli.attack", "attack a model of your own, to see whether its monitoring finds it"),
    "doctor": ("otel_mlsec.cli.doctor", "say what the agent sees in this environment, and what is missing"),
    "drift": ("otel_mlsec.cli.drift", "count rows in many places, add the counts, and see what has changed"),
    "feedback": ("otel_mlsec.cli.feedback", "hold labels that came later against recorded predictions"),
    "reference": ("otel_mlsec.cli.reference", "fit what normal is from a file, or look into a fitted reference"),
    "replay": ("otel_mlsec.cli.replay", "run the detectors over recorded traffic, to tune them before going live"),
    "report": ("otel_mlsec.cli.report.command", "what changed in recorded traffic, as a page or as JSON"),
    "scan": ("otel_mlsec.cli.scan", "judge prompts, tool results and answers in files for attacks and leaks"),
    "spool": ("otel_mlsec.cli.spool", "look after findings that wait to be delivered"),
    "tail": ("otel_mlsec.cli.tail", "receive telemetry on this machine and print findings as they arrive"),
    "tune": ("otel_mlsec.cli.tune", "propose from a clean period which changes of which features are to be tolerated"),
    "view": ("otel_mlsec.cli.view.command", "receive telemetry on this machine and show it on a page, as it arrives"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand and return its exit status; argparse itself exits with 2 on words it does not know."""
    words = sys.argv[1:] if argv is None else list(argv)
    parser = argparse.ArgumentParser(prog="otel-mlsec", description="Watch machine-learning models for attack and decay.")
    parser.add_argument("--version", action="version", version=f"otel-mlsec {version('otel-mlsec')}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, (module, line) in TABLE.items():
        command = commands.add_parser(name, help=line, description=line[0].upper() + line[1:] + ".")
        if words[:1] == [name]:  # the parser has no option of its own that could stand before it
            loaded = import_module(module)
            loaded.configure(command)
            command.set_defaults(run=loaded.run)
    options = parser.parse_args(words)
    return options.run(options)
