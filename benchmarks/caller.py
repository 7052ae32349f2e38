"""What an observed `predict` costs its caller, beyond the bare call and beside New Relic's scikit-learn instrumentation.

CPU time of the calling thread.  Each variant runs in a process of its own, the variants in turn, so that a busy machine is as
busy for one as for the other; the median of the rounds is printed, and ratios are safer than microseconds.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

VARIANTS = ("bare", "otel-mlsec", "newrelic")
SHAPES = ((1, 30), (100, 30), (10_000, 100))
BUDGET = {(1, 30): 15.0, (100, 30): 40.0}  # us beyond the bare call
ROUNDS = 5
SECONDS = 0.4  # of one measurement

Costs = dict[str, float]  # "model rows x columns" -> us a call


def main() -> None:
    print(f"caller: CPU us per predict, {ROUNDS} rounds, load {os.getloadavg()[0]:.1f}")
    rounds: dict[str, list[Costs]] = {variant: [] for variant in VARIANTS}
    for _ in range(ROUNDS):
        for variant in VARIANTS:
            costs = _in_a_process(variant)
            if costs is not None:
                rounds[variant].append(costs)
    for variant in VARIANTS:
        if not rounds[variant]:
            print(f"  {variant}: skipped, it is not installed or does not start (pip install {variant})")
    for case in rounds["bare"][0]:
        middle = {v: statistics.median(c[case] for c in costs) for v, costs in rounds.items() if costs}
        bare, ours = middle["bare"], middle["otel-mlsec"]
        budget = next((f", budget {us:.0f}" for (n, k), us in BUDGET.items() if case.endswith(f" {n}x{k}")), "")
        line = f"  {case:28s} bare {bare:9.1f}  otel-mlsec {ours:9.1f} (x{ours / bare:.3f}, +{ours - bare:.1f} us{budget})"
        if "newrelic" in middle:
            theirs = middle["newrelic"]
            more = (theirs - bare) / max(ours - bare, 0.1)
            line += f"  newrelic {theirs:9.1f} (x{theirs / bare:.2f}); it adds {more:.0f} times what we add"
        print(line)


def _in_a_process(variant: str) -> Costs | None:
    with tempfile.TemporaryDirectory() as folder:
        environment = dict(
            os.environ, NEW_RELIC_DEVELOPER_MODE="true", NEW_RELIC_MACHINE_LEARNING_ENABLED="true", NEW_RELIC_APP_NAME="bench",
            NEW_RELIC_LICENSE_KEY="0" * 40, NEW_RELIC_LOG=f"{folder}/log", OMP_NUM_THREADS="1", OTEL_MLSEC_KEY="bench",
        )  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.caller", variant], env=environment, capture_output=True, check=False
        )
    return json.loads(done.stdout) if done.returncode == 0 else None


def measure(variant: str) -> Costs:
    run = {"bare": _bare, "otel-mlsec": _ours, "newrelic": _new_relic}[variant]
    return run()


def _costs() -> Costs:
    import numpy as np  # noqa: PLC0415 - after the variant has patched what it patches
    from sklearn.base import BaseEstimator, ClassifierMixin  # noqa: PLC0415
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    class Nothing(ClassifierMixin, BaseEstimator):
        """A predict that costs nothing, so that the difference is the instrumentation's alone."""

        def fit(self, X: Any, y: Any) -> Nothing:
            self.classes_, self.n_features_in_ = np.array([0, 1]), X.shape[1]
            return self

        def predict(self, X: Any) -> Any:
            return np.zeros(len(X), np.int64)

    costs: Costs = {}
    for rows, columns in SHAPES:
        X = np.random.default_rng(0).normal(size=(rows, columns))
        y = (X[:, 0] > 0).astype(int) if rows > 1 else np.array([0])
        many = np.random.default_rng(1).normal(size=(200, columns))
        for model in (Nothing().fit(X, y), LogisticRegression().fit(many, many[:, 0] > 0)):
            costs[f"{type(model).__name__} {rows}x{columns}"] = _cost(model, X)
    return costs


def _cost(model: Any, X: Any) -> float:
    model.predict(X)
    calls, began, wall = 0, time.thread_time(), time.monotonic()
    while time.monotonic() - wall < SECONDS:
        for _ in range(10):
            model.predict(X)
        calls += 10
    return (time.thread_time() - began) / calls * 1e6


def _bare() -> Costs:
    return _costs()


def _ours() -> Costs:
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - only this variant
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult  # noqa: PLC0415

    import otel_mlsec  # noqa: PLC0415

    class Nowhere(SpanExporter):
        def export(self, spans: Any) -> SpanExportResult:
            return SpanExportResult.SUCCESS

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(Nowhere()))
    otel_mlsec.instrument(tracer_provider=provider)
    return _costs()


def _new_relic() -> Costs:
    import newrelic.agent  # noqa: PLC0415 - only this variant

    newrelic.agent.initialize()
    newrelic.agent.register_application(timeout=10)
    return newrelic.agent.background_task()(_costs)()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1])))
    else:
        main()
