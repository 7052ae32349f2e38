"""What the agent sees in a process of this environment, as JSON: run by `otel-mlsec doctor` in a process of its own.

With `opentelemetry-instrument` it is what a process started by that sees; whatever module is named is imported, as the
application would be, and does what it does then.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from opentelemetry import _logs, metrics, trace

from otel_mlsec import agent, errors
from otel_mlsec.agent import Agent
from otel_mlsec.capture._describe import said_names

MARK = "otel-mlsec doctor: "  # begins the one line that is read; what an application prints is not
LIBRARIES = {"sklearn": "scikit-learn", "xgboost": "xgboost", "lightgbm": "lightgbm", "httpx": "httpx", "httpx2": "httpx2"}
INSIDE = (
    "_active_span_processor",
    "_span_processors",
    "_multi_log_record_processor",
    "_log_record_processors",
    "_batch_processor",
    "_sdk_config",
    "metric_readers",
    "_metric_readers",
)  # fmt: skip - where SDKs keep what they send with
EXPORTERS = ("span_exporter", "_exporter", "exporter")


def main() -> None:
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # that nobody listens is said by who asks
    problem = ""
    for module in sys.argv[1:]:
        sys.path.insert(0, os.getcwd())
        try:
            import_module(module)
        except BaseException as error:  # noqa: BLE001 - the application's code may do anything, also leave
            problem = f"importing {module} failed with {type(error).__name__}: {error}"
    running = agent.current()
    seen = {
        "problem": problem,
        "instrumented": running is not None,
        "watched": said_names(),
        "libraries": [each for library, distribution in LIBRARIES.items() if (each := _library(library, distribution, running))],
        "providers": {
            "traces": _provider(trace.get_tracer_provider()),
            "metrics": _provider(metrics.get_meter_provider()),
            "logs": _provider(_logs.get_logger_provider()),
        },
        "environ": {name: value for name, value in os.environ.items() if name.startswith(("OTEL_LOGS_", "OTEL_EXPORTER_OTLP_"))},
    }
    sys.stdout.flush()
    os.write(1, f"\n{MARK}{json.dumps(seen)}\n".encode())
    os._exit(0)  # nothing was observed, and exporters of nobody may take their time


def _library(library: str, distribution: str, running: Agent | None) -> dict[str, Any] | None:
    """None where it is not installed; else it is imported, to see whether its calls are observed then."""
    try:
        found = version(distribution)
    except PackageNotFoundError:
        return None
    before = 0 if library in sys.modules or running is None else running.n_patches
    try:
        import_module(library)
    except Exception as error:  # noqa: BLE001 - a broken installation breaks in any way
        why = f"its import fails with {type(error).__name__}"
    else:
        site = next((site for site in errors.counts if f"{site}.".startswith(f"capture.patch.{library}.")), "")
        why = f"{site} failed" if site else ""
    patched = running is not None and not why and running.n_patches > before
    return {"name": distribution, "version": found, "patched": patched, "why": why}


def _provider(provider: Any) -> dict[str, Any]:
    return {"class": type(provider).__name__, "exporters": sorted({type(each).__name__ for each in _exporters(provider, 6)})}


def _exporters(within: Any, depth: int) -> Iterator[Any]:
    """Of an SDK's provider, as far as it lets us see."""
    if isinstance(within, list | tuple | set | frozenset):
        for each in within:  # pyright: ignore[reportUnknownVariableType]
            yield from _exporters(each, depth)
        return
    for name in EXPORTERS:
        if (exporter := getattr(within, name, None)) is not None:
            yield exporter
            return
    for name in INSIDE:
        if depth and (inner := getattr(within, name, None)) is not None:
            yield from _exporters(inner, depth - 1)


if __name__ == "__main__":
    main()
