"""The page in headless Chromium: nothing is forbidden, nothing is asked of anybody, and it can be read in both themes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cli.report.test_strange import harmless
from tests.view.test_page import CONTRAST

from otel_mlsec.cli import main

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), "")


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


@pytest.fixture(scope="module")
def written(reference, served, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("page") / "r.html"
    words = ["--reference", reference, "--time", "time", "--label", "truth", served, "-o", path, "--show-values"]
    assert main(["report", *map(str, words)]) == 0
    return path


def test_the_file_holds_all_it_needs(written):
    text = written.read_text("utf-8")

    harmless(text)
    assert "default-src 'none'" in text.replace("&#x27;", "'")
    assert len(text) < 1_000_000


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_in_both_themes_it_is_drawn_and_can_be_read(browser, written, scheme):
    with browser.new_context(color_scheme=scheme, viewport={"width": 1280, "height": 900}, offline=True) as context:
        page = context.new_page()
        said: list[str] = []
        asked: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(written.as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")

        assert said == [] and asked == [written.as_uri()]
        assert page.evaluate(CONTRAST, "h1, p, li, td, th, dd, dt, a, small, .badge, .tile span, figcaption, summary span") >= 4.5
        colours = page.evaluate("[...document.querySelectorAll('svg .fill-current')].map(e => getComputedStyle(e).fill)")
        assert set(colours) == {"rgb(47, 111, 222)" if scheme == "light" else "rgb(91, 155, 255)"}
        assert page.locator("svg.chart").count() >= 2 * page.locator("details").count()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_keys_fold_and_unfold_and_paper_shows_all(browser, written):
    with browser.new_context(viewport={"width": 400, "height": 800}) as context:
        page = context.new_page()
        page.goto(written.as_uri())

        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        last = page.locator("details > summary").last
        last.focus()
        page.keyboard.press("Enter")
        assert page.evaluate("[...document.querySelectorAll('details')].at(-1).open")
        page.keyboard.press("Enter")
        page.emulate_media(media="print")
        assert page.locator("details .charts").last.bounding_box()["height"] > 50
