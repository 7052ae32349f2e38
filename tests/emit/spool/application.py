"""A process with the real agent: `application.py SCENARIO [FIRST [N]]`; says "found" when its findings are in the spool."""

import multiprocessing
import os
import resource
import sys
import time

from opentelemetry.context import Context

import otel_mlsec
from otel_mlsec import agent
from otel_mlsec.finding import Finding, Severity
from otel_mlsec.observation import Meaning, Model, Prediction

FIRST, N = map(int, sys.argv[2:4] or (0, 1000))
SEVERITIES = tuple(Severity)


def finds(first=FIRST, n=N):
    """Through the emitter of the agent; which one it was stands in the count."""
    call = Prediction(
        model=Model(name="shop"), method="predict", meaning=Meaning.LABEL, n_rows=1, principal="", start_ns=0, end_ns=0
    )
    for number in range(first, first + n):
        finding = Finding(
            kind="drift.unseen", detector="drift/facts", title="Value never seen", summary=f"number {number}", score=2.0,
            threshold=1.0, severity=SEVERITIES[number % 4], model=call.model, time=time.time(), first_seen=time.time(),
            count=number,
        )  # fmt: skip
        agent._agent._emitter.finding(finding, call, Context())


def say():
    os.write(1, b"found\n")


def stays():
    finds()
    say()
    time.sleep(600)


def attacked():
    """A real model, a value that it has never seen, and the detector that notices."""
    import numpy as np  # noqa: PLC0415 - only here
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - only here

    rng = np.random.default_rng(0)
    rows = np.column_stack([rng.normal(size=(2000, 2)), rng.integers(0, 5, 2000)])
    model = otel_mlsec.watch(
        LogisticRegression().fit(rows, rows[:, 0] > 0), name="app", reference=otel_mlsec.Reference.fit(rows, name="app")
    )
    model.predict(rows[:40] + np.array([0.0, 0.0, 100.0]))
    say()
    time.sleep(600)


def exits():
    finds()
    say()


def waits():
    """Finds nothing: what it sends is another's."""
    say()
    time.sleep(600)


def forks():
    finds(FIRST, N // 2)
    child = multiprocessing.get_context("fork").Process(target=finds, args=(FIRST + N // 2, N - N // 2))
    child.start()
    child.join()
    say()


def full():
    """A disk that takes 100 KB a file."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    stays()


if __name__ == "__main__":
    otel_mlsec.instrument()
    globals()[sys.argv[1]]()
