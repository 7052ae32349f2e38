"""What those wait for who want a verdict before they go on: `check()`, and enforcement before a chat call.

CPU time of the calling thread.  All texts are different, but for those that say otherwise.  Enforcement is switched on and off
in one process, in turn, so a call with it stands beside the same call observed only, and beside one that nobody sees.
"""

from __future__ import annotations

import os
import random
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import httpx2
import openai
from benchmarks.llm_provider import Provider, message
from benchmarks.prose import prose
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import otel_mlsec
from evaluation.llm.peers import peers

SIZES = {100: "", 1_000: "budget 2 ms", 10_000: ""}  # bytes
ROLES = ("user", "document", "assistant")
TEXTS, WARM = 300, 100
ROUNDS, CALLS = 5, 25
ENFORCED = {"llm/injection": "raise", "llm/jailbreak": "raise"}
PAUSE = 0.03  # s between calls, in which the worker catches up: it is idle when the next one comes


def main() -> None:
    print(f"\nllm check: CPU ms of check(), p50 (p95) of {TEXTS} different texts, load {os.getloadavg()[0]:.1f}")
    chance = random.Random(3)
    for role in ROLES:
        cells: list[str] = []
        checked = partial(otel_mlsec.check, role=role)
        for size, budget in SIZES.items():
            _spent(checked, [prose(chance, size) for _ in range(WARM)])
            costs = _spent(checked, [prose(chance, size) for _ in range(TEXTS)])
            cells.append(f"{size:,} B {statistics.median(costs):.2f} ({_p95(costs):.2f}{'; ' + budget if budget else ''})")
        print(f"  {role:10s} {'   '.join(cells)}")
    text = prose(chance, 1_000)
    known = statistics.median(_spent(otel_mlsec.check, [text] * TEXTS))
    texts = [prose(chance, 1_000) for _ in range(TEXTS)]
    [classic] = [peer for peer in peers(lambda _: None) if peer.name.endswith("30")]
    rules, ours = (statistics.median(_spent(each, texts)) for each in (classic.flag, otel_mlsec.check))
    print(f"  1,000 B seen before {known:.2f}; {classic.name}: {rules:.2f}, check() is x{ours / rules:.1f} of that")
    _enforcement(chance)


def _enforcement(chance: random.Random) -> None:
    client = openai.OpenAI(api_key="k", max_retries=0, http_client=httpx2.Client(transport=Provider(httpx2, "Fine.").transport()))
    history = [message(prose(chance, 200), ("user", "assistant")[i % 2]) for i in range(19)]
    blocked = 0

    def ask(said: str) -> None:
        nonlocal blocked
        try:
            client.chat.completions.create(model="m", messages=[*history, message(said)])  # pyright: ignore
        except otel_mlsec.Blocked:
            blocked += 1

    spent: dict[str, list[float]] = {"nobody": [], "observed": [], "enforced": []}
    for _ in range(ROUNDS):
        for case, costs in spent.items():
            if case != "nobody":
                _instrument(ENFORCED if case == "enforced" else {})
            _spent(ask, [prose(chance, 1_000) for _ in range(5)])  # the first judges the history
            time.sleep(PAUSE)
            costs += _spent(ask, [prose(chance, 1_000) for _ in range(CALLS)], PAUSE)
            otel_mlsec.uninstrument()
    bare, observed, enforced = (statistics.median(costs) for costs in spent.values())
    print(f"  a chat call with 19 old messages and 1,000 B of new text, {ROUNDS} x {CALLS} calls: {bare:.2f} by itself,")
    print(
        f"  observed {observed - bare:+.2f}, with {', '.join(ENFORCED)} enforced {enforced - bare:+.2f} (x{enforced / bare:.2f});"
    )
    print(f"  p95 {' / '.join(f'{_p95(costs):.2f}' for costs in spent.values())}; blocked: {blocked}")


def _instrument(enforce: dict[str, str]) -> None:
    tracers = TracerProvider(shutdown_on_exit=False)
    tracers.add_span_processor(BatchSpanProcessor(InMemorySpanExporter()))
    otel_mlsec.instrument(
        tracer_provider=tracers, meter_provider=MeterProvider(shutdown_on_exit=False),
        logger_provider=LoggerProvider(shutdown_on_exit=False), enforce=enforce,
    )  # fmt: skip


def _spent(work: Callable[[Any], object], each: Sequence[Any], pause: float = 0.0) -> list[float]:
    """ms of CPU, one by one."""
    costs: list[float] = []
    for one in each:
        began = time.thread_time_ns()
        work(one)
        costs.append((time.thread_time_ns() - began) / 1e6)
        time.sleep(pause)
    return costs


def _p95(costs: Sequence[float]) -> float:
    return statistics.quantiles(costs, n=20)[-1]


if __name__ == "__main__":
    main()
