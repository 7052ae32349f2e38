"""What formats read of a record: of the type that is expected, clean and bounded, or nothing."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime

from otel_mlsec.emit import names
from otel_mlsec.emit.clean import LONGEST, Attribute, attribute, text
from otel_mlsec.emit.record import Record, Value
from otel_mlsec.finding import Severity

MOST = 32  # values of a list
CUT = "…"  # in place of what is left out; 3 bytes


def said(record: Record, name: str, longest: int = LONGEST) -> str:
    """An attribute that is text, "" for any other."""
    return _text(record.attributes.get(name), longest)


def of_resource(record: Record, name: str, longest: int = LONGEST) -> str:
    return _text(record.resource.get(name), longest)


def _text(value: Value, longest: int) -> str:
    return short(value, longest) if isinstance(value, str) else ""


def short(value: str, longest: int = LONGEST) -> str:
    """Clean, of `longest` bytes at most, and with a mark at the end where there was more."""
    clean = text(value, longest + 4)  # a character has 4 bytes at most
    if len(clean.encode()) <= longest and len(value) <= 4 * longest:
        return clean
    return text(value, longest - len(CUT.encode())) + CUT


def plain(value: Value) -> Attribute | None:
    """Any attribute, as it may be sent; None where it may not."""
    return short(value) if isinstance(value, str) else attribute(value)


def message(record: Record) -> str:
    return short(record.body) or said(record, names.FINDING_TITLE) or kind(record)


def kind(record: Record) -> str:
    return said(record, names.FINDING_TYPE) or "unknown"


def several(record: Record, name: str) -> list[str]:
    """An attribute that is a list, its texts."""
    value = record.attributes.get(name)
    return [short(each) for each in value[:MOST] if isinstance(each, str)] if isinstance(value, list | tuple) else []


def whole(record: Record, name: str) -> int | None:
    value = record.attributes.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63 else None


def number(record: Record, name: str) -> float | None:
    value = record.attributes.get(name)
    return float(value) if isinstance(value, float) or (isinstance(value, int) and abs(value) < 2**63) else None


def severity(record: Record) -> Severity | None:
    """None where nobody said one that we know."""
    return Severity.__members__.get(said(record, names.FINDING_SEVERITY))


def address(record: Record) -> str:
    """The client's, where it is one of the Internet protocol."""
    try:
        return str(ipaddress.ip_address(said(record, names.CLIENT_ADDRESS)))
    except ValueError:
        return ""


def happened(record: Record) -> datetime:
    """UTC; the beginning of time for one that no calendar has."""
    try:
        return datetime.fromtimestamp(record.time, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


def moment(record: Record, name: str) -> datetime | None:
    """An attribute that is a time as RFC 3339 has it, with a zone."""
    try:
        found = datetime.fromisoformat(said(record, name, 64))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def milliseconds(when: datetime | None) -> int | None:
    """Since the epoch."""
    return int(when.timestamp() * 1000) if when is not None else None
