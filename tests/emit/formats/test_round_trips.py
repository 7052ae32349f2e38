"""Laws: of any text in any field, a reader of the format gets what is left of it after cleaning, and nothing else changes."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.emit.formats.conftest import ATTRIBUTES, RESOURCE, made, with_attribute
from tests.emit.formats.readers import read_cef, read_rfc5424

from otel_mlsec.emit.formats import TABLE, cef, rfc5424
from otel_mlsec.emit.formats.fields import short
from otel_mlsec.emit.formats.rfc5424 import PARAMETERS

SPECIAL = '\\|="]\n\r\t\x00\x1b\x7f\x85\u2028\u202e\ufeff[]<>{}%, \ud800\udfffé漢🙂'
PAIRS = ["\\=", "\\\\", '\\"', "\\]", "\\|", " x=", '"] ', "\n<1>1 "]  # that an escape too few would turn into something else
MARK = "…"
TEXTS = st.lists(st.one_of(st.sampled_from([*SPECIAL, *PAIRS]), st.characters(codec=None)), max_size=40).map("".join)
LONG = st.builds(lambda text, n: text * n, TEXTS, st.integers(1, 200))
EXTENSION = {"msg": "", "externalId": "mlsec.finding.id", "cat": "security_rule.name", "act": "mlsec.finding.action",
             "suser": "user.hash", "cs4": "mlsec.finding.dedup_key", "cs6": "mlsec.finding.status"}  # fmt: skip


@given(text=LONG, longest=st.integers(8, 300))
def test_what_is_cut_is_marked_and_what_is_not_is_whole(text, longest):
    made_short = short(text, longest)

    assert len(made_short.encode("utf-8")) <= longest
    assert not [c for c in made_short if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")]
    assert short(made_short, longest) == made_short
    whole = short(text, 10**6)
    assert made_short == whole or (made_short.endswith(MARK) and whole.startswith(made_short.removesuffix(MARK)))


@given(values=st.fixed_dictionaries(dict.fromkeys(PARAMETERS.values(), TEXTS)), body=TEXTS)
def test_structured_data_of_syslog(values, body):
    _, data, message = read_rfc5424(rfc5424(made(attributes={**ATTRIBUTES, **values}, body=body)))

    expected = {name: short(values[attribute]) for name, attribute in PARAMETERS.items() if short(values[attribute])}
    assert data == {**expected, "trace": "0af7651916cd43dd8448eb211c80319c"}
    assert message == (short(body) or short(ATTRIBUTES["mlsec.finding.title"]))


@given(host=TEXTS, service=TEXTS, event=TEXTS)
def test_the_header_of_syslog(host, service, event):
    header, _, _ = read_rfc5424(rfc5424(made(resource={**RESOURCE, "host.name": host, "service.name": service}, event=event)))

    assert header["pri"] == "107"
    assert header["name"] == "mlsec@32473"


@given(values=st.fixed_dictionaries(dict.fromkeys(filter(None, EXTENSION.values()), TEXTS)), body=TEXTS, title=LONG)
def test_header_and_extension_of_cef(values, body, title):
    record = made(attributes={**ATTRIBUTES, **values, "mlsec.finding.title": title}, body=body)
    header, fields = read_cef(cef(record))
    untouched = read_cef(cef(made()))[1]

    assert header[5] == (short(title, 256) or "extraction.account")
    expected = {name: short(values[attribute]) if attribute else None for name, attribute in EXTENSION.items()}
    assert {name: fields.get(name, "") for name in expected if name != "msg"} == {n: v for n, v in expected.items() if n != "msg"}
    assert fields["msg"] == (short(body) or short(title) or "extraction.account")
    others = set(untouched) - set(EXTENSION) - {"cs4Label", "cs6Label"}
    assert {name: fields[name] for name in others} == {name: untouched[name] for name in others}
    assert set(fields) <= set(untouched)


@pytest.mark.parametrize(("name", "at"), [("ocsf", "unmapped"), ("ecs", None)])
@given(value=LONG, key=TEXTS)
def test_values_under_any_name_in_documents(name, at, value, key):
    line = TABLE[name](with_attribute(f"mlsec.evidence.{key}", value))
    document = json.loads(line)

    assert line.isascii()
    held = document[at] if at else document
    assert short(value) in [held[kept] for kept in held if kept.startswith("mlsec.evidence.")]
