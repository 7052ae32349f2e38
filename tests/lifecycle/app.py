"""A process whose life is under test: `app.py SCENARIO OUT`.  Spans and log records go to OUT, a JSON line each."""

import json
import multiprocessing
import os
import sys
import threading
from pathlib import Path

import numpy as np
from opentelemetry import _logs, trace
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON
from sklearn.linear_model import LogisticRegression

import otel_mlsec

OUT = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(os.environ["APP_OUT"])


def write(**line):
    with OUT.open("a") as file:
        file.write(json.dumps({"pid": os.getpid(), **line}) + "\n")


class Spans(SpanExporter):
    def export(self, spans):
        for span in spans:
            write(
                span=span.name,
                trace=f"{span.context.trace_id:032x}",
                findings=(span.attributes or {}).get("mlsec.finding.count", 0),
            )
        return SpanExportResult.SUCCESS


class Logs(LogRecordExporter):
    def export(self, batch):
        for each in batch:
            record = each.log_record
            write(event=record.event_name, trace=f"{record.trace_id or 0:032x}", type=record.attributes["mlsec.finding.type"])
        return LogRecordExportResult.SUCCESS

    def shutdown(self):
        pass

    def force_flush(self, timeout_millis=30_000):
        return True


def sdk(sampler=ALWAYS_ON):
    """Batch processors that would wait for an hour: what is exported was flushed."""
    tracers = TracerProvider(sampler=sampler)
    tracers.add_span_processor(BatchSpanProcessor(Spans(), schedule_delay_millis=3_600_000))
    loggers = LoggerProvider()
    loggers.add_log_record_processor(BatchLogRecordProcessor(Logs(), schedule_delay_millis=3_600_000))
    trace.set_tracer_provider(tracers)
    _logs.set_logger_provider(loggers)


def served(n=40, shift=0.0, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    x[:, 2] = rng.integers(0, 5, n) + shift
    return x


def watched():
    rows = served(2000)
    model = LogisticRegression().fit(rows, rows[:, 0] > 0)
    reference = otel_mlsec.Reference.fit(rows, name="app")
    return otel_mlsec.watch(model, name="app", version="1", reference=reference)


def attack(model):
    """One call with values that were never seen: one finding."""
    model.predict(served(shift=100.0))


def exits():
    sdk()
    otel_mlsec.instrument()
    attack(watched())


def provider_after_instrument():
    otel_mlsec.instrument()
    model = watched()
    sdk()
    attack(model)


def provider_after_first_call():
    otel_mlsec.instrument()
    model = watched()
    model.predict(served())
    sdk()
    attack(model)


def no_provider():
    otel_mlsec.instrument()
    attack(watched())


def sampled_out():
    sdk(ALWAYS_OFF)
    otel_mlsec.instrument()
    attack(watched())


def forks():
    sdk()
    otel_mlsec.instrument()
    model = watched()
    attack(model)
    children = [multiprocessing.get_context("fork").Process(target=attack, args=(model,)) for _ in range(3)]
    for child in children:
        child.start()
    for child in children:
        child.join()


def raw_fork():
    """As gunicorn does it: the parent never predicted, the child leaves through sys.exit."""
    sdk()
    otel_mlsec.instrument()
    model = watched()
    child = os.fork()
    attack(model)
    if not child:
        sys.exit(0)
    os.waitpid(child, 0)


def spawned():
    exits()


def spawns(how="spawn"):
    os.environ["APP_OUT"] = str(OUT)
    children = [multiprocessing.get_context(how).Process(target=spawned) for _ in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join()


def forkserver():
    """Its children are forks of a process that is not ours."""
    spawns("forkserver")


def threads():
    sdk()
    otel_mlsec.instrument()
    model = watched()
    workers = [
        threading.Thread(target=lambda k=k: [model.predict(served(seed=100 * k + i)) for i in range(25)]) for k in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def shut_down():
    """The application flushes and shuts its SDK down itself, right after the call."""
    sdk()
    otel_mlsec.instrument()
    attack(watched())
    trace.get_tracer_provider().shutdown()
    _logs.get_logger_provider().shutdown()


def uninstruments():
    sdk()
    otel_mlsec.instrument()
    model = watched()
    attack(model)
    otel_mlsec.uninstrument()
    model.predict(served(shift=200.0))


if __name__ == "__main__":
    globals()[sys.argv[1]]()
