"""The page in headless Chromium: what a person sees, and that nothing of what was received is more than text there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from tests.emit.spool.conftest import until
from tests.view.conftest import finding, score, send, send_metrics, send_trace

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), "")
HOSTILE = [
    "<script>window.hacked=1</script>", "<img src=x onerror='window.hacked=1'>", "\"><svg onload=window.hacked=1>",
    "javascript:window.hacked=1",
    "{{7*7}}", "&lt;b&gt;", "a\u202eb\u0000c\u001b[31m", "'; DROP TABLE finding; --", "\u2028line", "🙂" * 40,
]  # fmt: skip


CONTRAST = """selector => {
  const channels = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = element => {
    const at = channels(getComputedStyle(element).backgroundColor);
    return at.length === 4 && at[3] === 0 ? ground(element.parentElement) : at;
  };
  return Math.min(...[...document.querySelectorAll(selector)].map(element => {
    const [a, b] = [light(channels(getComputedStyle(element).color)), light(ground(element))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  }));
}"""  # the least of all that it selects


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if not CHROMIUM:
        if os.environ.get("REQUIRE_BROWSER"):
            pytest.fail("Chromium is to be installed: apt-get install chromium")
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Any, view: Any) -> Iterator[Any]:
    """Opened by the address that was printed; at the end nothing was forbidden, has failed, or was asked of another host."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme="light")
    page = context.new_page()
    page.set_default_timeout(15_000)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))

    def said(message: Any) -> None:
        missed = "/api/incident?" in message.location["url"]  # a finding that is not there: the page says so
        if message.type in ("error", "warning") and not missed:
            wrong.append(message.text)

    page.on("console", said)
    page.on(
        "request",
        lambda request: wrong.append(request.url) if not request.url.startswith(f"http://127.0.0.1:{view.page.port}/") else None,
    )
    page.goto(view.page.address)
    yield page
    assert not wrong
    assert page.evaluate("window.hacked") is None
    context.close()


def rows(page: Any) -> list[str]:
    return [row.inner_text() for row in page.query_selector_all("tr.row a.title")]


def test_an_empty_page_says_how_to_begin_and_fills_by_itself(page, view):
    page.wait_for_selector(".empty")
    assert page.inner_text(".empty pre").splitlines() == [  # as a shell takes it
        "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf \\",
        f"OTEL_EXPORTER_OTLP_ENDPOINT={view.receiver.url} \\",
        "opentelemetry-instrument python app.py",
    ]
    assert "token" not in page.url
    send(view, finding())
    page.wait_for_selector("tr.row")

    assert rows(page) == ["Model extraction"]
    assert page.inner_text("#live") == "live"


def test_filters_are_in_the_address_and_survive_news(page, view):
    send(view, finding(1, severity="LOW"), finding(2), finding(3, mlsec__finding__title="Data drift"))
    page.wait_for_selector("tr.row")
    page.click("#f-HIGH")
    until(lambda: len(rows(page)) == 2, "2 rows")
    page.fill("#f-q", "Model extr")
    until(lambda: len(rows(page)) == 1, "1 rows")
    assert "worst=HIGH" in page.url
    assert "q=Model+extr" in page.url
    send(view, finding(4))
    until(lambda: len(rows(page)) == 2, "2 rows")

    assert page.input_value("#f-q") == "Model extr"
    assert page.evaluate("document.activeElement.id") == "f-q"
    page.reload()
    until(lambda: len(rows(page)) == 2, "2 rows")


def test_one_finding_in_full(page, view):
    send_trace(view)
    send(view, finding(1, ago=300), finding(2, user__hash="app:0001", mlsec__finding__title="Evasion"))
    send(view, finding(1, ago=100, severity="CRITICAL", mlsec__finding__id="b", mlsec__finding__status="ongoing"))
    page.wait_for_selector("tr.row")
    page.click("text=Model extraction")
    page.wait_for_selector(".head")
    text = page.inner_text("main")

    assert page.inner_text(".head h1") == "Model extraction"
    assert len(page.query_selector_all(".two ol.life li")) == 2
    for said in (
        "CRITICAL",
        "12,345",
        "AML.T0024.002",
        "app:0001",
        "12.5, told from 9 on",
        "predict fraud",
        "1 found",
        "Evasion",
    ):
        assert said in text
    page.click("#back")
    page.wait_for_selector("tr.row")


def test_the_keyboard_is_enough(page, view):
    send(view, finding(1), finding(2, mlsec__finding__title="Evasion", ago=10))
    page.wait_for_selector("tr.row")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.className") == "title":
            break
    page.keyboard.press("Enter")
    page.wait_for_selector(".head")

    assert page.inner_text(".head h1") == "Evasion"
    assert page.evaluate("document.activeElement.id") == "main"


def test_drift_and_agents(page, view):
    for ago in range(30, 0, -1):
        send_metrics(view, {score("age"): 0.6, score("<b>sex</b>"): 0.1}, ago=ago)
    send_metrics(
        view, {("mlsec.agent.errors", (("mlsec.agent.site", "capture.sklearn"),)): 2.0, ("mlsec.model.predictions", ()): 123456.0}
    )
    send(view, finding(1, body="HIGH Data drift: fraud 14, age +1 sd", mlsec__finding__type="drift.data"))
    page.click("text=Drift")
    page.wait_for_selector("figure.chart")
    assert [each.inner_text() for each in page.query_selector_all("figcaption b")] == ["age", "<b>sex</b>"]
    assert len(page.query_selector_all("polyline.line")) == 2
    page.click("text=Agents")
    page.wait_for_selector(".agent")

    assert "123,456" in page.inner_text(".agent")
    assert "2 capture.sklearn" in page.inner_text(".agent .bad")


def test_a_time_is_a_filter_of_findings_and_of_scores(page, view):
    send(view, finding(1, ago=2 * 3600), finding(2))
    send_metrics(view, {score("age"): 0.6}, ago=2 * 3600)
    page.wait_for_selector("tr.row")
    page.select_option("#f-hours", "1")
    until(lambda: len(rows(page)) == 1, "1 row")
    assert "hours=1" in page.url
    page.goto(page.url.partition("#")[0] + "#/drift?hours=1")
    page.wait_for_selector(".empty")
    page.select_option("#d-hours", "")

    page.wait_for_selector("figure.chart")


def test_features_are_on_one_scale(page, view):
    for ago in (20, 10):
        send_metrics(view, {score("age"): 0.8, score("sex"): 0.4}, ago=ago)
    page.click("text=Drift")
    page.wait_for_selector("figure.chart")

    def height(number):
        return page.evaluate(f"document.querySelectorAll('polyline.line')[{number}].points[0].y")

    assert height(0) == 0
    assert height(1) == 30


@pytest.mark.parametrize(
    "place", ["#/finding/%", "#/finding/%E0%A4", "#/constructor", "#/toString?__proto__=1", "#/?page=9&sort=x"]
)
def test_an_address_that_somebody_typed_is_a_page(page, view, place):
    send(view, finding())
    page.goto(page.url.partition("#")[0] + place)

    page.wait_for_selector(".empty, tr.row")


def test_what_would_run_on_the_page_is_refused_by_the_browser(browser, view):
    with browser.new_context() as context:
        page = context.new_page()
        refused = []
        page.on("console", lambda message: refused.append(message.text))
        page.goto(view.page.address)
        page.wait_for_selector(".empty")
        page.evaluate(
            """() => {
              const [script, image] = [document.createElement("script"), document.createElement("img")];
              script.textContent = "window.hacked = 1";
              image.src = "http://127.0.0.1:9/";
              document.body.append(script, image);
            }"""
        )
        until(lambda: len(refused) >= 2, "2 refusals")

        assert page.evaluate("window.hacked") is None
        assert all("Content Security Policy" in each for each in refused)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_their_ground(page, view, scheme):
    send(view, *(finding(number, severity=word) for number, word in enumerate(("CRITICAL", "HIGH", "MEDIUM", "LOW"))))
    page.emulate_media(color_scheme=scheme)
    page.wait_for_selector("tr.row")
    for selector in (".word", "a.title", ".said", ".note", "th button", "nav a", "#live", ".chip b"):
        assert page.evaluate(CONTRAST, selector) >= 4.5, selector  # WCAG 2.2, 1.4.3


def test_a_narrow_screen_shows_no_half_of_a_table(page, view):
    page.set_viewport_size({"width": 390, "height": 800})
    send_trace(view)
    send(view, finding(1), finding(2, mlsec__model__name="a_model_with_a_name_that_goes_on_and_on_and_on_and_on"))
    page.wait_for_selector("tr.row")
    heads = [head.inner_text() for head in page.query_selector_all("th") if head.is_visible()]
    assert heads == ["Severity", "Finding", "Last seen"]
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.click("a.title")
    page.wait_for_selector(".head")

    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_light_and_dark(page, view):
    send(view, finding())
    page.wait_for_selector("tr.row")

    def ground():
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    light = ground()
    page.emulate_media(color_scheme="dark")
    dark = ground()
    assert light != dark
    page.click("#theme")
    assert ground() == light
    page.reload()
    page.wait_for_selector("tr.row")
    assert ground() == light


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_was_received_is_text(text, page, view):
    fields = (
        "mlsec.finding.title", "mlsec.finding.type", "mlsec.model.name", "mlsec.model.version", "security_rule.name", "user.hash",
        "mlsec.finding.severity", "mlsec.finding.status", "mlsec.finding.action", "mlsec.evidence.text", "client.address",
        "mlsec.finding.dedup_key",
    )  # fmt: skip
    send_trace(view, name1=text, name2=text)
    send_metrics(view, {score(text): 0.5})
    send(
        view, finding(1, body=text, mlsec__atlas__technique__id=(text,), mlsec__owasp__id=(text,), **dict.fromkeys(fields, text))
    )
    page.wait_for_selector("tr.row")
    page.click("tr.row a.title")
    page.wait_for_selector(".head")
    assert page.query_selector("main script, main img, main [onload], main [onerror], main a[href^=javascript]") is None
    page.click("summary")
    if text.isprintable():
        assert text[:40] in page.inner_text(".facts")
    assert not set(page.inner_text("body")) & set("\u202e\u2028\u0000\u001b")
    page.click("text=Drift")
    page.wait_for_selector("figure.chart")


def test_a_megabyte_in_a_field_is_shown_in_part(page, view):
    send(view, finding(1, body="x" * 1_000_000, mlsec__finding__title="y" * 1_000_000))
    page.wait_for_selector("tr.row")
    page.click("tr.row a.title")
    page.wait_for_selector(".head")

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_view_that_has_ended_says_so(browser, page, view):
    send(view, finding())
    page.wait_for_selector("tr.row")
    view.page.stopping.set()
    until(lambda: page.inner_text("#live") != "live")
