"""OCSF 1.8.0 Detection Finding, class 2004 with the profile security_control: https://schema.ocsf.io/1.8.0/classes/detection_finding."""

from __future__ import annotations

from typing import Any

from otel_mlsec.emit import names
from otel_mlsec.emit.clean import text
from otel_mlsec.emit.formats.fields import (
    address,
    happened,
    kind,
    message,
    milliseconds,
    moment,
    of_resource,
    plain,
    said,
    several,
    severity,
    whole,
)
from otel_mlsec.emit.record import Record
from otel_mlsec.finding import Severity, Status

VERSION = "1.8.0"
PRODUCT = "otel-mlsec"
CREATE, UPDATE, CLOSE = (1, "Create", 1, "New"), (2, "Update", 2, "In Progress"), (3, "Close", 4, "Resolved")  # activity, status
LIFE: dict[str, tuple[int, str, int, str]] = {Status.ONGOING: UPDATE, Status.REOPENED: UPDATE, Status.RESOLVED: CLOSE}
SEVERITIES = {Severity.LOW: 2, Severity.MEDIUM: 3, Severity.HIGH: 4, Severity.CRITICAL: 5}
OBSERVED, BLOCKED, MODIFIED = (3, "Observed", 15, "Detected"), (2, "Denied", 2, "Blocked"), (4, "Modified", 11, "Corrected")
ACTIONS = {"blocked": BLOCKED, "modified": MODIFIED}  # action, disposition
RULE, BEHAVIOUR, STATISTICS = 1, 2, 3  # kinds of analytic
ANALYTICS = {"llm": RULE, "extraction": BEHAVIOUR, "evasion": BEHAVIOUR}


def ocsf(record: Record) -> dict[str, Any]:
    """Each record of a case is an event of its own (`metadata.uid`) of the same finding (`finding_info.uid`)."""
    activity_id, activity, status_id, status = LIFE.get(said(record, names.FINDING_STATUS), CREATE)
    action_id, action, disposition_id, disposition = ACTIONS.get(said(record, names.FINDING_ACTION), OBSERVED)
    return {
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": 2004,
        "class_name": "Detection Finding",
        "activity_id": activity_id,
        "activity_name": activity,
        "type_uid": 200400 + activity_id,
        "type_name": f"Detection Finding: {activity}",
        "status_id": status_id,
        "status": status,
        "severity_id": SEVERITIES[bad] if (bad := severity(record)) is not None else 0,
        "is_alert": True,
        "action_id": action_id,
        "action": action,
        "disposition_id": disposition_id,
        "disposition": disposition,
        "time": milliseconds(happened(record)),
        "message": message(record),
        "metadata": _metadata(record),
        "finding_info": _finding(record),
        **_present(
            severity=said(record, names.FINDING_SEVERITY),
            count=whole(record, names.FINDING_COUNT),
            resources=_resources(record),
            evidences=_evidences(record),
            unmapped=_unmapped(record),
        ),
    }


def _present(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value or value == 0}


def _metadata(record: Record) -> dict[str, Any]:
    product = {"name": PRODUCT, "vendor_name": PRODUCT, **_present(version=text(record.scope_version))}
    return {
        "version": VERSION,
        "uid": said(record, names.FINDING_ID) or "unknown",
        "profiles": ["security_control"],
        "event_code": text(record.event),
        "product": product,
        **_present(correlation_uid=text(record.trace_id), log_provider=of_resource(record, "service.name")),
    }


def _finding(record: Record) -> dict[str, Any]:
    return {
        "uid": said(record, names.FINDING_DEDUP_KEY) or said(record, names.FINDING_ID) or "unknown",
        "title": said(record, names.FINDING_TITLE) or kind(record),
        "types": [kind(record)],
        **_present(
            first_seen_time=milliseconds(moment(record, names.FINDING_FIRST_SEEN)),
            last_seen_time=milliseconds(moment(record, names.FINDING_LAST_SEEN)),
            analytic=_analytic(record),
            attacks=[
                {"version": said(record, names.ATLAS_VERSION), "technique": {"uid": uid}}
                for uid in several(record, names.ATLAS_TECHNIQUES)
            ],
            tags=[{"name": "owasp", "values": owasp}] if (owasp := several(record, names.OWASP)) else [],
        ),
    }


def _analytic(record: Record) -> dict[str, Any]:
    name = said(record, names.RULE_NAME)
    if not name:
        return {}
    family = ANALYTICS.get(name.partition("/")[0], STATISTICS)
    return {"type_id": family, "name": name, **_present(version=said(record, names.RULE_VERSION))}


def _resources(record: Record) -> list[dict[str, Any]]:
    name = said(record, names.MODEL_NAME)
    model = {"type": "AI Model", "name": name, **_present(version=said(record, names.MODEL_VERSION))}
    return [model] if name else []


def _evidences(record: Record) -> list[dict[str, Any]]:
    ip, user = address(record), said(record, names.USER_HASH)
    evidence = _present(src_endpoint={"ip": ip} if ip else {}, user={"uid": user} if user else {})
    return [evidence] if evidence else []


def _unmapped(record: Record) -> dict[str, Any]:
    """All attributes under their own names, as the Collector's mapping has it."""
    return {text(name): value for name, raw in record.attributes.items() if (value := plain(raw)) is not None}
