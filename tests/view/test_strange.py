"""Questions, numbers and files that no agent and no page of ours makes: each is answered, and costs no more than itself."""

from __future__ import annotations

import json
import math
import sqlite3
import stat

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.view.conftest import TRACE, ask, finding, get, post, score, send, send_metrics, send_trace

from otel_mlsec.cli.view import store as stores
from otel_mlsec.cli.view.store import Store

QUERIES = [
    "page=-1", "page=%C2%B2", "page=" + "9" * 5000, "since=%C2%B2", "since=" + "9" * 400, "since=nan", "sort='", "worst=%00",
    "q=%25_%5C", "q=" + "a" * 9000, "status=x%27%20OR%201=1--", "&".join(f"a{n}=1" for n in range(200)), "key=%ED%A0%80",
]  # fmt: skip


def plainly(answer: bytes) -> object:
    """As a browser reads it, to which NaN is no JSON."""
    return json.loads(answer, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("question", ["incidents", "scores", "incident", "trace"])
def test_a_question_that_makes_no_sense_is_answered(view, question, query):
    send(view, finding())

    assert get(view, f"/api/{question}?{query}")[0] in (200, 400, 404)
    assert ask(view, "incidents")["total"] == 1


@pytest.mark.parametrize("token", ["", "x", "%C3%A9", "%00", "a" * 5000])
def test_another_token_is_none(view, token):
    status, headers, _ = get(view, f"/?token={token}", cookie=False)

    assert status == 401
    assert "set-cookie" not in headers


@pytest.mark.parametrize("path", ["/[", "//evil.example/", "/page//etc/passwd", "/page/.", "/page/app.js/", "/PAGE/app.js"])
def test_an_address_that_makes_no_sense_is_none_of_the_page(view, path):
    assert get(view, path)[0] in (400, 404)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e308])
def test_numbers_that_json_lacks_reach_the_page_as_text_or_not_at_all(view, value):
    spans = ExportTraceServiceRequest()
    span = spans.resource_spans.add().scope_spans.add().spans.add(trace_id=bytes.fromhex(TRACE), span_id=b"12345678")
    span.attributes.add(key="score").value.double_value = value
    metrics = ExportMetricsServiceRequest()
    metric = metrics.resource_metrics.add().scope_metrics.add().metrics.add(name="mlsec.detection.duration")
    metric.histogram.data_points.add(count=1, sum=value)
    send(view, finding(1, mlsec__finding__score=value, mlsec__evidence__psi=value))
    assert post(view, "/v1/traces", spans.SerializeToString()) == 200
    assert post(view, "/v1/metrics", metrics.SerializeToString()) == 200
    for _ in range(2):
        send_metrics(view, {score("age"): value, ("mlsec.agent.errors", ()): value}, delta=True)  # 1e308 twice is infinite

    for question in ("incidents", "incident?key=case-1", f"trace?id={TRACE}", "scores", "health"):
        status, _, body = get(view, f"/api/{question}")
        assert status == 200
        plainly(body)


def test_labels_without_end_are_cut_and_the_rest_of_a_process_is_there(view):
    endless = tuple((f"{number}{'x' * 2000}", "y" * 2000) for number in range(100))
    send_metrics(view, {("mlsec.agent.errors", endless): 1.0, ("mlsec.model.predictions", ()): 7.0})
    [agent] = ask(view, "health")

    assert {each["name"]: each["value"] for each in agent["series"]} == {
        "mlsec.agent.errors": 1.0,
        "mlsec.model.predictions": 7.0,
    }
    assert len(json.dumps(agent)) < 20_000


def test_bytes_are_bounded_too_and_the_latest_stay(view, monkeypatch):
    monkeypatch.setattr(stores, "LARGEST", 2 << 20)
    for first in range(0, 1000, 50):
        send(view, *(finding(number, body="x" * 2000, mlsec__evidence__text="y" * 5000) for number in range(first, first + 50)))
        send_trace(view)
    [pages], [size] = (list(view.page.store.ask(f"PRAGMA {name}")[0].values()) for name in ("page_count", "page_size"))

    assert pages * size < 8 << 20  # some 20 MB were sent
    assert ask(view, "incidents")["total"] < 1000
    assert ask(view, "incident", key="case-999")["records"] == 1


def test_a_database_of_something_else_is_left_as_it_was(tmp_path):
    path = tmp_path / "accounts.db"
    with sqlite3.connect(path) as accounts:
        accounts.execute("CREATE TABLE account (name TEXT)")
    accounts.close()
    before = path.read_bytes()

    with pytest.raises(sqlite3.DatabaseError, match="of another program"):
        Store(path)

    assert path.read_bytes() == before


def test_what_was_found_is_for_the_owner_of_the_file_alone(tmp_path):
    Store(tmp_path / "view.db").close()

    assert stat.S_IMODE((tmp_path / "view.db").stat().st_mode) == 0o600
