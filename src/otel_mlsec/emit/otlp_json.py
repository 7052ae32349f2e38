"""Records as OTLP JSON and back: what a spool's files hold, and what a Collector's file receiver reads.

https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding: 64-bit integers are text, ids are hexadecimal.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from otel_mlsec.emit.record import Record, Value

LARGEST = 2**63  # int64
TIMES, FLAGS, SEVERITIES = range(2**64), range(2**32), range(25)
_quoted = json.encoder.encode_basestring_ascii
IDS = re.compile(r"(?:[0-9a-f]{2})*")
SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def encode(record: Record) -> bytes:
    """One `resourceLogs` array with one record in it; as text at once, which is three times as fast as by a tree of it."""
    return (
        f'[{{"resource":{{"attributes":{_pairs(record.resource)}}},"scopeLogs":[{{'
        f'"scope":{{"name":{_quoted(record.scope)},"version":{_quoted(record.scope_version)}}},"logRecords":[{{'
        f'"timeUnixNano":"{record.time_ns}","observedTimeUnixNano":"{record.observed_ns}",'
        f'"severityNumber":{record.severity},"severityText":{_quoted(record.severity_text)},'
        f'"body":{{"stringValue":{_quoted(record.body)}}},"attributes":{_pairs(record.attributes)},"flags":{record.flags},'
        f'"traceId":{_quoted(record.trace_id)},"spanId":{_quoted(record.span_id)},"eventName":{_quoted(record.event)}'
        "}]}]}]"
    ).encode("ascii")


def decode(text: bytes) -> Record:
    """The record that `encode` wrote.

    Raises:
        ValueError: it is not such text.
    """
    try:
        [of_resource] = json.loads(text)
        [of_scope] = of_resource["scopeLogs"]
        [log] = of_scope["logRecords"]
        return Record(
            event=str(log["eventName"]),
            time_ns=_within(TIMES, log["timeUnixNano"]),
            observed_ns=_within(TIMES, log["observedTimeUnixNano"]),
            severity=_within(SEVERITIES, log["severityNumber"]),
            severity_text=str(log["severityText"]),
            body=str(log["body"]["stringValue"]),
            attributes=_mapping(log["attributes"]),
            resource=_mapping(of_resource["resource"]["attributes"]),
            scope=str(of_scope["scope"]["name"]),
            scope_version=str(of_scope["scope"]["version"]),
            trace_id=_id(log["traceId"]),
            span_id=_id(log["spanId"]),
            flags=_within(FLAGS, log["flags"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f"not the OTLP JSON of one record ({type(error).__name__})") from None


def _within(allowed: range, number: Any) -> int:
    if int(number) not in allowed:
        raise ValueError("out of range")
    return int(number)


def _id(text: Any) -> str:
    if IDS.fullmatch(text) is None:
        raise ValueError("not an id")
    return text


def _pairs(values: Mapping[str, Value]) -> str:
    return "[" + ",".join([f'{{"key":{_quoted(key)},"value":{_any(value)}}}' for key, value in values.items()]) + "]"


def _any(value: Value) -> str:
    match value:
        case str():
            return f'{{"stringValue":{_quoted(value)}}}'
        case bool():
            return f'{{"boolValue":{"true" if value else "false"}}}'
        case int() if -LARGEST <= value < LARGEST:
            return f'{{"intValue":"{int(value)}"}}'
        case int() | float():
            number = double(value)
            return f'{{"doubleValue":{number!r}}}' if math.isfinite(number) else f'{{"doubleValue":"{_name(number)}"}}'
        case Mapping():
            return f'{{"kvlistValue":{{"values":{_pairs(value)}}}}}'
        case Sequence():
            return f'{{"arrayValue":{{"values":[{",".join([_any(item) for item in value])}]}}}}'
        case _:
            return "{}"


def double(value: float) -> float:
    """Also of an integer that is beyond all of them."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _name(number: float) -> str:
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def _mapping(pairs: Any) -> dict[str, Value]:
    return {str(pair["key"]): _value(pair["value"]) for pair in pairs}


def _value(wrapped: Any) -> Value:
    for kind, value in cast("dict[str, Any]", wrapped).items():
        match kind:
            case "stringValue":
                return str(value)
            case "boolValue":
                return bool(value)
            case "intValue":
                return int(value)
            case "doubleValue":
                return SPECIAL[value] if isinstance(value, str) else float(value)
            case "arrayValue":
                return [_value(item) for item in value["values"]]
            case "kvlistValue":
                return _mapping(value["values"])
            case _:
                continue
    return None
