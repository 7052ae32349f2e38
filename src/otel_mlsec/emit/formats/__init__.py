"""Findings in the words of a SIEM: pure functions of a record, one file each, one row each in `TABLE`.

The same mapping as `collector/ocsf.yaml`, `ecs.yaml` and `syslog.yaml`, for who has no Collector.  Whatever is in a record, what
comes out is one line, bounded, and well-formed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from otel_mlsec.emit.formats.as_json import as_json
from otel_mlsec.emit.formats.cef import cef
from otel_mlsec.emit.formats.ecs import ecs
from otel_mlsec.emit.formats.ocsf import ocsf
from otel_mlsec.emit.formats.otlp import otlp
from otel_mlsec.emit.formats.rfc5424 import rfc5424
from otel_mlsec.emit.record import Record

__all__ = ["TABLE", "as_json", "cef", "ecs", "ocsf", "otlp", "rfc5424"]

TABLE: Mapping[str, Callable[[Record], str]] = {
    "cef": cef,
    "ecs": lambda record: as_json(ecs(record)),
    "ocsf": lambda record: as_json(ocsf(record)),
    "otlp": otlp,
    "rfc5424": rfc5424,
}
