"""What a process pays once, when it first calls a language model, and that no other process pays it.

CPU time of processes of their own, in each of which the worker itself meets the first call; numpy by itself stands beside it.
All modules are compiled before.  BLAS has one thread: those that it makes otherwise wait busily for a while, 40 ms on two cores,
whatever numpy is loaded for.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
ROUNDS = 7
BUDGET = 120  # ms, with numpy
HEAVY = ("numpy", "re2")
ENDED = 10.0  # s to wait for a span


def main() -> None:
    print(f"\nllm load: CPU ms once a process, median of {ROUNDS}, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as compiled:
        _in_a_process("first_calls", compiled)
        found = [json.loads(_in_a_process("first_calls", compiled)) for _ in range(ROUNDS)]
        numpy = statistics.median(float(_in_a_process("numpy", compiled)) for _ in range(ROUNDS))
        tabular = _in_a_process("tabular", compiled).strip()
    first, second = (statistics.median(each[call] for each in found) for call in ("first", "second"))
    load = first - second
    print(f"  first call {first:.0f}, second {second:.1f}: loading takes {load:.0f} (budget {BUDGET}),")
    print(f"  x{load / numpy:.1f} of `import numpy`, {numpy:.0f}; so {load - numpy:.0f} where numpy is loaded already")
    for when, modules in (*found[0]["loaded"].items(), ("after a predict of scikit-learn was judged", tabular)):
        print(f"  loaded {when:45s} {modules}")


def _in_a_process(case: str, compiled: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"PYTHONPYCACHEPREFIX": compiled, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "benchmarks.llm_load", case]
    return subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout


def _loaded() -> str:
    return ", ".join(name if name in sys.modules else f"no {name}" for name in HEAVY)


def first_calls() -> None:
    """Prints ms of CPU of all threads for a call, and what was loaded when."""
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - in the process that is measured
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor  # noqa: PLC0415
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter  # noqa: PLC0415

    import otel_mlsec  # noqa: PLC0415

    tracers, spans = TracerProvider(), InMemorySpanExporter()
    tracers.add_span_processor(SimpleSpanProcessor(spans))
    otel_mlsec.instrument(tracer_provider=tracers)
    loaded = {"after instrument()": _loaded()}
    import httpx  # noqa: PLC0415
    from benchmarks.llm_provider import URL, Provider, message, request  # noqa: PLC0415

    client = httpx.Client(transport=Provider(httpx, "Fine.").transport())
    client.post("https://example.org/orders", content=b"{}")
    loaded["after a client of httpx called somebody else"] = _loaded()

    def spent(said: str, calls: int) -> float:
        began = time.process_time()
        client.post(URL, content=request([message(said)]))
        until = time.monotonic() + ENDED
        while len(spans.get_finished_spans()) < calls:
            if time.monotonic() > until:
                raise SystemExit("no span of the call came")
            time.sleep(0.005)
        return (time.process_time() - began) * 1e3

    first, second = spent("Where is the nearest printer?", 1), spent("And where is its paper kept?", 2)
    loaded["after a call of a language model"] = _loaded()
    print(json.dumps({"first": first, "second": second, "loaded": loaded}))
    otel_mlsec.uninstrument()


def numpy() -> None:
    began = time.process_time()
    import_module("numpy")
    print((time.process_time() - began) * 1e3)


def tabular() -> None:
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - in the process that is measured
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor  # noqa: PLC0415
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter  # noqa: PLC0415

    import otel_mlsec  # noqa: PLC0415

    tracers, spans = TracerProvider(), InMemorySpanExporter()
    tracers.add_span_processor(SimpleSpanProcessor(spans))
    otel_mlsec.instrument(tracer_provider=tracers)
    linear: Any = import_module("sklearn.linear_model")
    linear.LogisticRegression().fit([[0.0], [1.0]], [0, 1]).predict([[1.0]])
    otel_mlsec.uninstrument()  # what was observed has been judged
    if not spans.get_finished_spans():
        raise SystemExit("no span of the predict came")
    print(_loaded())


if __name__ == "__main__":
    if len(sys.argv) > 1:
        {"first_calls": first_calls, "numpy": numpy, "tabular": tabular}[sys.argv[1]]()
    else:
        main()
