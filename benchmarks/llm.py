"""What an observed call of a language model costs its caller, beside three instrumentations; and what it costs the worker.

Each contender runs in a process of its own, in the environment that `make test-llm` makes, with the same client, an SDK
with a batch processor, and a provider in memory.  CPU time of the calling thread; the worker's is what the process spent
beyond it.
"""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

BESIDE = Path(__file__).parents[1] / ".venv-beside" / "bin" / "python"
ROUNDS, CALLS = 7, 60
NOISE = 0.02  # of the client's own time: what we add is taken to be at least that
SAID = "the report of last week says that our printers need more paper and some of them a new drum before autumn"
WORDS = SAID.split()


def _provider(httpx: Any) -> Any:
    chat = {
        "id": "x", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Fine."}, "finish_reason": "stop"}],
    }  # fmt: skip
    chunk = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    events = [chunk | {"choices": [{"index": 0, "delta": {"content": f"w{i} "}, "finish_reason": None}]} for i in range(200)]
    stream = b"".join(b"data: %b\n\n" % json.dumps(event).encode() for event in events) + b"data: [DONE]\n\n"

    def answer(request: Any) -> Any:
        if b'"stream":true' in request.content or b'"stream": true' in request.content:
            return httpx.Response(200, content=stream, headers={"content-type": "text/event-stream"})
        return httpx.Response(200, json=chat)

    return httpx.MockTransport(answer)


def _nobody(_: Any) -> None:
    pass


def _otel_mlsec(tracers: Any) -> None:
    import otel_mlsec  # noqa: PLC0415 - one contender a process

    otel_mlsec.instrument(tracer_provider=tracers)


def _instrumentor(module: str) -> Callable[[Any], None]:
    def instrument(tracers: Any) -> None:
        from importlib import import_module  # noqa: PLC0415 - one contender a process

        import_module(module).OpenAIInstrumentor().instrument(tracer_provider=tracers)

    return instrument


CONTENDERS: Mapping[str, Callable[[Any], None]] = {
    "nobody": _nobody,
    "otel-mlsec": _otel_mlsec,
    "OpenLLMetry": _instrumentor("opentelemetry.instrumentation.openai"),
    "OpenInference": _instrumentor("openinference.instrumentation.openai"),
    "OpenTelemetry GenAI": _instrumentor("opentelemetry.instrumentation.genai.openai"),
}


def _prompt(chance: random.Random, size: int) -> str:
    said = ""
    while len(said) < size:
        said += f"{chance.choice(WORDS)} "
    return f"{said[: size - 12]}{chance.randrange(10**10)}"


def child(name: str) -> None:
    """Prints microseconds of the caller by kind of call, and of the worker by size of the prompt."""
    import httpx2  # noqa: PLC0415 - of the other environment
    import openai  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter  # noqa: PLC0415

    tracers = TracerProvider(shutdown_on_exit=False)
    tracers.add_span_processor(BatchSpanProcessor(InMemorySpanExporter()))
    CONTENDERS[name](tracers)
    client = openai.OpenAI(api_key="k", http_client=httpx2.Client(transport=_provider(httpx2)))
    chance = random.Random(1)
    history = [{"role": ("user", "assistant")[i % 2], "content": _prompt(chance, 200)} for i in range(19)]

    def ask(stream: bool, size: int = 200, past: list[Any] = history) -> None:
        answer = client.chat.completions.create(
            model="m", messages=[*past, {"role": "user", "content": _prompt(chance, size)}], stream=stream
        )
        if stream:
            for _ in answer:
                pass

    spent: dict[str, float] = {}
    for kind, stream in (("20 messages", False), ("200 chunks", True)):
        ask(stream)
        rounds: list[float] = []
        for _ in range(ROUNDS):
            began = time.thread_time()
            for _ in range(CALLS):
                ask(stream)
            rounds.append((time.thread_time() - began) / CALLS * 1e6)
            tracers.force_flush()
        spent[kind] = statistics.median(rounds)
    for size in (100, 1_000, 10_000) if name == "otel-mlsec" else ():
        rounds = []
        for _ in range(ROUNDS):
            tracers.force_flush()
            began = time.process_time() - time.thread_time()
            for _ in range(CALLS):
                ask(False, size, [])
            tracers.force_flush()
            rounds.append((time.process_time() - time.thread_time() - began) / CALLS * 1e6)
        spent[f"worker {size:,} B"] = statistics.median(rounds)
    print(json.dumps(spent))


def _load() -> None:
    code = (
        "import sys, time, otel_mlsec; otel_mlsec.instrument();"
        "print('after instrument(): numpy', 'numpy' in sys.modules, 're2', 're2' in sys.modules);"
        "import numpy; b = time.process_time();"
        "from otel_mlsec.detectors.llm import build; from otel_mlsec.detectors.llm.fusion import judge;"
        "from otel_mlsec.observation import *; from otel_mlsec.text.reading import Reading;"
        "from otel_mlsec.config import LlmSettings;"
        "build(LlmSettings(), key=b'0' * 16);"
        "judge()(Reading(Text(text='hello', role=Role.USER, origin=Origin.USER)));"
        "print(f'import and load of the text detectors, beyond numpy: {(time.process_time() - b) * 1e3:.0f} ms CPU (budget 120)')"
    )
    print(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout, end="")


def main() -> None:
    print("\nCalls of language models")
    _load()
    if not BESIDE.exists():
        print("the callers are not compared: `make test-llm` makes the environment of the other instrumentations")
        return
    spent: dict[str, dict[str, float]] = {}
    for name in CONTENDERS:
        done = subprocess.run([str(BESIDE), __file__, name], capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"{name}: not run ({done.stderr.strip().splitlines()[-1]})")
        else:
            spent[name] = json.loads(done.stdout.splitlines()[-1])
    bare, ours = spent["nobody"], spent["otel-mlsec"]
    print(f"caller's CPU, us added to a call (openai client alone: {bare['20 messages']:.0f}; stream: {bare['200 chunks']:.0f})")
    for name, costs in spent.items():
        if name != "nobody":
            added = {kind: costs[kind] - bare[kind] for kind in bare}
            ratios = {kind: added[kind] / max(NOISE * bare[kind], ours[kind] - bare[kind]) for kind in bare}
            of_ours = {kind: "" if name == "otel-mlsec" else f" (x {ratios[kind]:.1f} of ours)" for kind in bare}
            cells = "   ".join(f"{kind} {added[kind]:+.0f}{of_ours[kind]}" for kind in bare)
            print(f"  {name:22s}{cells}")
    for kind, cost in ours.items():
        if kind.startswith("worker"):
            print(f"  {kind} prompt, whole way from bytes to findings: {cost / 1e3:.2f} ms CPU")


if __name__ == "__main__":
    child(sys.argv[1])
