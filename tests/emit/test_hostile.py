"""Names that an attacker, or a careless column, may bring: nothing of them leaves raw, by any way."""

import logging
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_mlsec.emit import fallback
from otel_mlsec.emit.clean import LONGEST, MOST, attribute, text
from otel_mlsec.observation import Model

HOSTILE = {
    "line": "a\r\nCRITICAL forged: b",
    "terminal": "a\x1b]0;owned\x07\x1b[2J\x9b2J",
    "nul": "a\x00b",
    "surrogate": "a\ud800b\udfff",
    "direction": "a\u202eb\u2066c\u2028d\u2029",
    "long": "é" * 1_000_000,
    "long_and_bad": "\x1b\n" * 500_000,
}


def strings(value):
    """All strings in a value, whatever it is nested in."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict) or hasattr(value, "items"):
        for name, inner in value.items():
            yield from strings(name)
            yield from strings(inner)
    elif isinstance(value, tuple | list):
        for inner in value:
            yield from strings(inner)


def harmless(value):
    return value.isprintable() and len(value.encode("utf-8")) <= LONGEST + len("mlsec.evidence.")


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_nothing_hostile_leaves_raw_in_any_signal(sending, call, finding, hostile):
    telemetry = sending(errors={"site": 1})
    model = Model(name=hostile, version=hostile, framework=hostile)
    call = replace(call, model=model, method=hostile, principal=hostile, error=hostile, attributes={"client.address": hostile})
    finding = replace(
        finding, model=model, kind=hostile, detector=hostile, title=hostile, summary=hostile, principal=hostile,
        subject=(hostile,), evidence={"name": hostile, "names": (hostile,) * 40, hostile: 1},
    )  # fmt: skip
    telemetry.send(call, finding)
    telemetry.metrics.model_seen(model, [hostile])
    telemetry.metrics.scores([(model, hostile, hostile, 0.5)])
    telemetry.metrics.processed(1, hostile)

    span, record = telemetry.span, telemetry.record
    left = [span.name, dict(span.attributes), [dict(event.attributes) for event in span.events], record.body]
    left += [dict(record.attributes), [dict(point.attributes) for points in telemetry.points().values() for point in points]]
    left = list(strings(left))
    assert len(left) > 100
    assert [value for value in left if not harmless(value)] == []


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_the_standard_log_gets_one_harmless_line(caplog, finding, hostile):
    fallback.log(replace(finding, summary=hostile, title=hostile, model=Model(name=hostile)), "id")

    [record] = caplog.records
    assert record.getMessage().isprintable()
    assert len(record.getMessage()) < 2 * LONGEST


def test_long_parts_leave_room_for_what_changed(telemetry, call, finding):
    long = "x" * 10_000
    telemetry.send(call, replace(finding, model=Model(name=long, version=long)))

    assert telemetry.record.body.endswith(f", {finding.summary}")


@given(st.text(st.characters(), max_size=3000))
def test_any_text_becomes_text_that_can_be_sent(value):
    sent = text(value)

    assert len(sent.encode("utf-8")) <= LONGEST
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in sent)
    assert text(sent) == sent
    if value.isascii() and value.isprintable():
        assert sent == value[:LONGEST]


@given(
    st.one_of(
        st.booleans(), st.integers(), st.floats(), st.text(st.characters()), st.lists(st.text(st.characters()), max_size=50),
        st.binary(), st.none(), st.complex_numbers(), st.decimals(), st.fractions(),
    )
)  # fmt: skip
def test_any_value_becomes_one_that_can_be_sent_or_none(value):
    sent = attribute(value)

    assert sent is None or type(sent) in (str, bool, int, float, tuple)
    if type(sent) is int:
        assert -(2**63) <= sent < 2**63
    if type(sent) is tuple:
        assert len(sent) <= MOST


def test_high_findings_are_errors_of_the_standard_log_and_lower_ones_warnings(caplog, finding):
    caplog.set_level(logging.DEBUG, "otel_mlsec")
    fallback.log(finding, "018b")
    fallback.log(replace(finding, severity=type(finding.severity).MEDIUM), "018c")

    assert caplog.record_tuples == [
        ("otel_mlsec", logging.ERROR, f"HIGH Data drift: flights 3, {finding.summary} (new, 018b)"),
        ("otel_mlsec", logging.WARNING, f"MEDIUM Data drift: flights 3, {finding.summary} (new, 018c)"),
    ]
