"""The Elastic Common Schema 9, with what it has no field for under `mlsec`: https://www.elastic.co/docs/reference/ecs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from otel_mlsec.emit import names
from otel_mlsec.emit.clean import text
from otel_mlsec.emit.formats.fields import address, happened, kind, moment, of_resource, plain, said, several, severity, short
from otel_mlsec.emit.record import Record
from otel_mlsec.finding import Severity

VERSION = "9.0.0"
SEVERITIES = {Severity.LOW: 21, Severity.MEDIUM: 47, Severity.HIGH: 73, Severity.CRITICAL: 99}  # Elastic Security's scale
OWN = ("mlsec.", "gen_ai.")  # attributes that ECS has not taken over


def ecs(record: Record) -> dict[str, Any]:
    """`event.id` is the record's, so that one that comes twice is one document where it is the document's id."""
    document: dict[str, Any] = {
        "@timestamp": _rfc3339(happened(record)),
        "ecs": {"version": VERSION},
        "message": short(record.body) or kind(record),
    }
    for path, value in (*_event(record), *_rule(record), *_who(record), *_where(record)):
        if value or value == 0:
            _put(document, path, value)
    for name, raw in record.attributes.items():
        value = plain(raw)
        if name.startswith(OWN) and value is not None:
            document[text(name)] = value
    return document


def _event(record: Record) -> Iterator[tuple[str, Any]]:
    what, bad = kind(record), severity(record)
    attack = not what.startswith("drift.") and what != "unknown"  # drift is no intrusion
    yield "event.kind", "alert"
    yield "event.category", ["intrusion_detection"] if attack else []
    yield "event.type", ["denied" if said(record, names.FINDING_ACTION) == "blocked" else "info"]
    yield "event.module", "otel_mlsec"
    yield "event.dataset", "otel_mlsec.finding"
    yield "event.provider", "otel-mlsec"
    yield "event.code", text(record.event)
    yield "event.action", what
    yield "event.id", said(record, names.FINDING_ID)
    yield "event.severity", SEVERITIES[bad] if bad is not None else ""
    yield "event.start", _rfc3339(moment(record, names.FINDING_FIRST_SEEN))
    yield "event.end", _rfc3339(moment(record, names.FINDING_LAST_SEEN))
    yield "log.level", text(record.severity_text).lower()


def _rule(record: Record) -> Iterator[tuple[str, Any]]:
    if said(record, names.RULE_NAME):
        yield "rule.name", said(record, names.RULE_NAME)
        yield "rule.category", said(record, names.RULE_CATEGORY)
        yield "rule.ruleset", said(record, names.RULESET_NAME)
        yield "rule.version", said(record, names.RULE_VERSION)
    if techniques := several(record, names.ATLAS_TECHNIQUES):
        yield "threat.framework", "MITRE ATLAS"
        yield "threat.technique.id", techniques
    yield "tags", several(record, names.OWASP)


def _who(record: Record) -> Iterator[tuple[str, Any]]:
    ip, user = address(record), said(record, names.USER_HASH)
    yield "client.address", said(record, names.CLIENT_ADDRESS)
    yield "client.ip", ip
    yield "source.ip", ip
    yield "related.ip", [ip] if ip else []
    yield "related.user", [user] if user else []
    yield "user.hash", user


def _where(record: Record) -> Iterator[tuple[str, Any]]:
    yield "trace.id", text(record.trace_id)
    yield "span.id", text(record.span_id)
    for name in ("service.name", "service.version", "host.name"):
        yield name, of_resource(record, name)


def _put(document: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for parent in parents:
        document = document.setdefault(parent, {})
    document[last] = value


def _rfc3339(when: datetime | None) -> str:
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z") if when is not None else ""
