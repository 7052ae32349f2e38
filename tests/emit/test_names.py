"""All that is emitted is named in `names`, and all that is named there is emitted."""

from dataclasses import replace

from otel_mlsec.detectors import TABLE
from otel_mlsec.emit import names

NAMED = {value for name, value in vars(names).items() if name.isupper() and name not in ("SCHEMA_VERSION", "EVIDENCE")}
FROM_OUTSIDE = ("gen_ai.request.",)  # settings of a request: what capture found of them


def test_every_name_is_listed_and_every_listed_name_is_used(sending, call, finding, completion, injection):
    telemetry = sending(errors={"capture.sklearn": 1}, content=True)
    telemetry.metrics.model_seen(call.model, list(TABLE))
    telemetry.metrics.detected(0.01)
    telemetry.metrics.processed(1)
    telemetry.metrics.scores([(call.model, "drift/data", "temp", 0.5), (call.model, "extraction/account", "app:1", 0.5)])
    telemetry.metrics.evicted("extraction/account", 1)
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
    for record in telemetry.records_out():
        used |= {record.event_name, *record.attributes}
    used |= {name for of in points.values() for point in of for name in point.attributes}
    assert {name for name in used if not name.startswith((names.EVIDENCE, *FROM_OUTSIDE))} == {
        name for name in NAMED if not name.startswith(FROM_OUTSIDE)
    }
