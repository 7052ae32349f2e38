"""What an observed `predict` costs its caller, beyond the bare call and beside New Relic's scikit-learn instrumentation.

CPU time of the calling thread.  In one process the bare function and the observed method are called in turn, a burst of each,
with a pause in which the worker catches up; medians over the bursts of several processes of each agent, in turn.  A predict
that does nothing shows the instrumentation's own cost; that of LogisticRegression also what it does to caches.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

AGENTS = ("otel-mlsec", "newrelic")
SHAPES = ((1, 30), (100, 30), (10_000, 100))
BUDGET = {(1, 30): "budget 15", (100, 30): "budget 40", (10_000, 100): "bounded: a sample is copied"}  # us beyond the bare call
ROUNDS = 3
BURSTS = 40
CALLS = 50  # of a burst: none is dropped
PAUSE = 0.03  # s; the worker looks every 20 ms

Costs = dict[str, tuple[float, float]]  # case -> us of a bare call, us that an observed one takes more


def main() -> None:
    print(f"caller: CPU us per predict, medians of {ROUNDS} x {BURSTS} bursts of {CALLS} calls, load {os.getloadavg()[0]:.1f}")
    rounds: dict[str, list[Costs]] = {agent: [] for agent in AGENTS}
    for _ in range(ROUNDS):
        for agent in AGENTS:
            costs = _in_a_process(agent)
            if costs is not None:
                rounds[agent].append(costs)
    if not rounds["newrelic"]:
        print("  newrelic: skipped, it is not installed or does not start (pip install newrelic)")
    for case in rounds["otel-mlsec"][0]:
        more = {agent: _middle(costs, case, 1) for agent, costs in rounds.items() if costs}
        bare = _middle(rounds["otel-mlsec"], case, 0)
        budget = next(text for (n, k), text in BUDGET.items() if case.endswith(f" {n}x{k}"))
        ours = more["otel-mlsec"]
        line = f"  {case:30s} bare {bare:7.1f}, otel-mlsec +{ours:.1f} (x{1 + ours / bare:.2f}; {budget})"
        if "newrelic" in more and not case.startswith("Nothing"):  # it watches scikit-learn's own classes only
            line += f", newrelic +{more['newrelic']:.0f}: {more['newrelic'] / max(ours, 0.1):.0f} times as much"
        print(line)


def _middle(costs: list[Costs], case: str, which: int) -> float:
    return statistics.median(c[case][which] for c in costs)


def _in_a_process(agent: str) -> Costs | None:
    with tempfile.TemporaryDirectory() as folder:
        environment = dict(
            os.environ, NEW_RELIC_DEVELOPER_MODE="true", NEW_RELIC_MACHINE_LEARNING_ENABLED="true", NEW_RELIC_APP_NAME="bench",
            NEW_RELIC_LICENSE_KEY="0" * 40, NEW_RELIC_LOG=f"{folder}/log", OMP_NUM_THREADS="1",
        )  # fmt: skip
        command = [sys.executable, "-m", "benchmarks.caller", agent]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    if done.returncode and agent == "otel-mlsec":
        raise SystemExit(f"{' '.join(command)} failed")
    return json.loads(done.stdout) if done.returncode == 0 else None


def _costs(switch_on: Callable[[], None]) -> Costs:
    import numpy as np  # noqa: PLC0415 - in the process that is measured
    from sklearn.base import BaseEstimator, ClassifierMixin  # noqa: PLC0415
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    def nothing(self: Any, X: Any) -> Any:
        return answers[len(X)]

    answers = {rows: np.zeros(rows, np.int64) for rows, _ in SHAPES}
    fields = {"predict": nothing, "fit": lambda self, X, y: self, "classes_": np.array([0, 1])}
    bare = {"Nothing": nothing, "LogisticRegression": LogisticRegression.predict}
    switch_on()
    made = {"Nothing": type("Nothing", (ClassifierMixin, BaseEstimator), fields), "LogisticRegression": LogisticRegression}
    random = np.random.default_rng(1)
    costs: Costs = {}
    for name, cls in made.items():
        for rows, columns in SHAPES:
            known = random.normal(size=(200, columns))
            model = cls().fit(known, known[:, 0] > 0)
            model.n_features_in_ = columns
            costs[f"{name} {rows}x{columns}"] = _bursts(bare[name], model, random.normal(size=(rows, columns)))
    return costs


def _bursts(bare: Callable[[Any, Any], Any], model: Any, X: Any) -> tuple[float, float]:
    calls = 5 if len(X) > 1000 else CALLS
    plain: list[float] = []
    watched: list[float] = []
    for _ in range(BURSTS):
        for spent, call in ((plain, lambda: bare(model, X)), (watched, lambda: model.predict(X))):
            call()  # the first one of a burst finds caches cold
            began = time.thread_time_ns()
            for _ in range(calls):
                call()
            spent.append((time.thread_time_ns() - began) / 1e3 / calls)
            time.sleep(PAUSE)
    return statistics.median(plain), statistics.median(watched) - statistics.median(plain)


def _ours() -> Costs:
    from opentelemetry.sdk._logs import LoggerProvider  # noqa: PLC0415 - only this variant
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415 - only this variant
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - only this variant
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult  # noqa: PLC0415

    import otel_mlsec  # noqa: PLC0415

    class Nowhere(SpanExporter):
        def export(self, spans: Any) -> SpanExportResult:
            return SpanExportResult.SUCCESS

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(Nowhere()))
    providers = {"tracer_provider": provider, "meter_provider": MeterProvider(), "logger_provider": LoggerProvider()}
    return _costs(lambda: otel_mlsec.instrument(**providers))


def _new_relic() -> Costs:
    import newrelic.agent  # noqa: PLC0415 - only this variant

    newrelic.agent.initialize()
    newrelic.agent.register_application(timeout=10)
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - their hook patches it at its import

    observed = LogisticRegression.predict
    LogisticRegression.predict = observed.__wrapped__
    on = lambda: setattr(LogisticRegression, "predict", observed)  # noqa: E731
    return newrelic.agent.background_task()(_costs)(on)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps({"otel-mlsec": _ours, "newrelic": _new_relic}[sys.argv[1]]()))
    else:
        main()
