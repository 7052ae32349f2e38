"""What the worker spends on a call of a language model, all the way from the bytes to findings and the span.

CPU time of one thread.  The bytes are captured from a real client of httpx; then the worker's side handles, one by one, what
was asked and what was answered.  All texts are different, so nothing is remembered of them.  Beside it run rule sets of
others that are installed, on the bare text: they neither read a request nor decode what is disguised.
"""

from __future__ import annotations

import os
import random
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import httpx
from benchmarks.llm_provider import URL, Provider, message, request
from benchmarks.prose import prose
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from evaluation.llm.peers import CAP, peers
from otel_mlsec.capture import Patches
from otel_mlsec.capture import httpx as capture
from otel_mlsec.capture.llm import prompt
from otel_mlsec.config import Config
from otel_mlsec.detectors.llm.fusion import judge
from otel_mlsec.dialogue import Dialogue
from otel_mlsec.emit.delivery import Delivery
from otel_mlsec.emit.emitter import Emitter
from otel_mlsec.observation import Origin, Role, Text
from otel_mlsec.pipeline.life import Life
from otel_mlsec.text.reading import Reading

SIZES = {100: "", 1_000: "; budget 1 ms", 10_000: ""}  # bytes
CALLS, WARM = 150, 60
ANSWER = "Fine."

Pair = tuple[Any, Any]  # what was asked, what was answered


def main() -> None:
    print(f"\nllm worker: CPU ms of a call, p50 (p95) of {CALLS} different ones, load {os.getloadavg()[0]:.1f}")
    chance, dialogue = random.Random(2), _dialogue()
    for size in SIZES:
        _handled(dialogue, [(_one(chance, size), prose(chance, size)) for _ in range(WARM)])
    for size, budget in SIZES.items():
        asked, answered = _handled(dialogue, [(_one(chance, size), ANSWER) for _ in range(CALLS)])
        print(f"  prompt of {size:6,} B         asked {_middle(asked)}, answered briefly {_middle(answered)}{budget}")
    for size in SIZES:
        asked, answered = _handled(dialogue, [(_document(chance, size), ANSWER) for _ in range(CALLS)])
        print(f"  tool's result of {size:6,} B  asked {_middle(asked)}")
    for size in SIZES:
        _, answered = _handled(dialogue, [(_one(chance, 50), prose(chance, size)) for _ in range(CALLS)])
        print(f"  answer of {size:6,} B         answered {_middle(answered)}")
    _, answered = _handled(dialogue, [(_one(chance, 50), prose(chance, 1_000)) for _ in range(CALLS)], stream=True)
    print(f"  answer of 200 chunks, 1 kB   answered {_middle(answered)}")
    history = [message(prose(chance, 200), ("user", "assistant")[i % 2]) for i in range(19)]
    asked, _ = _handled(dialogue, [([*history, *_one(chance, 200)], ANSWER) for _ in range(CALLS)])
    print(f"  20 messages, one of them new asked {_middle(asked)}")
    _beside(chance)


def _beside(chance: random.Random) -> None:
    texts = {size: [prose(chance, size) for _ in range(CALLS)] for size in SIZES}
    ours: dict[int, float] = {}
    for size, of_size in texts.items():
        pairs = _captured([([message(text)], ANSWER) for text in of_size])
        read = statistics.median(_spent(lambda pair: prompt(pair[0]), pairs))
        readings = [Reading(Text(text=text, role=Role.USER, origin=Origin.USER)) for text in of_size]
        ours[size] = statistics.median(_spent(judge(), readings))
        print(f"  of {size:6,} B: reading the request {read:.2f}, the verdict alone {ours[size]:.2f}")
    print(f"  verdicts of others, p50 for {' / '.join(f'{size:,}' for size in SIZES)} B (of which they get {CAP:,} at most)")
    for peer in peers(lambda left_out: print(f"    {left_out}")):
        costs = {size: statistics.median(_spent(peer.flag, of_size[:40])) for size, of_size in texts.items()}
        cells = " / ".join(f"{cost:.3f} (x{cost / ours[size]:.2f} of ours)" for size, cost in costs.items())
        print(f"    {f'{peer.name} {peer.version}':38s}{cells}")


def _one(chance: random.Random, size: int) -> list[dict[str, Any]]:
    return [message(prose(chance, size))]


def _document(chance: random.Random, size: int) -> list[dict[str, Any]]:
    call = {"id": "c", "type": "function", "function": {"name": "search", "arguments": '{"q": "help"}'}}
    asked = [message("What does the manual say?"), {"role": "assistant", "content": None, "tool_calls": [call]}]
    return [*asked, {"role": "tool", "tool_call_id": "c", "content": prose(chance, size)}]


def _handled(dialogue: Dialogue, calls: Sequence[tuple[Any, str]], stream: bool = False) -> tuple[list[float], list[float]]:
    """ms of each call before its answer, and after it."""
    pairs = _captured(calls, stream)
    spent = [(_spent(dialogue.handle, [[asked]])[0], _spent(dialogue.handle, [[answered]])[0]) for asked, answered in pairs]
    return [asked for asked, _ in spent], [answered for _, answered in spent]


def _captured(calls: Sequence[tuple[Any, str]], stream: bool = False) -> list[Pair]:
    """What capture hands over of each conversation and its answer."""
    patches, items = Patches(), list[Any]()
    provider = Provider(httpx, ANSWER)
    capture.patch(patches, lambda item: items.append(item) or True)
    try:
        with httpx.Client(transport=provider.transport()) as client:
            for messages, answer in calls:
                provider.says(answer)
                with client.stream("POST", URL, content=request(messages, stream)) as response:
                    for _ in response.iter_bytes():
                        pass
    finally:
        patches.undo()
    return list(zip(items[::2], items[1::2], strict=True))


def _dialogue() -> Dialogue:
    tracers = TracerProvider(shutdown_on_exit=False)
    tracers.add_span_processor(BatchSpanProcessor(InMemorySpanExporter()))
    emitter = Emitter(
        delivery=Delivery(()),
        version="0", tracer_provider=tracers, meter_provider=MeterProvider(shutdown_on_exit=False),
        logger_provider=LoggerProvider(shutdown_on_exit=False), queue=lambda: (0, 0), errors=dict,
    )  # fmt: skip
    return Dialogue.of(Config(), emitter, Life())


def _spent(work: Callable[[Any], Any], each: Sequence[Any]) -> list[float]:
    """ms of CPU, one by one."""
    costs: list[float] = []
    for one in each:
        began = time.thread_time_ns()
        work(one)
        costs.append((time.thread_time_ns() - began) / 1e6)
    return costs


def _middle(costs: Sequence[float]) -> str:
    return f"{statistics.median(costs):.2f} ({statistics.quantiles(costs, n=20)[-1]:.2f})"


if __name__ == "__main__":
    main()
