"""What an observed chat call costs its caller, beyond the same call unobserved and beside three instrumentations of openai.

CPU time of the calling thread.  Each contender has processes of its own, in turn, all in the environment of `make test-llm`,
so with the same client; each process makes the calls before it is instrumented and after, and what counts is the difference.
Each contender does what it does by itself, so OpenLLMetry and OpenInference record texts, the official one does not, and ours
keeps the bytes for its worker.  `nobody` instruments nothing: what it seems to add is what the figures are uncertain by.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.llm_provider import URL, Provider, message, request
from benchmarks.prose import prose

ROOT = Path(__file__).parents[1]
BESIDE = ROOT / ".venv-beside" / "bin" / "python"
ROUNDS, BURSTS = 3, 12
PAUSE = 0.03  # s between bursts, in which workers and exporters catch up
NOBODY, OURS = "nobody", "otel-mlsec"
KINDS = {"chat": 12, "stream": 3, "async chat": 12, "async stream": 3}  # kind of call: calls of a burst
WIRE = {"wire chat": 40, "wire stream": 10}  # the same without openai's client: what we add is seen better beside less

Costs = dict[str, tuple[float, float]]  # kind of call -> us without the contender, us that it adds


def _otel_mlsec(tracers: Any) -> None:
    import_module("otel_mlsec").instrument(tracer_provider=tracers)


def _instrumentor(module: str) -> Callable[[Any], None]:
    return lambda tracers: import_module(module).OpenAIInstrumentor().instrument(tracer_provider=tracers)


CONTENDERS: Mapping[str, tuple[str, Callable[[Any], None]]] = {  # name: package, how it is switched on
    NOBODY: ("openai", lambda _: None),
    OURS: ("otel-mlsec", _otel_mlsec),
    "OpenLLMetry": ("opentelemetry-instrumentation-openai", _instrumentor("opentelemetry.instrumentation.openai")),
    "OpenInference": ("openinference-instrumentation-openai", _instrumentor("openinference.instrumentation.openai")),
    "OpenTelemetry GenAI": (
        "opentelemetry-instrumentation-genai-openai",
        _instrumentor("opentelemetry.instrumentation.genai.openai"),
    ),
}


def main() -> None:
    print(f"\nllm caller: CPU us of an openai chat call with 20 messages, stream of 200 chunks; load {os.getloadavg()[0]:.1f}")
    if not BESIDE.exists():
        print("  skipped: `make test-llm` makes the environment of the other instrumentations, .venv-beside")
        return
    rounds: dict[str, list[Costs]] = {name: [] for name in CONTENDERS}
    for _ in range(ROUNDS):
        for name, costs in rounds.items():
            costs += _in_a_process(name)
    middle = {name: _middle(costs) for name, costs in rounds.items() if costs}
    least = {kind: max(middle[OURS][kind][1], abs(middle[NOBODY][kind][1])) for kind in KINDS}
    print(f"  {'added to':31s}{''.join(f'{kind:>20s}' for kind in KINDS)}")
    bare = "".join(f"{statistics.median(each[kind][0] for each in middle.values()):20,.0f}" for kind in KINDS)
    print(f"  {'the call by itself':31s}{bare}")
    for name, costs in middle.items():
        cells = "".join(f"{_cell(name, costs[kind][1], least[kind]):>20s}" for kind in KINDS)
        print(f"  {f'{name} {_version(name)}':31s}{cells}")
    others = [costs for name, costs in middle.items() if name not in (NOBODY, OURS)]
    dearer = [kind for kind in KINDS if any(costs[kind][1] <= middle[OURS][kind][1] for costs in others)]
    print(f"  budget, below every other: {'met' if not dearer else 'not met by ' + ', '.join(dearer)}")
    alone = ", ".join(f"{kind} {middle[OURS][kind][0]:,.0f} {middle[OURS][kind][1]:+,.0f}" for kind in WIRE)
    print(f"  {OURS} beside httpx2 alone: {alone}")


def _middle(costs: list[Costs]) -> Costs:
    each = {kind: list(zip(*(c[kind] for c in costs), strict=True)) for kind in costs[0]}
    return {kind: (statistics.median(bare), statistics.median(added)) for kind, (bare, added) in each.items()}


def _cell(name: str, added: float, least: float) -> str:
    """`least` is what ours adds, or what nobody does, whichever is more."""
    return f"{added:+,.0f}" if name in (NOBODY, OURS) else f"{added:+,.0f} (x{added / least:.1f})"


def _version(name: str) -> str:
    """Of what is installed there."""
    code = f"from importlib.metadata import version; print(version({CONTENDERS[name][0]!r}))"
    said = subprocess.run([str(BESIDE), "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    return f"(openai {said})" if name == NOBODY else said


def _in_a_process(name: str) -> list[Costs]:
    command = [str(BESIDE), "-m", "benchmarks.llm_caller", name]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode and name == OURS:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    if done.returncode:
        print(f"  {name}: did not run ({done.stderr.strip().splitlines()[-1]})")
        return []
    return [json.loads(done.stdout.splitlines()[-1])]


def _measured(name: str) -> Costs:
    import httpx2  # noqa: PLC0415 - in the process that is measured
    import openai  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter  # noqa: PLC0415

    tracers = TracerProvider(shutdown_on_exit=False)
    tracers.add_span_processor(BatchSpanProcessor(InMemorySpanExporter()))
    chance = random.Random(1)
    provider = Provider(httpx2, prose(chance, 1_000))
    wire = httpx2.Client(transport=provider.transport())
    client = openai.OpenAI(api_key="k", http_client=wire)
    aclient = openai.AsyncOpenAI(api_key="k", http_client=httpx2.AsyncClient(transport=provider.atransport()))
    history = [message(prose(chance, 200), ("user", "assistant")[i % 2]) for i in range(19)]
    history[0]["role"] = "system"
    kinds = {**KINDS, **WIRE} if name in (NOBODY, OURS) else KINDS  # the others are at openai's client
    loop = asyncio.new_event_loop()

    def call(conversations: list[Any], stream: bool) -> None:
        for messages in conversations:
            answer: Any = client.chat.completions.create(model="gpt-4o", messages=messages, stream=stream)
            if stream:
                for _ in answer:
                    pass

    async def acall(conversations: list[Any], stream: bool) -> None:
        for messages in conversations:
            answer: Any = await aclient.chat.completions.create(model="gpt-4o", messages=messages, stream=stream)
            if stream:
                async for _ in answer:
                    pass
                await asyncio.sleep(0)  # what closes the stream behind the client runs in a task

    def post(bodies: list[bytes]) -> None:
        for body in bodies:
            with wire.stream("POST", URL, content=body) as answer:
                for _ in answer.iter_raw():
                    pass

    def spent(kind: str, calls: int) -> float:
        conversations = [[*history, message(prose(chance, 200))] for _ in range(calls)]
        stream = kind.endswith("stream")
        bodies = [request(messages, stream) for messages in conversations]
        began = time.thread_time_ns()
        if kind in WIRE:
            post(bodies)
        elif kind.startswith("async"):
            loop.run_until_complete(acall(conversations, stream))
        else:
            call(conversations, stream)
        return (time.thread_time_ns() - began) / 1e3 / calls

    def bursts() -> dict[str, float]:
        found: dict[str, list[float]] = {kind: [] for kind in kinds}
        for _ in range(2 + BURSTS):
            for kind, calls in kinds.items():
                found[kind].append(spent(kind, calls))
                time.sleep(PAUSE)
        return {kind: statistics.median(each[2:]) for kind, each in found.items()}  # the first ones import

    before = bursts()
    CONTENDERS[name][1](tracers)
    after = bursts()
    loop.run_until_complete(loop.shutdown_asyncgens())
    return {kind: (before[kind], after[kind] - before[kind]) for kind in kinds}


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(_measured(sys.argv[1])))
    else:
        main()
