"""Who may see the page, and what it can be asked; what is kept, and how much."""

from __future__ import annotations

import http.client
import json
import sqlite3
import threading
import time
from urllib.parse import quote

import pytest
from tests.view.conftest import TRACE, ask, finding, get, post, score, send, send_metrics, send_trace

from otel_mlsec.cli import main
from otel_mlsec.cli.view import store as stores
from otel_mlsec.cli.view.command import viewing
from otel_mlsec.cli.view.server import MAX_FOLLOWERS, Page
from otel_mlsec.cli.view.store import Store

PATHS = [
    "/",
    "/page/app.js",
    "/api/incidents",
    "/api/incident?key=x",
    "/api/trace?id=x",
    "/api/scores",
    "/api/health",
    "/api/about",
    "/api/changes",
]


@pytest.mark.parametrize("path", PATHS)
def test_who_has_no_token_sees_nothing(view, path):
    send(view, finding())
    for cookie in ("", f"{view.page.cookie}=guess", f"{view.page.cookie}=", "%00;;=", f"other={view.page.token}"):
        status, _, body = get(view, path, cookie=False, Cookie=cookie)
        assert status == 401
        assert b"extraction" not in body


@pytest.mark.parametrize("path", PATHS[:-1])
def test_a_name_that_another_site_made_mean_this_machine_is_none_of_ours(view, path):
    for host in ("evil.example", f"evil.example:{view.page.port}", "127.0.0.1", f"127.0.0.1.evil.example:{view.page.port}", ""):
        assert get(view, path, Host=host)[0] == 403
    assert get(view, path, Host=f"localhost:{view.page.port}")[0] in (200, 404)


def test_a_page_of_another_site_gets_nothing_though_the_browser_has_the_cookie(view):
    for site in ("cross-site", "same-site"):
        assert get(view, "/api/incidents", **{"Sec-Fetch-Site": site})[0] == 403


def test_the_token_of_the_address_becomes_a_cookie_that_no_script_reads(view):
    status, headers, _ = get(view, view.page.address.partition(str(view.page.port))[2], cookie=False)

    assert (status, headers["location"]) == (303, "/")
    assert headers["set-cookie"] == f"{view.page.cookie}={view.page.token}; HttpOnly; SameSite=Strict; Path=/"
    assert get(view, "/?token=guess", cookie=False)[0] == 401


@pytest.mark.parametrize("path", [*PATHS[:-1], "/nothing", "/page/..%2f..%2fstore.py", "/page/../store.py", "/page/"])
def test_every_answer_forbids_what_is_not_needed(view, path):
    status, headers, body = get(view, path)

    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")
    assert status == 200 or b"import" not in body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_can_be_changed_from_the_page(view, method):
    assert get(view, "/api/incidents", method=method)[0] == 501


def test_what_is_received_needs_no_token_but_no_browser_either(view):
    assert post(view, "/v1/logs", b"", origin="https://evil.example") == 403


def test_records_of_one_case_are_one_finding_with_a_life(view):
    send(view, finding(1, ago=300), finding(2))
    send(
        view,
        finding(
            1, ago=200, severity="CRITICAL", mlsec__finding__id="b", mlsec__finding__status="ongoing", mlsec__finding__count=1000
        ),
    )
    send(view, finding(1, ago=100, mlsec__finding__id="c", mlsec__finding__status="resolved"))
    found = ask(view, "incidents")

    assert [row["key"] for row in found["incidents"]] == ["case-2", "case-1"]
    one = found["incidents"][1]
    assert (one["worst"], one["word"], one["status"], one["records"], one["count"]) == ("CRITICAL", "HIGH", "resolved", 3, 1000)
    whole = ask(view, "incident", key="case-1")
    assert [each["status"] for each in whole["life"]] == ["new", "ongoing", "resolved"]
    assert whole["life"][0]["record"]["attributes"]["mlsec.evidence.queries"] == 12_345


def test_what_comes_twice_is_there_once_and_late_news_change_no_status(view):
    send(view, finding(1, ago=10, mlsec__finding__status="resolved", mlsec__finding__id="b"))
    send(view, finding(1, ago=100), finding(1, ago=100))
    [one] = ask(view, "incidents")["incidents"]

    assert (one["records"], one["status"]) == (2, "resolved")


def test_filters(view):
    send(view, finding(1, severity="LOW"), finding(2, mlsec__model__name="churn"), finding(3, mlsec__finding__status="resolved"),
         finding(4, body="100%_sure, it's a \\ leak"))  # fmt: skip

    def keys(**asked):
        return {row["key"] for row in ask(view, "incidents", **asked)["incidents"]}

    assert keys(worst="LOW") == {"case-1"}
    assert keys(model="churn") == {"case-2"}
    assert keys(status="open") == {"case-1", "case-2", "case-4"}
    assert keys(principal="app:0003") == {"case-3"}
    assert keys(q="0%_s") == keys(q="it's a \\") == {"case-4"}
    assert keys(q="%") == {"case-4"}
    assert keys(q="' OR 1=1 --") == keys(kind="' OR 1=1 --") == set()
    assert keys(since=str(time.time() + 10)) == set()
    assert keys(sort="last; DROP TABLE finding") == keys()
    assert ask(view, "incidents", worst="LOW")["severities"] == {"LOW": 1, "HIGH": 3}


def test_pages(view):
    send(view, *(finding(number) for number in range(120)))
    seen = [row["key"] for page in range(3) for row in ask(view, "incidents", page=page)["incidents"]]

    assert len(set(seen)) == 120
    assert ask(view, "incidents")["pages"] == 3
    assert len(ask(view, "incidents", page="99999999999999999999")["incidents"]) == 20  # the last one


def test_a_trace_is_in_the_order_of_its_spans(view):
    send_trace(view)
    send(view, finding())
    found = ask(view, "trace", id=TRACE)

    assert [(span["name"], span["offset"], span["took"]) for span in found["spans"]] == [
        ("POST /predict", 0.0, 20_000.0), ("predict fraud", 4000.0, 9000.0)
    ]  # fmt: skip
    assert [each["key"] for each in found["findings"]] == ["case-0"]


def test_scores_are_series_with_marks_where_something_was_told(view):
    for ago in range(100, 0, -1):
        send_metrics(view, {score("age"): 0.5, score("sex"): ago / 1000}, ago=ago)
    send(
        view,
        finding(
            1, body="HIGH Data drift: fraud 14, age +1 sd", mlsec__finding__type="drift.data", security_rule__name="drift/data"
        ),
    )
    one, two = ask(view, "scores")

    assert (one["feature"], two["feature"]) == ("age", "sex")
    assert [mark["key"] for mark in one["marks"]] == ["case-1"]
    assert not two["marks"]
    assert two["points"][0][1] > two["points"][-1][1]


@pytest.mark.parametrize(("delta", "total"), [(False, 3.0), (True, 5.0)])
def test_sums_are_added_up_only_where_they_are_differences(view, delta, total):
    for value in (2.0, 3.0):
        send_metrics(view, {("mlsec.agent.errors", (("mlsec.agent.site", "x"),)): value}, delta=delta)
    [agent] = ask(view, "health")

    assert agent["service"] == "shop"
    assert agent["series"] == [{"name": "mlsec.agent.errors", "labels": {"mlsec.agent.site": "x"}, "value": total}]


def test_a_flood_gives_up_the_oldest(monkeypatch):
    monkeypatch.setattr(stores, "MOST", {"finding": 500, "span": 100, "score": 100, "gauge": 50})
    with viewing() as view:
        for first in range(0, 2000, 100):
            send(view, *(finding(number) for number in range(first, first + 100)))
        assert ask(view, "incidents")["total"] <= 500 + stores.TRIM
        assert ask(view, "incident", key="case-1999")["records"] == 1
        assert get(view, "/api/incident?key=case-0")[0] == 404


def test_a_document_that_is_too_long_is_left_out_and_the_rest_is_there(view):
    send(view, finding(1, body="x" * 1_000_000, mlsec__model__name="y" * 1_000_000, mlsec__evidence__text="z" * 1_000_000))
    whole = ask(view, "incident", key="case-1")

    assert len(json.dumps(whole)) < 200_000
    assert whole["life"][0]["record"]["too_long"] > 1_000_000


def test_pages_are_told_of_changes_and_only_so_many_are(view):
    connections = [http.client.HTTPConnection("127.0.0.1", view.page.port, timeout=10) for _ in range(MAX_FOLLOWERS)]
    headers = {"Cookie": f"{view.page.cookie}={view.page.token}"}
    try:
        answers = []
        for connection in connections:
            connection.request("GET", "/api/changes", headers=headers)
            answers.append(connection.getresponse())
        assert answers[0].readline() == b"data: 0\n"
        assert get(view, "/api/changes")[0] == 503
        send(view, finding())
        answers[0].readline()
        assert answers[0].readline() == b"data: 1\n"
    finally:
        for connection in connections:
            connection.close()


def test_a_file_keeps_what_was_received(tmp_path):
    with viewing(database=tmp_path / "view.db") as view:
        send(view, finding(7))
    with viewing(database=tmp_path / "view.db") as view:
        assert ask(view, "incident", key="case-7")["records"] == 1


def test_many_threads_at_once(view):
    def work(first):
        for number in range(first, first + 50):
            send(view, finding(number))
            ask(view, "incidents", q=str(number))

    threads = [threading.Thread(target=work, args=(50 * k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert ask(view, "incidents")["total"] == 200


def test_keys_may_be_anything(view):
    key = "a/b?c=d&e#f'\"<ü>"
    send(view, finding(1, mlsec__finding__dedup_key=key))

    assert get(view, f"/api/incident?key={quote(key, safe='')}")[0] == 200


def test_a_port_that_is_taken_and_a_file_that_is_no_database(tmp_path, capsys):
    (tmp_path / "text").write_text("x" * 5000)
    with Page(Store(), port=0) as page:
        assert main(["view", "--port", "0", "--page-port", str(page.port)]) == 2
        assert f"port {page.port} on 127.0.0.1 is in use" in capsys.readouterr().err
        assert main(["view", "--port", str(page.port), "--page-port", "0"]) == 2
        assert f"port {page.port} on 127.0.0.1 is in use" in capsys.readouterr().err
    assert main(["view", "--port", "0", "--page-port", "0", "--db", str(tmp_path / "nowhere/view.db")]) == 2
    assert "view.db cannot be used (No such file" in capsys.readouterr().err
    assert main(["view", "--port", "0", "--page-port", "0", "--db", str(tmp_path / "text")]) == 2
    assert "cannot be used as a database" in capsys.readouterr().err


def test_nothing_is_written_beside_the_database(tmp_path):
    store = Store(tmp_path / "view.db")
    store.findings([finding()])
    store.close()

    assert [path.name for path in tmp_path.iterdir()] == ["view.db"]
    assert sqlite3.connect(tmp_path / "view.db").execute("PRAGMA integrity_check").fetchone() == ("ok",)
