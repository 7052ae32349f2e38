"""RFC 5424, the syslog protocol: what a rule matches is structured data, and the message is what a person reads."""

from __future__ import annotations

import re
from collections.abc import Iterator

from otel_mlsec.emit import names
from otel_mlsec.emit.clean import text
from otel_mlsec.emit.formats.fields import happened, message, of_resource, said
from otel_mlsec.emit.record import Record
from otel_mlsec.finding import Severity

AUDIT = 13  # facility
SEVERITIES = ((Severity.CRITICAL, 2), (Severity.HIGH, 3), (Severity.MEDIUM, 4))
OTHERS = 6  # severity: informational
NUMBER = 32473  # enterprise number that RFC 5612 keeps for documentation: structured data needs one, and ours is nobody's
NOTHING = "-"
BOM = "\ufeff"  # says that the message is UTF-8
_ESCAPED = str.maketrans({"\\": "\\\\", '"': '\\"', "]": "\\]"})
_NOT_PRINTED = re.compile(r"[^\x21-\x7e]")
PARAMETERS = {
    "id": names.FINDING_ID, "case": names.FINDING_DEDUP_KEY, "status": names.FINDING_STATUS, "type": names.FINDING_TYPE,
    "severity": names.FINDING_SEVERITY, "action": names.FINDING_ACTION, "model": names.MODEL_NAME, "rule": names.RULE_NAME,
    "user": names.USER_HASH, "src": names.CLIENT_ADDRESS,
}  # fmt: skip


def rfc5424(record: Record, *, said_as: str | None = None, number: int = NUMBER) -> str:
    """One message, without a frame.

    Args:
        said_as: the message instead of the finding's line, as a CEF or a JSON document on one line.
        number: enterprise number (IANA) in the structured data's name.
    """
    priority = AUDIT * 8 + next((low for least, low in SEVERITIES if record.severity >= least), OTHERS)
    when = happened(record).isoformat(timespec="microseconds").replace("+00:00", "Z")
    host, service = of_resource(record, "host.name"), of_resource(record, "service.name")
    data = "".join(f' {name}="{value.translate(_ESCAPED)}"' for name, value in _parameters(record))
    header = f"<{priority}>1 {when} {_printed(host, 255)} {_printed(service, 48)} {NOTHING} {_printed(record.event, 32)}"
    return f"{header} [mlsec@{number}{data}] {BOM}{message(record) if said_as is None else said_as}"


def _parameters(record: Record) -> Iterator[tuple[str, str]]:
    for name, attribute in PARAMETERS.items():
        if value := said(record, attribute):
            yield name, value
    if record.trace_id:
        yield "trace", text(record.trace_id)


def _printed(value: str, longest: int) -> str:
    return _NOT_PRINTED.sub("_", value[:longest]) or NOTHING
