"""ArcSight's Common Event Format, version 0, as Microsoft Sentinel and most others read it."""

from __future__ import annotations

from collections.abc import Iterator

from otel_mlsec.emit import names
from otel_mlsec.emit.clean import text
from otel_mlsec.emit.formats.fields import (
    address,
    happened,
    kind,
    message,
    milliseconds,
    moment,
    number,
    of_resource,
    said,
    several,
    severity,
    whole,
)
from otel_mlsec.emit.record import Record
from otel_mlsec.finding import Severity

PRODUCT = "otel-mlsec"
SEVERITIES = {Severity.LOW: 3, Severity.MEDIUM: 6, Severity.HIGH: 8, Severity.CRITICAL: 10}
HEADER = str.maketrans({"\\": "\\\\", "|": "\\|"})
EXTENSION = str.maketrans({"\\": "\\\\", "=": "\\="})  # line breaks, which would be \n, are cleaned away before


def cef(record: Record) -> str:
    r"""`CEF:0|otel-mlsec|otel-mlsec|0.1.0|drift.unseen|Value never seen|8|rt=… externalId=… msg=…`."""
    bad = severity(record)
    header = (
        PRODUCT, PRODUCT, text(record.scope_version, 32), kind(record), said(record, names.FINDING_TITLE, 256) or kind(record),
        str(SEVERITIES[bad]) if bad is not None else "Unknown",
    )  # fmt: skip
    fields = " ".join(f"{key}={str(value).translate(EXTENSION)}" for key, value in _extension(record) if value or value == 0)
    return f"CEF:0|{'|'.join(part.translate(HEADER) for part in header)}|{fields}"


def _extension(record: Record) -> Iterator[tuple[str, str | int | float | None]]:
    ip = address(record)
    yield "rt", milliseconds(happened(record))
    yield "start", milliseconds(moment(record, names.FINDING_FIRST_SEEN))
    yield "end", milliseconds(moment(record, names.FINDING_LAST_SEEN))
    yield "externalId", said(record, names.FINDING_ID)
    yield "msg", message(record)
    yield "cat", said(record, names.RULE_NAME)
    yield "act", said(record, names.FINDING_ACTION)
    yield "cnt", whole(record, names.FINDING_COUNT)
    yield "suser", said(record, names.USER_HASH)
    yield "src", ip if "." in ip else ""
    yield from _labelled("c6a2", "Source IPv6 Address", ip if ":" in ip else "")
    yield "dvchost", of_resource(record, "host.name")
    yield "deviceProcessName", of_resource(record, "service.name")
    yield from _labelled("cs1", "ATLAS", ",".join(several(record, names.ATLAS_TECHNIQUES)))
    model = (said(record, names.MODEL_NAME), said(record, names.MODEL_VERSION))
    yield from _labelled("cs2", "model", " ".join(part for part in model if part))
    yield from _labelled("cs3", "traceId", text(record.trace_id))
    yield from _labelled("cs4", "case", said(record, names.FINDING_DEDUP_KEY))
    yield from _labelled("cs5", "OWASP", ",".join(several(record, names.OWASP)))
    yield from _labelled("cs6", "status", said(record, names.FINDING_STATUS))
    yield from _labelled("cfp1", "score", number(record, names.FINDING_SCORE))
    yield from _labelled("cfp2", "threshold", number(record, names.FINDING_THRESHOLD))


def _labelled(key: str, label: str, value: str | float | None) -> Iterator[tuple[str, str | float]]:
    if value is not None and value != "":
        yield f"{key}Label", label
        yield key, value
