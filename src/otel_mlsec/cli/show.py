"""A record as a block on a terminal, or as one line of JSON."""

import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.style import Style
from rich.text import Text

from otel_mlsec.cli.safe import safe
from otel_mlsec.emit import names
from otel_mlsec.emit.record import Record, Value
from otel_mlsec.finding import Severity, Status

COLOURS = {
    Severity.CRITICAL.name: "bold white on red",
    Severity.HIGH.name: "bold red",
    Severity.MEDIUM.name: "bold yellow",
    Severity.LOW.name: "bold blue",
}
MAX_EVIDENCE = 64  # the agent sends no more


def block(record: Record, *, evidence: bool = False, trace_url: str = "") -> RenderableType:
    """A finding: how bad, what, of which model; then what changed, since when, on what grounds, and where to look.

    `trace_url` is a template with `{trace_id}`; terminals that know links make the id one.
    """
    details = [Text(_summary(record))]
    if record.text(names.FINDING_STATUS) == Status.RESOLVED:
        details[0].append(" · ".join(("", f"over by {_minute(record.text(names.FINDING_LAST_SEEN))}", *_by(record))))
        details[0].stylize("dim")
    else:
        details.append(Text(" · ".join(_when(record))))
        details.append(Text(_reference(record), style="dim"))
        if record.trace_id:
            trace = safe(record.trace_id)
            link = Style(dim=False, link=trace_url.replace("{trace_id}", trace) or None)
            details[-1].append(" · trace " if details[-1] else "trace ").append(trace, link)
    if evidence:
        details.append(Text(" · ".join(_evidence(record)), style="dim"))
    return Group(_head(record), *(Padding(text, (0, 0, 0, 2), expand=False) for text in details if text))


def log_line(record: Record) -> Text:
    """Any other log record, on one line."""
    return Text(f"{when(record.time)}  {safe(record.event or 'log')}  {safe(record.body)}", style="dim")


def as_json(record: Record) -> str:
    """One line, ASCII only; not-a-number and infinities, which JSON lacks, as text."""
    return json.dumps(
        {
            "event": record.event,
            "time": when(record.time),
            "severity_number": record.severity,
            "body": record.body,
            "attributes": {name: finite(value) for name, value in record.attributes.items()},
            "resource": {name: finite(value) for name, value in record.resource.items()},
            "trace_id": record.trace_id,
            "span_id": record.span_id,
        },
        allow_nan=False,
    )


def when(seconds: float) -> str:
    """A time in UTC to the second, "?" for what is none."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if seconds else "?"
    except (ValueError, OverflowError, OSError):
        return "?"


def _head(record: Record) -> Text:
    word = record.text(names.FINDING_SEVERITY)
    status = record.text(names.FINDING_STATUS)
    head = Text(safe(word or "?"), style=COLOURS.get(word, "bold"))
    if status == Status.RESOLVED:
        head = Text("RESOLVED", style="bold green")
    elif status == Status.REOPENED:
        head.append(" again")
    line = Text.assemble(head, "  ", (safe(record.text(names.FINDING_TITLE) or "Finding"), "bold"))
    if model := f"{record.text(names.MODEL_NAME)} {record.text(names.MODEL_VERSION)}".strip():
        line.append("  ").append(safe(model), "cyan")
    return line


def _summary(record: Record) -> str:
    """The body says all in one line; the block has already said its first part."""
    prefix = f"{record.text(names.FINDING_SEVERITY)} {record.text(names.FINDING_TITLE)}: "
    body = record.body.removeprefix(prefix)
    for part in (record.text(names.MODEL_NAME), record.text(names.MODEL_VERSION)):
        if body is not record.body and part:
            body = body.removeprefix(part).lstrip(" ,:")
    return safe(body)


def _when(record: Record) -> Iterator[str]:
    since, told = (_minute(record.text(name)) for name in (names.FINDING_FIRST_SEEN, names.FINDING_LAST_SEEN))
    if since:
        yield f"since {since}" + (f", told {told}" if told and told != since else "") + " UTC"
    count = record.attributes.get(names.FINDING_COUNT)
    rule = record.text(names.RULE_NAME)
    if isinstance(count, int) and not rule.startswith("llm/"):
        yield f"{count:,} rows"
    elif isinstance(count, int) and count > 1:
        yield f"{count:,} times"
    if rule:
        yield safe(rule)
    yield from _by(record)


def _by(record: Record) -> Iterator[str]:
    who = record.text(names.USER_HASH)
    if who and not record.text(names.RULE_NAME).startswith("drift/"):  # of a change in all traffic only whose row came last
        yield f"by {safe(who)}"


def _reference(record: Record) -> str:
    kind, rows = (record.attributes.get(f"{names.EVIDENCE}reference{suffix}") for suffix in ("", "_rows"))
    if kind is None:
        return ""
    known = "reference" if kind == "fitted" else f"{safe(str(kind))} reference"
    return f"{known} of {rows:,} rows" if isinstance(rows, int) else known


def _evidence(record: Record) -> Iterator[str]:
    for name in (names.FINDING_SCORE, names.FINDING_THRESHOLD):
        if name in record.attributes:
            yield f"{name.rpartition('.')[2]} {_short(record.attributes[name])}"
    told = ((name, value) for name, value in record.attributes.items() if name.startswith(names.EVIDENCE))
    for name, value in islice(told, MAX_EVIDENCE):
        yield f"{safe(name.removeprefix(names.EVIDENCE))} {_short(value)}"


def _minute(text: str) -> str:
    """RFC 3339 as a person reads it, in UTC; what is none as it came."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError):
        return safe(text)


def _short(value: Value) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return safe(", ".join(map(str, value)) if isinstance(value, list) else str(value))
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def finite(value: Value) -> Value:
    """Not-a-number and infinities, which JSON lacks, as text."""
    match value:
        case float() if not math.isfinite(value):
            return str(value)
        case list():
            return [finite(item) for item in value]
        case dict():
            return {name: finite(item) for name, item in value.items()}
        case _:
            return value
