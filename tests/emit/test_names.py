"""All that is emitted is named in `names`, and all that is named there is emitted."""

from contextlib import nullcontext
from dataclasses import replace

from tests.emit.spool.conftest import record

from otel_mlsec.detectors import TABLE
from otel_mlsec.emit import names
from otel_mlsec.emit.spool.spool import Spool
from otel_mlsec.emit.transport import Answer

NOT_HERE = ("SCHEMA_VERSION", "EVIDENCE", "INTEGRITY")  # the last is only on what a disk has damaged: tests/emit/spool
NAMED = {value for name, value in vars(names).items() if name.isupper() and name not in NOT_HERE}
FROM_OUTSIDE = ("gen_ai.request.",)  # settings of a request: what capture found of them


def _spool():
    spool = Spool("otlp", lambda: Nowhere(), None, quiet=nullcontext)
    spool.put(record(0))
    spool.close(0.0)
    return spool


class Nowhere:
    def send(self, _records, /):
        return Answer(taken=0, why="no connection")

    def close(self):
        pass


def test_every_name_is_listed_and_every_listed_name_is_used(sending, call, finding, completion, injection):
    telemetry = sending(errors={"capture.sklearn": 1}, content=True, spools=[_spool()], handled={"ValueError": 1})
    telemetry.metrics.model_seen(call.model, list(TABLE))
    telemetry.metrics.detected(0.01)
    telemetry.metrics.processed(1)
    telemetry.metrics.scores([(call.model, "drift/data", "temp", 0.5), (call.model, "extraction/account", "app:1", 0.5)])
    telemetry.metrics.evicted("extraction/account", 1)
    telemetry.metrics.withheld(finding.kind, finding.severity, "m", "rate", 1)
    telemetry.feedback.labels(call.model, "joined", 1)
    telemetry.feedback.coverage([(call.model, 0.5)])
    telemetry.feedback.forgotten(call.model, "bytes", 1)
    telemetry.performance.set([(call.model, "drift/performance", "accuracy", 0.9)])
    telemetry.references.set([(call.model, 60.0, 7)])
    telemetry.references.refused("m", "mismatch")
    telemetry.send(replace(call, error="builtins.ValueError"), finding)

    telemetry.complete(replace(completion, error="TimeoutError"), injection, status="timeout")

    points = telemetry.points()
    used = set(points)
    for span in telemetry.spans_out():
        used |= {
            *span.attributes,
            *(event.name for event in span.events),
            *(name for event in span.events for name in event.attributes),
        }
    for sent in telemetry.records_out():
        used |= {sent.event_name, *sent.attributes}
    used |= {name for of in points.values() for point in of for name in point.attributes}
    assert {name for name in used if not name.startswith((names.EVIDENCE, *FROM_OUTSIDE))} == {
        name for name in NAMED if not name.startswith(FROM_OUTSIDE)
    }
