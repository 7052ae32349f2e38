"""Sigma rules: what is committed in three languages is what they convert to; in SQL, they find what they should in records."""

from __future__ import annotations

import json
import re
import sqlite3
from dataclasses import replace

import pytest
import yaml

pytest.importorskip("sigma")

from collector.sigma.convert import BACKENDS, HERE, RULES, converted
from opentelemetry.context import Context
from sigma.backends.sqlite import sqliteBackend
from sigma.collection import SigmaCollection

from otel_mlsec.emit.records import Records
from otel_mlsec.finding import Finding, Severity, Status
from otel_mlsec.observation import Meaning, Model, Prediction

MINUTE = 60.0
BEGIN = 1_775_656_800.0


@pytest.mark.parametrize("language", BACKENDS)
@pytest.mark.parametrize("rule", RULES, ids=lambda path: path.stem)
def test_what_is_committed_is_what_the_rule_converts_to(rule, language):
    assert (HERE / "converted" / f"{rule.stem}.{language}").read_text() == converted(rule, language), "run `make sigma`"


@pytest.mark.parametrize("rule", RULES, ids=lambda path: path.stem)
def test_loki_takes_no_label_from_what_a_body_says(rule):
    query = converted(rule, "logql")

    assert not re.search(r"\| *(logfmt|json|pattern|regexp|unpack)\b", query)
    [asked] = re.findall(r"mlsec_finding_id=~`([^`]*)`", query)
    assert re.fullmatch(asked, "01J")
    assert not re.fullmatch(asked, "")


def test_every_rule_is_complete_and_its_own():
    documents = [document for rule in RULES for document in yaml.safe_load_all(rule.read_text())]

    assert len({document["id"] for document in documents}) == len(documents)
    assert all(document["title"] and document["level"] and document["status"] for document in documents)
    assert all(document.get("falsepositives") for document in documents if document["level"] != "informational")
    assert {rule.stem for rule in RULES} == {path.stem for path in (HERE / "converted").iterdir()}


def finding(kind, severity=Severity.HIGH, status=Status.NEW, principal="app:1", action="observed", at=0.0, model="fraud"):
    return Finding(
        kind=kind, detector=kind.replace(".", "/", 1), title=kind, summary="s", severity=severity, score=2.0, threshold=1.0,
        model=Model(name=model), time=BEGIN + at, first_seen=BEGIN, status=status, principal=principal, action=action,
    )  # fmt: skip


def found(name, *findings):
    """Kinds, or groups of a correlation, that a rule finds among the records of findings."""
    call = Prediction(
        model=findings[0].model, method="predict", meaning=Meaning.LABEL, n_rows=1, principal="", start_ns=0, end_ns=0
    )
    maker = Records(now=lambda: int(BEGIN * 1e9), version="0", resource=dict)
    records = [maker.of(each, f"id-{i}", Context(), call) for i, each in enumerate(findings)]
    columns = sorted({column for record in records for column in record.attributes} | {"user.hash"})
    database = sqlite3.connect(":memory:")
    database.row_factory = sqlite3.Row
    database.execute(f"CREATE TABLE logs (timestamp, {', '.join(f'`{column}`' for column in columns)})")
    for record in records:
        values = [json.dumps(value) if isinstance(value, tuple) else value for value in map(record.attributes.get, columns)]
        at = database.execute("SELECT datetime(?, 'unixepoch')", [record.time]).fetchone()[0]
        database.execute(f"INSERT INTO logs VALUES ({', '.join('?' * (len(columns) + 1))})", [at, *values])
    [query] = sqliteBackend().convert(SigmaCollection.from_yaml((HERE / "rules" / f"{name}.yml").read_text()))
    rows = [dict(row) for row in database.execute(str(query))]
    database.close()
    return [row["mlsec.finding.type"] if "mlsec.finding.type" in row else json.loads(row["group_keys"]) for row in rows]


def test_critical_ones_that_begin():
    critical = finding("drift.missing", Severity.CRITICAL)

    assert found(
        "critical_finding", critical, finding("drift.data"), replace(critical, status=Status.ONGOING),
        replace(critical, status=Status.REOPENED, kind="drift.unseen"), replace(critical, status=Status.RESOLVED),
    ) == ["drift.missing", "drift.unseen"]  # fmt: skip


def test_extraction_of_every_kind_until_it_is_over():
    kinds = ("extraction.account", "extraction.coordinated", "evasion.sequence", "drift.data")

    assert found("model_extraction", *map(finding, kinds), finding("extraction.volume", status=Status.RESOLVED)) == list(
        kinds[:2]
    )


def test_injections_that_nobody_has_blocked():
    kinds = ("llm.injection.direct", "llm.injection.indirect", "llm.jailbreak", "llm.hidden_text")

    assert found(
        "prompt_injection", *map(finding, kinds), finding("llm.injection.direct", action="blocked"), finding("llm.cost")
    ) == list(kinds)


def test_leaks():
    kinds = ("llm.system_prompt_leak", "llm.canary_leak", "llm.secret_leak", "llm.pii_leak", "llm.exfiltration")

    assert found("llm_leak", *map(finding, kinds), finding("llm.jailbreak")) == list(kinds)


def test_three_kinds_by_one_principal_within_an_hour():
    one = [
        finding(kind, at=i * 20 * MINUTE) for i, kind in enumerate(("extraction.account", "evasion.sequence", "anomaly.input"))
    ]
    slow = [replace(each, principal="app:2", time=BEGIN + i * 50 * MINUTE) for i, each in enumerate(one)]
    same = [finding("extraction.account", principal="app:3", at=i) for i in range(9)]
    drift = [finding(f"drift.{kind}", principal="app:4") for kind in ("data", "missing", "unseen")]

    assert {group["user.hash"] for group in found("many_kinds_by_one_principal", *one, *slow, *same, *drift)} == {"app:1"}


def test_ten_principals_of_one_kind_within_an_hour():
    many = [finding("extraction.account", principal=f"app:{i}", at=i * MINUTE) for i in range(10)]
    few = [finding("llm.jailbreak", principal=f"app:{i}", model="chat") for i in range(9)]
    slow = [finding("evasion.sequence", principal=f"app:{i}", at=i * 10 * MINUTE) for i in range(10)]

    groups = found("many_principals_one_kind", *many, *few, *slow)
    assert {(group["mlsec.model.name"], group["mlsec.finding.type"]) for group in groups} == {("fraud", "extraction.account")}
