"""All that is emitted is named in `names`, and all that is named there is emitted."""

from dataclasses import replace

from otel_mlsec.detectors import TABLE
from otel_mlsec.emit import names

NAMED = {value for name, value in vars(names).items() if name.isupper() and name not in ("SCHEMA_VERSION", "EVIDENCE")}


def test_every_name_is_listed_and_every_listed_name_is_used(sending, call, finding):
    telemetry = sending(errors={"capture.sklearn": 1})
    telemetry.metrics.model_seen(call.model, list(TABLE))
    telemetry.metrics.detected(0.01)
    telemetry.metrics.processed(1)
    telemetry.metrics.scores([(call.model, "drift/data", "temp", 0.5)])
    telemetry.send(replace(call, error="builtins.ValueError"), finding)

    span, record, points = telemetry.span, telemetry.record, telemetry.points()
    used = {record.event_name, *(event.name for event in span.events), *points, *span.attributes, *record.attributes}
    used |= {name for event in span.events for name in event.attributes}
    used |= {name for of in points.values() for point in of for name in point.attributes}
    assert {name for name in used if not name.startswith(names.EVIDENCE)} == NAMED
